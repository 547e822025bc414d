"""What one number of a release rests on, found by the reference that a report prints beside it.

A reference is `AL-04/2023-06/r1/period_figures/2023-Q2/PKV-2021-2023/3.1.1.1/value`: the release,
and the mart, the row and the column as `observations` of that release names them.

Belongs here: reading a reference, and gathering from the release and the reading copy. Not here:
how a figure of the progress is explained (explain), or the numbers themselves (dbt_project).

No name of a person or of a file is in it: files go by the beginning of their number.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.feedback.explain import SHORT, NoSuchFigure
from orchestration.products.codes import published_codes
from orchestration.products.declaration import Product, Tier, product, published_marts
from orchestration.products.tree import SOURCES, ReleaseFolder
from orchestration.reading_copy.ask import reading
from sources.custody.home import Home
from sources.texts import Language, text

_REFERENCE = re.compile(
    r"(?P<county>AL(-[0-9]{2})?)/(?P<month>[0-9]{4}-[0-9]{2})/r(?P<number>[1-9][0-9]*)"
    r"/(?P<mart>[a-z_]+)/(?P<row>.+)/(?P<measure>[a-z_]+)"
)


@dataclass(frozen=True)
class NumberReference:
    """A number of a release: the row is `all` where a mart has one row an area and month."""

    county_code: str
    reporting_month: date
    release_number: int
    mart: str
    mart_row: str
    measure: str


@dataclass(frozen=True)
class ReferredValue:
    """A number as a release has it; None with a status that says why."""

    release_number: int
    value: float | None
    unit: str
    obs_status: str
    conf_status: str


@dataclass(frozen=True)
class PartOfValue:
    """A value of a month that the number rests on, or that it lacks.

    `delivery` is the beginning of the file's number; None where nothing came by that release.
    """

    county_code: str
    institution_code: str
    indicator_code: str
    reporting_month: date
    is_due: bool
    value: float | None
    value_state: str
    delivery: str | None


@dataclass(frozen=True)
class FilesOfSource:
    """How many files of a source of records the release rests on, and their short numbers."""

    source: str
    files: int
    deliveries: tuple[str, ...]


@dataclass(frozen=True)
class ExplainedReference:
    """A number, what it rests on, and what the newest release of the month says of it.

    `row` has the columns of the row in the release, by name. `newest` is None where the release is
    the newest, or a later one doesn't have the row.
    """

    reference: NumberReference
    title_sq: str
    title_en: str
    referred: ReferredValue
    row: dict[str, Any]
    parts: tuple[PartOfValue, ...]
    records: tuple[FilesOfSource, ...]
    newest_release: int
    newest: ReferredValue | None
    is_made_up: bool


def read_reference(written: str) -> NumberReference:
    """Return what a reference names. Raises NoSuchFigure if it isn't one."""
    match = _REFERENCE.fullmatch(written.strip())
    try:
        if match is None:
            raise ValueError(written)
        month = date.fromisoformat(f"{match['month']}-01")
        product(match["mart"])
    except (ValueError, KeyError) as mistake:
        raise NoSuchFigure(
            f"{written!r} is no reference: write county/month/release/table/row/column, as "
            "AL-04/2023-06/r1/period_figures/2023-Q2/PKV-2021-2023/3.1.1.1/value."
        ) from mistake
    return NumberReference(
        match["county"],
        month,
        int(match["number"]),
        match["mart"],
        match["row"],
        match["measure"],
    )


