"""The parts of a workbook's archive: which file holds which sheet."""

import posixpath
import zipfile
from collections.abc import Mapping
from xml.etree import ElementTree as ET

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


def sheet_parts(archive: zipfile.ZipFile) -> Mapping[str, str]:
    """Return the file of each sheet inside the archive, by the sheet's name. Raises KeyError, ParseError."""
    relations = {
        relation.get("Id"): posixpath.normpath(posixpath.join("/xl", relation.get("Target", ""))).lstrip("/")
        for relation in tree(archive, "xl/_rels/workbook.xml.rels")
    }
    sheets = [element for element in tree(archive, "xl/workbook.xml").iter() if local(element.tag) == "sheet"]
    named = ((sheet.get("name", ""), sheet.get(_RELATION) or sheet.get(_STRICT_RELATION)) for sheet in sheets)
    return {name: part for name, relation in named if "worksheets" in (part := relations[relation])}


def tree(archive: zipfile.ZipFile, part: str) -> ET.Element:
    """Return the markup of a part."""
    return ET.fromstring(archive.read(part))  # noqa: S314 - expat bounds the growth of entities, and fetches none


def local(tag: str) -> str:
    """Return a tag without its namespace."""
    return tag.rpartition("}")[2]
