"""The periodic report: what it says in each situation, its files, and what people write into it."""

import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import docx
import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from released_figures import HIDDEN, write_released

from orchestration.cli import cli
from orchestration.presentation.area_period import AreaPeriod, NothingReleased
from orchestration.presentation.blocks import Paragraph, ReportTable
from orchestration.presentation.periods import parse_period
from orchestration.presentation.sentences import sign
from orchestration.products.declaration import Tier
from orchestration.report import make
from orchestration.report.blocks import PeriodicReport, Picture
from orchestration.report.content import SECTIONS, make_report, quality_page
from orchestration.report.document import write_word
from orchestration.report.page import write_page
from orchestration.report.pdf import write_pdf
from orchestration.report.sdmx import eurostat_rows, write_eurostat
from orchestration.report.template import check_template, write_template
from orchestration.report.written import read_written
from sources.custody.home import Home
from sources.texts import LANGUAGES, Language, text

Asked = Callable[..., AreaPeriod]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("released")
    return {tier: write_released(folder / f"{tier}.duckdb", tier) for tier in Tier}


@pytest.fixture
def asked(databases: dict[str, Path]) -> Iterator[Asked]:
    connections = {
        tier: duckdb.connect(str(path), read_only=True) for tier, path in databases.items()
    }

    def area_period(county: str, period: str, tier: str = "restricted") -> AreaPeriod:
        return AreaPeriod(connections[tier], Tier(tier), county, parse_period(period))

    yield area_period
    for connection in connections.values():
        connection.close()


