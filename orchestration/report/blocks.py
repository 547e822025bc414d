"""The parts that a report is put together from, before any file is made.

Belongs here: their shapes. Not here: what they say (content), or how a file shows them (document,
page).
"""

from dataclasses import dataclass

from orchestration.presentation.blocks import Paragraph, ReportTable
from orchestration.presentation.charts import Chart
from sources.texts import Language


@dataclass(frozen=True)
class Picture:
    """A chart with its caption and what is to be said beneath it."""

    caption: str
    chart: Chart
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Typed:
    """What people write into the Word file: `lines` of text, or the `rows` of a table.

    `key` finds it again; `head` are the table's headings, empty for a text; `prompts` help to
    write. It is not open where nobody is to write any more; `empty` asks for a text.
    """

    key: str
    title: str
    lines: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    prompts: tuple[str, ...] = ()
    is_open: bool = True
    empty: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nobody wrote anything yet."""
        return not any(self.lines) and not any(any(row) for row in self.rows)


Block = Paragraph | ReportTable | Picture | Typed


@dataclass(frozen=True)
class ReportSection:
    """A numbered section; `key` is its name in a template."""

    key: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class PeriodicReport:
    """A report in one language: its title, what stands on each page, facts, and sections.

    `facts` are pairs of a name and what it is; `marks` are said at the top (made up, restricted).
    """

    language: Language
    name: str
    title: str
    subtitle: str
    running: str
    marks: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    sections: tuple[ReportSection, ...]
