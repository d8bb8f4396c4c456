"""Which attributes each element of PAP has, once, for a strict writer and a tolerant reader alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from shared.wire.pap.errors import FieldError, UnreadableError
from shared.wire.pap.forms import instant_text, parse_instant
from shared.wire.pap.messages import (
    BadMessageResponse,
    CancelMessage,
    CancelResponse,
    CancelResult,
    DeliveryMethod,
    MessageState,
    Priority,
    ProgressNote,
    PushMessage,
    PushResponse,
    QualityOfService,
    ReplaceMethod,
    ResultNotification,
    ResultNotificationResponse,
)


class Kind(Protocol):
    """How values of one kind are written, and read."""

    def write(self, name: str, value: Any) -> str:
        """Return the attribute's text; empty where the attribute is left out. Raises FieldError."""
        ...

    def read(self, name: str, text: str) -> Any:
        """Return the value. Raises UnreadableError where nothing sensible can be made of it."""
        ...


class _Text:
    def write(self, name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise FieldError(name, f"is {value!r}, text expected")
        return value

    def read(self, _: str, text: str) -> str:
        return text


class _Url(_Text):
    def write(self, name: str, value: Any) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise FieldError(name, f"is {value!r}, a URL of http or https expected")
        return super().write(name, value)


class _Code:
    def write(self, name: str, value: Any) -> str:
        if not isinstance(value, int) or not 1000 <= value <= 5999:
            raise FieldError(name, f"is {value!r}, 1000 to 5999 expected")
        return str(int(value))

    def read(self, name: str, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) == 4):
            raise UnreadableError(f"{name} is {text[:20]!r}, a code of four digits expected")
        return int(text)


class _Flag:
    def write(self, _: str, value: Any) -> str:
        return "true" if value else "false"

    def read(self, _: str, text: str) -> bool:
        return text.strip().lower() in {"true", "1", "yes"}


class _Instant:
    """When something happened: nice to know, so that an unreadable one is none."""

    def write(self, name: str, value: datetime | None) -> str:
        return "" if value is None else instant_text(name, value)

    def read(self, _: str, text: str) -> datetime | None:
        return parse_instant(text.strip())


class _Deadline(_Instant):
    """When something may happen: an unreadable one must not be taken for none."""

    def read(self, name: str, text: str) -> datetime | None:
        instant = parse_instant(text.strip())
        if instant is None:
            raise UnreadableError(f"{name} is {text[:30]!r}, YYYY-MM-DDThh:mm:ssZ expected")
        return instant


class _Choice:
    def __init__(self, choices: type[StrEnum]) -> None:
        self._choices = choices

    def write(self, name: str, value: Any) -> str:
        if value is None:
            return ""
        if value not in list(self._choices):
            raise FieldError(name, f"is {value!r}, one of {', '.join(self._choices)} expected")
        return str(value)

    def read(self, name: str, text: str) -> StrEnum:
        try:
            return self._choices(text.strip().lower())
        except ValueError:
            raise UnreadableError(f"{name} is {text[:30]!r}, one of {', '.join(self._choices)} expected") from None


class _State(_Choice):
    """A state that a gateway made up is one that we do not know."""

    def __init__(self) -> None:
        super().__init__(MessageState)

    def read(self, name: str, text: str) -> StrEnum:
        try:
            return super().read(name, text)
        except UnreadableError:
            return MessageState.UNKNOWN


@dataclass(frozen=True, slots=True)
class ElementForm:
    """An element's name, its attributes, and those among them that must be there and not be empty."""

    tag: str
    kinds: Mapping[str, Kind]
    required: frozenset[str] = frozenset()

    def write(self, value: object) -> dict[str, str]:
        """Return the attributes of an element; a field is named like its attribute, with underscores. Raises FieldError."""
        attributes = {}
        for name, kind in self.kinds.items():
            text = kind.write(name, getattr(value, name.replace("-", "_")))
            if text:
                attributes[name] = text
            elif name in self.required:
                raise FieldError(name, "is empty, a value expected")
        return attributes

    def read(self, attributes: Mapping[str, str]) -> dict[str, Any]:
        """Return constructor arguments; attributes that nobody knows are passed over. Raises UnreadableError."""
        missing = [name for name in sorted(self.required) if not attributes.get(name)]
        if missing:
            raise UnreadableError(f"{self.tag} without {' and '.join(missing)}")
        present = {name: kind for name, kind in self.kinds.items() if attributes.get(name)}
        return {name.replace("-", "_"): kind.read(name, attributes[name]) for name, kind in present.items()}


_TEXT, _URL, _CODE, _FLAG, _INSTANT, _DEADLINE = _Text(), _Url(), _Code(), _Flag(), _Instant(), _Deadline()
_PUSH_ID: Mapping[str, Kind] = {"push-id": _TEXT}
_RESULT: Mapping[str, Kind] = {"code": _CODE, "desc": _TEXT}
_SENDER: Mapping[str, Kind] = {"sender-address": _TEXT, "sender-name": _TEXT}
_ID, _ID_AND_CODE = frozenset({"push-id"}), frozenset({"push-id", "code"})

ADDRESS = "address"
ADDRESS_VALUE = "address-value"
RESPONSE_RESULT = ElementForm("response-result", _RESULT, frozenset({"code"}))
FORMS: dict[type, ElementForm] = {
    PushMessage: ElementForm(
        "push-message",
        {
            **_PUSH_ID,
            "deliver-before-timestamp": _DEADLINE,
            "deliver-after-timestamp": _DEADLINE,
            "source-reference": _TEXT,
            "progress-notes-requested": _FLAG,
            "ppg-notify-requested-to": _URL,
            "replace-push-id": _TEXT,
            "replace-method": _Choice(ReplaceMethod),
        },
        _ID,
    ),
    PushResponse: ElementForm("push-response", {**_PUSH_ID, **_SENDER, "reply-time": _INSTANT}, _ID),
    ProgressNote: ElementForm("progress-note", {"stage": _TEXT, "note": _TEXT, "time": _INSTANT}, frozenset({"stage"})),
    ResultNotification: ElementForm(
        "resultnotification-message",
        {
            **_PUSH_ID,
            **_SENDER,
            "received-time": _INSTANT,
            "event-time": _INSTANT,
            "message-state": _State(),
            **_RESULT,
        },
        _ID_AND_CODE | {"message-state"},
    ),
    ResultNotificationResponse: ElementForm("resultnotification-response", {**_PUSH_ID, **_RESULT}, _ID_AND_CODE),
    CancelMessage: ElementForm("cancel-message", _PUSH_ID, _ID),
    CancelResponse: ElementForm("cancel-response", _PUSH_ID, _ID),
    CancelResult: ElementForm("cancel-result", _RESULT, frozenset({"code"})),
    BadMessageResponse: ElementForm(
        "badmessage-response", {**_RESULT, "bad-message-fragment": _TEXT}, frozenset({"code"})
    ),
    QualityOfService: ElementForm(
        "quality-of-service",
        {
            "priority": _Choice(Priority),
            "delivery-method": _Choice(DeliveryMethod),
            "network": _TEXT,
            "network-required": _FLAG,
            "bearer": _TEXT,
            "bearer-required": _FLAG,
        },
    ),
}
