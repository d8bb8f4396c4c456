"""Prints the chain of one push top-down, in words that a hotline agent can read aloud."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from textwrap import indent

from visavis.dispatch.v1 import call_list_service_pb2 as call_pb
from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.dispatch.v1 import push_record_pb2 as record_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb
from visavis.scoring.v1 import model_service_pb2 as model_pb

from services.console.chain import PushChain
from services.console.render.explanation import row_words
from services.console.render.output import Output, enum_word, local_time

_INDENT = " " * 19
"""Up to where the values of facts begin."""

_CONTACTS = {
    contact_pb.CONTACT_STATE_RESERVED: "about to leave",
    contact_pb.CONTACT_STATE_SENT: "sent",
    contact_pb.CONTACT_STATE_INDETERMINATE: "may have left; nobody knows",
    contact_pb.CONTACT_STATE_RELEASED: "did not leave",
}
_DELIVERIES = {
    contact_pb.DELIVERY_UNSPECIFIED: "whether it was delivered, nobody has said",
    contact_pb.DELIVERY_DELIVERED: "so it was delivered",
    contact_pb.DELIVERY_UNDELIVERED: "so it was not delivered",
}
_REPLIES = {
    record_pb.REPLY_MEANING_OPT_OUT: "wants no more marketing",
    record_pb.REPLY_MEANING_ACCEPTED: "says yes",
    record_pb.REPLY_MEANING_UNMATCHED: "says something that a person must read",
}
_CALLS = {
    record_pb.CALL_STATE_LEASED: "not dialled yet",
    record_pb.CALL_STATE_STARTED: "being dialled",
    record_pb.CALL_STATE_FINISHED: "over",
    record_pb.CALL_STATE_RETURNED: "given back undialled",
    record_pb.CALL_STATE_LAPSED: "dialled, and no result came",
}


def print_chain(chain: PushChain, output: Output) -> None:
    """Print every link that could be read, then those that could not, then where the traces are."""
    push, record = chain.told.push, chain.told.record
    output.line(f"Why customer {push.customer_id} got {push.policy} by {_channel(record)}: {push.name}", style="bold")
    _print_data(chain, output)
    _print_scores(chain, output)
    _print_rows(chain, output)
    _print_plan(chain, output)
    _print_words(record, output)
    _print_contacts(record, output)
    _print_calls(record, output)
    _print_outcome(chain, output)
    for link, why in chain.missing.items():
        output.line(f"Missing: {link}: {why}", style="yellow")
    _print_traces(chain, output)


def _print_data(chain: PushChain, output: Output) -> None:
    facts: dict[str, object] = {}
    if found := chain.imported:
        taken = f", taken in {local_time(found.status.end_time)}" if found.status.HasField("end_time") else ""
        facts["extract"] = f"{found.name} of cycle {found.cycle}{taken}, from {found.source_uri}"
    if chain.snapshot:
        facts["snapshot"] = chain.snapshot.name
    if facts:
        output.facts("The data", facts)


def _print_scores(chain: PushChain, output: Output) -> None:
    scores, product = chain.scores, chain.told.record.words.product
    facts: dict[str, object] = {"scored by": chain.scoring_run.name} if chain.scoring_run else {}
    if scores:
        need = next((need for need in scores.needs if need.product == product), None)
        if need:
            chance = f"probability {_decimal(need.probability, 4)}: {need.level}"
            facts["need"] = f"of {product}, {chance}{_model(chain.models, model_pb.MODEL_KIND_NEED, product)}"
        warned = "warned" if scores.warned else "not warned"
        churn = _model(chain.models, model_pb.MODEL_KIND_CHURN_WARNING)
        facts["churn warning"] = f"{_decimal(scores.churn_warning, 2)} of 100, {warned}{churn}"
        stays = _model(chain.models, model_pb.MODEL_KIND_STICKINESS)
        facts["stickiness"] = f"{_decimal(scores.stickiness, 2)} of 100{stays}"
        facts["value"] = f"{_decimal(scores.value, 2)} of 100, tier {scores.value_tier}"
    if facts:
        output.facts("The scores", facts)


def _model(models: Sequence[model_pb.Model], kind: model_pb.ModelKind.ValueType, product: str = "") -> str:
    found = next((model for model in models if (model.kind, model.product) == (kind, product)), None)
    return f" (by {found.name}, AUC {found.quality.auc:.2f})" if found else ""


def _print_rows(chain: PushChain, output: Output) -> None:
    told = chain.explanation
    if told is None:
        return
    facts: dict[str, object] = {
        "lists": told.assembly_run,
        "assembled again": "the same list" if told.replays else "ANOTHER LIST: tell operations",
    }
    for matrix in told.matrices:
        if matrix.purpose == "priority":
            facts["priority"] = _fired(matrix)
    facts["the policy"] = _that_gave_it(chain, told)
    output.facts("The matrix rows", facts)


def _that_gave_it(chain: PushChain, told: recommendation_pb.ExplainPolicyListResponse) -> str:
    """Return the row that gave the push its policy: of the extraction matrix where one picked, else of the list's."""
    if chain.selection and chain.selection.matrix:
        picked = next((matrix for matrix in told.matrices if matrix.matrix == chain.selection.matrix), None)
        return _fired(picked) if picked else f"picked by {chain.selection.matrix}"
    given = next((given for given in told.given if given.policy == chain.told.push.policy), None)
    if given is None:
        return f"the list does not recommend {chain.told.push.policy}: tell operations"
    about = {given.product, ""}
    found = [matrix for matrix in told.matrices if matrix.purpose == given.matrix and matrix.product in about]
    place = f"no. {given.rank} of zone {_zone(given.zone)}"
    return (
        f"{place}, by {row_words(found[0], given.row)} of {_seen(found[0])}"
        if found
        else f"{place}, by {given.matrix} row {given.row}"
    )


