"""Draws PDUs that are valid by the specification."""

from hypothesis import strategies as st

from shared.wire.cmpp.pdus import (
    ActiveTest,
    ActiveTestResp,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Pdu,
    StatusReport,
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
)

octet = st.integers(0, 0xFF)
u32 = st.integers(0, 0xFFFF_FFFF)
u64 = st.integers(0, 0xFFFF_FFFF_FFFF_FFFF)
digest = st.binary(min_size=16, max_size=16)
contents = st.binary(max_size=140)


def ascii_text(width: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=width)


submits = st.builds(
    Submit,
    src_id=ascii_text(21),
    dest_terminal_ids=st.lists(ascii_text(21), min_size=1, max_size=99).map(tuple),
    content=contents,
    msg_src=ascii_text(6),
    service_id=ascii_text(10),
    msg_id=u64,
    pk_total=octet,
    pk_number=octet,
    registered_delivery=octet,
    msg_level=octet,
    fee_user_type=octet,
    fee_terminal_id=ascii_text(21),
    tp_pid=octet,
    tp_udhi=octet,
    msg_fmt=octet,
    fee_type=ascii_text(2),
    fee_code=ascii_text(6),
    valid_time=ascii_text(17),
    at_time=ascii_text(17),
)
delivers = st.builds(
    Deliver,
    msg_id=u64,
    dest_id=ascii_text(21),
    src_terminal_id=ascii_text(21),
    content=contents,
    service_id=ascii_text(10),
    tp_pid=octet,
    tp_udhi=octet,
    msg_fmt=octet,
    registered_delivery=octet,
)
pdus: st.SearchStrategy[Pdu] = st.one_of(
    st.builds(Connect, source_addr=ascii_text(6), authenticator_source=digest, timestamp=u32, version=octet),
    st.builds(ConnectResp, status=octet, authenticator_ismg=digest, version=octet),
    submits,
    st.builds(SubmitResp, msg_id=u64, result=octet),
    delivers,
    st.builds(DeliverResp, msg_id=u64, result=octet),
    st.sampled_from([ActiveTest(), ActiveTestResp(), Terminate(), TerminateResp()]),
)
reports = st.builds(
    StatusReport,
    msg_id=u64,
    stat=ascii_text(7),
    submit_time=ascii_text(10),
    done_time=ascii_text(10),
    dest_terminal_id=ascii_text(21),
    smsc_sequence=u32,
)
