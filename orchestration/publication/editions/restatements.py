"""What an edition changed of the one before: each number, with the reasons that hold for it.

Belongs here: the table of restatements and the list of changes. Not here: the counts themselves.

Reasons are general (late, correction, county joined, county left), never by institution: they
follow from which units are counted, not from how large these are.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd

from expectations.protection import CountKey
from orchestration.products.codes import labels
from orchestration.products.declaration import Tier, product
from orchestration.publication.editions.calendar import EditionDay
from orchestration.publication.editions.counts import COUNT_COLUMNS
from sources.registers import NATION
from sources.texts import both

#: The reasons, in the order in which they are given.
COUNTY_JOINED, COUNTY_LEFT, LATE, CORRECTION = "county_joined", "county_left", "late", "correction"


def restatements(
    before: pd.DataFrame | None,
    rows: pd.DataFrame,
    units_before: Mapping[int, pd.DataFrame],
    units: pd.DataFrame,
    day: EditionDay,
) -> pd.DataFrame:
    """Return the counts that are shown otherwise than when they were shown last, with reasons.

    `before` has each count as it was shown last, `rows` as it is now; `units_before` is what each
    edition before counted, by its number, and `units` what this one does.
    """
    columns = list(product("restatements", Tier.PUBLIC).column_names)
    if before is None:
        return pd.DataFrame(columns=columns)
    key = list(COUNT_COLUMNS)
    both_editions = before.merge(rows, on=key, suffixes=("_before", "_after"))
    reasons = {number: _reasons(counted, units) for number, counted in units_before.items()}
    found: list[dict[str, Any]] = []
    for row in both_editions.to_dict("records"):
        if (row["shown_as_before"], row["value_before"]) == (
            row["shown_as_after"],
            row["value_after"],
        ) or (pd.isna(row["value_before"]) and row["shown_as_before"] == row["shown_as_after"]):
            continue
        count = CountKey(*(row[name] for name in key))
        why = {
            reason
            for (subject, county, month), reason in reasons[row["edition_before"]].items()
            if subject == count.subject
            and count.county_code in (county, NATION)
            and month in count.months
        }
        found.append(
            {name: row[name] for name in key}
            | {
                "counted_year": day.counted_year,
                "edition": day.edition,
                "edition_before": row["edition_before"],
                **{
                    f"{name}_{side}": row[f"{name}_{side}"]
                    for name in ("shown_as", "value")
                    for side in ("before", "after")
                },
                "reason": "+".join(
                    one for one in (COUNTY_JOINED, COUNTY_LEFT, LATE, CORRECTION) if one in why
                ),
                "is_made_up": row["is_made_up_after"],
            }
        )
    return pd.DataFrame(found, columns=columns)


def _reasons(before: pd.DataFrame, after: pd.DataFrame) -> dict[tuple[str, str, int], str]:
    """Return why a subject's count of a county and month differs, for all that do."""
    found: dict[tuple[str, str, int], str] = {}
    old, new = _counted(before), _counted(after)
    # An edition of a quarter counts no other month: what it left out is not late.
    months = {month for _, _, month in old}
    counties = [{(subject, county) for subject, county, _ in units} for units in (old, new)]
    for unit in old.keys() | new.keys():
        if unit[2] not in months:
            continue
        if unit not in old:
            found[unit] = LATE if unit[:2] in counties[0] else COUNTY_JOINED
        elif unit not in new:
            found[unit] = CORRECTION if unit[:2] in counties[1] else COUNTY_LEFT
        elif any(old[unit][key] != new[unit][key] for key in old[unit].keys() & new[unit].keys()):
            found[unit] = CORRECTION
    return found


def _counted(
    units: pd.DataFrame,
) -> dict[tuple[str, str, int], dict[tuple[str, str], int]]:
    """Return all that is counted of a subject, county and month, by dimension and category."""
    counted: dict[tuple[str, str, int], dict[tuple[str, str], int]] = defaultdict(dict)
    names = ["subject", "county_code", "month", "dimension", "category", "value"]
    for subject, county, month, *key, value in units[names].itertuples(index=False):
        counted[subject, county, int(month)][key[0], key[1]] = int(value)
    return counted


def describe_edition(
    day: EditionDay, rows: pd.DataFrame, changed: pd.DataFrame, *, is_made_up: bool
) -> str:
    """Return CHANGES.md: how counts are shown, and what changed since the edition before."""
    lines = [f"# {day.counted_year} e{day.edition}", ""]
    if is_made_up:
        lines += [both("release.made_up", " "), ""]
    lines += [both("editions.as_known", date=day.cut_off_on.isoformat()), ""]
    names = labels("shown_as")
    lines += [
        f"- {names[str(code)]}: {number}"
        for code, number in rows["shown_as"].value_counts().items()
    ]
    lines.append("")
    if changed.empty:
        return "\n".join([*lines, both("editions.nothing_changed"), ""])
    lines += [
        both("editions.changed", number=len(changed)),
        "",
        "| what | before | after | reason |",
        "| --- | --- | --- | --- |",
    ]
    for row in changed.to_dict("records"):
        count = CountKey(*(row[name] for name in COUNT_COLUMNS))
        old, new = (_shown(row, side) for side in ("before", "after"))
        lines.append(f"| {str(count).replace(' | ', ' ')} | {old} | {new} | {row['reason']} |")
    return "\n".join([*lines, ""])


def _shown(row: Mapping[Any, Any], side: str) -> str:
    value = row[f"value_{side}"]
    return str(row[f"shown_as_{side}"]) if pd.isna(value) else str(int(value))