def _fired(matrix: recommendation_pb.MatrixExplanation) -> str:
    rows = ", ".join(row_words(matrix, row) for row in matrix.fired_rows)
    return f"by {rows or 'no row'} of {_seen(matrix)}"


def _seen(matrix: recommendation_pb.MatrixExplanation) -> str:
    about = f" for {matrix.product}" if matrix.product else ""
    values = ", ".join(f"{value.input} = {value.value}" for value in matrix.inputs)
    return f"“{matrix.display_name}” ({matrix.purpose}{about}, {matrix.matrix}), which saw {values}"


def _print_plan(chain: PushChain, output: Output) -> None:
    push, record, selection = chain.told.push, chain.told.record, chain.selection
    started = (
        f", started {local_time(record.plan_start_time)}" if record.HasField("plan_start_time") else ", not started"
    )
    facts: dict[str, object] = {"plan": f"{record.plan_display_name} ({record.push_plan}){started}"}
    if selection:
        how = f"extraction matrix {selection.matrix}" if selection.matrix else f"zone {_zone(selection.zone)}"
        facts["targets"] = f"{selection.name}, picked by {how}"
    facts["arm"] = f"{push.arm}, place {push.rank:,} in the plan"
    facts["customer"] = f"{record.masked_msisdn}, {record.city}"
    facts["state"] = f"{_state(push)}{f': {push.detail}' if push.detail else ''}"
    if push.HasField("hold_until_time"):
        facts["held until"] = local_time(push.hold_until_time)
    output.facts("The plan", facts)


def _print_words(record: record_pb.PushRecord, output: Output) -> None:
    words = record.words
    left = any(entry.contact.state == contact_pb.CONTACT_STATE_SENT for entry in record.contacts)
    facts = {
        "title": words.title,
        "text": indent(words.message, _INDENT).lstrip(),
        "page": words.href,
        "order word": words.order_keyword if words.order_keyword in words.message else "",
    }
    output.facts("The words that were sent" if left else "The words that have not left", facts)


