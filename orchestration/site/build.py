"""The folder of the site: pages, charts, files to download, and the signed list of them all.

Belongs here: writing. Not here: what a page shows (pages), or who may see it (serving).

The same tree gives the same bytes wherever it is built: nothing here looks at a clock, at the order
of a folder, or at what was built before.
"""

import base64
import csv
import hashlib
import io
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jinja2
import xlsxwriter
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from markupsafe import Markup

from orchestration.presentation import formats
from orchestration.presentation.periods import month_name
from orchestration.presentation.sentences import Figure, sign
from orchestration.products.declaration import Tier
from orchestration.products.tree import releases_in
from orchestration.publication.writing.files import safe_cell
from orchestration.pulling.national import National
from orchestration.serving.sql_page import database_file, is_built
from orchestration.site.facts import NATION, Facts, Key, read_facts
from orchestration.site.manifest import is_current, is_site, own_key, write_manifest
from orchestration.site.pages import Drawn, Page, Pages
from orchestration.site.told import LONGER
from sources.atomic import replace_folder
from sources.custody.home import Home
from sources.texts import LANGUAGES, Language, keys, text

_TEMPLATES = Path(__file__).with_name("templates")

#: What every page loads, beside its own charts: one file of looks, below 10 kB.
_LOOKS = "site.css"

#: The columns of the files to download; unit and release stand in every row.
_COLUMNS = (
    "plan_code", "indicator_code", "short_name_sq", "short_name_en", "unit", "county_code",
    "reporting_month", "release", "is_newest", "value", "value_state", "is_lower_bound",
    "year_to_date", "year_to_date_least", "year_to_date_most", "cumulative", "cumulative_least",
    "cumulative_most", "target", "target_basis", "status", "counties_reporting",
    "counties_expected", "break_before", "reference",
)  # fmt: skip

#: Charts are drawn by so many processes: each of them needs a core.
_MOST_PROCESSES = 4


@dataclass(frozen=True)
class Site:
    """What was written: where, how many pages, and all bytes."""

    folder: Path
    pages: int
    bytes: int


def build_site(
    tree: Path,
    tier: Tier,
    target: Path,
    key: Ed25519PrivateKey | None = None,
    report: Callable[[str], None] = lambda _: None,
    database: Path | None = None,
) -> Site:
    """Write the site of a tier into the folder `target`, which is replaced whole.

    `key` signs the list of files; without one it is not signed. What was released is left in
    `database`, for the page that asks it. Raises pulling.remote.PullFailed where the tree has no
    release of the tier, and FileExistsError where the folder that is there is no site.
    """
    if target.exists() and any(target.iterdir()) and not is_site(target):
        raise FileExistsError(f"{target} is no folder of a site")
    report("reading what was released")
    facts = read_facts(tree, tier, database)
    report("writing pages")
    with replace_folder(target) as folder:
        pages, size = write_site(folder, facts, key)
    return Site(target, pages, size)


def write_site(folder: Path, facts: Facts, key: Ed25519PrivateKey | None) -> tuple[int, int]:
    """Write all files of a site into an empty folder; return how many pages, and all bytes."""
    pages = write_pages(folder, facts)
    for indicator in facts.observations:
        _write_data(folder, facts, indicator)
    return pages, write_manifest(folder, facts, _hash_source(_script()), key)


def refresh_sites(
    home: Home, tiers: Iterable[str], report: Callable[[str], None] = lambda _: None
) -> list[Site]:
    """Make the sites of these tiers anew that releases or krat changed since; return those.

    A tier that has no release yet has no site. With a site goes the tier's database, where the page
    can be served that asks it.
    """
    made = []
    for tier in map(Tier, tiers):
        target = home.site / tier
        database = database_file(home.site, tier) if is_built() else None
        has_database = database is None or National(home.releases, tier, database).is_current()
        if has_database and is_current(target, home.releases, tier):
            continue
        if any(one.tier == tier for one in releases_in(home.releases)):
            key = own_key(home.keys)
            made.append(build_site(home.releases, tier, target, key, report, database))
    return made


def write_pages(folder: Path, facts: Facts) -> int:
    """Write all pages and charts; return how many pages there are."""
    made = {language: list(Pages(facts, language).all()) for language in LANGUAGES}
    jobs = [
        (folder / "charts" / language / chart.stem, chart)
        for language in LANGUAGES
        for page in made[language]
        for chart in _charts(page)
    ]
    for path in {path.parent for path, _ in jobs}:
        path.mkdir(parents=True)
    drawn = dict(zip((path for path, _ in jobs), _draw_all(jobs), strict=True))
    _write(folder / _LOOKS, (_TEMPLATES / _LOOKS).read_bytes())
    _write(folder / "index.html", _first_page())
    for language in LANGUAGES:
        pages = Pages(facts, language)
        drawn_in = {path.name: svg for path, svg in drawn.items() if path.parent.name == language}
        for page in made[language]:
            content = _rendered(page, pages, drawn_in)
            _write(folder / language / page.path, content)
    return sum(len(pages) for pages in made.values())


