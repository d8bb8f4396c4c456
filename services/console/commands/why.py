"""`visavis why`: explains a customer's list, or one push from the extract to what came of it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from visavis.recommendation.v1 import explanation_pb2 as explanation_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb
from visavis.scoring.v1 import model_service_pb2 as model_pb
from visavis.scoring.v1 import scoring_service_pb2 as scoring_pb

from services.console.chain import read_chain
from services.console.clients import Clients, connect
from services.console.render.chain import print_chain
from services.console.render.explanation import print_explanation
from services.console.session import AsJson, Session, run
from shared.errors import Failure, InvalidInput


def why(
    customer: Annotated[str, typer.Argument(help="The customer id.")] = "",
    cycle: Annotated[str, typer.Option(help="The cycle, 2026-11; without it the lists that the desk reads now.")] = "",
    matrix: Annotated[
        str,
        typer.Option(
            metavar="PURPOSE", help="Only this matrix: priority, retention, new_service, voice_usage or vpmn."
        ),
    ] = "",
    row: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="Why this row of the matrix's spreadsheet did not fire; repeat it for more."),
    ] = None,
    city: Annotated[str, typer.Option(help="The rows are of this city's override.")] = "",
    push: Annotated[
        str, typer.Option(metavar="ID", help="Instead of a customer: a push, as `visavis plan pushes` lists it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Explain a customer's list: what is offered and why, what was found and blocked, and what would have had to differ.

    With --push: one message or call, from the extract and the scores to what was sent, said and ordered.
    """
    asked = recommendation_pb.ExplainPolicyListRequest(customer_id=customer, cycle=cycle)
    if row:
        asked.rows.append(explanation_pb.AskedRows(purpose=matrix, rows=row, city=city))

    async def command(session: Session) -> None:
        if bool(customer) == bool(push):
            raise InvalidInput.of("customer", "expected a customer id, or --push with a push")
        if push and (cycle or matrix or row or city):
            raise InvalidInput.of("push", "is explained whole: leave --cycle, --matrix, --row and --city out")
        if row and not matrix:
            raise InvalidInput.of("row", "expected --matrix with it, as rows are numbered in each matrix")
        if city and not row:
            raise InvalidInput.of("city", "expected --row with it")
        await (_why_push(push, session) if push else _why_list(asked, matrix, session))

    run(command, as_json=as_json)


async def _why_list(asked: recommendation_pb.ExplainPolicyListRequest, matrix: str, session: Session) -> None:
    async with connect(session.settings) as clients:
        answer = await clients.recommendation.ExplainPolicyList(asked)
        if matrix and matrix not in {met.purpose for met in answer.matrices}:
            met = ", ".join(dict.fromkeys(met.purpose for met in answer.matrices)) or "none"
            raise InvalidInput.of("matrix", f"{matrix!r}: the customer met {met}")
        if not answer.models:
            answer.models.extend(await _models_of(answer.scoring_run, clients))
        if session.output.message(answer):
            return
        print_explanation(answer, await _read_models(answer.models, clients), session.output, only=matrix)


async def _models_of(scoring_run: str, clients: Clients) -> Sequence[str]:
    """Return the models of a scoring run, for lists that were not told of them; none where scoring cannot say."""
    try:
        found = await clients.scoring.GetScoringRun(scoring_pb.GetScoringRunRequest(name=scoring_run))
    except Failure:
        return ()
    return found.scoring_run.models


async def _read_models(names: Sequence[str], clients: Clients) -> Mapping[str, model_pb.Model]:
    """Return what the models are, of those that can be read."""

    async def read(name: str) -> model_pb.Model | None:
        try:
            return (await clients.models.GetModel(model_pb.GetModelRequest(name=name))).model
        except Failure:
            return None

    found = await asyncio.gather(*map(read, names))
    return {name: model for name, model in zip(names, found, strict=True) if model is not None}


async def _why_push(push: str, session: Session) -> None:
    async with connect(session.settings) as clients:
        chain = await read_chain(f"pushes/{push.removeprefix('pushes/')}", clients)
    if not session.output.value(chain.as_json()):
        print_chain(chain, session.output)
