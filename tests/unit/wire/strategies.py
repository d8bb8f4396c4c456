"""Draws PDUs that are valid by the specification."""

from hypothesis import strategies as st

from shared.wire.cmpp.pdus import (
    ActiveTest,
    ActiveTestResp,
    Cancel,
    CancelResp,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Fwd,
    FwdResp,
    Pdu,
    Query,
    QueryResp,
    StatusReport,
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
)
from shared.wire.cmpp.versions import Version

octet = st.integers(0, 0xFF)
u32 = st.integers(0, 0xFFFF_FFFF)
u64 = st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)
digest = st.binary(min_size=16, max_size=16)
contents = st.binary(max_size=140)


def ascii_text(width: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=width)


def digits(at_least: int, at_most: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=at_least, max_size=at_most)


flag = st.integers(0, 1)
coding = st.sampled_from([0, 3, 4, 8, 15])
part_numbers = st.tuples(st.integers(1, 255), st.integers(1, 255)).map(sorted)
times = st.one_of(st.just(""), st.builds("{}{}".format, digits(15, 15), st.sampled_from("+-R")))
minutes = st.one_of(st.just(""), digits(10, 10))


def _narrow(**only_in_3: st.SearchStrategy[object]) -> dict[Version, dict[str, st.SearchStrategy[object]]]:
    return {Version.CMPP_2: {}, Version.CMPP_3: only_in_3}


@st.composite
def _numbered(draw: st.DrawFn, /, kind: type[Submit] | type[Fwd], **fields: st.SearchStrategy[object]) -> Submit | Fwd:
    number, total = draw(part_numbers)
    values = {name: draw(strategy) for name, strategy in fields.items()}
    return kind(pk_number=number, pk_total=total, **values)  # type: ignore[arg-type] # drawn by name


def _sent(version: Version) -> dict[str, st.SearchStrategy[object]]:
    """Return what SUBMIT and FWD have in common."""
    return {
        "src_id": digits(0, 21),
        "dest_terminal_ids": st.lists(digits(1, 21), min_size=1, max_size=99).map(tuple),
        "content": contents,
        "msg_src": ascii_text(6),
        "service_id": ascii_text(10),
        "msg_id": u64,
        "registered_delivery": st.integers(0, 2) if version is Version.CMPP_2 else flag,
        "msg_level": st.integers(0, 9),
        "fee_user_type": st.integers(0, 3),
        "fee_terminal_id": ascii_text(21),
        "tp_pid": octet,
        "tp_udhi": flag,
        "msg_fmt": coding,
        "fee_type": digits(0, 2),
        "fee_code": digits(0, 6),
        "valid_time": times,
        "at_time": times,
    }


def submits(version: Version) -> st.SearchStrategy[Submit | Fwd]:
    only_in_3 = _narrow(fee_terminal_type=flag, dest_terminal_type=flag, link_id=ascii_text(20))
    return _numbered(Submit, **_sent(version), **only_in_3[version])


def forwards(version: Version) -> st.SearchStrategy[Submit | Fwd]:
    only_in_3 = _narrow(
        fee_terminal_pseudo=ascii_text(32),
        fee_terminal_user_type=octet,
        src_pseudo=ascii_text(32),
        src_user_type=octet,
        src_type=octet,
        dest_pseudo=ascii_text(32),
        dest_user_type=octet,
        link_id=ascii_text(20),
    )
    route = {"source_id": ascii_text(6), "destination_id": ascii_text(6), "nodes_count": octet, "msg_fwd_type": octet}
    return _numbered(Fwd, **route, **_sent(version), **only_in_3[version])


def delivers(version: Version) -> st.SearchStrategy[Deliver]:
    only_in_3 = _narrow(src_terminal_type=flag, link_id=ascii_text(20))
    return st.builds(
        Deliver,
        msg_id=u64,
        dest_id=ascii_text(21),
        src_terminal_id=ascii_text(21),
        content=contents,
        service_id=ascii_text(10),
        tp_pid=octet,
        tp_udhi=flag,
        msg_fmt=coding,
        registered_delivery=flag,
        **only_in_3[version],
    )


def pdus(version: Version) -> st.SearchStrategy[Pdu]:
    result = octet if version is Version.CMPP_2 else u32
    day_and_service = (digits(8, 8), flag, ascii_text(10))
    return st.one_of(
        st.builds(Connect, source_addr=ascii_text(6), authenticator_source=digest, timestamp=u32, version=octet),
        st.builds(ConnectResp, status=result, authenticator_ismg=digest, version=octet),
        submits(version),
        st.builds(SubmitResp, msg_id=u64, result=result),
        delivers(version),
        st.builds(DeliverResp, msg_id=u64, result=result),
        st.builds(Query, *day_and_service),
        st.builds(QueryResp, *day_and_service, *[u32] * 8),
        st.builds(Cancel, u64),
        st.builds(CancelResp, result),
        forwards(version),
        st.builds(FwdResp, u64, st.integers(1, 255), st.integers(1, 255), result),
        st.sampled_from([ActiveTest(), ActiveTestResp(), Terminate(), TerminateResp()]),
    )


reports = st.builds(
    StatusReport,
    msg_id=u64,
    stat=st.from_regex(r"[A-Z0-9:]{1,7}", fullmatch=True),
    submit_time=minutes,
    done_time=minutes,
    dest_terminal_id=ascii_text(21),
    smsc_sequence=u32,
)
