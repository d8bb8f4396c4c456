"""A long text arrives whole: cut into parts that fit, and put together again whatever happens on the way."""

import random
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.cmpp.assembly import Assembler
from shared.wire.cmpp.codec import decode, encode
from shared.wire.cmpp.errors import FieldError
from shared.wire.cmpp.headers import PartOf, split_header
from shared.wire.cmpp.parts import References, coding_of, count_parts, split_text, to_submits
from shared.wire.cmpp.pdus import Deliver, Submit
from shared.wire.cmpp.texts import decode_text
from shared.wire.cmpp.versions import Version
from tests.unit.wire.octets import frame_of

TEMPLATE = partial(Submit, src_id="10658000", dest_terminal_ids=("13800000001",), msg_src="900001", service_id="MKT")
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(st.one_of(characters, st.sampled_from("办👍a{")), max_size=600)
ascii_texts = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="`"), max_size=900)
versions = st.sampled_from(Version)


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def delivers_of(text: str, *, reference: int = 7, wide: bool = False, sender: str = "13800000001") -> list[Deliver]:
    return [
        Deliver(number, "10658000", sender, each.content, tp_udhi=each.tp_udhi, msg_fmt=each.msg_fmt)
        for number, each in enumerate(to_submits(TEMPLATE, text, reference=lambda: reference, wide=wide))
    ]


@given(st.one_of(texts, ascii_texts), st.integers(0, 255), st.booleans(), versions)
def test_every_part_fits_its_pdu_and_the_parts_are_the_text(
    text: str, reference: int, wide: bool, version: Version
) -> None:
    submits = to_submits(TEMPLATE, text, reference=lambda: reference, wide=wide)
    received = [decode(frame_of(encode(submit, 1, version)), version) for submit in submits]
    assert received == list(submits)
    shown = "".join(decode_text(each.content, each.msg_fmt, tp_udhi=each.tp_udhi) for each in submits)
    assert shown == text
    assert len(submits) == count_parts(text, wide=wide)
    if len(submits) > 1:
        parts = [split_header(each.content)[0] for each in submits]
        assert parts == [PartOf(reference, len(submits), number, wide) for number in range(1, len(submits) + 1)]
        assert [(each.pk_total, each.pk_number) for each in submits] == [
            (part.total, part.number) for part in parts if part
        ]


@given(st.one_of(texts, ascii_texts), st.booleans(), st.randoms(use_true_random=False))
def test_parts_in_any_order_and_some_twice_make_one_message(text: str, wide: bool, rng: random.Random) -> None:
    delivers = delivers_of(text, wide=wide)
    if len(delivers) == 1:
        return
    last = delivers.pop(rng.randrange(len(delivers)))
    shuffled = rng.sample(delivers, len(delivers)) + rng.choices(delivers, k=2)
    assembler = Assembler()
    assert [each for deliver in shuffled for each in assembler.take(deliver)] == []
    (whole,) = assembler.take(last)
    assert (whole.text, whole.whole) == (text, True)
    assert assembler.drain() == []


@given(st.binary(max_size=160), st.integers(0, 1), st.sampled_from([0, 4, 8, 15]))
def test_any_content_is_held_or_read_and_never_lost(content: bytes, tp_udhi: int, msg_fmt: int) -> None:
    assembler = Assembler()
    deliver = Deliver(1, "10658000", "13800000001", content, tp_udhi=tp_udhi, msg_fmt=msg_fmt)
    assert len(assembler.take(deliver)) + len(assembler.drain()) == 1


def test_messages_of_two_senders_with_one_reference_are_kept_apart() -> None:
    assembler = Assembler()
    first, second = delivers_of("甲" * 100), delivers_of("乙" * 100, sender="13800000002")
    assembler.take(first[0])
    assembler.take(second[0])
    assert [each.text for each in assembler.take(first[1])] == ["甲" * 100]
    assert [each.text for each in assembler.take(second[1])] == ["乙" * 100]


def test_a_message_whose_part_never_comes_is_given_as_far_as_it_came() -> None:
    watch = Stopwatch()
    assembler = Assembler(patience=60.0, monotonic=watch)
    parts = delivers_of("退订" * 80)
    assembler.take(parts[0])
    assembler.take(parts[2])
    watch.seconds = 59.0
    assert assembler.overdue() == []
    watch.seconds = 60.0
    (half,) = assembler.overdue()
    assert half.text.startswith("退订退订")
    assert "…" in half.text
    assert (half.whole, half.first) == (False, parts[0])
    assert assembler.overdue() == []


def test_beyond_the_limit_the_oldest_is_given_up_as_it_is() -> None:
    assembler = Assembler(limit=2)
    starts = [delivers_of("办" * 100, reference=each)[0] for each in range(3)]
    assert [assembler.take(start) for start in starts[:2]] == [[], []]
    (oldest,) = assembler.take(starts[2])
    assert oldest.first == starts[0]
    assert not oldest.whole
    assert len(assembler.drain()) == 2


def test_a_character_cut_by_a_telephone_is_healed() -> None:
    octets = ("办" * 60 + "👍" + "好" * 60).encode("utf-16-be")
    cut = [octets[:122], octets[122:]]
    parts = [
        Deliver(1, "1", "2", PartOf(1, 2, number).pack() + piece, tp_udhi=1)
        for number, piece in enumerate(cut, start=1)
    ]
    assembler = Assembler()
    assembler.take(parts[0])
    (whole,) = assembler.take(parts[1])
    assert whole.text == "办" * 60 + "👍" + "好" * 60


def test_characters_of_the_extension_table_count_twice() -> None:
    assert count_parts("x" * 159) == 1
    assert count_parts("x" * 158 + "[") == 2
    assert [len(piece) for piece in split_text("[" * 100)] == [76, 24]


def test_what_a_telephones_alphabet_lacks_is_sent_in_ucs2() -> None:
    assert coding_of("plain {text}\n").msg_fmt == 0
    assert coding_of("a `grave` accent").msg_fmt == 8
    assert coding_of("tab\there").msg_fmt == 8


def test_more_parts_than_can_be_numbered_are_refused() -> None:
    assert count_parts("办" * 67 * 255) == 255
    with pytest.raises(FieldError, match="takes 256 parts, at most 255 expected"):
        count_parts("办" * (67 * 255 + 1))


@pytest.mark.parametrize(
    "part", [PartOf(256, 2, 1), PartOf(1 << 16, 2, 1, wide=True), PartOf(1, 2, 3), PartOf(1, 2, 0)]
)
def test_a_part_that_cannot_be_is_not_written(part: PartOf) -> None:
    with pytest.raises(FieldError, match="expected"):
        part.pack()


def test_a_header_of_other_elements_is_passed_over() -> None:
    ports = bytes.fromhex("0605040b8423f0")
    assert split_header(ports + b"x") == (None, b"x")
    both = bytes.fromhex("0b05040b8423f0" + "0003070201")
    assert split_header(both + b"x") == (PartOf(7, 2, 1), b"x")


def test_references_remember_no_more_pairs_than_they_may() -> None:
    references = References(random.Random(1), pairs=2)
    for dest in ("1", "2", "3"):
        references.next_for("10658000", dest)
    assert len(references._last) == 2


def test_a_template_keeps_what_it_says() -> None:
    (only,) = to_submits(partial(TEMPLATE, valid_time="261121205959032+"), "ok", reference=lambda: 1)
    assert (only.valid_time, only.tp_udhi, only.pk_total) == ("261121205959032+", 0, 1)
