"""Why a version of a matrix may not take a step, in words that say what to do."""

from services.recommendation.domain import Stage, StepKind
from services.recommendation.ports import Version
from shared.clock import local_date
from shared.errors import Conflict, WrongState

NOT_CHECKED = "ERROR_REASON_MATRIX_NOT_CHECKED"
NOT_APPROVED = "ERROR_REASON_MATRIX_NOT_APPROVED"
NOT_PUBLISHED = "ERROR_REASON_MATRIX_NOT_PUBLISHED"
SELF_APPROVAL = "ERROR_REASON_SELF_APPROVAL"
WRONG_STATE = "ERROR_REASON_WRONG_STATE"


def refuse_stale(version: Version, etag: str) -> None:
    """Raise Conflict unless the version is what the caller saw; an empty etag lets all pass."""
    if etag and etag != version.etag:
        name = f"matrices/{version.matrix_id}"
        raise Conflict(
            f"{name} is no longer what it was: look at it again with `visavis matrix show {name}`, then repeat"
        )


def refused(version: Version, message: str, reason: str) -> WrongState:
    """Return the refusal of a step of this version."""
    return WrongState(message, subject=f"matrices/{version.matrix_id}", reason=reason)


def why_not_approved(version: Version, principal: str) -> WrongState | None:
    """Return why `principal` may not approve the version, None where nothing speaks against it."""
    match version.life.stage:
        case Stage.CHECKED if principal == version.matrix.author:
            text = f"{principal} has taken {version.words} in: it is for somebody else to approve it"
            return refused(
                version, f"{text}, with `visavis matrix approve matrices/{version.matrix_id}`", SELF_APPROVAL
            )
        case Stage.APPROVED:
            return refused(
                version, f"{version.words} is approved already: {_last(version, StepKind.APPROVED)}", WRONG_STATE
            )
        case _:
            return why_not_ready(version, Stage.CHECKED)


def why_not_ready(version: Version, needed: Stage) -> WrongState | None:
    """Return what a version lacks that must have come as far as `needed` (checked or approved), None where it has."""
    match version.life.stage:
        case Stage.RETIRED:
            text = f"{version.words} was retired: {_last(version, StepKind.RETIRED)}. Take another version"
            return refused(version, text, WRONG_STATE)
        case Stage.DRAFT:
            return refused(version, _unchecked(version), NOT_CHECKED)
        case Stage.CHECKED if needed is Stage.APPROVED:
            text = f"{version.words} was not approved: somebody else than {version.matrix.author} may do so, with "
            command = f'`visavis matrix approve matrices/{version.matrix_id} --reason "…"`'
            return refused(version, text + command, NOT_APPROVED)
        case _:
            return None


def _unchecked(version: Version) -> str:
    name = f"matrices/{version.matrix_id}"
    faults = [step for step in version.steps if step.kind is StepKind.FAULTED]
    if faults:
        return (
            f"the last check of {version.words} found {faults[-1].reason}: see `visavis matrix check {name}`, mend the file, and "
            "import it as a new version"
        )
    return f"{version.words} was not checked: run `visavis matrix check {name}`"


def _last(version: Version, kind: StepKind) -> str:
    """Return who took the latest step of a kind, when and why."""
    step = [step for step in version.steps if step.kind is kind][-1]
    return f"{step.principal} on {local_date(step.time)}, {step.reason}"
