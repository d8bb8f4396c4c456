"""Texts longer than one SMS over the channel, both ways: whole or known to be in part, and never written again."""

from dataclasses import replace
from pathlib import Path

from services.dispatch.domain.messages import is_opt_out
from services.dispatch.ports import Verdict
from services.sandbox.gateway.faults import Faults
from shared.wire.cmpp.headers import PartOf
from shared.wire.cmpp.pdus import Deliver
from shared.wire.cmpp.versions import Version
from tests.fakes.incoming import IncomingInMemory
from tests.integration.wire.channel_rig import BOTH, LONG, TEXT, messages, rig_in, verdicts
from tests.integration.wire.waiting import eventually


@BOTH
async def test_a_long_text_leaves_in_parts_and_is_read_as_one_with_a_report_for_each(
    tmp_path: Path, version: Version
) -> None:
    texts = [LONG, TEXT, LONG[:100]]
    batch = [replace(message, text=text) for message, text in zip(messages(3), texts, strict=True)]
    async with rig_in(tmp_path, version=version) as rig:
        results = await rig.send(batch)
        await eventually(lambda: len(rig.incoming.receipts) == 6)
        assert rig.channel.notice == ""
        received = rig.received()
    assert verdicts(results) == [Verdict.SENT] * 3
    ids = [message_id for result in results for message_id in result.gateway_message_ids]
    assert [(each.part, each.parts) for each in received] == [(1, 3), (2, 3), (3, 3), (1, 1), (1, 2), (2, 2)]
    assert ids == [each.msg_id for each in received]
    assert {receipt.gateway_message_id for receipt in rig.incoming.receipts} == set(ids)
    assert {text for _, text, _ in rig.audience.read} == set(texts)


async def test_of_a_message_whose_second_part_is_refused_nothing_more_is_claimed_than_is_known(tmp_path: Path) -> None:
    batch = [replace(message, text=LONG) for message in messages(2)]
    async with rig_in(tmp_path) as rig:
        rig.gateway.misbehave(Faults(refuse_every=5))
        whole, partly = await rig.send(batch)
    assert (whole.verdict, partly.verdict) == (Verdict.SENT, Verdict.INDETERMINATE)
    assert len(partly.gateway_message_ids) == 2
    assert "2 of 3 parts were taken" in partly.detail


async def test_the_rest_of_a_message_is_not_written_when_the_line_was_cut_after_a_part(tmp_path: Path) -> None:
    batch = [replace(message, text=LONG) for message in messages(40)]
    async with rig_in(tmp_path) as rig:
        rig.gateway.misbehave(Faults(cut_at=8, answer_after=0.05))
        writing = await rig.channel.write(batch)
        results = {result.push_id: result for result in await writing.results()}
        await eventually(lambda: rig.channel.ready)
        received = rig.received()
    touched = {f"push-{int(each.dest[3:])}" for each in received}
    assert touched <= writing.written
    assert {results[push_id].verdict for push_id in touched} <= {Verdict.SENT, Verdict.INDETERMINATE}
    assert len({(each.dest, each.part) for each in received}) == len(received)


async def test_the_rate_counts_parts_and_no_message_is_begun_that_the_time_cuts_in_two(tmp_path: Path) -> None:
    batch = [replace(message, text=LONG) for message in messages(20)]
    async with rig_in(tmp_path, rate=60.0, write_within=0.3) as rig:
        results = await rig.send(batch)
        received = rig.received()
    assert set(verdicts(results)) == {Verdict.SENT, Verdict.NOT_WRITTEN}
    assert 6 <= len(received) <= 27
    assert len(received) == 3 * verdicts(results).count(Verdict.SENT)


async def test_a_customers_long_text_is_put_together_and_survives_a_store_that_is_away(tmp_path: Path) -> None:
    async with rig_in(tmp_path, incoming=IncomingInMemory(refuse_first=1)) as rig:
        rig.gateway.post_reply("900001", "13800000001", LONG)
        await eventually(lambda: rig.incoming.refused == 1)
        rig.gateway.post_reply("900001", "13800000002", "TDMRTX")
        await eventually(lambda: len(rig.incoming.replies) == 2)
    assert {(reply.msisdn, reply.text) for reply in rig.incoming.replies} == {
        ("13800000001", LONG),
        ("13800000002", "TDMRTX"),
    }


async def test_what_came_of_a_customers_text_is_kept_when_the_channel_ends(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        half = PartOf(7, total=2, number=1).pack() + "TD".encode("utf-16-be")
        await rig.channel._take([Deliver(9, "10658000", "8613800000001", half, tp_udhi=1)])
        assert rig.incoming.replies == []
    assert [(reply.text, is_opt_out(reply.text)) for reply in rig.incoming.replies] == [("TD…", False)]
