"""A small released world for the tests of the site: two indicators, two counties, four months."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.presentation.blocks import Paragraph, ReportTable
from orchestration.presentation.esms import QualityConcept
from orchestration.presentation.periods import parse_period
from orchestration.products.declaration import Tier
from orchestration.products.tree import MANIFEST, PERSONS, ListedRelease
from orchestration.site.facts import EDITIONS, NEWEST_COUNTS, Facts, Row, table_names

PLAN = "PKV"
#: Meetings with a target that the plan calls annual; persons, which are shown by editions alone.
MEETINGS, PERSONS_SEEN = (PLAN, "1.1.1.1"), (PLAN, "1.1.2.1")
MONTHS = [date(2023, month, 1) for month in (1, 2, 3, 4)]

#: What counties reported: nothing was due in January, Fier's March is missing, Kukës has a zero.
VALUES: dict[str, list[float | None]] = {
    "AL-04": [None, 3, None, 2],
    "AL-07": [None, 1, 4, 0],
    "AL": [None, 4, 4, 2],
}


def facts(folder: Path, tier: Tier = Tier.PUBLIC, **changed: list[Row]) -> Facts:
    """Return the world as a tier has it, its releases in `folder`; `changed` are tables of it."""
    tables: dict[str, list[Row]] = {name: [] for name in table_names()}
    tables |= {
        "core.dim_plans": [
            {"plan_code": PLAN, "name_sq": "Plani", "name_en": "The plan of the test",
             "valid_from": date(2023, 1, 1), "valid_to": date(2023, 12, 31)}
        ],
        "core.dim_measures": [
            {"plan_code": PLAN, "measure_code": code, "objective_code": "1.1",
             "name_sq": f"Masa {code}", "name_en": f"Measure {code}", "start_year": 2023,
             "end_year": 2023, "objective_name_sq": "Objektivi", "objective_name_en": "Objective"}
            for code in ("1.1.1", "1.1.2", "1.1.10")
        ],
        "core.dim_indicators": [
            _indicator(MEETINGS, "1.1.1", "meetings", "annual"),
            _indicator(PERSONS_SEEN, "1.1.2", "persons", "unstated"),
        ],
        "core.fct_targets": [
            {"plan_code": PLAN, "indicator_code": "1.1.1.1", "county_code": "AL", "year": 2023,
             "target_kind": "target", "value": 20.0, "source_text": "20 takime",
             "source_place": "ANEKS 1"}
        ],
        "core.plan_lint": [
            {"rule": "unstated_basis", "plan_code": PLAN, "measure_code": "1.1.2",
             "indicator_code": "1.1.2.1", "year": None, "source_text": "",
             "explanation_sq": "Plani nuk e thotë.", "explanation_en": "The plan does not say.",
             "source_place": "ANEKS 1"}
        ],
        "core.dim_counties": [
            {"county_code": "AL", "name_sq": "Shqipëria", "name_en": "Albania"},
            *(
                {"county_code": f"AL-{number:02}", "name_sq": f"Qarku {number}",
                 "name_en": f"County {number}"}
                for number in range(1, 13)
            ),
        ],
        "core.dim_institutions": [
            {"institution_code": "AL-04-X", "name_sq": "Bashkia X", "name_en": "Municipality X"}
        ],
        "core.dim_months": [
            {"month": date(2023, 5, 1), "reporting_deadline": date(2023, 6, 10),
             "final_on": date(2024, 3, 31)}
        ],
        "core.dim_editions": [
            {"counted_year": 2023, "edition": number, "cut_off_on": day, "quarter": quarter}
            for number, day, quarter in (
                (1, date(2023, 5, 1), 1), (2, date(2023, 8, 29), 2), (4, date(2024, 3, 31), None),
            )
        ],
        "core.codes": [
            {"code_list": "status", "code": "on_track", "name_sq": "sipas planit",
             "name_en": "on track"},
            {"code_list": "unit", "code": "meetings", "name_sq": "takime", "name_en": "meetings"},
        ],
        # No public release has it; if one had, its names would stay where they are.
        "marts.reporting_status": [
            {"county_code": "AL-04", "institution_code": "AL-04-X", "expected": 1, "received": 0,
             "on_time": 0, "reporting_month": MONTHS[2]}
        ],
        "vintages.releases": [
            {"county_code": area, "reporting_month": month, "release_number": 1,
             "released_on": date(2023, 5, 15), "is_made_up": True}
            for area in VALUES
            for month in MONTHS
        ],
        "vintages.indicator_progress": [
            _progress(MEETINGS, area, month, values)
            for area, values in VALUES.items()
            for month in MONTHS
        ],
    }  # fmt: skip
    if tier is Tier.RESTRICTED:
        tables["vintages.indicator_progress"] += [
            _progress(PERSONS_SEEN, area, month, values)
            for area, values in VALUES.items()
            for month in MONTHS
        ]
    else:
        tables[NEWEST_COUNTS] = [
            _counted("AL", 25, 23, 27, "rounded_5"),
            _counted("AL-04", None, 0, 10, "suppressed"),
            _counted("AL-07", None, None, None, "withheld"),
        ]
        tables[EDITIONS] = [{"counted_year": 2023, "edition": 1, "cut_off_on": date(2023, 5, 1)}]
    tables["vintages.period_figures"] = [
        _month_figure(row) for row in tables["vintages.indicator_progress"]
    ]
    return Facts(
        tier,
        tables | changed,
        tuple(_releases(folder, tier)),
        parse_period("2023-04"),
        {"sq": "niveli kombëtar", "en": "the nation"},
        {"sq": [_concept("Njësia")], "en": [_concept("Unit")]},
    )


def _concept(heading: str) -> QualityConcept:
    table = ReportTable("units", ("unit", "count"), (("takime", "1"),), (0.6, 0.4), frozenset({1}))
    return QualityConcept("unit", heading, (Paragraph("A sentence."), table))


def _indicator(key: tuple[str, str], measure: str, unit: str, basis: str) -> Row:
    return {
        "plan_code": key[0], "indicator_code": key[1], "measure_code": measure,
        "name_sq": f"Treguesi {key[1]}", "name_en": f"Indicator {key[1]}", "unit": unit,
        "short_name_sq": f"Treguesi {key[1]}", "short_name_en": f"Indicator {key[1]}",
        "target_basis": basis, "direction": "increase", "break_reason_sq": "Masa ndryshoi.",
        "break_reason_en": "The measure changed.",
    }  # fmt: skip


def _progress(
    key: tuple[str, str], area: str, month: date, values: list[float | None]
) -> dict[str, Any]:
    place = MONTHS.index(month)
    value, so_far = values[place], [one for one in values[: place + 1] if one is not None]
    is_bound = area == "AL" and place > 0
    total = sum(so_far) if so_far else None
    return {
        "county_code": area, "reporting_month": month, "plan_code": key[0],
        "indicator_code": key[1], "release_number": 1, "actual_month": value,
        "actual_year_to_date": total, "actual_year_to_date_least": total,
        "official_value": None,
        "actual_year_to_date_most": None if is_bound else total, "actual_cumulative": total,
        "actual_cumulative_least": total, "actual_cumulative_most": None if is_bound else total,
        "target_value": 20.0 if area == "AL" else None,
        "progress_annual": 100 * total / 20 if total and area == "AL" else None,
        "progress_cumulative": None,
        "status": "on_track" if area == "AL" and total else "no_target",
        "activity_status": "not_due" if not so_far else "active" if value else "not_reported",
        "break_before": area == "AL" and place == 3, "is_month_lower_bound": is_bound,
        "is_lower_bound": is_bound, "counties_reporting": 2 if area == "AL" else None,
        "counties_expected": 12 if area == "AL" else None,
        "counties_missing": "AL-01 AL-02" if area == "AL" else None,
    }  # fmt: skip


def _month_figure(row: Row) -> Row:
    """Return the figure of a month, which has its bounds, beside its progress."""
    value = row["actual_month"]
    due = "not_owed" if row["activity_status"] == "not_due" else "not_reported"
    keys = ("county_code", "reporting_month", "release_number", "plan_code", "indicator_code")
    return {name: row[name] for name in keys} | {
        "value": value,
        "value_state": due if value is None else "number" if value else "zero",
        "value_least": value,
        "value_most": None if row["is_month_lower_bound"] else value,
        "counties_reporting": row["counties_reporting"],
    }


def _counted(
    area: str, value: int | None, least: int | None, most: int | None, shown_as: str
) -> Row:
    return {
        "counted_year": 2023, "edition": 1, "county_code": area, "period": "2023",
        "subject": "1.1.2.1", "subject_sq": "Personat", "subject_en": "Persons",
        "dimension": "total", "category": "total", "unit": "persons", "value": value,
        "least": least, "greatest": most, "shown_as": shown_as, "why_sq": "Pse.",
        "why_en": "Why.", "counties_reporting": 2, "counties_expected": 12,
        "is_lower_bound": False, "may_fall": False,
    }  # fmt: skip


def _releases(folder: Path, tier: Tier) -> list[ListedRelease]:
    places = [(area, f"{month:%Y-%m}", "r1") for area in VALUES for month in MONTHS]
    if tier is Tier.PUBLIC:
        places.append((PERSONS, "2023", "e1"))
    found = []
    for area, month, name in places:
        path = folder / tier / area / month / name
        path.mkdir(parents=True, exist_ok=True)
        (path / MANIFEST).write_text(json.dumps([area, month, name]), encoding="utf-8")
        is_edition = area == PERSONS
        release_facts: dict[str, Any] = {"released_on": "2023-05-15"}
        if not is_edition:
            came = {"expected": 2, "received": 1, "on_time": 1}
            release_facts |= {"status": "provisional", "completeness": came}
        files = [{"path": "indicators.csv", "hash": "sha256:" + "0" * 64, "bytes": 1234}]
        found.append(ListedRelease(path, tier, area, month, 1, True, release_facts, files))
    return found
