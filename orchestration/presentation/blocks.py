"""What a page is put together from, whatever file it becomes: paragraphs and tables of texts.

Belongs here: their shapes. Not here: what they say, or how a file shows them (report, site).
"""

from dataclasses import dataclass, field

from orchestration.presentation.sentences import Figure


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `kind` is text, note, or minor (the heading of a part of a section)."""

    text: str
    kind: str = "text"


@dataclass(frozen=True)
class ReportTable:
    """A table of texts. `numeric` are the columns set to the right, from 0.

    `figures` has the figure behind a cell of `rows`, by row and column; `widths` are shares.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    numeric: frozenset[int] = frozenset()
    figures: dict[tuple[int, int], Figure] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
