"""Code lists: names in two languages, versions, and a total crosswalk to HTCDS 2.0."""

import csv
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.codes import CODE_LISTS, HTCDS, Code, codes_of, load_codes
from sources.layouts import load_layouts, lookup
from sources.values import code_key, missing_kind

LISTS = sorted(path.stem for path in CODE_LISTS.glob("*.csv"))
RECORDS = [
    layout for layout in load_layouts() if layout.table in ("hotline_contacts", "referral_events")
]

#: The values of HTCDS 2.0 of which each must have a code here.
TAKEN_OVER = {
    "TypeOfExploitation": "ForcedLabour SexualExploitation ChildLabour ForcedMarriage Servitude "
    "ForcedMilitaryByNonStateActors OrganRemoval ForcedBegging ForcedAdoption Surrogacy Other",
    "TraffickingStatus": "PossibleVictimOfTrafficking ActualVictimOfTrafficking "
    "NotAVictimOfTrafficking",
    "TraffickingStatusDecisionMakingOrg": "Police NGO CourtOrProsecution "
    "NonPoliceGovernmentalOrganization Other",
    "Status": "Active FollowUp Closed ClosedReferred",
    "SupportType": "Education Financial Health LabourExploitationRehabilitation Legal Livelihood "
    "RightsBasedTraining SexualExploitationRehabilitation SocialCare",
}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("list_id", LISTS)
def test_each_code_has_a_name_in_both_languages_and_is_written_like_no_other(list_id: str) -> None:
    written: dict[str, str] = {}
    for code in codes_of(list_id):
        assert code.name_sq
        assert code.name_en
        for text in code.written:
            assert written.setdefault(code_key(text), code.code) == code.code, text
            # A word for nothing is no spelling of a code that says something; a code itself, such
            # as Namibia's NA, wins over the word where it is asked for.
            assert text == code.code or missing_kind(text) in (None, code.missing_kind), text


def test_the_crosswalk_has_one_row_a_code_and_no_row_without_a_code() -> None:
    files = [
        (*list_id.rsplit("-", 1), row["code"])
        for list_id in LISTS
        for row in _rows(CODE_LISTS / f"{list_id}.csv")
    ]
    mapped = [
        (row["code_list"], row["version"], row["code"])
        for row in _rows(HTCDS / "crosswalk-2.0.csv")
    ]
    assert len(set(files)) == len(files)
    assert sorted(mapped) == sorted(files)


def test_a_term_is_one_of_the_standards_own_or_the_row_says_why_there_is_none() -> None:
    standard = {(row["htcds_field"], row["htcds_value"]) for row in _rows(HTCDS / "values-2.0.csv")}
    for code in load_codes():
        if code.htcds_match == "extension":
            assert (code.htcds_field, code.htcds_value) == (None, None)
            assert code.htcds_note
        else:
            assert code.htcds_match in {"exact", "narrower", "broader"}
            assert (code.htcds_field, code.htcds_value) in standard


@pytest.mark.parametrize("field", TAKEN_OVER)
def test_each_value_of_a_list_of_the_standard_has_a_code_here(field: str) -> None:
    exact = {
        code.htcds_value
        for code in load_codes()
        if code.htcds_field == field and code.htcds_match == "exact"
    }
    assert exact == set(TAKEN_OVER[field].split())


def test_a_later_version_keeps_every_code_of_the_earlier_one() -> None:
    versions: dict[str, dict[int, set[str]]] = {}
    for code in load_codes():
        versions.setdefault(code.code_list, {}).setdefault(code.version, set()).add(code.code)
    several = {name for name, found in versions.items() if len(found) > 1}
    assert several >= {"details", "events", "support_types"}
    for found in versions.values():
        assert sorted(found) == list(range(1, len(found) + 1))
        assert all(found[version] < found[version + 1] for version in range(1, len(found)))


def test_every_list_is_named_by_a_layout_and_every_coded_column_by_a_list() -> None:
    assert {name for layout in RECORDS for name in layout.code_list_ids} == set(LISTS)
    for layout in RECORDS:
        assert set(layout.code_lists) - set(LISTS) == {"forms"}


@given(st.sampled_from(load_codes()), st.data())
def test_a_cell_may_say_a_code_in_albanian_or_english(code: Code, data: st.DataObject) -> None:
    list_id = f"{code.code_list}-{code.version}"
    layout = next(layout for layout in RECORDS if list_id in layout.code_list_ids)
    text = data.draw(st.sampled_from(code.written))
    changed = data.draw(st.sampled_from([str, str.upper, str.lower, " {} ".format]))(text)
    assert lookup(layout.code_lists[list_id], changed) == code.code


def test_the_lists_stand_in_sql_with_their_terms(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        "select code_list, version, code, name_sq, name_en, htcds_match, htcds_value "
        "from core.dim_codes"
    ).fetchall()
    assert {tuple(row) for row in rows} == {
        (
            code.code_list, code.version, code.code, code.name_sq, code.name_en, code.htcds_match,
            code.htcds_value,
        )
        for code in load_codes()
    }  # fmt: skip


def test_what_was_read_names_the_versions_it_was_read_by(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        "select distinct layout_id, code_lists from core.dim_deliveries "
        "where source_kind in ('hotline', 'referral')"
    ).fetchall()
    assert len(rows) >= 4
    named = {layout.id: " ".join(layout.code_list_ids) for layout in RECORDS}
    assert dict(rows).items() <= named.items()