def _charts(page: Page) -> Iterator[Drawn]:
    for value in page.values.values():
        if isinstance(value, Drawn):
            yield value
    yield from (one for one in page.values.get("charts", {}).values() if one is not None)


def _draw_all(jobs: list[tuple[Path, Drawn]]) -> list[str]:
    """Draw each chart into its files, by several processes where there are many."""
    if len(jobs) < 8:
        return [_draw(*job) for job in jobs]
    workers = min(os.cpu_count() or 1, _MOST_PROCESSES)
    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        paths, charts = zip(*jobs, strict=True)
        return list(pool.map(_draw, paths, charts, chunksize=8))


def _draw(path: Path, drawn: Drawn) -> str:
    """Write a chart as SVG and PNG; return the SVG."""
    svg = drawn.chart.svg()
    path.with_name(f"{path.name}.svg").write_text(svg, encoding="utf-8")
    path.with_name(f"{path.name}.png").write_bytes(drawn.chart.png(scale=1.25))
    return svg


def _rendered(page: Page, pages: Pages, drawn: Mapping[str, str]) -> bytes:
    language = pages.language
    depth = page.path.count("/")
    root = "../" * (depth + 1)
    other = LANGUAGES[1 - LANGUAGES.index(language)]

    def href(path: str) -> str:
        """Return the way to a page of this language from this one."""
        return posixpath.relpath(path, posixpath.dirname(page.path) or ".")

    return (
        _environment(language)
        .get_template(page.template)
        .render(
            page=page,
            pages=pages,
            facts=pages.facts,
            root=root,
            href=href,
            other=other,
            other_path=f"{root}{other}/{page.path}",
            svg=lambda chart: Markup(drawn[chart.stem]),
            area=pages.area,
            reasons=pages.reasons,
            nation=NATION,
            script=_script(),
            script_hash=_hash_source(_script()),
            **page.values,
        )
        .encode()
    )


@cache
def _environment(language: Language) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        text=lambda key, **values: text(key, language, **values),
        language=language,
        number=lru_cache(4096)(partial(formats.number, language=language)),
        per_cent=partial(formats.per_cent, language=language),
        day=partial(formats.day, language=language),
        sign=_signs(language),
        month=partial(month_name, language=language),
        longer=LONGER,
        keys=keys,
    )
    return environment


def _signs(language: Language) -> Callable[[Figure], str]:
    """Return how a figure's sign is written; the same figures come again and again."""
    known: dict[tuple[Any, ...], str] = {}

    def signed(figure: Figure) -> str:
        key = (figure.kind, figure.value, figure.low, figure.most)
        if key not in known:
            known[key] = sign(figure, language)
        return known[key]

    return signed


@cache
def _script() -> str:
    return (_TEMPLATES / "search.js").read_text(encoding="utf-8")


@cache
def _hash_source(script: str) -> str:
    """Return what the policy of a page names a script by: no other one runs."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _first_page() -> bytes:
    """Return the page of both languages."""
    environment = _environment(LANGUAGES[0])
    return (
        environment.get_template("languages.html").render(languages=LANGUAGES, both=text).encode()
    )


def _write_data(folder: Path, facts: Facts, key: Key) -> None:
    """Write what releases hold of an indicator as CSV and workbook."""
    rows = [list(_COLUMNS), *_data_rows(facts, key)]
    stem = folder / "data" / key[0] / key[1]
    with io.StringIO(newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [["" if cell is None else cell for cell in row] for row in rows]
        )
        _write(stem.with_name(f"{key[1]}.csv"), file.getvalue().encode("utf-8-sig"))
    with io.BytesIO() as content:
        book = xlsxwriter.Workbook(
            content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        book.set_properties({"created": datetime(2000, 1, 1), "title": f"{key[0]} {key[1]}"})
        sheet = book.add_worksheet(key[1][:31])
        bold = book.add_format({"bold": True})
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, [safe_cell(cell) for cell in row], None if place else bold)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(_COLUMNS) - 1, 16)
        book.close()
        _write(stem.with_name(f"{key[1]}.xlsx"), content.getvalue())


def _data_rows(facts: Facts, key: Key) -> Iterator[list[Any]]:
    indicator = facts.indicators[key]
    for one in facts.observations[key]:
        year, plan = one.of_year, one.of_plan
        yield [
            *key, *indicator["short_name"].values(), indicator["unit"], one.area,
            f"{one.month:%Y-%m}", f"r{one.release}", one.is_newest, one.of_month.value,
            "zero" if one.of_month.value == 0 else one.of_month.state, one.of_month.is_lower_bound,
            year.value, year.least, year.most, plan.value, plan.least, plan.most,
            one.row["target_value"], indicator["target_basis"], one.row["status"],
            one.row["counties_reporting"], one.row["counties_expected"], one.row["break_before"],
            one.of_month.reference,
        ]  # fmt: skip


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
