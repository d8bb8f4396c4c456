"""XML of decision tables, from and for strangers: no DOCTYPE, hence no entity but XML's own five."""

from xml.etree.ElementTree import Element, indent, tostring

from shared.bounded_xml import NOT_XML, Reading, XmlRefusedError
from shared.errors import InvalidInput

MAX_OCTETS = 8 << 20
_BEGINNINGS = (b"<", b"\xff\xfe<\0", b"\xfe\xff\0<")
_SPACE = b"\xef\xbb\xbf \t\r\n"


def is_xml(content: bytes) -> bool:
    """Tell whether a file looks like XML; no CSV of ours begins with `<`."""
    return content[:64].lstrip(_SPACE).startswith(_BEGINNINGS)


def parse(content: bytes, *, where: str) -> Element:
    """Return the root of a document, names as `{namespace}name`. Raises InvalidInput about the file `where`."""
    try:
        return _READING.tree(content)
    except XmlRefusedError as refused:
        raise InvalidInput.of(where, f"{refused}: export it again from the tool that wrote it") from None


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
    if odd := NOT_XML.search(text):
        shown = NOT_XML.sub("�", text)
        raise InvalidInput.of("format", f'"{shown}": XML cannot hold its character U+{ord(odd.group()):04X}, CSV can')


def _qualified(name: str) -> str:
    return "{" + name if "}" in name else name


def _why_no_doctype(_declares: bool) -> str:
    return "it begins with a DOCTYPE, which DMN has none of"


_READING = Reading(
    octets=MAX_OCTETS, depth=40, elements=500_000, named=_qualified, why_no_doctype=_why_no_doctype, namespaces=True
)
