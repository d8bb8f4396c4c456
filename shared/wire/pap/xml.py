"""XML from and for strangers: small documents only, without entities, external or internal."""

import re
from xml.etree.ElementTree import Element, tostring

from shared.bounded_xml import NOT_XML, Reading, XmlRefusedError
from shared.wire.pap.errors import FieldError, UnreadableError

MAX_OCTETS = 65_536
_QUOTED = re.compile(rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->", re.DOTALL)
_OTHER_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);|#)")


def parse(octets: bytes) -> Element:
    """Read a document into a tree. A DOCTYPE may name a DTD, which is not fetched; one that declares anything is
    refused, and so is every entity but XML's own five, so that no document can grow. Raises UnreadableError."""
    try:
        root = _READING.tree(octets)
    except XmlRefusedError as refused:
        raise UnreadableError(str(refused)) from None
    # In an attribute, expat drops a reference to an entity that only a DTD could know, and says nothing. Only
    # now are comments known to end, without which the search would take its time.
    if _OTHER_ENTITY.search(_QUOTED.sub(b"", octets.replace(b"\0", b""))):
        raise UnreadableError("refers to an entity, only XML's own five expected")
    return root


def render(root: Element, doctype: str) -> bytes:
    """Return a document in UTF-8 with its declaration and DOCTYPE. Raises FieldError for what XML has no words for."""
    for element in root.iter():
        for name, text in [*element.items(), (element.tag, element.text or "")]:
            if NOT_XML.search(text):
                raise FieldError(name, "contains a control character or half a character, XML characters expected")
    document: bytes = tostring(root, "utf-8")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}\n'.encode() + document


def _local(name: str) -> str:
    """Return a name without its prefix, since some write PAP with one."""
    return name.rpartition(":")[2]


def _why_no_doctype(declares: bool) -> str:
    return "a DOCTYPE with declarations of its own, none expected" if declares else ""


_READING = Reading(octets=MAX_OCTETS, depth=8, elements=1000, named=_local, why_no_doctype=_why_no_doctype)
