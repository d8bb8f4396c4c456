"""XML from strangers, read into a tree: within bounds, and without a declaration that could make it grow."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""A character that no XML document holds."""


class XmlRefusedError(ValueError):
    """The document is no XML, passes a bound, or has a DOCTYPE that is not taken; the message says which."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How documents of one kind are read.

    At most `octets` long, `depth` levels deep and of `elements` elements. `named` makes an element's or attribute's name of what
    expat says: a prefixed name, or with `namespaces` the namespace, `}` and the local name. `why_no_doctype` says why a DOCTYPE
    is refused, given whether it declares anything itself; empty where it is taken. What it names is never fetched.
    """

    octets: int
    depth: int
    elements: int
    named: Callable[[str], str]
    why_no_doctype: Callable[[bool], str]
    namespaces: bool = False

    def tree(self, content: bytes) -> Element:
        """Return the root of a document. Raises XmlRefusedError."""
        if len(content) > self.octets:
            raise XmlRefusedError(f"{len(content):,} octets, at most {self.octets:,} expected")
        growing = _Growing(self)
        # Expat knows UTF-8, UTF-16, ISO-8859-1 and ASCII by itself; others it asks Python for, where some cannot be had.
        parser = expat.ParserCreate(namespace_separator="}" if self.namespaces else None)
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = growing.start
        parser.EndElementHandler = growing.end
        parser.CharacterDataHandler = growing.builder.data
        parser.buffer_text = True
        try:
            parser.Parse(content, True)
        except XmlRefusedError:
            raise
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise XmlRefusedError(f"no XML: {error}") from None
        return growing.builder.close()

    def _doctype(self, _name: str, _system: str | None, _public: str | None, declares: bool) -> None:
        if why := self.why_no_doctype(declares):
            raise XmlRefusedError(why)


@dataclass(slots=True)
class _Growing:
    """The tree while it is read."""

    reading: Reading
    builder: TreeBuilder = field(default_factory=TreeBuilder)
    _depth: int = 0
    _elements: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > self.reading.depth or self._elements > self.reading.elements:
            raise XmlRefusedError(f"more than {self.reading.depth} levels or {self.reading.elements:,} elements")
        named = self.reading.named
        self.builder.start(named(tag), {named(name): value for name, value in attributes.items()})

    def end(self, tag: str) -> None:
        self._depth -= 1
        self.builder.end(self.reading.named(tag))
