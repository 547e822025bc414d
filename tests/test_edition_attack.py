"""The attacker on editions finds planted leaks, and finds nothing where nothing is shown."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.edition_attack import leaks
from tests.edition_world import cells_of, round_plainly, world


def _units(*rows: tuple[int, str, int, int]) -> pd.DataFrame:
    names = ["edition", "county_code", "month", "value"]
    return pd.DataFrame(rows, columns=names).assign(
        subject="F01", dimension="total", category="total"
    )


def _show(cells: pd.DataFrame, which: pd.Series[bool]) -> pd.DataFrame:
    """The chosen cells with their exact numbers, the others withheld."""
    shown = cells.copy()
    for column in ("least", "greatest", "value"):
        shown[column] = shown["truth"].where(which)
    shown["shown_as"] = shown["shown_as"].where(~which, "rounded_5")
    return shown


def _find(units: pd.DataFrame, cells: pd.DataFrame, **options: object) -> set[tuple[object, ...]]:
    found = leaks(units, cells, [], [], **options)  # type: ignore[arg-type]
    return set(found[["edition", "county_code", "low", "high"]].itertuples(index=False, name=None))


THREE = _units((4, "AL-01", 1, 40), (4, "AL-02", 1, 30), (4, "AL-03", 1, 4))


def test_finds_a_small_cell_beside_exact_siblings() -> None:
    cells = cells_of(THREE)
    assert (4, "AL-03", 4, 4) in _find(THREE, _show(cells, cells["county_code"] != "AL-03"))


def test_finds_a_withheld_cell_fenced_in_by_ranges() -> None:
    cells = cells_of(THREE)
    shown = _show(cells, cells["county_code"] != "AL-03")
    shown.loc[shown["county_code"] == "AL-01", ["least", "greatest"]] = [38, 42]
    assert (4, "AL-03", 2, 6) in _find(THREE, shown)


def test_finds_late_months_between_two_editions() -> None:
    before = _units(
        (1, "AL-01", 1, 40), (1, "AL-02", 1, 30), (4, "AL-01", 1, 40), (4, "AL-02", 1, 30)
    )
    units = pd.concat([before, _units((4, "AL-03", 1, 4))], ignore_index=True)
    cells = cells_of(units)
    quarters = (cells["county_code"] == "AL") & (cells["period"] == "2023-Q1")
    assert (4, "AL-03", 4, 4) in _find(units, _show(cells, quarters))


def test_finds_what_a_small_correction_tells() -> None:
    units = _units(
        (4, "AL-01", 1, 17), (4, "AL-02", 1, 10), (5, "AL-01", 1, 18), (5, "AL-02", 1, 11)
    )
    cells = cells_of(units)
    shown = _show(cells, (cells["county_code"] == "AL-02") & (cells["edition"] == 5))
    shown.loc[shown["least"].notna(), ["shown_as", "value", "greatest"]] = [
        "at_least_11",
        None,
        None,
    ]
    assert not _find(units, shown)
    assert (4, "AL-02", 10) in {found[:3] for found in _find(units, shown, small_correction=1)}


def test_finds_what_an_insider_subtracts() -> None:
    units = _units((4, "AL-01", 1, 40), (4, "AL-02", 1, 4))
    cells = cells_of(units)
    shown = _show(cells, cells["county_code"] == "AL")
    assert not _find(units, shown)
    assert {f[2:] for f in _find(units, shown, insider="AL-01")} == {(4, 4)}


def test_finds_what_exact_national_figures_tell() -> None:
    cells = cells_of(THREE)
    shown = _show(cells, cells["county_code"].isin(["AL-01", "AL-02"]))
    assert not _find(THREE, shown)
    assert _find(THREE, shown, exact_nation=["F01"]) == {(4, "AL-03", 4, 4)}


def test_a_range_that_is_not_true_is_no_leak_but_an_error() -> None:
    cells = cells_of(THREE)
    shown = _show(cells, cells["county_code"] == "AL")
    shown.loc[shown["county_code"] == "AL", ["least", "greatest"]] = [80, 84]
    with pytest.raises(AssertionError, match="truth breaks"):
        leaks(THREE, shown, [], [])


def test_finds_leaks_in_plain_rounding_and_none_where_all_is_withheld() -> None:
    units = world(1, counties=4, subjects={"F03": 0.7, "F09": 4})
    cells = cells_of(units)
    assert leaks(units, cells, [], []).empty
    assert len(leaks(units, round_plainly(cells), [], []))
