"""An empty form, or another institution's, takes no report's values unless that is confirmed."""

import os
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from orchestration.cli import cli
from orchestration.ingestion.door import Intake, take_in
from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.registers import load_registers

pytestmark = pytest.mark.slow

HEAD = "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
ROW = "krat-raport-1;AL-04;AL-04-SHSSH;2023-05;{};{};;{};{}\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", keys=tmp_path / "home-keys")


def _report(*lines: tuple[str, str, str], origin: str = "REALE") -> str:
    return HEAD + "".join(ROW.format(origin, *line) for line in lines)


FULL = _report(("2.1.18.1", "3", ""), ("2.1.11.1", "0", ""))
EMPTY = _report(("2.1.18.1", "", ""), ("2.1.11.1", "", ""))
OTHERS = _report(("3.1.2.1", "5", ""))
UNKNOWN = _report(("2.1.18.1", "", "nuk dihet"), ("2.1.11.1", "", ""))
PART = _report(("2.1.18.1", "4", ""))


def _take(home: Home, *texts: str, hour: int = 8) -> Intake:
    for number, text in enumerate(texts):
        # The later file has the name that sorts first.
        path = home.inbox / "AL-04" / f"{9 - number}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        at = datetime(2023, 6, 5, hour + number, tzinfo=UTC).timestamp()
        os.utime(path, (at, at))
    return take_in(home, load_registers(SEEDS))


def _refused(home: Home) -> list[tuple[str, str]]:
    with duckdb.connect() as connection:
        return connection.execute(
            "select delivery_id, rule from read_parquet(?) where rule = 'earlier_values_lost'",
            [str(home.raw / "door_findings" / "*.parquet")],
        ).fetchall()


@pytest.mark.parametrize("later", [EMPTY, OTHERS])
@pytest.mark.parametrize("together", [True, False])
def test_a_report_is_not_emptied(home: Home, later: str, together: bool) -> None:
    if together:
        assert _take(home, FULL, later) == Intake(accepted=1, refused=1)
    else:
        assert _take(home, FULL) == Intake(accepted=1)
        assert _take(home, later, hour=12) == Intake(refused=1)
    assert len(_refused(home)) == 1


def test_what_answers_for_a_value_replaces_the_report(home: Home) -> None:
    assert _take(home, EMPTY, FULL, UNKNOWN, PART) == Intake(accepted=4)


def test_made_up_values_are_not_held_against_real_ones(home: Home) -> None:
    made_up = _report(("2.1.18.1", "3", ""), origin="SHEMBULL - TË TRILLUARA")
    assert _take(home, made_up, EMPTY) == Intake(accepted=2)


def test_what_is_confirmed_is_taken_in_when_it_is_sent_again(home: Home) -> None:
    _take(home, FULL, EMPTY)
    ((delivery, _),) = _refused(home)
    environment = {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys)}

    def confirm(given: str) -> int:
        return CliRunner().invoke(
            cli, ["confirm", given, "--by", "Zyra e provës"], env=environment
        ).exit_code  # fmt: skip

    assert confirm("0" * 16) == 1
    # Sent again without a word it is the same refused file.
    assert _take(home, EMPTY, hour=12) == Intake(known=1)
    assert confirm(delivery) == 0
    assert confirm(delivery) == 0
    assert _take(home, EMPTY, hour=13) == Intake(accepted=1)
