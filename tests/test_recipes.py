"""The recipes of CONTRIBUTING.md, followed word by word in a copy of the project."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import openpyxl
import pytest
from dbt_sql import render
from guides import change, follow, read_recipes, run

from orchestration.products.tree import MANIFEST
from orchestration.runtime.settings import PROJECT

REFRESH = ".venv/bin/krat refresh --month 2023-05"
PYTEST = '.venv/bin/python -m pytest -m "not data" '


@dataclass
class Followed:
    """The copy in which all recipes were followed, and what each one's commands printed."""

    project: Path
    printed: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The data folder, which is where krat has it by default."""
        return self.project / "data"

    @property
    def release(self) -> Path:
        """The restricted release of Fier."""
        return self.data / "releases" / "restricted" / "AL-04" / "2023-05" / "r1"


def copy_project(folder: Path) -> None:
    """Copy the files of the project that git knows, with an environment that is set up."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT}", "ls-files", "-z"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    environment = folder / ".venv"
    environment.mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.is_dir() or path.name == "pyvenv.cfg":
            (environment / path.name).symlink_to(path)
    # make sets nothing up: what it would install into is the environment that runs this test.
    for name in ("runtime", "dev"):
        (environment / name).touch()


RECIPES = read_recipes((PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Follow every recipe, refresh once for all, and run what proves them."""
    done = Followed(tmp_path_factory.mktemp("recipes") / "krat")
    copy_project(done.project)
    after: dict[str, list[str]] = {}
    for title, blocks in RECIPES.items():
        for block in blocks:
            follow(block, done.project)
        commands = [line for block in blocks if block.action == "prove" for line in block.commands]
        end = commands.index(REFRESH) if REFRESH in commands else 0
        done.printed[title] = "".join(run(done.project, line) for line in commands[:end])
        after[title] = [line for line in commands[end:] if line != REFRESH]
    run(done.project, REFRESH)
    tests = []
    for title, commands in after.items():
        tests += [line.removeprefix(PYTEST) for line in commands if line.startswith(PYTEST)]
        others = [line for line in commands if not line.startswith(PYTEST)]
        done.printed[title] += run(done.project, "\n".join(others))
    run(done.project, PYTEST + " ".join(tests))
    return done


def rows(followed: Followed, question: str) -> list[tuple[object, ...]]:
    """Return what the reading copy answers."""
    with duckdb.connect(str(followed.data / "marts.duckdb"), read_only=True) as connection:
        return connection.execute(question).fetchall()


def test_each_recipe_changes_something_and_ends_with_its_proof() -> None:
    assert len(RECIPES) >= 6
    for title, blocks in RECIPES.items():
        actions = [block.action for block in blocks]
        assert actions[-2:] == ["prove", "shows"], title
        assert set(actions) & {"create", "append", "change"}, title
        assert any(line.startswith(PYTEST) for line in blocks[-2].commands), title


@pytest.mark.parametrize("title", RECIPES)
def test_what_a_recipe_shows_is_printed(title: str, followed: Followed) -> None:
    shown = RECIPES[title][-1].text.splitlines()
    assert shown
    assert [line for line in shown if line not in followed.printed[title]] == []


def test_the_rule_makes_its_one_finding_in_both_languages(followed: Followed) -> None:
    found = rows(
        followed,
        "select county_code, indicator_code, severity, message_sq, message_en "
        "from quality.findings where rule = 'round_count'",
    )
    [(county, indicator, severity, albanian, english)] = found
    assert (county, indicator, severity) == ("AL-04", "3.1.2.1", "informs")
    assert albanian == (
        "Treguesi 3.1.2.1 ka vlerën 300, që mbaron me dy zero: u numërua apo u vlerësua?"
    )
    assert english == (
        "Indicator 3.1.2.1 has the value 300, which ends in two zeros: was it counted or estimated?"
    )
    page = (followed.project / "docs" / "quality-rules.md").read_text(encoding="utf-8")
    assert "\n## round_count\n" in page


def test_the_indicator_is_in_the_form_of_who_owes_it_and_counted(followed: Followed) -> None:
    asked = {
        path.stem.partition("_")[0]
        for path in (followed.data / "forms").glob("*.xlsx")
        # Forms for records have no such sheet.
        if "Raporti" in (book := openpyxl.load_workbook(path)).sheetnames
        for row in book["Raporti"].iter_rows(values_only=True)
        if row[0] == "2.1.18.2"
    }
    assert asked == {"AL-04-SHSSH"}
    assert rows(
        followed,
        "select actual_month, name_en, unit from marts.indicator_progress "
        "inner join core.dim_indicators using (plan_code, indicator_code) where indicator_code = "
        "'2.1.18.2' and county_code = 'AL-04' and reporting_month = '2023-05-01'",
    ) == [(7, "Field operations of mobile units", "operations")]


def test_the_mart_is_asked_released_and_described(followed: Followed) -> None:
    asked = "select accepted, refused from {} where reporting_month = '2023-05-01'"
    in_copy = asked.format("marts.files_received") + " and county_code = 'AL-04'"
    # Three reports, of which one of the border police; one of nobody is refused.
    assert rows(followed, in_copy) == [(3, 1)]
    parquet = followed.release / "files_received.parquet"
    assert duckdb.connect().execute(asked.format(f"'{parquet}'")).fetchall() == [(3, 1)]
    resources = json.loads((followed.release / MANIFEST).read_bytes())["resources"]
    assert "files-received" in {each["name"].replace("_", "-") for each in resources}
    page = (followed.project / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert "\n## marts.files_received\n" in page
    assert "Published as `files_received` in the restricted tier" in page


def test_a_false_number_in_the_mart_is_found_by_its_test(
    followed: Followed, tmp_path: Path
) -> None:
    name = "files_received_counts_each_file_once"
    test = (followed.project / "dbt_project" / "tests" / f"{name}.sql").read_text(encoding="utf-8")
    schemas = {"files_received": "marts", "dim_deliveries": "core"}
    sql = render(test, ref=lambda table: f"{schemas[table]}.{table}")
    warehouse = shutil.copy(followed.data / "warehouse.duckdb", tmp_path)
    with duckdb.connect(str(warehouse)) as connection:
        assert connection.execute(sql).fetchall() == []
        connection.execute("update marts.files_received set accepted = 9 where refused = 1")
        assert connection.execute(f"select county_code from ({sql})").fetchall() == [("AL-04",)]


def test_a_file_of_the_source_is_taken_in(followed: Followed) -> None:
    assert rows(
        followed,
        "select institution_code, indicator_code, value, status from core.fct_actuals "
        "inner join core.fct_submissions using (delivery_id, institution_code) "
        "where institution_code = 'AL-04-DVKM' order by all",
    ) == [("AL-04-DVKM", "2.1.6.1", 4, "late"), ("AL-04-DVKM", "3.1.5.1", 2, "late")]


def test_the_new_code_is_accepted_and_kept(followed: Followed) -> None:
    printed = followed.printed["Add a code to a list"]
    assert "Read as: krat-linja-3, AL-04" in printed
    with duckdb.connect(str(followed.data / "warehouse.duckdb"), read_only=True) as connection:
        kept = connection.execute("select caller from core.fct_hotline_contacts").fetchall()
    assert kept == [("school",)]
    asked = "select contacts, caller_not_known from marts.hotline_activity"
    assert rows(followed, f"{asked} where county_code = 'AL-04' and contacts > 0") == [(1, 0)]


@pytest.mark.parametrize(
    "information", ["sql", "csv append", "sql replace a.sql", "diff a.sql", "sh", ""]
)
def test_a_block_that_does_not_say_what_it_is_for_is_an_error(information: str) -> None:
    with pytest.raises(ValueError, match="what is to be done"):
        read_recipes(f"\n## Recipes\n\n### Add\n\n1. So:\n\n   ```{information}\n   a\n   ```\n")


@pytest.mark.parametrize(
    "diff", [" c\n+d\n", " a\n+d\n", "-a b\n", " b\n", "+d\n", " b\n+d\n@@\n c\n+d\n", "b\n+c\n"]
)
def test_a_change_without_its_one_place_is_an_error(diff: str) -> None:
    with pytest.raises(ValueError, match=r"no change|places for"):
        change("a\nb\na\na bc\n", diff)


def test_a_change_puts_lines_where_their_neighbours_are() -> None:
    diff = " b\n+c\n@@\n-d\n+e\n f\n"
    assert change("a\nb\nd\nf\n", diff) == "a\nb\nc\ne\nf\n"
