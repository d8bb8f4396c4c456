"""Proposes a mapping for files that nobody has described yet: what each may hold, by its headings and some of its rows."""

from services.profile.domain.proposals.findings import Finding, findings
from services.profile.domain.proposals.rendering import rendered
from services.profile.domain.proposals.samples import FileSample
from services.profile.domain.proposals.tables import TableProposal, proposals

__all__ = ["FileSample", "Finding", "TableProposal", "findings", "proposals", "rendered"]
