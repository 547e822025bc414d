"""A made-up second national plan, with every way in which its indicators follow the first's."""

import csv
from collections.abc import Iterator
from pathlib import Path

from orchestration.runtime.settings import SEEDS
from sources.registers import register_rows

FIRST, SECOND = "PKV-2021-2023", "PKV-2024-2026"

Row = dict[str, str]

#: Indicators of the second plan: the code in the first whose row each is like, and what differs.
#: 2.1.2.1, 2.1.3.1 and 3.1.1.1 mean something else in the first plan; 2.1.2.1 comes from its
#: 2.1.1.1, and 2.1.3.1 is not about persons here.
INDICATORS: dict[str, tuple[str, Row]] = {
    "2.1.2.1": ("2.1.1.1", {}),
    "2.1.9.1": (
        "2.1.9.1",
        {"name_sq": "Raste të reja", "name_en": "New cases", "target_basis": "annual"},
    ),
    "2.2.5.1": ("2.2.5.1", {"name_sq": "Punonjës shëndetësie të trajnuar"}),
    "2.2.5.2": ("2.2.5.1", {"name_sq": "Punonjës socialë të trajnuar"}),
    "2.1.3.1": ("3.1.12.1", {"name_sq": "Takime me prindër", "unit": "meetings"}),
    "3.1.1.1": ("3.1.1.2", {"name_sq": "Persona të informuar, edhe në internet"}),
    "3.1.3.1": ("3.1.3.1", {"name_sq": "Persona të informuar në punë dhe në kufi"}),
    "3.1.12.1": ("3.1.12.1", {"name_sq": "Orë mësimi", "unit": "trainings"}),
    "3.1.13.1": (
        "3.1.13.1",
        {"name_sq": "Trajnime", "unit": "trainings", "target_basis": "annual"},
    ),
}

#: Successions of the second plan: earlier code, code, kind, is_comparable, why not. The first
#: plan's other indicators end.
SUCCESSIONS = [
    ("2.1.1.1", "2.1.2.1", "continues", "true", ""),
    ("2.1.9.1", "2.1.9.1", "basis_changed", "true", ""),
    ("2.2.5.1", "2.2.5.1", "splits", "false", "split by profession"),
    ("2.2.5.1", "2.2.5.2", "splits", "false", "split by profession"),
    ("", "2.1.3.1", "begins", "", ""),
    ("3.1.1.2", "3.1.1.1", "continues", "false", "people reached online count too"),
    ("3.1.3.1", "3.1.3.1", "merges", "false", "hotels and the border together"),
    ("3.1.5.1", "3.1.3.1", "merges", "false", "hotels and the border together"),
    ("3.1.12.1", "3.1.12.1", "unit_changed", "false", "lessons, and no more pupils"),
    ("3.1.13.1", "3.1.13.1", "unit_changed+basis_changed", "false", "trainings, and no more staff"),
]

#: Who owes what; the first plan has more institutions.
OBLIGATIONS = [
    ("AL-04-POLICIA", "2.1.9.1", "monthly"),
    ("AL-04-ARSIMI", "3.1.12.1", "quarterly"),
    ("AL-04-SHSSH", "2.1.2.1", "monthly"),
    ("AL-04-ISHPSHSH", "3.1.3.1", "monthly"),
]

#: The numbers of the plan's cells; all others are blank.
TARGETS = {"2.1.9.1": {2023: "9", 2024: "12", 2025: "14", 2026: "16"}}


def rows_of_second_plan() -> dict[str, list[Row]]:
    """Return the rows of the plan by their register."""
    return {
        "plans": [
            _like("plans", {"plan_code": FIRST})
            | {"valid_from": "2024-01-01", "valid_to": "2026-12-31"}
        ],
        "measures": [
            _like("measures", {"measure_code": "2.1.9"})
            | {"measure_code": code, "start_year": "2024", "end_year": "2026"}
            for code in sorted({_measure(code) for code in INDICATORS})
        ],
        "indicators": [
            _like("indicators", {"indicator_code": like})
            | {
                "indicator_code": code,
                "measure_code": _measure(code),
                "indicator_position": code.rpartition(".")[2],
            }
            | changes
            for code, (like, changes) in INDICATORS.items()
        ],
        "targets": list(_targets()),
        "reporting_obligations": [
            _like("reporting_obligations", {"institution_code": institution})
            | {
                "indicator_code": code,
                "frequency": frequency,
                "valid_from": "2024-01-01",
                "valid_to": "",
                "recorded_from": "2023-12-01",
            }
            for institution, code, frequency in OBLIGATIONS
        ],
        "record_indicators": [_like("record_indicators", {"indicator_code": "2.1.9.1"})],
        "official_sources": [_like("official_sources", {"indicator_code": "2.1.9.1"})],
        "indicator_successions": list(_successions()),
        # The product's own calendar ends with 2025.
        "reporting_calendar": [
            {
                "month": f"2026-{month:02}-01",
                "reporting_deadline": f"{2026 + month // 12}-{month % 12 + 1:02}-10",
                "deadline_basis": "made up",
                "final_on": "2027-03-31",
                "final_basis": "made up",
            }
            for month in range(1, 13)
        ],
    }


def write_second_plan(folder: Path) -> Path:
    """Write the plan's files, as `krat plan check` takes them."""
    folder.mkdir(parents=True)
    for register, rows in rows_of_second_plan().items():
        write_rows(folder / f"{register}.csv", rows)
    return folder


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write a register's file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _like(register: str, wanted: Row) -> Row:
    """Return the first row of a register that is like this, as one of the second plan."""
    rows = register_rows(SEEDS, register)
    return next(row for row in rows if wanted.items() <= row.items()) | {"plan_code": SECOND}


def _measure(indicator_code: str) -> str:
    return indicator_code.rpartition(".")[0]


def _targets() -> Iterator[Row]:
    for code in INDICATORS:
        for year in range(2023, 2027):
            value = TARGETS.get(code, {}).get(year, "")
            yield _like("targets", {"indicator_code": "2.1.9.1", "year": "2022"}) | {
                "indicator_code": code,
                "year": str(year),
                "target_kind": "baseline" if year == 2023 else "target",
                "value": value,
                "source_text": value,
                "value_state": "number" if value else "blank",
            }


def _successions() -> Iterator[Row]:
    named = {earlier for earlier, *_ in SUCCESSIONS}
    ending = [
        (row["indicator_code"], "", "ends", "", "")
        for row in register_rows(SEEDS, "indicators")
        if row["indicator_code"] not in named
    ]
    for earlier, code, kind, is_comparable, reason in [*SUCCESSIONS, *ending]:
        yield {
            "earlier_plan_code": FIRST,
            "earlier_indicator_code": earlier,
            "plan_code": SECOND,
            "indicator_code": code,
            "kind": kind,
            "is_comparable": is_comparable,
            "note_sq": reason,
            "note_en": reason,
            "evidence": "made up",
        }