def explain_reference(home: Home, written: str) -> ExplainedReference:
    """Return what a number of a restricted release rests on.

    Raises NoSuchFigure where the reference, its release, its row or its column isn't there.
    """
    reference = read_reference(written)
    releases = ReleaseFolder(
        home.releases,
        Tier.RESTRICTED,
        reference.county_code,
        f"{reference.reporting_month:%Y-%m}",
    )
    numbers = releases.numbers()
    if reference.release_number not in numbers:
        there = ", ".join(f"r{number}" for number in numbers) or "none"
        raise NoSuchFigure(
            f"there is no release r{reference.release_number} of {reference.county_code}, "
            f"{reference.reporting_month:%Y-%m}: there are {there}."
        )
    if reference.mart not in {mart.name for mart in published_marts(Tier.RESTRICTED)}:
        raise NoSuchFigure(f"{reference.mart} is no table with numbers.")
    mart = product(reference.mart)
    path = releases.folder / f"r{reference.release_number}"
    referred = _referred(path, reference.release_number, reference)
    if referred is None:
        raise NoSuchFigure(
            f"{reference.mart} of that release has no number {reference.measure} in the row "
            f"{reference.mart_row}."
        )
    newest = max(numbers)
    row = _row(path, mart, reference)
    delivered = _delivered(path)
    return ExplainedReference(
        reference=reference,
        title_sq=mart.title_sq,
        title_en=mart.title_en,
        referred=referred,
        row=row,
        parts=tuple(_parts(home, reference, row, delivered)) if "indicator_code" in row else (),
        records=_records(mart, delivered),
        newest_release=newest,
        newest=(
            _referred(releases.folder / f"r{newest}", newest, reference)
            if newest != reference.release_number
            else None
        ),
        is_made_up=bool(row.get("is_made_up", False)),
    )


def _referred(path: Path, number: int, reference: NumberReference) -> ReferredValue | None:
    with duckdb.connect() as connection:
        found = connection.execute(
            "select obs_value, unit, obs_status, conf_status from read_parquet($file) "
            "where mart = $mart and mart_row = $row and measure = $measure",
            {
                "file": str(path / "observations.parquet"),
                "mart": reference.mart,
                "row": reference.mart_row,
                "measure": reference.measure,
            },
        ).fetchone()
    return ReferredValue(number, *found) if found else None


def _row(path: Path, mart: Product, reference: NumberReference) -> dict[str, Any]:
    with duckdb.connect() as connection:
        cursor = connection.execute(
            "select * from read_parquet($file)", {"file": str(path / f"{mart.name}.parquet")}
        )
        names = [column[0] for column in cursor.description or ()]
        for values in cursor.fetchall():
            row = dict(zip(names, values, strict=True))
            if mart.row_name(row) == reference.mart_row:
                return row
    raise NoSuchFigure(f"{mart.name} of that release has no row {reference.mart_row}.")


def _delivered(path: Path) -> dict[str, str]:
    """Return the files that a release rests on, each with its source, by their numbers."""
    with (path / SOURCES).open(encoding="utf-8", newline="") as file:
        return {row["delivery_id"]: row["source"] for row in csv.DictReader(file)}


def _records(mart: Product, delivered: dict[str, str]) -> tuple[FilesOfSource, ...]:
    counted = Counter(delivered.values())
    return tuple(
        FilesOfSource(
            source,
            counted[source],
            tuple(sorted(one[:SHORT] for one, of in delivered.items() if of == source)),
        )
        for source in mart.records
    )


def _parts(
    home: Home, reference: NumberReference, row: dict[str, Any], delivered: dict[str, str]
) -> Iterator[PartOfValue]:
    """Give the values of the row's months: those of the release, and those that were due."""
    last = reference.reporting_month
    is_of_year = reference.mart == "indicator_progress" and reference.measure != "actual_month"
    first = row.get("first_month") or (last.replace(month=1) if is_of_year else last)
    with reading(home) as connection:
        rows = connection.execute(
            "select county_code, institution_code, indicator_code, reporting_month, is_due, value, "
            "value_state, delivery_id from core.fct_figure_parts "
            "where ($county = 'AL' or county_code = $county) and plan_code = $plan "
            "and indicator_code = $indicator and reporting_month between $first and $last "
            "and ($institution is null or institution_code = $institution) "
            "order by reporting_month, county_code, institution_code",
            {
                "county": reference.county_code,
                "plan": row["plan_code"],
                "indicator": row["indicator_code"],
                "institution": row.get("institution_code"),
                "first": first,
                "last": last,
            },
        ).fetchall()
    for county, institution, indicator, month, is_due, value, state, delivery in rows:
        if delivery in delivered:
            yield PartOfValue(
                county, institution, indicator, month, is_due, value, state, delivery[:SHORT]
            )
        elif is_due:
            yield PartOfValue(
                county, institution, indicator, month, is_due, None, "not_reported", None
            )


