"""What a look at a folder found out, file by file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.profile.domain.proposals.samples import FileSample
from services.profile.domain.proposals.tables import TableProposal


@dataclass(frozen=True, slots=True)
class Finding:
    """What one file looks like; `table` is empty where none fits."""

    file: str
    layout: str
    table: str = ""
    matched_count: int = 0
    unmatched: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def findings(samples: Sequence[FileSample], proposals: Sequence[TableProposal]) -> Iterator[Finding]:
    """Yield one finding per file, in the order of the files."""
    of = {file.name: proposal for proposal in proposals for file in proposal.files}
    for sample in samples:
        proposal = of.get(sample.name)
        if proposal is None:
            yield Finding(sample.name, sample.layout)
            continue
        yield Finding(
            sample.name,
            sample.layout,
            proposal.table.name if proposal.table else "",
            len(proposal.matches),
            tuple(proposal.unmatched),
            tuple(proposal.missing),
        )
