"""The counties of the example in the registers: krat's own know only Fier.

Belongs here: adding the example's rows where they are missing. Not here: the rows themselves
(sources.example), or what a county of the office's own needs (county).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.registers.check import check_registers
from orchestration.registers.county import write_drafts
from orchestration.registers.rows import BrokenRegisters, Rows
from sources.example.counties import COUNTIES, REGISTERS, ExampleCounty
from sources.registers import register_rows


@dataclass(frozen=True)
class ExampleRegisters:
    """The registers with the example's counties, and what was added for that.

    `added` are the counties whose rows were written, `left_out` those of which the office has
    institutions of its own.
    """

    rows: Rows
    written: Mapping[Path, int]
    added: tuple[ExampleCounty, ...]
    left_out: tuple[ExampleCounty, ...]

    @property
    def counties(self) -> tuple[ExampleCounty, ...]:
        """The counties that files can be made for."""
        return tuple(county for county in COUNTIES if county not in self.left_out)


def add_example(shipped: Path, office: Path) -> ExampleRegisters:
    """Add to the registers in `office` the example's counties that have no institutions there.

    Raises BrokenRegisters when those of the office over the `shipped` ones can't be used: then
    nothing is added.
    """
    rows = _checked(shipped, office)
    known = _by_county(rows.values("institutions"))
    ours = _by_county(register_rows(REGISTERS, "institutions"))
    added = tuple(county for county in COUNTIES if not known[county.code])
    left_out = tuple(
        county
        for county in COUNTIES
        if county not in added and not ours[county.code] <= known[county.code]
    )
    if not added:
        return ExampleRegisters(rows, {}, added, left_out)
    codes = set().union(*(ours[county.code] for county in added))
    drafts = {
        path.stem: [
            row for row in register_rows(REGISTERS, path.stem) if row["institution_code"] in codes
        ]
        for path in sorted(REGISTERS.glob("*.csv"))
    }
    written = write_drafts(office, drafts)
    return ExampleRegisters(_checked(shipped, office), written, added, left_out)


def _checked(shipped: Path, office: Path) -> Rows:
    rows, problems = check_registers(shipped, office)
    if problems:
        raise BrokenRegisters(problems)
    return rows


def _by_county(institutions: Iterable[Mapping[str, str]]) -> Mapping[str, set[str]]:
    """Return the codes of institutions by their county."""
    codes: dict[str, set[str]] = defaultdict(set)
    for row in institutions:
        codes[row["county_code"]].add(row["institution_code"])
    return codes
