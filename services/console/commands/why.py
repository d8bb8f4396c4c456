"""`visavis why`: explains a customer's list, or one push from the extract to what came of it."""

from typing import Annotated

import typer
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb

from services.console.chain import read_chain
from services.console.clients import connect
from services.console.render.chain import print_chain
from services.console.render.output import Output, enum_word
from services.console.session import AsJson, Session, run
from shared.errors import InvalidInput


def why(
    customer: Annotated[str, typer.Argument(help="The customer id.")] = "",
    push: Annotated[
        str, typer.Option(metavar="ID", help="Instead of a customer: a push, as `visavis plan pushes` lists it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Explain a customer's list: which row of which matrix fired on which values, and what was blocked.

    With --push: one message or call, from the extract and the scores to what was sent, said and ordered.
    """

    async def command(session: Session) -> None:
        if bool(customer) == bool(push):
            raise InvalidInput.of("customer", "expected a customer id, or --push with a push")
        await (_why_push(push, session) if push else _why_list(customer, session))

    run(command, as_json=as_json)


async def _why_list(customer: str, session: Session) -> None:
    async with connect(session.settings) as clients:
        asked = recommendation_pb.ExplainPolicyListRequest(customer_id=customer)
        answer = await clients.recommendation.ExplainPolicyList(asked)
    if not session.output.message(answer):
        _print_explanation(answer, session.output)


async def _why_push(push: str, session: Session) -> None:
    async with connect(session.settings) as clients:
        chain = await read_chain(f"pushes/{push.removeprefix('pushes/')}", clients)
    if not session.output.value(chain.as_json()):
        print_chain(chain, session.output)


def _print_explanation(answer: recommendation_pb.ExplainPolicyListResponse, output: Output) -> None:
    output.facts(
        "Made of",
        {
            "lists": answer.assembly_run,
            "views": answer.snapshot,
            "scores": answer.scoring_run,
            "arm": answer.arm,
            "assembled again": "the same list" if answer.replays else "ANOTHER LIST: tell operations",
        },
    )
    for matrix in answer.matrices:
        _print_matrix(matrix, output)
    blocked = [(_zone(found.zone), found.policy, found.row, found.reason) for found in answer.blocked]
    output.table("Found, then blocked", ("zone", "policy", "row", "by"), blocked)


def _print_matrix(matrix: recommendation_pb.MatrixExplanation, output: Output) -> None:
    about = f" for {matrix.product}" if matrix.product else ""
    rows = ", ".join(map(str, matrix.fired_rows))
    output.line(f"{matrix.display_name}{about}: {f'fired: row {rows}' if rows else 'no row fired'}", style="bold")
    output.line(f"  on {', '.join(f'{value.input} = {value.value}' for value in matrix.inputs)}")
    failed = [(row.row, row.input, row.cell) for row in matrix.failed_rows]
    output.table("  Rows that did not fire", ("row", "first input that failed", "cell"), failed)


def _zone(zone: policy_pb.Zone.ValueType) -> str:
    return enum_word(policy_pb.Zone.Name(zone), "ZONE_")
