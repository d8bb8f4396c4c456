"""XML from and for strangers: small documents only, without entities, external or internal."""

import re
from xml.etree.ElementTree import Element, TreeBuilder, tostring
from xml.parsers import expat

from shared.wire.pap.errors import FieldError, UnreadableError

MAX_OCTETS = 65_536
_MAX_DEPTH = 8
_MAX_ELEMENTS = 1000
_QUOTED = re.compile(rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->", re.DOTALL)
_OTHER_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);|#)")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse(octets: bytes) -> Element:
    """Read a document into a tree. A DOCTYPE may name a DTD, which is not fetched; one that declares anything is
    refused, and so is every entity but XML's own five, so that no document can grow. Raises UnreadableError."""
    if len(octets) > MAX_OCTETS:
        raise UnreadableError(f"a document of {len(octets)} octets, at most {MAX_OCTETS} expected")
    growing = _Growing()
    # Expat knows UTF-8, UTF-16, ISO-8859-1 and ASCII by itself; others it asks Python for, where some cannot be had.
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_declarations
    parser.StartElementHandler = growing.start
    parser.EndElementHandler = growing.end
    parser.CharacterDataHandler = growing.data
    parser.buffer_text = True
    try:
        parser.Parse(octets, True)
    except (expat.ExpatError, ValueError, LookupError) as problem:
        if isinstance(problem, UnreadableError):
            raise
        raise UnreadableError(f"no XML: {problem}") from None
    # In an attribute, expat drops a reference to an entity that only a DTD could know, and says nothing. Only
    # now are comments known to end, without which the search would take its time.
    if _OTHER_ENTITY.search(_QUOTED.sub(b"", octets.replace(b"\0", b""))):
        raise UnreadableError("refers to an entity, only XML's own five expected")
    return growing.root()


def render(root: Element, doctype: str) -> bytes:
    """Return a document in UTF-8 with its declaration and DOCTYPE. Raises FieldError for what XML has no words for."""
    for element in root.iter():
        for name, text in [*element.items(), (element.tag, element.text or "")]:
            if _NOT_XML.search(text):
                raise FieldError(name, "contains a control character or half a character, XML characters expected")
    document: bytes = tostring(root, "utf-8")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}\n'.encode() + document


class _Growing:
    """The tree while it is read; names lose their prefix, since some write PAP with one."""

    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > _MAX_DEPTH or self._elements > _MAX_ELEMENTS:
            raise UnreadableError(f"more than {_MAX_DEPTH} levels or {_MAX_ELEMENTS} elements")
        self._builder.start(_local(tag), {_local(name): value for name, value in attributes.items()})

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._builder.end(_local(tag))

    def data(self, text: str) -> None:
        self._builder.data(text)

    def root(self) -> Element:
        return self._builder.close()


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _refuse_declarations(_name: str, _system: str | None, _public: str | None, has_internal_subset: bool) -> None:
    if has_internal_subset:
        raise UnreadableError("a DOCTYPE with declarations of its own, none expected")
