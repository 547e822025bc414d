"""The site as who opens it meets it: what each page tells, from disk, and its signed list."""

import csv
import json
import re
import subprocess
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from site_world import MEETINGS, MONTHS, PERSONS_SEEN, facts

from orchestration.products.declaration import Tier
from orchestration.serving.site import may_see, parse_site_path
from orchestration.serving.tokens import ANYONE, Reader
from orchestration.site.build import write_site
from orchestration.site.facts import Facts
from orchestration.site.manifest import verify_site
from orchestration.site.told import lead
from sources.atomic import replace_folder
from sources.texts import LANGUAGES

KEY = Ed25519PrivateKey.generate()
INDICATOR, COUNTS = "tregues/PKV/1.1.1.1.html", "tregues/PKV/1.1.2.1.html"

#: One page of every kind.
KINDS = [
    "index.html", "plani.html", "objektiv/PKV/1.1.html", "mase/PKV/1.1.2.html", INDICATOR, COUNTS,
    "qarqet.html", "qark/AL-04.html", "publikimet.html", "publikim/AL/2023-04-r1.html",
    "personat.html", "kalendari.html", "cilesia.html", "te-dhenat.html", "fjalori.html",
    "kerko.html",
]  # fmt: skip
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[Tier, Path]:
    """The site of each tier, of the small world."""
    folder = tmp_path_factory.mktemp("sites")
    for tier in Tier:
        (folder / tier).mkdir()
        write_site(folder / tier, facts(folder / "tree", tier), KEY)
    return {tier: folder / tier for tier in Tier}


@pytest.fixture
def public(sites: dict[Tier, Path]) -> Path:
    """The public site."""
    return sites[Tier.PUBLIC]


