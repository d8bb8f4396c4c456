"""What a push shows: a service indication (WAP-167), a text with a link that replaces and withdraws its like."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from xml.etree.ElementTree import Element, SubElement

from shared.wire.pap.errors import FieldError, UnreadableError
from shared.wire.pap.forms import instant_text, parse_instant
from shared.wire.pap.xml import parse, render

CONTENT_TYPE = "text/vnd.wap.si"
_DOCTYPE = '<!DOCTYPE si PUBLIC "-//WAPFORUM//DTD SI 1.0//EN" "http://www.wapforum.org/DTD/si.dtd">'


class Action(StrEnum):
    """How urgently a telephone shows it. DELETE takes the indication of the same `si_id` off the telephone."""

    NONE = "signal-none"
    LOW = "signal-low"
    MEDIUM = "signal-medium"
    HIGH = "signal-high"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class ServiceIndication:
    """`si_id` names it on the telephone: the one `created` later replaces an earlier one. Nothing is loaded unasked,
    unlike with a service loading, which marketing must not send."""

    text: str
    href: str = ""
    si_id: str = ""
    created: datetime | None = None
    expires: datetime | None = None
    action: Action = Action.MEDIUM


def check(indication: ServiceIndication) -> None:
    """Raise FieldError for an indication that telephones would refuse or never forget."""
    if indication.created and indication.expires and indication.expires <= indication.created:
        raise FieldError("si-expires", "is not later than created, later expected")
    if indication.action is Action.DELETE and not (indication.si_id or indication.href):
        raise FieldError("si-id", "is empty, an id expected: else nobody knows what to delete")
    if indication.href and not indication.href.startswith(("http://", "https://")):
        raise FieldError("href", f"is {indication.href!r}, a URL of http or https expected")
    if "\0" in indication.text:
        raise FieldError("text", "contains NUL, none expected")


def write_indication(indication: ServiceIndication) -> bytes:
    """Return the document of type text/vnd.wap.si. Raises FieldError."""
    check(indication)
    attributes = {"href": indication.href, "si-id": indication.si_id}
    for name, instant in (("created", indication.created), ("si-expires", indication.expires)):
        if instant is not None:
            attributes[name] = instant_text(name, instant)
    attributes["action"] = str(indication.action)
    root = Element("si")
    element = SubElement(root, "indication", {name: text for name, text in attributes.items() if text})
    element.text = indication.text
    return render(root, _DOCTYPE)


def read_indication(octets: bytes) -> ServiceIndication:
    """Read such a document; an unreadable time is none, an unknown action the usual one. Raises UnreadableError."""
    root = parse(octets)
    element = root.find("indication")
    if root.tag != "si" or element is None:
        raise UnreadableError(f"{root.tag[:30]!r} is no service indication, 'si' with an indication expected")
    action = element.get("action", "")
    return ServiceIndication(
        text="".join(element.itertext()),
        href=element.get("href", ""),
        si_id=element.get("si-id", ""),
        created=parse_instant(element.get("created", "")),
        expires=parse_instant(element.get("si-expires", "")),
        action=Action(action) if action in list(Action) else Action.MEDIUM,
    )
