"""What everything that reads one file shares.

Belongs here: what is known of a file, and what was found in it so far. Not here: reading any of it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from xlsxwriter.utility import xl_rowcol_to_cell

from sources.layouts import Column, Layout, Written, candidates, short_list
from sources.problems import MAX_PLACES, SEVERITIES, Problem, problem, severity_of
from sources.registers import NATION, Registers
from sources.values import Cell, cell_text

#: Rule for a cell that is blank or no code of its list, where it isn't unknown_code.
_RULE_OF_COLUMN = {
    "institution_code": "unknown_institution",
    "county_code": "wrong_county",
    "municipality_code": "unknown_municipality",
    "indicator_code": "unknown_indicator",
    "layout_id": "unknown_layout",
    "reporting_month": "unknown_month",
}


class Place(NamedTuple):
    """A cell with where it stands; rows and columns count from 0."""

    value: Cell
    row: int | None = None
    column: int | None = None


def cell_at(row: list[Cell], position: int) -> Cell:
    """Return a cell of a row; None beyond its end."""
    return row[position] if position < len(row) else None


def rule_of(column: Column) -> str:
    """Return the rule that a cell breaks which is no code of its column."""
    return _RULE_OF_COLUMN.get(column.name, "unknown_code")


#: Turns a purpose and a clear text into a pseudonym.
KeyedHash = Callable[[str, str], str]


class Context:
    """A file that is being read: what is known of it, and what was found in it so far.

    `notes` say how things were read that were not as the form wants them, `codes` what the columns
    of its layout may hold. `sheet` is the name under which places in it are told, `record_columns`
    the letter of each column of a record. `broken` are the rules and places, from 0, of all
    problems that refuse, those that were not noted too.
    """

    def __init__(
        self,
        delivery_id: str,
        county_code: str,
        registers: Registers,
        key: KeyedHash,
        received_at: datetime,
    ) -> None:
        self.delivery_id = delivery_id
        self.county_code = county_code
        self.registers = registers
        self.key = key
        self.received_at = received_at
        self.layout: Layout | None = None
        self.institution_code: str | None = None
        self.reporting_month: date | None = None
        self.is_made_up = False
        self.problems: list[Problem] = []
        self.notes: set[str] = set()
        self.sheet: str | None = None
        self.codes: dict[str, Written] = {}
        self.record_columns: dict[str, str] = {}
        self.broken: set[tuple[str, int | None, int | None]] = set()
        self._reported: Counter[tuple[str, str | None]] = Counter()

    def report(
        self,
        rule: str,
        place: Place | None = None,
        column: Column | None = None,
        sentence: str | None = None,
        offered: Sequence[str] = (),
        sheet: str | None = None,
    ) -> None:
        """Note a problem, of another `sheet` where it isn't the table's.

        `offered` is what the cell may mean, where the column can't say it. At most MAX_PLACES are
        noted of a rule and column.
        """
        row = place.row if place else None
        position = place.column if place else None
        if self.is_refusing(rule):
            self.broken.add((rule, None if sheet else row, position))
        kind = (rule, column.name if column else None)
        self._reported[kind] += 1
        if self._reported[kind] > MAX_PLACES:
            return
        offered = offered or self.candidates(rule, place, column)
        if column and place and cell_text(place.value) and rule == rule_of(column) and not sentence:
            offered = offered or short_list(column)
        self.problems.append(
            problem(
                rule,
                sheet=sheet or self.sheet,
                cell=None if row is None or position is None else xl_rowcol_to_cell(row, position),
                row_number=None if row is None else row + 1,
                headings=column.headings if column else (),
                sentence=sentence,
                candidates=offered,
            )
        )

    def is_refusing(self, rule: str) -> bool:
        """Tell whether what breaks a rule is refused."""
        return severity_of(rule, self.registers.rules) == SEVERITIES[0]

    def candidates(self, rule: str, place: Place | None, column: Column | None) -> Sequence[str]:
        """Return what a cell of a column that breaks a rule may mean."""
        if column is None or place is None or not cell_text(place.value):
            return ()
        code = self.codes[column.name][place.value] if column.name in self.codes else None
        # What is known but doesn't belong here is meant: SHSSH alone is the national service.
        if rule == "wrong_county" and code and self.registers.institutions.get(code) != NATION:
            return ()
        return candidates(column, place.value, self.registers, self.county_code)