class Read(HTMLParser):
    """What a page has: links, anchors, and the text of its cells and charts."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.rows: list[list[str]] = []
        self._cell: str | None = None
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.append(given["id"])
        self.links += [given[name] for name in ("href", "src") if name in given]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._end()
            self._cell = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr"):
            self._end()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell += data

    def _end(self) -> None:
        if self._cell is not None and self.rows:
            self.rows[-1].append(" ".join(self._cell.split()))
        self._cell = None


def read(page: Path) -> Read:
    return Read(page.read_text("utf-8"))


def row_of(page: Read, *starts: str) -> list[str]:
    """Return the first row of a page whose cells begin so."""
    return next(row for row in page.rows if row[: len(starts)] == list(starts))


def test_a_zero_is_a_number_and_a_gap_is_told(public: Path) -> None:
    row = row_of(read(public / "en" / INDICATOR), "County 7")
    assert row[-3:] == ["1", "4", "0"]
    assert row_of(read(public / "en" / INDICATOR), "County 4")[-3:] == ["3", "[n.r.]", "2"]


def test_the_axis_ends_with_the_data_and_keeps_gaps(public: Path) -> None:
    chart = (public / "charts" / "en" / "PKV-1.1.1.1-months.svg").read_text("utf-8")
    assert re.findall(r"2023-\d\d", chart) == ["2023-02", "2023-03", "2023-04"]


def test_a_chart_has_its_numbers_unit_and_target_in_tables(public: Path) -> None:
    page = read(public / "en" / INDICATOR)
    assert row_of(page, "March 2023")[1] == "≥ 4"
    assert "In the month (meetings)" in row_of(page, "Month")
    assert row_of(page, "2023", "target")[2] == "20 takime"


def test_the_quality_page_has_the_concepts_that_hold(public: Path) -> None:
    page = read(public / "sq" / "cilesia.html")
    assert row_of(page, "takime") == ["takime", "1"]
    content = (public / "sq" / "cilesia.html").read_text("utf-8")
    assert "niveli kombëtar, prill 2023" in content
    assert "A sentence." in content


def test_the_calendar_has_deadlines_and_editions_to_come(public: Path) -> None:
    rows = read(public / "en" / "kalendari.html").rows
    assert rows[1:] == [
        ["10 June 2023", "Deadline of reports", "May 2023"],
        [
            "29 August 2023",
            "Data of an edition of counts of persons are cut off",
            "the nation, 2023 Q2",
        ],
        ["31 March 2024", "The month becomes final", "May 2023"],
        [
            "31 March 2024",
            "Data of an edition of counts of persons are cut off",
            "the nation and counties, 2023",
        ],
    ]


def test_a_county_that_is_not_covered_is_told_so_everywhere(tmp_path: Path) -> None:
    row = facts(tmp_path).tables["editions.newest_counts"][2]
    nothing = [
        {**row, "county_code": code, "shown_as": "not_reported", "why_en": "No report has come."}
        for code in ("AL-04", "AL-05")
    ]
    write_site(tmp_path, facts(tmp_path, **{"editions.newest_counts": nothing}), None)
    front = read(tmp_path / "en" / "index.html")
    assert row_of(front, "County 5")[1:] == ["[n.cov.]"] * 3
    content = (tmp_path / "en" / "index.html").read_text("utf-8")
    assert "[n.cov.]: the county is not covered yet" in content
    assert "Not covered yet: County 1, County 2, County 3, County 5" in content
    shown = read(tmp_path / "en" / COUNTS)
    assert row_of(shown, "2023", "County 4")[2:] == ["[n.r.]", "No report has come."]
    assert row_of(shown, "2023", "County 5")[2] == "[n.cov.]"
    county = (tmp_path / "en" / "qark" / "AL-05.html").read_text("utf-8")
    assert "This county is not covered yet" in county


def test_two_editions_of_one_day_stand_once_and_deadlines_that_end_are_told(
    tmp_path: Path,
) -> None:
    editions = [
        {"counted_year": year, "edition": number, "cut_off_on": date(2024, 3, 31), "quarter": None}
        for year, number in ((2022, 5), (2023, 4))
    ]
    months = [
        {"month": MONTHS[3], "reporting_deadline": date(2023, 5, 10), "final_on": date(2024, 3, 31)}
    ]
    world = facts(tmp_path, **{"core.dim_editions": editions, "core.dim_months": months})
    write_site(tmp_path, world, None)
    page = read(tmp_path / "en" / "kalendari.html")
    assert row_of(page, "31 March 2024", "Data of an edition of counts of persons are cut off") == [
        "31 March 2024",
        "Data of an edition of counts of persons are cut off",
        "the nation and counties, 2022; the nation and counties, 2023",
    ]
    content = (tmp_path / "en" / "kalendari.html").read_text("utf-8")
    assert "set up to April 2023" in content


def test_persons_stand_in_the_order_of_the_plan_with_their_codes(tmp_path: Path) -> None:
    counts = facts(tmp_path).tables["editions.newest_counts"]
    other = {
        **facts(tmp_path).tables["core.dim_indicators"][1],
        "indicator_code": "1.1.10.1", "short_name_en": "Indicator 1.1.10.1",
    }  # fmt: skip
    world = facts(
        tmp_path,
        **{
            "editions.newest_counts": [{**row, "subject": "1.1.10.1"} for row in counts] + counts,
            "core.dim_indicators": [*facts(tmp_path).tables["core.dim_indicators"], other],
        },
    )
    write_site(tmp_path, world, None)
    rows = read(tmp_path / "en" / "personat.html").rows
    assert [row[0] for row in rows if "Indicator" in row[0]] == [
        "1.1.2.1 Indicator 1.1.2.1",
        "1.1.10.1 Indicator 1.1.10.1",
    ]


def test_a_protected_indicator_is_cited_by_its_edition(public: Path) -> None:
    content = (public / "en" / COUNTS).read_text("utf-8")
    assert "(PKV, 1.1.2.1). Counts of persons, edition 2023/e1, data until 1 May 2023." in content


@pytest.mark.parametrize("page", [INDICATOR, COUNTS, "index.html", "qark/AL-04.html"])
def test_a_printed_page_has_its_place_and_day(page: str, public: Path) -> None:
    content = (public / "en" / page).read_text("utf-8")
    assert f"en/{page} in the folder of these pages, with data until 15 May 2023." in content


def test_all_twelve_months_are_on_paper(
    sites: dict[Tier, Path], chromium: str, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    content = (sites[Tier.RESTRICTED] / "en" / "qark" / "AL-04.html").read_text("utf-8")
    head = re.search(r'<th scope="col" class="figure month">2023-04</th>', content)
    assert head
    more = "".join(
        f'<th scope="col" class="figure month">2024-{number:02}</th>' for number in range(1, 9)
    )
    wide = content.replace(head[0], head[0] + more)
    wide = re.sub(r'(<td class="figure [a-z_]+"><a href="[^"]*#AL-04-2023-04-r1">[^<]*</a></td>)',
                  r"\1" + '<td class="figure">1\u00a0110–12\u00a0476</td>' * 8, wide)  # fmt: skip
    page.write_text(wide.replace("../../site.css", "site.css"), "utf-8")
    (tmp_path / "site.css").write_bytes((sites[Tier.PUBLIC] / "site.css").read_bytes())
    printed = tmp_path / "page.pdf"
    subprocess.run(
        [chromium, "--headless", "--no-sandbox", f"--print-to-pdf={printed}", page.as_uri()],
        check=True,
        capture_output=True,
    )
    text = subprocess.run(
        ["pdftotext", "-layout", printed, "-"], check=True, capture_output=True, text=True
    ).stdout
    assert "2024-08" in text and "January" in text


def test_a_break_is_told_at_its_month(public: Path) -> None:
    content = (public / "en" / INDICATOR).read_text("utf-8")
    assert "Break in April 2023" in content
    assert "The measure changed." in content


def test_a_bound_is_never_told_as_a_number(public: Path) -> None:
    content = (public / "en" / INDICATOR).read_text("utf-8")
    assert "at least 10 meetings (2 of 12 counties reported)" in content
    assert "Annual reading: ≥\u00a050%" in content
    assert "Without data: County 1 and County 2." in content


def test_persons_whom_several_may_count_are_told_by_the_bounds_of_their_month(
    tmp_path: Path,
) -> None:
    figures = [
        row | {"value_least": 2.0} if row["indicator_code"] == "1.1.2.1" else row
        for row in facts(tmp_path, Tier.RESTRICTED).tables["vintages.period_figures"]
    ]
    told = facts(tmp_path, Tier.RESTRICTED, **{"vintages.period_figures": figures})
    assert told.newest(PERSONS_SEEN, "AL")[1].of_month.low == 2


def test_a_month_with_values_of_a_quarter_is_told_by_what_is_certain_of_them(
    tmp_path: Path,
) -> None:
    figures = [
        row | {"value": 1.0, "value_least": 1.0} if row["value"] == 4 else row
        for row in facts(tmp_path).tables["vintages.period_figures"]
    ]
    told = facts(tmp_path, **{"vintages.period_figures": figures})
    february, march = told.newest(MEETINGS, "AL")[1:3]
    assert (march.of_month.low, march.of_month.kind) == (4, "at_least")
    # Kukës alone has a value of March.
    assert march.has_longer
    assert (february.of_month.came, march.of_month.came) == (2, 1)
    write_site(tmp_path, told, None)
    page = tmp_path / "en" / INDICATOR
    assert row_of(read(page), "March 2023")[1:3] == ["≥ 4*", "≥ 8"]
    assert "with values given for a quarter" in page.read_text("utf-8")


def test_persons_of_a_quarter_are_at_least_what_the_year_grew_by(tmp_path: Path) -> None:
    world = facts(tmp_path, Tier.RESTRICTED)
    months = [
        row | {"value": None, "value_least": None}
        for row in world.tables["vintages.period_figures"]
    ]
    leasts = {MONTHS[1]: 3.0, MONTHS[2]: 6.0, MONTHS[3]: 7.0}
    progress = [
        row | {"actual_year_to_date_least": leasts.get(row["reporting_month"])}
        for row in world.tables["vintages.indicator_progress"]
    ]
    told = facts(
        tmp_path,
        Tier.RESTRICTED,
        **{"vintages.period_figures": months, "vintages.indicator_progress": progress},
    )
    assert [one.of_month.low for one in told.newest(PERSONS_SEEN, "AL")[1:]] == [3, 3, 1]


def test_the_bound_of_a_year_is_its_own(tmp_path: Path) -> None:
    progress = [
        row | {"is_lower_bound": True}
        for row in facts(tmp_path).tables["vintages.indicator_progress"]
    ]
    told = facts(tmp_path, **{"vintages.indicator_progress": progress})
    assert told.newest(MEETINGS, "AL-04")[-1].of_year.kind == "exact"
    assert told.newest(MEETINGS, "AL")[-1].of_year.kind == "at_least"


def test_a_status_needs_a_basis_that_the_plan_states(sites: dict[Tier, Path]) -> None:
    folder = sites[Tier.RESTRICTED] / "en"
    assert 'class="light on_track"' in (folder / INDICATOR).read_text("utf-8")
    assert 'class="light' not in (folder / COUNTS).read_text("utf-8")


def with_target(folder: Path, basis: str, **values: Any) -> Facts:
    """Return the world with one indicator's basis and the nation's progress changed."""
    world = facts(folder)
    indicators = [
        row | {"target_basis": basis} if row["indicator_code"] == MEETINGS[1] else row
        for row in world.tables["core.dim_indicators"]
    ]
    progress = [
        row | (values if row["county_code"] == "AL" else {})
        for row in world.tables["vintages.indicator_progress"]
    ]
    return facts(
        folder,
        **{"core.dim_indicators": indicators, "vintages.indicator_progress": progress},
    )


def test_a_milestone_is_told_by_counties_and_never_as_a_share(tmp_path: Path) -> None:
    world = with_target(
        tmp_path, "milestone", status="achieved", target_value=1.0, progress_annual=1000.0
    )
    write_site(tmp_path, world, None)
    content = (tmp_path / "en" / INDICATOR).read_text("utf-8")
    assert "By the end of April 2023: done in at least 2 of 12 counties." in content
    assert "%" not in _visible(tmp_path / "en" / INDICATOR)
    assert 'class="light' not in content
    front = (tmp_path / "en" / "index.html").read_text("utf-8")
    assert '<span class="big">0 of 0</span>' in front


@pytest.mark.parametrize(
    ("target", "status", "told"),
    [
        (
            0.0,
            "off_track",
            "The target for 2023 is zero; with at least 10 meetings it was exceeded",
        ),
        (9.0, "on_track", "Under both readings: on track."),
        (9.0, "achieved", "The target was reached, under both readings."),
        (9.0, "ambiguous", "So no status is given."),
    ],
)
def test_a_status_that_both_readings_agree_on_is_told(
    target: float, status: str, told: str, tmp_path: Path
) -> None:
    world = with_target(tmp_path, "unstated", status=status, target_value=target)
    sentences = " ".join(lead(world, MEETINGS, world.newest(MEETINGS, "AL")[-1], "en"))
    assert told in sentences
    assert ("no status" in sentences) == (status == "ambiguous")


def test_nothing_says_what_python_or_javascript_has_for_nothing(sites: dict[Tier, Path]) -> None:
    for page in [one for site in sites.values() for one in site.rglob("*.html")]:
        assert not re.search(r"\b(undefined|None|nan|NaT|null)\b", _visible(page)), page


def test_every_row_of_a_download_has_unit_release_and_state(public: Path) -> None:
    with (public / "data" / "PKV" / "1.1.1.1.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert {(row["unit"], row["release"]) for row in rows} == {("meetings", "r1")}
    states = {(row["value"], row["value_state"]) for row in rows if row["county_code"] == "AL-07"}
    assert ("0", "zero") in states
    assert ("", "not_owed") in states


def test_what_is_withheld_looks_alike_whatever_the_reason(public: Path) -> None:
    page = read(public / "en" / COUNTS)
    assert row_of(page, "2023", "Albania")[2] == "25"
    hidden = [row_of(page, "2023", name)[2] for name in ("County 4", "County 7")]
    assert hidden == ["[withheld]", "[withheld]"]


def test_persons_of_the_public_site_are_those_of_editions(public: Path) -> None:
    content = (public / "en" / COUNTS).read_text("utf-8")
    assert "months are not published" in content
    assert "<svg" not in content
    assert not (public / "data" / "PKV" / "1.1.2.1.csv").exists()
    assert not list(public.rglob("*1.1.2.1*.svg"))


def test_institutions_are_named_in_the_restricted_site_alone(sites: dict[Tier, Path]) -> None:
    assert "Municipality X" in (sites[Tier.RESTRICTED] / "en" / "index.html").read_text("utf-8")
    for page in sites[Tier.PUBLIC].rglob("*.*"):
        assert b"Municipality X" not in page.read_bytes(), page


def test_each_link_leads_somewhere_in_the_folder(sites: dict[Tier, Path]) -> None:
    for site in sites.values():
        pages = {page: read(page) for page in site.rglob("*.html")}
        for page, content in pages.items():
            assert len(set(content.ids)) == len(content.ids), page
            for link in content.links:
                path, _, anchor = link.partition("#")
                target = (page.parent / unquote(path)).resolve() if path else page
                assert target.is_file(), (page, link)
                assert not anchor or anchor in pages[target].ids, (page, link)


def test_each_observation_has_an_address(public: Path) -> None:
    assert {"AL-2023-04-r1", "AL-04-2023-02-r1"} <= set(read(public / "sq" / INDICATOR).ids)


def test_nothing_is_asked_of_the_network(sites: dict[Tier, Path]) -> None:
    for site in sites.values():
        for file in [*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg")]:
            addresses = set(re.findall(r"https?://[^\"' <]*", file.read_text("utf-8")))
            assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    page = (sites[Tier.PUBLIC] / "sq" / "index.html").read_text("utf-8")
    assert "default-src 'none'" in page
    assert len(page.encode()) < 300_000


def test_the_same_releases_give_the_same_bytes(sites: dict[Tier, Path], tmp_path: Path) -> None:
    for tier, site in sites.items():
        again = tmp_path / tier
        again.mkdir()
        write_site(again, facts(tmp_path / "other tree", tier), None)
        assert (again / "site.json").read_bytes() == (site / "site.json").read_bytes()


def test_a_site_that_was_changed_is_told(public: Path, tmp_path: Path) -> None:
    with replace_folder(tmp_path / "copy") as copy:
        for file in public.rglob("*"):
            if file.is_file():
                (copy / file.relative_to(public)).parent.mkdir(parents=True, exist_ok=True)
                (copy / file.relative_to(public)).write_bytes(file.read_bytes())
    copy = tmp_path / "copy"
    keys = [KEY.public_key()]
    assert verify_site(copy, keys) == []
    assert [one.kind for one in verify_site(copy, [])] == ["bad_signature"]
    (copy / "sq" / "more.html").write_text("more")
    (copy / "site.css").write_text("other")
    (copy / "sq" / "fjalori.html").unlink()
    (copy / "site.json.sig").unlink()
    found = {(one.kind, one.path) for one in verify_site(copy, keys)}
    assert found == {
        ("added", "sq/more.html"),
        ("altered", "site.css"),
        ("missing", "sq/fjalori.html"),
        ("unsigned", "site.json.sig"),
    }


def test_a_folder_that_fails_to_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "old").write_text("old")
    with pytest.raises(RuntimeError), replace_folder(tmp_path / "site") as fresh:
        (fresh / "new").write_text("new")
        raise RuntimeError
    assert [path.name for path in tmp_path.rglob("*")] == ["site", "old"]


FIER = Reader("t", Tier.RESTRICTED, "AL-04")
ALL = Reader("t", Tier.RESTRICTED, None)
INSTITUTION = Reader("t", Tier.PUBLIC, "AL-04", "AL-04-X")


@pytest.mark.parametrize(
    ("file", "seen_by_fier"),
    [
        ("sq/qark/AL-04.html", True),
        ("en/publikim/AL-04/2023-04-r1.html", True),
        ("site.css", True),
        ("sq/qark/AL-07.html", False),
        ("sq/index.html", False),
        ("sq/tregues/PKV/1.1.1.1.html", False),
        ("data/PKV/1.1.1.1.csv", False),
        ("charts/sq/map.svg", False),
        ("sq/publikim/AL/2023-04-r1.html", False),
        ("sq/kerko.html", False),
        ("site.json", False),
    ],
)
def test_who_sees_what_of_the_restricted_site(file: str, *, seen_by_fier: bool) -> None:
    assert may_see(FIER, Tier.RESTRICTED, file) == seen_by_fier
    assert may_see(ALL, Tier.RESTRICTED, file)
    assert not may_see(ANYONE, Tier.RESTRICTED, file)
    assert not may_see(INSTITUTION, Tier.RESTRICTED, file)
    assert may_see(ANYONE, Tier.PUBLIC, file)


@pytest.mark.parametrize(
    "path", ["public/../restricted/x", "public/.hidden", "other/x", "public/", "public//x", "x", ""]
)
def test_a_path_that_names_no_file_is_none(path: str) -> None:
    assert parse_site_path(path) is None


@pytest.mark.parametrize(("tier", "language"), [*zip(Tier, LANGUAGES, strict=True)])
def test_chromium_shows_every_kind_of_page_from_disk(
    sites: dict[Tier, Path],
    tier: Tier,
    language: str,
    node: Callable[..., str],
    chromium: str,
    tmp_path: Path,
) -> None:
    """Wide and narrow, by WCAG 2.2 AA, and with nothing but axe's own reading of looks refused."""
    asked: list[dict[str, Any]] = [
        {
            "url": (sites[tier] / language / page).as_uri(),
            "width": width,
            "picture": str(tmp_path / f"{number}-{width}.png"),
        }
        for number, page in enumerate(KINDS)
        for width in WIDTHS
    ]
    # By keyboard: past the menu to the content, and a search that answers as one types.
    asked.append(asked[0] | {"keys": [{"at": ".skip", "press": "Enter"}]})
    told = json.loads(node("page.cjs", chromium, given=json.dumps(asked)))
    for page, shown in zip(asked, told, strict=True):
        assert shown["found"] == [], page
        assert not shown["isTooWide"], page
        assert [one for one in shown["errors"] if "Connecting to" not in one] == [], page


def _visible(page: Path) -> str:
    content = page.read_text("utf-8")
    content = re.sub(r"<script>.*?</script>", "", content, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", content)