@pytest.fixture
def krat(
    databases: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Runs the command on a home whose releases are the small database."""

    @contextmanager
    def opened(_: Path, tier: Tier) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect(str(databases[tier]), read_only=True) as connection:
            yield connection

    monkeypatch.setattr(make, "opened", opened)
    home = Home(tmp_path / "home", tmp_path / "keys")

    def run(*arguments: str) -> Result:
        environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}
        return CliRunner().invoke(cli, ["report", *arguments], env=environment)

    return run


def sentences(report: PeriodicReport, key: str) -> list[str]:
    [section] = [one for one in report.sections if one.key == key]
    return [block.text for block in section.blocks if isinstance(block, Paragraph)]


def tables(report: PeriodicReport, key: str) -> list[ReportTable]:
    [section] = [one for one in report.sections if one.key == key]
    return [block for block in section.blocks if isinstance(block, ReportTable)]


def all_text(report: PeriodicReport) -> str:
    return repr(report)


def test_each_situation_of_a_figure_has_its_sentence(asked: Asked) -> None:
    sq = make_report(asked("AL-04", "2023-Q2"), "sq")
    en = make_report(asked("AL-04", "2023-Q2"), "en")
    assert "Campaigns on the hotline (3.1.2.4): 21 campaigns; 6 more than in Q1 2023 (15)." in (
        sentences(en, "hotline")
    )
    assert (
        "Special protection (2.1.2.1): zero was reported, no case; the same number as in Q1 2023."
        in (sentences(en, "police"))
    )
    assert (
        "Raste të reja VT/VMT (2.1.9.1): 7\u00a0389–7\u00a0391 persona; në tremujorin I 2023: "
        "7\u00a0390; nuk ka ndryshim të qartë." in sentences(sq, "identification")
    )
    assert sentences(sq, "prevention")[:3] == [
        "Trajnime për drejtësinë (2.2.3.2): 4 trajnime; në tremujorin I 2023: 9; shifrat nuk "
        "krahasohen, sepse përkufizimi ndryshoi.",
        "Fushata për trafikimin (3.1.1.1): të paktën 14 fushata (raportuan plotësisht 7 nga 8 "
        "institucionet); në tremujorin I 2023: 15; shifrat nuk krahasohen, sepse "
        "mbulimi nuk është i njëjtë; te 21 vlera që kemi për të dyja periudhat: 1 më shumë.",
        "Nxënës në veprimtari (3.1.12.1): 276 persona; 10 më pak se në tremujorin I 2023 "
        "(286; −3,5\u00a0%).",
    ]
    assert sentences(sq, "protection") == [
        text("report.nothing.no_value", "sq", period="tremujorin II 2023"),
    ]


def test_persons_are_told_by_record_with_medians_and_the_cohort(asked: Asked) -> None:
    said = sentences(make_report(asked("AL-04", "2023-Q2"), "en"), "identification")
    assert "Identified (VMT): 7,391–7,393 persons." in said
    assert "Median from identification to referral: 1.5 days; rests on 12 persons." in said
    assert (
        "Persons first identified in Q2 2023: 15. By the end of June 2023: referred 13, referral "
        "accepted 12, assisted 9; cases still open 4." in said
    )
    [differ] = [one for one in said if one.startswith("Sources differ for May 2023")]
    assert "report 6, SIVET (official) 4." in differ
    assert differ.endswith("Possible reason: counted otherwise.")
    # Shares between steps of a period would be of different persons.
    assert not any("%" in one for one in said if "2.1.9.1" not in one)


def test_what_is_missing_is_named_and_what_was_revised_has_a_reason(asked: Asked) -> None:
    report = make_report(asked("AL-04", "2023-Q2"), "sq")
    said = sentences(report, "completeness")
    assert "Mbërritën 49 nga 51 raportet e pritura." in said
    assert "Mungojnë raportet: Bashkia Fier (maj 2023)." in said
    assert "Skedari nuk u pranua: Drejtoria Vendore e Policisë Fier (qershor 2023)." in said
    grid = tables(report, "completeness")[1]
    assert ("Bashkia Fier", "po", "[n.r.]", "+9") in grid.rows
    assert sentences(report, "revisions") == [
        "Fushata për trafikimin (3.1.1.1), maj 2023: nga 6 në 5. vlera u korrigjua."
    ]


def test_every_number_of_a_table_is_the_marts_with_its_sign_and_reference(asked: Asked) -> None:
    place = asked("AL-04", "2023-Q2")
    report = make_report(place, "en")
    wanted = {
        row["indicator_code"]: row
        for row in place.rows(
            "select * from marts.period_figures where county_code = $1 and period = $2"
        )
    }
    [annex, references] = tables(report, "annex")
    # What nobody owes is told by its code alone.
    [rest] = [one for one in sentences(report, "annex") if one.startswith("[n.o.]")]
    assert rest == "[n.o.]: nobody owes these indicators (1): 3.2.5.1."
    codes = {row[0] for row in annex.rows}
    assert codes | {"3.2.5.1"} == wanted.keys() and len(annex.rows) + 1 == len(wanted)
    for (row, column), figure in annex.figures.items():
        told = wanted[annex.rows[row][0]]
        assert (figure.value, figure.state) == (told["value"], told["value_state"])
        assert annex.rows[row][column] == sign(figure, "en")
    signs = {row[0]: row[2] for row in annex.rows}
    assert signs["3.1.1.1"] == "≥\u00a014" and signs["2.1.9.1"] == "7,389–7,391"
    assert signs["2.1.2.1"] == "0" and signs["3.2.9.1"] == "[n.r.]"
    assert signs["1.1.3.1"] == "[due]" and signs["2.1.16.1"] == "[n.k.]"
    assert dict(references.rows)["3.1.1.1"] == (
        "AL-04/2023-06/r1/period_figures/2023-Q2/PKV-2021-2023/3.1.1.1/value"
    )


def test_cases_of_the_hotline_count_once_and_the_nations_are_at_least_those_of_a_county(
    asked: Asked,
) -> None:
    county = tables(make_report(asked("AL-04", "2023-Q2"), "en"), "hotline")[0]
    assert county.head[3] == "Cases opened" and county.rows[0][3] == "≥\u00a04"
    nation = tables(make_report(asked("AL", "2023-Q2"), "en"), "hotline")[0]
    # 8 were written down in all, 4 of them in one county.
    assert nation.rows[0][3] == "≥\u00a04" and nation.figures[0, 3].value == 8


def test_only_a_reported_zero_counts_as_zero(asked: Asked) -> None:
    place = asked("AL-04", "2023-Q2")
    [table] = tables(make_report(place, "en"), "progress")
    zeros = {row[0]: row[3] for row in table.rows}
    assert zeros["2.1"] == "1" and zeros["2.2"] == "0"
    bound = make_report(asked("AL", "2023-Q2"), "en")
    assert {row[3] for row in tables(bound, "progress")[0].rows} == {"0"}


def test_what_is_reported_by_other_periods_is_not_said_to_be_owed_by_nobody(asked: Asked) -> None:
    report = make_report(asked("AL-04", "2023-Q2"), "en")
    assert any("reported by other periods: 1;" in one for one in sentences(report, "progress"))
    signs = {row[0]: row[2] for row in tables(report, "annex")[0].rows}
    assert signs["2.1.19.1"] == "[o.p.]"


def test_the_public_is_told_that_indicators_are_left_out_and_why(asked: Asked) -> None:
    report = make_report(asked("AL-04", "2023-Q2", "public"), "en")
    said = sentences(report, "protection")[0]
    assert said.startswith("None of the indicators of this field that are published was owed")
    assert "The others count persons" in said
    annex = sentences(report, "annex")[0]
    assert annex.startswith("Here are 6 of the 11 indicators of the plan; 5 count persons")
    once = text("report.persons_once_a_year", "en")
    assert all(sentences(report, key).count(once) <= 1 for key in SECTIONS)
    # Of problems and of tasks it is said that there is no text.
    not_released = text("report.typed.not_released", "en")
    assert sentences(report, "problems").count(not_released) == 2


def test_a_county_that_is_not_covered_did_not_fail_to_report(asked: Asked) -> None:
    report = make_report(asked("AL", "2023-Q2"), "en")
    [counties] = [one for one in tables(report, "prevention") if one.head[0] == "County"]
    assert dict(counties.rows) == {"Berat": "[n.cov.]", "Fier": "≥\u00a014", "Tirana": "[n.cov.]"}


def test_an_error_in_a_file_is_not_said_to_hold_back_the_release(asked: Asked) -> None:
    report = make_report(asked("AL-04", "2023-Q2"), "en")
    findings = tables(report, "completeness")[-1]
    told = {row[0]: row[1] for row in findings.rows}
    assert told["The code is not in the register."] == "error: the file was not accepted"


def test_a_county_has_no_percentage_of_the_nations_target(asked: Asked) -> None:
    report = make_report(asked("AL-04", "2023-Q2"), "en")
    assert text("report.sentences.no_county_target", "en") in sentences(report, "progress")
    assert "666" not in all_text(report)


def test_the_nation_is_told_under_both_readings_and_not_judged_where_they_differ(
    asked: Asked,
) -> None:
    report = make_report(asked("AL", "2023"), "en")
    said = sentences(report, "progress")
    assert "By the targets of 2023: achieved: 1; not judged: 1." in said
    [ambiguous] = [one for one in said if "annual or cumulative" in one]
    assert (
        "≥\u00a046% achieved as annual, ≥\u00a0154.4% as cumulative. So no status is given."
        in ambiguous
    )
    assert any(
        "The official source (SIVET) has 50 campaigns" in one
        for one in sentences(report, "identification")
    )
    assert any(isinstance(block, Picture) for block in report.sections[1].blocks)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_section_without_data_stays_and_says_why(asked: Asked, language: Language) -> None:
    report = make_report(asked("AL-01", "2023-Q2"), language)
    assert tuple(section.key for section in report.sections) == SECTIONS
    assert all(section.blocks for section in report.sections)
    assert text(
        "report.nothing.no_value",
        language,
        period=asked("AL-01", "2023-Q2").period.name(language, "in"),
    ) in sentences(report, "summary")
    with pytest.raises(NothingReleased):
        make_report(asked("AL-04", "2022-Q1"), language)


@pytest.mark.parametrize(
    ("county", "period"), [("AL-04", "2023-Q2"), ("AL", "2023-Q2"), ("AL", "2023")]
)
def test_the_public_tier_has_no_count_of_persons_but_those_of_editions(
    asked: Asked, tmp_path: Path, county: str, period: str
) -> None:
    for language in LANGUAGES:
        report = make_report(asked(county, period, "public"), language)
        write_word(report, tmp_path / "r.docx")
        write_page(report, tmp_path / "r.html")
        with zipfile.ZipFile(tmp_path / "r.docx") as word:
            names = [name for name in word.namelist() if not name.endswith(".png")]
            parts = b"\n".join(word.read(name) for name in names).decode("utf-8")
        shown = parts + (tmp_path / "r.html").read_text("utf-8")
        # An outline of a drawing has digits enough for any number.
        shown = re.sub(r'\bd="[^"]*"', "", shown)
        digits = re.sub(r"(?<=\d)[\s,.\u00a0](?=\d{3}\b)", "", shown)
        told = re.findall(r"(?<![\d.#])\d+(?![\d.])", digits)
        assert not {str(number) for number in HIDDEN} & set(told)
        assert "restricted" not in shown and "period_flow" not in shown
        if county == "AL-04":
            assert text("report.persons_once_a_year", language) in shown
        if period == "2023":
            [edition] = [
                table
                for table in tables(report, "identification")
                if "gjithsej" in repr(table) or "total" in repr(table)
            ]
            assert [row[2:4] for row in edition.rows] == [
                ("≤\u00a027", "≤\u00a027"),
                (text("figures.states.withheld.sign", language), "–"),
            ]


def test_the_files_are_the_same_each_time(asked: Asked, tmp_path: Path) -> None:
    for name in ("a", "b"):
        report = make_report(asked("AL-04", "2023-Q2"), "sq")
        write_word(report, tmp_path / f"{name}.docx")
        write_page(report, tmp_path / f"{name}.html")
    for ending in ("docx", "html"):
        first, second = (tmp_path / f"{name}.{ending}" for name in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_the_page_needs_nothing_else_and_has_headings_captions_and_words_for_charts(
    asked: Asked, tmp_path: Path
) -> None:
    write_page(make_report(asked("AL-04", "2023-Q2"), "sq"), tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text("utf-8")
    assert '<html lang="sq">' in page
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', page)
    assert "url(http" not in page and "<script" not in page
    assert page.count("<h2 ") == len(SECTIONS)
    assert page.count("<table>") == page.count("<caption>") == page.count("<thead>")
    assert len(re.findall(r'<svg role="img" aria-label="[^"]{20,250}"', page)) == page.count(
        "<figure>"
    )
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    # Made up and restricted, at each heading.
    assert page.count("SHEMBULL: të dhëna të trilluara · Me akses të kufizuar") == len(SECTIONS)


def write_into(word: Path) -> None:
    """Write as an officer does: over the prompt, below it in another style, and into the table."""
    document = docx.Document(str(word))
    paragraphs = document.paragraphs
    [first, second] = [one for one in paragraphs if "Për t'u plotësuar" in one.text]
    first.runs[0].text = "Mungon mjeti i transportit {{ dhe }} koha."
    added = second.insert_paragraph_before("Mbledhja tjetër: më 20 korrik.")
    added.style = document.styles["Normal"]
    table = next(one for one in document.tables if one.cell(0, 0).text == "Neni")
    for cell, said in zip(table.rows[1].cells, ("110/a", "3", "2", "4", "1"), strict=True):
        cell.paragraphs[0].add_run(said)
    document.save(str(word))


def test_what_people_write_is_kept_when_the_report_is_made_again(
    krat: Callable[..., Result], tmp_path: Path
) -> None:
    order = ("--county", "AL-04", "--period", "2023-Q2", "--language", "sq", "--no-pdf", "--out")
    assert krat(*order, str(tmp_path)).exit_code == 0
    word = tmp_path / "raport-AL-04-2023-Q2-restricted-sq.docx"
    write_into(word)
    for _ in range(2):
        made = krat(*order, str(tmp_path))
        assert made.exit_code == 0, made.output
        kept = read_written(word)
        assert kept["problems"].lines == ("Mungon mjeti i transportit {{ dhe }} koha.",)
        assert kept["tasks"].lines == ("Mbledhja tjetër: më 20 korrik.",)
        assert kept["articles"].rows == (("110/a", "3", "2", "4", "1"),)
    page = word.with_suffix(".html").read_text("utf-8")
    assert "{{ dhe }} koha." in page and "110/a" in page
    assert "Gjetje e hapur: Raporti nuk mbërriti: Bashkia Fier." in page
    # What can't be read can't be kept: it is not written over.
    word.write_bytes(b"damaged")
    again = krat(*order, str(tmp_path))
    assert again.exit_code == 1 and "nuk hapet si Word" in again.output
    assert word.read_bytes() == b"damaged"


def test_the_public_gets_the_text_that_was_checked_and_released_alone(
    krat: Callable[..., Result], tmp_path: Path
) -> None:
    order = ("--county", "AL-04", "--period", "2023-Q2", "--language", "sq", "--no-pdf", "--out")
    public = (*order, str(tmp_path), "--tier", "public")
    krat(*order, str(tmp_path))
    word = tmp_path / "raport-AL-04-2023-Q2-restricted-sq.docx"
    write_into(word)
    release = (*public, "--text-from", str(word), "--released-by", "nëpunësi")
    page = tmp_path / "raport-AL-04-2023-Q2-public-sq.html"
    assert krat(*public).exit_code == 0
    assert "koha." not in page.read_text("utf-8")
    assert text("report.typed.not_released", "sq") in page.read_text("utf-8")
    assert krat(*release).exit_code == 0
    assert krat(*public).exit_code == 0
    shown = page.read_text("utf-8")
    assert "koha." in shown and "20 korrik" in shown
    # Authors of cases are persons; prompts are findings.
    assert "110/a" not in shown and "Gjetje e hapur" not in shown

    document = docx.Document(str(page.with_suffix(".docx")))
    [line] = [one for one in document.paragraphs if "20 korrik" in one.text]
    line.runs[0].text = "Mbledhja tjetër: më 21 korrik."
    document.save(str(page.with_suffix(".docx")))
    assert krat(*public).exit_code == 0
    assert "21 korrik" not in page.read_text("utf-8")

    for said, why in (
        ("U strehuan tri vajza.", "tri vajza"),
        ("U takua Arben Hoxha.", "duket se përmend një person"),
    ):
        document = docx.Document(str(word))
        [line] = [one for one in document.paragraphs if one.text.startswith(("Mungon", "U "))][-1:]
        line.runs[0].text = said
        document.save(str(word))
        refused = krat(*release)
        assert refused.exit_code == 1 and why in refused.output
        assert said not in page.read_text("utf-8")


def test_a_template_is_checked_field_by_field(tmp_path: Path, krat: Callable[..., Result]) -> None:
    good = tmp_path / "good.docx"
    assert krat("--write-template", str(good)).exit_code == 0
    assert check_template(good) == []
    assert krat("--check-template", str(good)).exit_code == 0

    document = docx.Document(str(good))
    for paragraph in document.paragraphs:
        if paragraph.text == "{{p hotline }}":
            paragraph.runs[0].text = "{{p hotlin }}"
        if paragraph.text == "{{ title }}":
            paragraph.runs[0].text = "{{ title }"
        if paragraph.text == "{{p annex }}":
            paragraph.runs[0].text = "Aneksi: {{p annex }}"
    document.styles["KRAT Sqarim"].delete()
    document.save(str(tmp_path / "bad.docx"))
    bad = krat("--check-template", str(tmp_path / "bad.docx"))
    assert bad.exit_code == 1
    for said in (
        "mungon fusha «hotline»",
        "«hotlin» nuk është fushë (paragrafi",
        '"hotlin" is no field (paragraph',
        "fusha nuk mbyllet ose nuk lexohet (paragrafi 2: {{ title }): {{ … }}",
        "Aneksi: {{p annex }}): {{p annex }}",
        "mungon stili «KRAT Sqarim»",
    ):
        assert said in bad.output, said
    made = krat(
        "--county", "AL-04", "--period", "2023-Q2", "--template", str(tmp_path / "bad.docx")
    )
    assert made.exit_code == 1 and not (tmp_path / "home" / "reports").exists()


def test_an_offices_template_keeps_its_own_words_and_order(asked: Asked, tmp_path: Path) -> None:
    own = tmp_path / "own.docx"
    write_template(own)
    document = docx.Document(str(own))
    document.paragraphs[0].insert_paragraph_before("Prefektura e qarkut")
    document.save(str(own))
    write_word(make_report(asked("AL-04", "2023-Q2"), "sq"), tmp_path / "r.docx", own)
    assert docx.Document(str(tmp_path / "r.docx")).paragraphs[0].text == "Prefektura e qarkut"


def test_the_table_for_eurostat_is_read_back_as_it_was(asked: Asked, tmp_path: Path) -> None:
    from pysdmx.io import read_sdmx

    assert write_eurostat(asked("AL-04", "2023-Q2"), tmp_path / "t.csv")
    [data] = read_sdmx((tmp_path / "t.csv").read_text("utf-8")).data
    rows = eurostat_rows(asked("AL-04", "2023-Q2"))
    back = data.data[list(rows.columns)].astype(str)
    assert back.equals(rows.astype(object).where(rows.notna(), "").map(_plain).astype(str))
    told = rows.set_index(["SEX", "AGE", "EXPLOIT", "CITIZEN"])
    # Two forms of ours are one of Eurostat's; nobody knows what was not asked.
    assert told.loc[("TOTAL", "TOTAL", "LABOUR", "TOTAL"), "OBS_VALUE"] == 7
    assert told.loc[("FEMALE", "Y_LT18", "TOTAL", "TOTAL"), "OBS_VALUE"] == 9
    unknown = told.loc[("TOTAL", "TOTAL", "TOTAL", "UNKNOWN")]
    assert pd.isna(unknown["OBS_VALUE"]) and unknown["OBS_STATUS"] == "L"
    assert set(rows["CONF_STATUS"]) == {"N"} and set(rows["STEP"]) == {"REGISTERED"}
    assert eurostat_rows(asked("AL-04", "2023-Q2", "public")).empty
    assert StringIO((tmp_path / "t.csv").read_text("utf-8")).readline().startswith("STRUCTURE,")


def _plain(value: object) -> object:
    return int(value) if isinstance(value, float) else value


@pytest.mark.parametrize("tier", ["restricted", "public"])
def test_the_quality_page_has_every_concept_of_esms_filled(asked: Asked, tier: str) -> None:
    page = quality_page(asked("AL-04", "2023-Q2", tier), "en", "krat@example.al")
    assert len(page.sections) == 19 and all(section.blocks for section in page.sections)
    assert "Reports received: 49 of 51 (96.1%)." in sentences(page, "accuracy")
    assert "Address: krat@example.al." in sentences(page, "contact")
    [revisions] = tables(page, "revision")
    assert revisions.rows == (("the value was corrected", "1", "17%"),)
    assert bool([one for one in sentences(page, "management") if "Findings: 2" in one]) == (
        tier == "restricted"
    )


@pytest.mark.program
def test_chromium_shows_report_and_quality_page_to_everyone(
    asked: Asked, node: Callable[..., str], chromium: str, tmp_path: Path
) -> None:
    """Wide and narrow, in both tiers, with nothing that axe finds wrong and no outside request."""
    for tier in Tier:
        found = asked("AL-04", "2023-Q2", tier)
        write_page(make_report(found, "sq"), tmp_path / f"report-{tier}.html")
        write_page(quality_page(found, "en", "krat@example.al"), tmp_path / f"quality-{tier}.html")
    pages = [
        {
            "url": path.as_uri(),
            "width": width,
            "picture": str(tmp_path / f"{path.stem}-{width}.png"),
        }
        for path in sorted(tmp_path.glob("*.html"))
        for width in (1280, 390)
    ]
    for page, shown in zip(
        pages, json.loads(node("page.cjs", chromium, given=json.dumps(pages))), strict=True
    ):
        assert shown["found"] == [], page
        assert not shown["isTooWide"], page
        assert [one for one in shown["errors"] if "Connecting to" not in one] == [], page


def test_without_libreoffice_word_and_html_are_made_and_it_says_so(
    krat: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    order = ("--county", "AL-04", "--period", "2023-Q2", "--language", "en", "--out", str(tmp_path))
    made = krat(*order)
    assert made.exit_code == 1 and "no PDF was made" in made.output
    assert {path.suffix for path in tmp_path.glob("raport-*")} == {".docx", ".html"}
    assert krat(*order, "--no-pdf").exit_code == 0


@pytest.mark.program
def test_libreoffice_makes_a_pdf_and_keeps_what_people_wrote(asked: Asked, tmp_path: Path) -> None:
    word = tmp_path / "r.docx"
    write_word(make_report(asked("AL-04", "2023-Q2"), "sq"), word)
    assert write_pdf(word, tmp_path / "r.pdf")
    pages = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "r.pdf"), "-"],
        capture_output=True, text=True, check=True,
    ).stdout.split("\f")[:-1]  # fmt: skip
    assert all("SHEMBULL: të dhëna të trilluara" in page for page in pages)
    assert all(len(page.split()) > 30 for page in pages), "no page is empty"
    assert "11. Aneks" in "".join(pages)

    write_into(word)
    again = tmp_path / "again"
    subprocess.run(
        ["soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless",
         "--convert-to", "docx:MS Word 2007 XML", "--outdir", str(again), str(word)],
        check=True, capture_output=True,
    )  # fmt: skip
    assert read_written(again / "r.docx") == read_written(word)
    assert not write_pdf(tmp_path / "no-such.docx", tmp_path / "no.pdf")


def test_a_report_of_a_true_release_rests_on_figures_that_explain_knows(
    three_counties: tuple[Home, Any], tmp_path: Path
) -> None:
    home, _ = three_counties
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, list(arguments), env=environment)

    order = ("--county", "AL-04", "--period", "2023-Q1", "--no-pdf", "--out", str(tmp_path))
    for tier in Tier:
        made = run("report", *order, "--tier", tier.value)
        assert made.exit_code == 0, made.output
    page = (tmp_path / "raport-AL-04-2023-Q1-restricted-en.html").read_text("utf-8")
    told = dict(re.findall(r'data-reference="([^"]+)">([^<]+)<', page))
    assert len(told) > 30
    for mart in ("period_figures", "period_flow"):
        reference = next(one for one in told if f"/{mart}/" in one and told[one].isdecimal())
        explained = run("explain", reference, "--json")
        assert explained.exit_code == 0, explained.output
        assert json.loads(explained.output)["referred"]["value"] == float(told[reference])
    with duckdb.connect(str(home.marts), read_only=True) as marts:
        protected = marts.execute(
            "select indicator_code from core.dim_indicators where is_protected"
        ).fetchall()
        states = marts.execute(
            "with owed as (select county_code, indicator_code from core.reporting_obligations "
            "group by all having bool_and(frequency = 'quarterly') "
            "and min(valid_from) <= '2023-01-01') "
            "select period, value_state, count(*) from marts.period_figures join owed "
            "using (county_code, indicator_code) where period in ('2023-02', '2023-Q1') "
            "and value is null group by all"
        ).fetchall()
    # What is owed for the quarter is not owed by nobody in a month of it.
    assert {state for period, state, _ in states if period == "2023-02"} == {"not_of_period"}
    assert "not_of_period" not in {state for period, state, _ in states if period == "2023-Q1"}
    for path in tmp_path.glob("*-public-*.html"):
        shown = path.read_text("utf-8")
        assert not [code for (code,) in protected if re.search(rf"\b{re.escape(code)}\b", shown)]
        assert not set(
            re.findall(r'data-reference="[^"]+/(period_flow|identified_persons)/', shown)
        )
    early = run("report", "--county", "AL-04", "--period", "2023-02", "--out", str(tmp_path))
    assert early.exit_code == 1 and "2023-02" in early.output and "Traceback" not in early.output
