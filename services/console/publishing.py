"""What a cycle's lists are made by: the planner's versions, published for it; and who stands for them where they are not yet."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from visavis.recommendation.v1 import matrix_check_pb2 as check_pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from services.console.clients import Clients
from services.console.identity import request_id
from services.console.matrices import all_matrices, purpose_word
from services.console.planner_files import NEEDED
from services.console.render.matrices import state_word, whose
from services.console.runs import Follower, patient
from shared.errors import WrongState
from shared.rpc.identity import Caller, Role, acting_as

_NOT_PUBLISHED = "ERROR_REASON_MATRIX_NOT_PUBLISHED"
_Result = TypeVar("_Result")
_State = matrix_pb.Matrix


@dataclass(frozen=True, slots=True)
class Publisher:
    """Brings versions to where lists may be made by them, each step with a reason for the log.

    `reviewer` approves and publishes what is not yet; without one it is refused, with the commands that do so.
    """

    clients: Clients
    follower: Follower
    reviewer: str

    async def for_cycle(self, names: Sequence[str], cycle: str, *, catalogue: str) -> tuple[str, ...]:
        """Return all that is published for the cycle once these versions are. Raises WrongState with what is to be done first."""
        missing = [matrix for matrix in await self._read(names) if cycle not in matrix.cycles]
        if missing and not self.reviewer:
            raise _refusal(
                missing, f'publish with `visavis matrix publish {{name}} --cycle {cycle} --reason "…"`', cycle
            )
        if missing:
            await self.approve(names, catalogue=catalogue)
            await self._as_reviewer(partial(self._publish, names, cycle))
        return await patient(partial(self.present, cycle))

    async def present(self, cycle: str) -> tuple[str, ...]:
        """Return all that is published for the cycle. Raises WrongState where no lists could be made by it."""
        wanted = matrix_pb.ListMatricesRequest(cycle=cycle)
        found = [matrix async for matrix in all_matrices(self.clients, wanted)]
        of_province = {purpose_word(matrix.purpose) for matrix in found if not matrix.city}
        if missing := [purpose for purpose in NEEDED if purpose not in of_province]:
            raise WrongState(
                f"for {cycle} no matrix is published for {', '.join(missing)}: publish them with `visavis matrix publish`, or give the "
                "planner's files with --planner",
                subject=cycle,
                reason=_NOT_PUBLISHED,
            )
        return tuple(sorted(matrix.name for matrix in found))

    async def approve(self, names: Sequence[str], *, catalogue: str) -> None:
        """Check these versions and let the reviewer approve them, as far as that was not done. Raises WrongState."""
        drafts = [matrix.name for matrix in await self._read(names) if matrix.state == _State.STATE_DRAFT]
        if drafts:
            await self._check(names, catalogue)
        if faulty := [matrix for matrix in await self._read(drafts) if matrix.state == _State.STATE_DRAFT]:
            raise _refusal(faulty, "", "")
        for name in names:
            await self._as_reviewer(partial(self._approve, name))

    async def _check(self, names: Sequence[str], catalogue: str) -> None:
        asked = check_pb.CheckMatrixRequest(
            request_id=request_id("", "matrix check", *names, catalogue), matrices=names, policy_catalogue=catalogue
        )
        await self.follower.complete(
            "matrix check",
            create=self.clients.matrices.CheckMatrix,
            asked=asked,
            read=self.clients.matrices.GetMatrixCheck,
            named=lambda name: check_pb.GetMatrixCheckRequest(name=name),
            of=lambda answer: answer.matrix_check,
        )

    async def _approve(self, name: str) -> None:
        """Approve a version that is checked; whoever comes again finds it approved."""
        (matrix,) = await self._read([name])
        if matrix.state == _State.STATE_CHECKED:
            asked = matrix_pb.ApproveMatrixRequest(name=name, etag=matrix.etag, reason="its check found no error")
            await self.clients.matrices.ApproveMatrix(asked)

    async def _publish(self, names: Sequence[str], cycle: str) -> None:
        """Publish those that are not published yet, at once; whoever comes again finds them published."""
        missing = [matrix for matrix in await self._read(names) if cycle not in matrix.cycles]
        versions = [matrix_pb.MatrixVersion(name=matrix.name, etag=matrix.etag) for matrix in missing]
        if versions:
            asked = matrix_pb.PublishMatrixRequest(
                versions=versions, cycle=cycle, reason=f"the cycle {cycle} is run by them"
            )
            await self.clients.matrices.PublishMatrix(asked)

    async def _read(self, names: Sequence[str]) -> list[matrix_pb.Matrix]:
        asked = [matrix_pb.GetMatrixRequest(name=name) for name in names]
        return [(await patient(partial(self.clients.matrices.GetMatrix, each))).matrix for each in asked]

    async def _as_reviewer(self, step: Callable[[], Awaitable[_Result]]) -> _Result:
        with acting_as(Caller(self.reviewer, Role.PLANNER)):
            return await patient(step)


def _refusal(matrices: Sequence[matrix_pb.Matrix], then: str, cycle: str) -> WrongState:
    """Return the failure that says of each version what is to be done first."""
    todo = "\n".join(f"  {whose(matrix)} is {_todo(matrix, then)}" for matrix in matrices)
    text = f"{len(matrices)} of the planner's matrices cannot be used yet:\n{todo}"
    if cycle:
        text += "\nor run this again with --publish-as WHO, who stands for them: it checks, approves and publishes them"
    return WrongState(text, subject=matrices[0].name, reason=_NOT_PUBLISHED)


def _todo(matrix: matrix_pb.Matrix, then: str) -> str:
    word = state_word(matrix)
    match matrix.state:
        case _State.STATE_DRAFT:
            faults = [step.reason for step in matrix.steps if step.kind == matrix_pb.MatrixStep.KIND_FAULTED]
            found = f", its last check found {faults[-1]}" if faults else ""
            return f"{word}{found}: see `visavis matrix check {matrix.name}`"
        case _State.STATE_CHECKED:
            return (
                f'{word}: somebody else than {matrix.author} runs `visavis matrix approve {matrix.name} --reason "…"`'
            )
        case _:
            return f"{word}: {then.format(name=matrix.name)}"
