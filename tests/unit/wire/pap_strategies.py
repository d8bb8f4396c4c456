"""Draws PAP messages that are valid by the specification."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from shared.wire.pap.indication import Action, ServiceIndication
from shared.wire.pap.messages import (
    BadMessageResponse,
    CancelMessage,
    CancelResponse,
    CancelResult,
    DeliveryMethod,
    MessageState,
    PapMessage,
    Priority,
    ProgressNote,
    PushMessage,
    PushResponse,
    QualityOfService,
    ReplaceMethod,
    ResultNotification,
    ResultNotificationResponse,
)

characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
texts = st.text(st.one_of(characters, st.sampled_from("\t\n\r&<>\"'")), max_size=40)
words = st.text(characters, min_size=1, max_size=40)
codes = st.integers(1000, 5999)
instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)).map(  # noqa: DTZ001 - bounds of a strategy must be naive
    lambda instant: instant.replace(microsecond=0)
)
maybe = st.one_of(st.none(), instants)
addresses = st.lists(words, max_size=4).map(tuple)
qualities = st.one_of(
    st.none(),
    st.builds(
        QualityOfService,
        priority=st.sampled_from(Priority),
        delivery_method=st.sampled_from(DeliveryMethod),
        network=texts,
        network_required=st.booleans(),
        bearer=texts,
        bearer_required=st.booleans(),
    ),
)
pushes = st.builds(
    PushMessage,
    push_id=words,
    addresses=st.lists(words, min_size=1, max_size=4).map(tuple),
    deliver_before_timestamp=st.one_of(st.none(), st.just(datetime(9999, 12, 31, tzinfo=UTC))),
    deliver_after_timestamp=maybe,
    source_reference=texts,
    progress_notes_requested=st.booleans(),
    ppg_notify_requested_to=st.sampled_from(["", "http://127.0.0.1:8080/pap", "https://pmp.example/?a=1&b=2"]),
    replace_push_id=texts,
    replace_method=st.one_of(st.none(), st.sampled_from(ReplaceMethod)),
    quality=qualities,
)
messages: st.SearchStrategy[PapMessage] = st.one_of(
    pushes,
    st.builds(
        PushResponse,
        push_id=words,
        code=codes,
        desc=texts,
        sender_address=texts,
        sender_name=texts,
        reply_time=maybe,
        progress=st.lists(st.builds(ProgressNote, stage=words, note=texts, time=maybe), max_size=3).map(tuple),
    ),
    st.builds(
        ResultNotification,
        push_id=words,
        address=words,
        message_state=st.sampled_from(MessageState),
        code=codes,
        desc=texts,
        sender_address=texts,
        sender_name=texts,
        received_time=maybe,
        event_time=maybe,
        quality=qualities,
    ),
    st.builds(ResultNotificationResponse, push_id=words, address=words, code=codes, desc=texts),
    st.builds(CancelMessage, push_id=words, addresses=addresses),
    st.builds(
        CancelResponse,
        push_id=words,
        results=st.lists(
            st.builds(CancelResult, code=codes, desc=texts, addresses=addresses), min_size=1, max_size=3
        ).map(tuple),
    ),
    st.builds(BadMessageResponse, code=codes, desc=texts, bad_message_fragment=texts),
)
indications = st.builds(
    ServiceIndication,
    text=texts,
    href=st.sampled_from(["", "http://wap.10086.cn/p/a", "https://www.example.com/a.com/b"]),
    si_id=words,
    created=st.one_of(st.none(), st.just(datetime(1, 1, 1, tzinfo=UTC))),
    expires=maybe,
    action=st.sampled_from(Action),
)
