"""XML from and for strangers: no DOCTYPE, hence no entity but XML's own five, and a bound on size, depth and elements."""

import re
from xml.etree.ElementTree import Element, TreeBuilder, indent, tostring
from xml.parsers import expat

from shared.errors import InvalidInput

MAX_OCTETS = 8 << 20
_MAX_DEPTH = 40
_MAX_ELEMENTS = 500_000
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BEGINNINGS = (b"<", b"\xff\xfe<\0", b"\xfe\xff\0<")
_SPACE = b"\xef\xbb\xbf \t\r\n"


def is_xml(content: bytes) -> bool:
    """Tell whether a file looks like XML; no CSV of ours begins with `<`."""
    return content[:64].lstrip(_SPACE).startswith(_BEGINNINGS)


def parse(content: bytes, *, where: str) -> Element:
    """Return the root of a document, names as `{namespace}name`. Raises InvalidInput about the file `where`."""
    if len(content) > MAX_OCTETS:
        raise InvalidInput.of(where, f"the file has {len(content):,} bytes: expected at most {MAX_OCTETS:,}")
    growing = _Growing()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = growing.start
    parser.EndElementHandler = growing.end
    parser.CharacterDataHandler = growing.data
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except _RefusedError as refused:
        raise InvalidInput.of(where, str(refused)) from None
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise InvalidInput.of(where, f"this is no XML ({error}): export it again from the tool that wrote it") from None
    return growing.root()


def render(root: Element) -> bytes:
    """Return an indented document in UTF-8; its names and namespace declarations are written as they are given.

    Raises InvalidInput for a character that XML has no words for.
    """
    for element in root.iter():
        for text in (*element.attrib.values(), element.text or ""):
            _refuse_odd(text)
    indent(root)
    document: bytes = tostring(root, "utf-8")
    # A parser would read a bare carriage return as a line feed.
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + document.replace(b"\r", b"&#13;") + b"\n"


def _refuse_odd(text: str) -> None:
    if odd := _NOT_XML.search(text):
        shown = _NOT_XML.sub("�", text)
        raise InvalidInput.of("format", f'"{shown}": XML cannot hold its character U+{ord(odd.group()):04X}, CSV can')


class _RefusedError(Exception):
    """What the document holds is not taken; raised inside the parser."""


class _Growing:
    """The tree while it is read."""

    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > _MAX_DEPTH or self._elements > _MAX_ELEMENTS:
            raise _RefusedError(f"more than {_MAX_DEPTH} levels or {_MAX_ELEMENTS:,} elements are no decision table")
        self._builder.start(_qualified(tag), {_qualified(name): value for name, value in attributes.items()})

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._builder.end(_qualified(tag))

    def data(self, text: str) -> None:
        self._builder.data(text)

    def root(self) -> Element:
        return self._builder.close()


def _qualified(name: str) -> str:
    return "{" + name if "}" in name else name


def _refuse_doctype(_name: str, _system: str | None, _public: str | None, _has_internal_subset: bool) -> None:
    raise _RefusedError("it begins with a DOCTYPE, which DMN has none of: take that line out")
