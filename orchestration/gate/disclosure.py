"""The verdict on the public tier: whether anything small can be derived from what was read.

Belongs here: judging what all releases show, and the reasons in words. Not here: reading them
(reading), what can be derived (expectations.disclosure), or what is kept (records).
"""

from expectations.disclosure import Verdict, audit
from expectations.protection import relations_among
from orchestration.gate.reading import DisclosureContext, PublishedNumbers


class DisclosureRefused(RuntimeError):
    """Something small could be derived from what would be published: nothing is."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(
            f"the gate of disclosure refuses the public tier: {'; '.join(reasons[:3])}"
            + (f"; and {len(reasons) - 3} more" if len(reasons) > 3 else "")
        )
        self.reasons = reasons


def judge_disclosure(numbers: PublishedNumbers, context: DisclosureContext) -> Verdict:
    """Return the verdict on everything that was read, drafts among it."""
    relations = relations_among(numbers.origins, context.rules)
    return audit(numbers.frame(), relations, context.rules.threshold, in_full=False)


def explain(numbers: PublishedNumbers, context: DisclosureContext) -> tuple[str, ...]:
    """Return each reason against what was read, in words: the cell, its range, and the tables."""
    relations = relations_among(numbers.origins, context.rules)
    verdict = audit(numbers.frame(), relations, context.rules.threshold)
    return (
        *numbers.oddities,
        *(
            f"{leak.cell} is known to be {leak.least} to {leak.greatest} from "
            f"{', '.join(leak.tables)}"
            for leak in verdict.leaks
        ),
        *(
            [f"contradicting: {', '.join(verdict.contradictions)}"]
            if verdict.contradictions
            else []
        ),
    )