def _print_contacts(record: record_pb.PushRecord, output: Output) -> None:
    if not record.contacts:
        output.line("No contact was reserved: nothing has left.")
        return
    output.line("What left, and what was heard of it", style="bold")
    for entry in record.contacts:
        for line in _contact_lines(entry):
            output.line(f"  {line}")


def _contact_lines(entry: record_pb.ContactRecord) -> Iterator[str]:
    contact = entry.contact
    sent = f" {local_time(contact.send_time)}" if contact.HasField("send_time") else ""
    by = f", taken by gateway account {entry.account}" if entry.message_ids and entry.account else ""
    ids = f" as {', '.join(entry.message_ids)}" if entry.message_ids else ""
    yield f"attempt {entry.attempt}: {_CONTACTS[contact.state]}{sent}{by}{ids}"
    for receipt in entry.receipts:
        yield f"receipt {local_time(receipt.receive_time)}: {receipt.status} for {receipt.message_id}"
    if entry.message_ids:
        yield _DELIVERIES[contact.delivery]
    for reply in entry.replies:
        yield f"reply {local_time(reply.receive_time)}: the customer {_REPLIES[reply.meaning]}"


def _print_calls(record: record_pb.PushRecord, output: Output) -> None:
    if record.calls:
        output.line("The calls", style="bold")
    for call in record.calls:
        output.line(f"  {'; '.join(_call_words(call))}")


def _call_words(call: record_pb.CallRecord) -> Iterator[str]:
    back = f", the call-back agreed for {local_time(call.due_time)}" if call.HasField("due_time") else ""
    yield f"{call.name}, attempt {call.attempt}{back}: lent {local_time(call.lease_time)}"
    if call.HasField("start_time"):
        yield f"dialled {local_time(call.start_time)}"
    yield _CALLS[call.state]
    if call.system_result:
        yield f"the network: {enum_word(call_pb.SystemResult.Name(call.system_result), 'SYSTEM_RESULT_')}"
    if call.business_result:
        yield f"the customer: {enum_word(call_pb.BusinessResult.Name(call.business_result), 'BUSINESS_RESULT_')}"
    if call.HasField("call_back_time"):
        yield f"to be called back {local_time(call.call_back_time)}"


def _print_outcome(chain: PushChain, output: Output) -> None:
    answers = [entry.contact for entry in chain.told.record.contacts if entry.contact.answer]
    facts: dict[str, object] = {}
    if answers:
        said = enum_word(contact_pb.ContactAnswer.Name(answers[-1].answer), "CONTACT_ANSWER_")
        facts["answer"] = f"{said}, {local_time(answers[-1].answer_time)}"
    if outcome := chain.outcome:
        facts["reached"] = outcome.reached
        facts["ordered"] = local_time(outcome.order_time) if outcome.HasField("order_time") else "no order is known"
        facts["counts as"] = "a success" if outcome.success else "no success"
    if facts:
        output.facts("What came of it", facts)


def _print_traces(chain: PushChain, output: Output) -> None:
    commands = {
        "from extract": chain.lists_trace and f"visavis trace {chain.lists_trace}",
        "of the push": chain.push_trace and f"visavis trace {chain.push_trace}",
    }
    if any(commands.values()):
        output.facts("Look closer", commands)


def _channel(record: record_pb.PushRecord) -> str:
    return enum_word(contact_pb.Channel.Name(record.channel), "CHANNEL_")


def _state(push: plan_pb.Push) -> str:
    return enum_word(plan_pb.PushState.Name(push.state), "PUSH_STATE_")


def _zone(zone: policy_pb.Zone.ValueType) -> str:
    return enum_word(policy_pb.Zone.Name(zone), "ZONE_")


def _decimal(scaled: int, digits: int) -> Decimal:
    return Decimal(scaled).scaleb(-digits)
