"""The catalogue as pages, and the snippets that read a release.

Belongs here: handing what is shown to the templates. Not here: words (sources/texts/pages.yml),
looks (templates) or who may see what (tokens).
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from babel.dates import format_date

from orchestration.products.declaration import Tier
from orchestration.publication.editions.calendar import CalendarRow
from orchestration.serving.catalogue import Offered, OfferedEdition
from orchestration.serving.tokens import Reader
from sources.texts import LANGUAGES, Language, keys, text

#: Times are shown as clocks there show them.
_LOCAL = ZoneInfo("Europe/Tirane")

_TEMPLATES = Path(__file__).with_name("templates")

#: The text in a snippet where the reader's token goes.
TOKEN_PLACEHOLDER = "YOUR-TOKEN"

#: The snippets in the order of the page.
_SNIPPETS = ("duckdb", "pandas", "r", "excel")

#: The table that a snippet reads, where a release has it.
_SHOWN_MART = "indicator_progress"

CountyNames = dict[str, tuple[str, str]]


def snippets(release: Offered, base_url: str) -> dict[str, str]:
    """Return a text for each of DuckDB, pandas, R and Excel that reads this release as it is.

    Where a token is needed, TOKEN_PLACEHOLDER is in its place.
    """
    marts = [name.removesuffix(".parquet") for name in release.file_names(".parquet")]
    if not marts:
        return {}
    values = {
        "base": base_url,
        "url": base_url + release.path,
        "mart": _SHOWN_MART if _SHOWN_MART in marts else marts[0],
        "has_database": bool(release.file_names(".duckdb")),
        "token": TOKEN_PLACEHOLDER if release.tier != Tier.PUBLIC else None,
    }
    return {
        name: _environment().get_template(f"snippets/{name}.txt").render(values)
        for name in _SNIPPETS
    }


def newest(releases: list[Offered]) -> Offered | None:
    """Return the release whose snippets the catalogue shows: of the newest month, restricted first.

    A county comes before the nation.
    """
    latest = [release for release in releases if release.is_latest]
    return max(
        latest,
        key=lambda one: (
            one.tier == Tier.RESTRICTED,
            one.month,
            one.county_code != "AL",
            one.number,
        ),
        default=None,
    )


def catalogue_page(
    releases: list[Offered],
    editions: Sequence[OfferedEdition],
    coming: Sequence[CalendarRow],
    names: CountyNames,
    reader: Reader,
    language: Language,
    base_url: str,
    is_here: bool,
    sites: Sequence[tuple[Tier, str]],
    asked_in_sql: Sequence[Tier],
) -> bytes:
    """Return the page of all that a reader may fetch, the newest release of each month.

    With it the editions of counts of persons, and those to come; for this machine (`is_here`) the
    way to the board; the first page of each of the `sites`, by tier, and the tiers that can be
    asked in SQL.
    """
    latest = [release for release in releases if release.is_latest]
    tiers = [
        (
            tier,
            [
                (code, sorted(of_county, key=lambda one: one.month, reverse=True))
                for code, of_county in groupby(of_tier, key=lambda one: one.county_code)
            ],
        )
        for tier, of_tier in groupby(latest, key=lambda one: one.tier)
    ]
    shown = newest(releases)
    return rendered(
        "catalogue.html",
        language,
        names=names,
        tiers=tiers,
        editions=list(reversed(editions)),
        coming=coming,
        reader=reader,
        is_here=is_here,
        sites=sites,
        asked_in_sql=asked_in_sql,
        shown=shown,
        snippets=snippets(shown, base_url) if shown else {},
        pull=_environment().get_template("snippets/pull.txt").render(base=base_url),
        other_path=lambda other: f"/{other}/" + ("restricted/" if reader.token_id else ""),
    )


def release_page(
    release: Offered, others: list[Offered], names: CountyNames, language: Language, base_url: str
) -> bytes:
    """Return the page of one release; `others` are the releases of the same place."""
    return rendered(
        "release.html",
        language,
        names=names,
        release=release,
        others=others,
        snippets=snippets(release, base_url),
        other_path=lambda other: f"/{other}/{release.path}",
    )


def desk_page(language: Language, reader: Reader, page: str, **shown: Any) -> bytes:
    """Return the page of an institution; `page` is what makes its forms its own, `shown` the rest.

    A `document` in it is that of a check (docs/serving.md).
    """
    return rendered(
        "desk.html",
        language,
        reader=reader,
        page=page,
        other_path=lambda other: f"/{other}/send/",
        **shown,
    )


def looks(name: str) -> bytes:
    """Return a file that the pages load: style.css or icon.svg."""
    return (_TEMPLATES / name).read_bytes()


def rendered(template: str, language: Language, **values: object) -> bytes:
    """Return a template filled in; `other_path` of `values` leads to the other language."""
    position = LANGUAGES.index(language)
    return (
        _environment()
        .get_template(template)
        .render(
            text=lambda key, **values: text(key, language, **values),
            keys=keys,
            language=language,
            other=LANGUAGES[1 - position],
            position=position,
            period_name=lambda period: _period_name(period, language),
            placeholder=TOKEN_PLACEHOLDER,
            **values,
        )
        .encode()
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["size"] = _size
    environment.filters["day"] = _day
    environment.filters["clock"] = _clock
    return environment


def _period_name(period: str, language: Language) -> str:
    """Return a period in words: "maj 2023" for 2023-05, a quarter or year by its number."""
    year, _, part = period.partition("-")
    if part.isdigit():
        return format_date(date(int(year), int(part), 1), "LLLL y", locale=language)
    return f"{text('pages.quarter', language, number=part[1:])} {year}" if part else year


def _size(count: int) -> str:
    """Return a number of bytes in whole kB or MB."""
    if count < 1000:
        return f"{count} B"
    return f"{round(count / 1000)} kB" if count < 1_000_000 else f"{round(count / 1_000_000)} MB"


def _clock(at: datetime) -> str:
    """Return a time as clocks in Albania show it: 12.6.2023 14:05."""
    local = at.astimezone(_LOCAL)
    return f"{_day(local.date().isoformat())} {local:%H:%M}"


def _day(written: str) -> str:
    """Return a date as it is written in Albania: 12.6.2023."""
    day = date.fromisoformat(written)
    return f"{day.day}.{day.month}.{day.year}"
