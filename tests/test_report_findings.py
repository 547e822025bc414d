"""A report of another sender or month, one sent twice or cut short, and what only an area shows.

One home holds the planted reports of Fier in 2023; each must be found by its rule, at its
institution, month and row, and nothing else by these rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb
import pytest
from defects.planting import build_from_inbox
from planted import Row, write_report

from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import prepare_process
from sources.custody.home import Home
from sources.example.generate import MADE_UP, PUBLISHED_FIGURES

pytestmark = pytest.mark.data

RULES = (
    "wrong_sender", "wrong_month", "duplicate_report", "report_changed", "correction_drops_values",
    "part_exceeds_other_indicator", "growth_from_coverage", "growth_without_coverage",
    "regions_exceed_nation", "nation_exceeds_regions", "breakdown_does_not_add_up",
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """A report as it was sent: its month, its rows, and when it came (None: in time)."""

    institution_code: str
    month: str
    rows: list[Row]
    received: str = ""


@dataclass(frozen=True)
class PlantedReports:
    """What is sent, and where a rule must find it: county, institution, month, row."""

    rule: str
    why: str
    sent: list[Sent]
    found: tuple[str, str, str, int | None]


MUNICIPAL_YEAR: list[Row] = [
    ("3.1.1.2", "", 88), ("3.1.1.1", "", 23), ("2.1.17.1", "", 14), ("3.1.6.1", "", 9),
]  # fmt: skip
SHSSH_MONTH: list[Row] = [("2.1.1.1", "", 2), ("2.1.11.1", "", 5), ("2.1.18.1", "", 1)]

PLANTED = [
    PlantedReports(
        "wrong_sender",
        "every indicator is owed by the education directorate, none by the social service",
        [Sent("AL-04-SHSSH", "2023-02", [("3.1.12.1", "", 40), ("3.1.13.1", "", 12)])],
        ("AL-04", "AL-04-SHSSH", "2023-02", 2),
    ),
    PlantedReports(
        "wrong_sender",
        "the report of one municipality under the name of another",
        [
            Sent("AL-04-B-PATOS", "2023-12", MUNICIPAL_YEAR),
            Sent("AL-04-B-ROSKOVEC", "2023-12", MUNICIPAL_YEAR, "2024-01-07"),
        ],
        ("AL-04", "AL-04-B-ROSKOVEC", "2023-12", 2),
    ),
    PlantedReports(
        "wrong_month",
        "the values of January again in April",
        [
            Sent("AL-04-ARSIMI", "2023-01", [("3.1.12.1", "", 930), ("3.1.13.1", "", 410)]),
            Sent("AL-04-ARSIMI", "2023-04", [("3.1.12.1", "", 930), ("3.1.13.1", "", 410)]),
        ],
        ("AL-04", "AL-04-ARSIMI", "2023-04", 2),
    ),
    PlantedReports(
        "wrong_month",
        "a quarterly value in a report of May",
        [Sent("AL-04-SHSSH", "2023-05", [*SHSSH_MONTH, ("2.1.19.1", "", 3)])],
        ("AL-04", "AL-04-SHSSH", "2023-05", 5),
    ),
    PlantedReports(
        "wrong_month",
        "a second file for May when June's is awaited and does not come",
        [
            Sent("AL-04-FORMIMI", "2023-05", [("2.1.16.1", "", 2)]),
            Sent("AL-04-FORMIMI", "2023-05", [("2.1.16.1", "", 4)], "2023-07-06"),
        ],
        ("AL-04", "AL-04-FORMIMI", "2023-05", 2),
    ),
    PlantedReports(
        "duplicate_report",
        "the same report in another order",
        [
            Sent("AL-04-DVKM", "2023-03", [("2.1.6.1", "", 1), ("3.1.5.1", "", 30)]),
            Sent("AL-04-DVKM", "2023-03", [("3.1.5.1", "", 30), ("2.1.6.1", "", 1)], "2023-04-08"),
        ],
        ("AL-04", "AL-04-DVKM", "2023-03", 2),
    ),
    PlantedReports(
        "report_changed",
        "one value is another one in the second file",
        [
            Sent("AL-04-DVKM", "2023-06", [("2.1.6.1", "", 1), ("3.1.5.1", "", 30)]),
            Sent("AL-04-DVKM", "2023-06", [("2.1.6.1", "", 1), ("3.1.5.1", "", 36)], "2023-07-08"),
        ],
        ("AL-04", "AL-04-DVKM", "2023-06", 3),
    ),
    PlantedReports(
        "correction_drops_values",
        "the second file holds only what was mended; another value is left blank",
        [
            Sent("AL-04-SHSSH", "2023-08", SHSSH_MONTH),
            Sent(
                "AL-04-SHSSH",
                "2023-08",
                [("2.1.1.1", "", 2), ("2.1.11.1", "", None), ("2.1.18.1", "", 1)],
                "2023-09-08",
            ),
        ],
        ("AL-04", "AL-04-SHSSH", "2023-08", 3),
    ),
    PlantedReports(
        "part_exceeds_other_indicator",
        "more identified by mobile units than there are new cases",
        [
            Sent("AL-04-SHSSH", "2023-09", [("2.1.11.1", "", 5), ("2.1.18.1", "", 9)]),
            Sent("AL-04-POLICIA", "2023-09", [("2.1.9.1", "", 4), ("3.1.2.1", "", 6)]),
        ],
        ("AL-04", "AL-04-SHSSH", "2023-09", 3),
    ),
    PlantedReports(
        "growth_from_coverage",
        "a municipality reports again, and the county seems to grow",
        [
            Sent("AL-04-B-FIER", "2023-10", [("3.1.1.2", "", 52)]),
            Sent("AL-04-B-FIER", "2023-11", [("3.1.1.2", "", 49)]),
            Sent("AL-04-B-LUSHNJE", "2023-11", [("3.1.1.2", "", 61)]),
        ],
        ("AL-04", "AL-04-B-LUSHNJE", "2023-11", 2),
    ),
    PlantedReports(
        "growth_without_coverage",
        "two institutions have three times the trainings they ever had",
        [
            *(Sent("AL-04-SHENDETI", f"2023-{month:02d}", [("2.2.5.1", "", 5 + month % 2)])
              for month in range(1, 12)),
            *(Sent("AL-04-ISHPSHSH", f"2023-{month:02d}", [("2.2.5.1", "", 4)])
              for month in (3, 6, 9)),
            Sent("AL-04-SHENDETI", "2023-12", [("2.2.5.1", "", 21)]),
            Sent("AL-04-ISHPSHSH", "2023-12", [("2.2.5.1", "", 12)]),
        ],
        ("AL-04", "AL-04-SHENDETI", "2023-12", 2),
    ),
    PlantedReports(
        "regions_exceed_nation",
        "one county has more new cases in 2022 than the 112 that were published for the nation",
        [
            Sent("AL-04-POLICIA", "2022-05", [("2.1.9.1", "", 60)]),
            Sent("AL-04-POLICIA", "2022-06", [("2.1.9.1", "", 53)]),
        ],
        ("AL", "AL-ZKKA", "2022-12", 14),
    ),
    PlantedReports(
        "breakdown_does_not_add_up",
        "two of three parts are already more than the total, the third is blank",
        [
            Sent(
                "AL-04-PREFEKTI",
                "2023-01",
                [
                    ("3.1.8.1", "", 10),
                    ("3.1.8.1", "regional_committee_members", 6),
                    ("3.1.8.1", "technical_table_members", 7),
                    ("3.1.8.1", "other_actors", None),
                ],
            )
        ],
        ("AL-04", "AL-04-PREFEKTI", "2023-01", 2),
    ),
]  # fmt: skip

#: What follows from a planted report beside the rule it was planted for.
FOLLOWS = {
    ("report_changed", "AL-04-FORMIMI", "2023-05"),
    ("report_changed", "AL-04-SHSSH", "2023-08"),
}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse over everything that is planted."""
    folder = tmp_path_factory.mktemp("planted")
    home = Home(root=folder / "home", keys=folder / "keys")
    prepare_process(home)
    for planted in PLANTED:
        for sent in planted.sent:
            received = (
                datetime.fromisoformat(sent.received).replace(tzinfo=UTC) if sent.received else None
            )
            write_report(
                home, sent.institution_code, date.fromisoformat(f"{sent.month}-01"), sent.rows,
                received, name=sent.received,
            )  # fmt: skip
    published = home.inbox / "AL" / PUBLISHED_FIGURES.name
    published.parent.mkdir(parents=True)
    # Marked as the reports are: what is real and what is made up are never held against each other.
    headings, *figures = PUBLISHED_FIGURES.read_text(encoding="utf-8").splitlines()
    marked = [f"{headings},data", *(f"{figure},{MADE_UP}" for figure in figures)]
    published.write_text("\n".join(marked) + "\n", encoding="utf-8")
    build_from_inbox(home)
    with read_warehouse(home) as connection:
        yield connection


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: f"{planted.rule}: {planted.why}")
def test_what_was_planted_is_found_by_its_rule_where_it_stands(
    planted: PlantedReports, findings: duckdb.DuckDBPyConnection
) -> None:
    county, institution, month, row = planted.found
    rows = findings.execute(
        "select row_number, message_sq, message_en from quality.findings where rule = ? "
        "and county_code = ? and institution_code = ? "
        "and strftime(reporting_month, '%Y-%m') = ? and state = 'open'",
        [planted.rule, county, institution, month],
    ).fetchall()
    assert [found[0] for found in rows] == [row]
    assert rows[0][1] != rows[0][2]


def test_nothing_else_is_found_by_these_rules(findings: duckdb.DuckDBPyConnection) -> None:
    rows = findings.execute(
        "select rule, institution_code, strftime(reporting_month, '%Y-%m') from quality.findings "
        "where list_contains(?, rule)",
        [list(RULES)],
    ).fetchall()
    expected = {(planted.rule, *planted.found[1:3]) for planted in PLANTED}
    assert set(rows) == expected | FOLLOWS
    assert len(rows) == len(expected | FOLLOWS)


def test_the_example_raises_only_what_was_planned_in_it(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        "select rule, institution_code, strftime(reporting_month, '%Y-%m') from quality.findings "
        "where list_contains(?, rule) order by all",
        [list(RULES)],
    ).fetchall()
    assert rows == [
        ("breakdown_does_not_add_up", "AL-04-POLICIA", "2023-10"),
        ("growth_from_coverage", "AL-04-SHENDETI", "2023-12"),
        ("report_changed", "AL-04-ARSIMI", "2023-05"),
        ("report_changed", "AL-04-PUNESIMI", "2023-07"),
    ]
