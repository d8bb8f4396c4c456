"""PAP's messages to XML, strictly, and XML to messages, tolerantly."""

from collections.abc import Callable, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from shared.wire.pap.codes import Code
from shared.wire.pap.errors import FieldError, UnreadableError
from shared.wire.pap.messages import (
    BadMessageResponse,
    CancelMessage,
    CancelResponse,
    CancelResult,
    PapMessage,
    ProgressNote,
    PushMessage,
    PushResponse,
    QualityOfService,
    ResultNotification,
    ResultNotificationResponse,
)
from shared.wire.pap.schema import ADDRESS, ADDRESS_VALUE, FORMS, RESPONSE_RESULT
from shared.wire.pap.xml import parse, render

CONTENT_TYPE = "application/xml"
_DOCTYPE = '<!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP 2.0//EN" "http://www.wapforum.org/DTD/pap_2.0.dtd">'
_FRAGMENT = 200
# What PAP has besides, and this does not speak: queries for the status of a push, and for a telephone's capabilities.
_UNSUPPORTED = frozenset({"ccq-message", "ccq-response", "statusquery-message", "statusquery-response"})
_MESSAGES: tuple[type[PapMessage], ...] = (
    PushMessage,
    PushResponse,
    ResultNotification,
    ResultNotificationResponse,
    CancelMessage,
    CancelResponse,
    BadMessageResponse,
)
_BY_TAG = {FORMS[kind].tag: kind for kind in _MESSAGES}


def write(message: PapMessage) -> bytes:
    """Return the document. Raises FieldError, naming the attribute, its value and what was expected."""
    root = Element("pap")
    element = _add(root, message)
    match message:
        case PushMessage():
            _check_window(message)
            _add_addresses(element, _some("address", message.addresses))
            _add_quality(element, message.quality)
        case PushResponse():
            for note in message.progress:
                _add(element, note)
            SubElement(element, RESPONSE_RESULT.tag, RESPONSE_RESULT.write(message))
        case ResultNotification():
            _add_addresses(element, _some("address", (message.address,)))
            _add_quality(element, message.quality)
        case ResultNotificationResponse():
            _add_addresses(element, _some("address", (message.address,)))
        case CancelMessage():
            _add_addresses(element, message.addresses)
        case CancelResponse():
            for result in _some("result", message.results):
                added = _add(element, result)
                _add_addresses(added, result.addresses)
        case BadMessageResponse():
            pass
    return render(root, _DOCTYPE)


def read(octets: bytes) -> PapMessage:
    """Read a document; elements and attributes that nobody knows are passed over.

    Raises UnreadableError, whose `code` says what to answer.
    """
    root = parse(octets)
    found = [element for element in root if element.tag in _BY_TAG]
    if root.tag != "pap" or len(found) != 1:
        if any(element.tag in _UNSUPPORTED for element in root):
            raise UnreadableError("a query for a status or for capabilities", Code.NOT_IMPLEMENTED)
        raise UnreadableError(f"{root.tag[:30]!r} with {len(found)} messages of PAP, 'pap' with one expected")
    element = found[0]
    kind = _BY_TAG[element.tag]
    fields = FORMS[kind].read(element.attrib)
    return kind(**fields, **_CHILDREN[kind](element))


def answer_to_unreadable(octets: bytes, problem: UnreadableError) -> BadMessageResponse:
    """Return what to answer the sender of a document that could not be read, with its beginning as a fragment."""
    fragment = octets[:_FRAGMENT].decode("utf-8", "replace")
    readable = "".join(each if each.isprintable() else " " for each in fragment)
    return BadMessageResponse(problem.code, str(problem), readable)


def _response_result(element: Element) -> dict[str, Any]:
    result = element.find(RESPONSE_RESULT.tag)
    if result is None:
        raise UnreadableError("push-response without response-result")
    return RESPONSE_RESULT.read(result.attrib)


def _notes(element: Element) -> Sequence[ProgressNote]:
    form = FORMS[ProgressNote]
    return [ProgressNote(**form.read(each.attrib)) for each in element.iterfind(form.tag)]


def _cancel_results(element: Element) -> Sequence[CancelResult]:
    form = FORMS[CancelResult]
    return [CancelResult(**form.read(each.attrib), addresses=_addresses(each)) for each in element.iterfind(form.tag)]


def _addresses(element: Element) -> tuple[str, ...]:
    return tuple(each.get(ADDRESS_VALUE, "") for each in element.iterfind(ADDRESS))


def _some_read(element: Element, addresses: tuple[str, ...]) -> tuple[str, ...]:
    if not all(addresses) or not addresses:
        raise UnreadableError(f"{element.tag} without an address", Code.ADDRESS_ERROR)
    return addresses


def _quality(element: Element) -> QualityOfService | None:
    form = FORMS[QualityOfService]
    found = element.find(form.tag)
    return None if found is None else QualityOfService(**form.read(found.attrib))


def _addressed(element: Element) -> dict[str, Any]:
    return {"addresses": _addresses(element)}


_CHILDREN: dict[type[PapMessage], Callable[[Element], dict[str, Any]]] = {
    PushMessage: lambda push: {"addresses": _some_read(push, _addresses(push)), "quality": _quality(push)},
    PushResponse: lambda response: {**_response_result(response), "progress": tuple(_notes(response))},
    ResultNotification: lambda told: {"address": _some_read(told, _addresses(told))[0], "quality": _quality(told)},
    # Some answer without the address that they were told of; the push-id says enough.
    ResultNotificationResponse: lambda answer: {"address": next(iter(_addresses(answer)), "")},
    CancelMessage: _addressed,
    CancelResponse: lambda response: {"results": tuple(_cancel_results(response))},
    BadMessageResponse: lambda _: {},
}


def _add(parent: Element, value: object) -> Element:
    form = FORMS[type(value)]
    return SubElement(parent, form.tag, form.write(value))


def _add_addresses(parent: Element, addresses: Sequence[str]) -> None:
    for address in _all_given(addresses):
        SubElement(parent, ADDRESS, {ADDRESS_VALUE: address})


def _add_quality(parent: Element, quality: QualityOfService | None) -> None:
    if quality is not None:
        _add(parent, quality)


def _all_given(addresses: Sequence[str]) -> Sequence[str]:
    if not all(addresses):
        raise FieldError(ADDRESS_VALUE, "is empty, an address expected")
    return addresses


def _some(name: str, values: Sequence[Any]) -> Sequence[Any]:
    if not values:
        raise FieldError(name, "is not there, at least one expected")
    return values


def _check_window(message: PushMessage) -> None:
    after, before = message.deliver_after_timestamp, message.deliver_before_timestamp
    if after is not None and before is not None and before <= after:
        raise FieldError("deliver-before-timestamp", "is not later than deliver-after-timestamp, later expected")