def reference_page(one: ExplainedReference, language: Language) -> str:
    """Return the explanation as text."""
    return "\n".join(_lines(one, language))


def _lines(one: ExplainedReference, language: Language) -> Iterator[str]:
    def word(key: str, **values: object) -> str:
        return text(f"explain.reference.{key}", language, **values)

    reference = one.reference
    yield word(
        "heading",
        title=one.title_sq if language == "sq" else one.title_en,
        row=reference.mart_row,
        measure=reference.measure,
    )
    yield word(
        "release",
        county=reference.county_code,
        month=_month(reference.reporting_month, language),
        number=reference.release_number,
    )
    if one.is_made_up:
        yield text("release.made_up", language)
    yield ""
    yield word("value", value=_value(one.referred, language))
    yield word("status", status=_code("obs_status", one.referred.obs_status, language))
    if one.row.get("value_least") is not None and one.row.get("value_most") != one.row["value"]:
        yield _ends(one.row, language)
    if "values_due" in one.row:
        yield word("came", received=one.row["values_received"], due=one.row["values_due"])
    if missing := one.row.get("counties_missing"):
        count = len(missing.split())
        yield text("explain.counties_missing", language, count=count, codes=missing)
    came = [part for part in one.parts if part.delivery]
    lacking = [part for part in one.parts if not part.delivery]
    for title, parts in (("rests_on", came), ("lacks", lacking)):
        if parts:
            yield ""
            yield word(title)
            for part in parts:
                yield "  " + word(
                    "part" if part.delivery else "missing_part",
                    month=_month(part.reporting_month, language),
                    institution=part.institution_code,
                    **(
                        {
                            "value": _number(part.value, language)
                            if part.value is not None
                            else text(f"slips.states.{part.value_state}", language),
                            "delivery": part.delivery,
                        }
                        if part.delivery
                        else {}
                    ),
                )
    for files in one.records:
        yield ""
        yield word(
            "records",
            source=word(f"sources.{files.source}"),
            count=files.files,
            files=", ".join(files.deliveries) or "–",
        )
    yield ""
    if one.newest_release == reference.release_number:
        yield word("is_newest")
    elif one.newest is None:
        yield word("not_in_newest", number=one.newest_release)
    elif one.newest.value == one.referred.value:
        yield word("same_in_newest", number=one.newest_release)
    else:
        yield word("other_in_newest", number=one.newest_release, value=_value(one.newest, language))


def _ends(row: dict[str, Any], language: Language) -> str:
    least = _number(row["value_least"], language)
    if row.get("value_most") is None:
        return text("explain.at_least", language, least=least)
    return text(
        "explain.interval", language, least=least, most=_number(row["value_most"], language)
    )


def _value(one: ReferredValue, language: Language) -> str:
    if one.value is None:
        return text("explain.no_value", language)
    return f"{_number(one.value, language)} {_code('unit', one.unit, language)}".strip()


def _code(code_list: str, code: str, language: Language) -> str:
    for known in published_codes():
        if known.code_list == code_list and known.code == code:
            return known.name_sq if language == "sq" else known.name_en
    return code


def _number(value: float, language: Language) -> str:
    written = f"{value:.1f}".removesuffix(".0")
    return written.replace(".", ",") if language == "sq" else written


def _month(month: date, language: Language) -> str:
    return f"{month:%m.%Y}" if language == "sq" else f"{month:%Y-%m}"
