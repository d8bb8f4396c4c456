"""What the gateway brings to an SP, as DELIVERs: reports, and people's messages, these without their Msg_Id."""

from collections.abc import Sequence
from dataclasses import replace

from services.sandbox.gateway.handsets import Taken
from shared.wire.cmpp.codec import encode_report
from shared.wire.cmpp.headers import PartOf
from shared.wire.cmpp.parts import coding_of, split_text
from shared.wire.cmpp.pdus import Deliver, StatusReport
from shared.wire.cmpp.versions import Version


def report_deliver(
    taken: Taken, status: str, submit_time: str, done_time: str, *, version: Version, msg_id: int
) -> Deliver:
    """Return the report on one message, in the layout of a version; times are YYMMDDHHMM."""
    destination = taken.submit.dest_terminal_ids[0]
    report = StatusReport(taken.message_id, status, submit_time, done_time, destination)
    return Deliver(
        msg_id=msg_id,
        dest_id=taken.submit.src_id,
        src_terminal_id=destination,
        content=encode_report(report, version),
        service_id=taken.submit.service_id,
        msg_fmt=0,
        registered_delivery=1,
    )


def reply_delivers(template: Deliver, text: str, *, reference: int) -> Sequence[Deliver]:
    """Return `template` once for each part of a person's text."""
    coding, pieces = coding_of(text), split_text(text)
    if len(pieces) == 1:
        return [replace(template, msg_fmt=coding.msg_fmt, content=coding.encode(text))]
    return [
        replace(
            template,
            msg_fmt=coding.msg_fmt,
            tp_udhi=1,
            content=PartOf(reference, len(pieces), number).pack() + coding.encode(piece),
        )
        for number, piece in enumerate(pieces, start=1)
    ]
