"""Pictures that were asked for and are not there: what a model declined to draw, and what failed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from limn.audit.report.parts import Figure, Figures, Listing, Report, Section
from limn.audit.rows import REFUSED
from limn.audit.statistics.clustered import clustered_share
from limn.audit.table import Table

NOTE = "A refusal is an answer. All other sections are about the pictures that were drawn."
MOST = 20  # reasons


def with_refusals(report: Report, table: Table) -> Report:
    """Return a report that also says what was not drawn; as it is where everything was."""
    once = table.once()
    if all(row.drawn for row in once.rows):
        return report
    figures, lines, findings = [], [], []
    for model in once.models:
        own = once.of(model=model)
        answered = [row for row in own.rows if row.drawn or row.refused]
        refused = sum(row.refused for row in answered)
        if refused:
            share = clustered_share([row.refused for row in answered], [row.prompt for row in answered])
            figures.append(Figure.of("refused", share, model=model))
            findings.append(f"{model} declined to draw {refused:,} of {len(answered):,} pictures.")
        for group in own.groups:
            part = own.of(group=group).rows
            gone = [row for row in part if not row.drawn]
            if gone:
                no = sum(row.refused for row in gone)
                lines.append((model, group, len(part), len(part) - len(gone), no, len(gone) - no))
    columns = ("model", "group", "asked", "drawn", "refused", "failed")
    reasons = Counter(row.flaw.removeprefix(REFUSED) for row in once.rows if not row.drawn).most_common(MOST)
    refused_by = Figures(title="Refused", rows=tuple(figures), axis="share of answers", unit="prompts")
    section = Section(
        title="Not drawn",
        parts=(
            NOTE,
            *([refused_by] if figures else ()),
            Listing(title="By group", columns=columns, rows=tuple(lines)),
            Listing(title="Reasons, as answered", columns=("reason", "pictures"), rows=tuple(reasons)),
        ),
    )  # fmt: skip
    return replace(report, findings=(*report.findings, *findings), sections=(*report.sections, section))
