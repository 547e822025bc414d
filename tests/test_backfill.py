"""A backfill from Dagster's page: a county's months, and nothing of any other county."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from conftest import copy_home
from dagster_page import ask, page, wait_until

from orchestration.defs.backfill import county_refresh
from orchestration.defs.partitions import month_of_run, month_partitions
from orchestration.defs.resources import HomeResource
from orchestration.refresh.steps import Outcome
from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home

COUNTY = "AL-11"

#: What is corrected: a number that every later month of the year adds up, and anyone may see.
INSTITUTION, INDICATOR = "AL-11-POLICIA", "3.1.2.1"

#: What the page sends for a job when "Launch backfill" is clicked.
LAUNCH = """mutation($backfillParams: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfillParams) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}"""

RUNS = """query($id: String!) {
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
    ... on Runs { results { runId status tags { key value } } }
  }
}"""


@pytest.fixture
def home(
    three_counties: tuple[Home, Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Home:
    home = copy_home(three_counties[0], tmp_path)
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    return home


def launch(port: int, months: list[str]) -> str:
    """Start the backfill of the county's months as the page does; return its id."""
    told = ask(
        port,
        LAUNCH,
        backfillParams={
            "selector": {
                "partitionSetName": "county_refresh_partition_set",
                "repositorySelector": {
                    "repositoryName": "__repository__",
                    "repositoryLocationName": "orchestration.definitions",
                },
            },
            "partitionNames": [f"{COUNTY}|{month}" for month in months],
            "fromFailure": False,
            "tags": [],
        },
    )["launchPartitionBackfill"]
    assert told["__typename"] == "LaunchBackfillSuccess", told
    backfill: str = told["backfillId"]
    return backfill


def runs(port: int, backfill: str) -> dict[str, tuple[str, str]]:
    """Return the status and id of each month's run."""
    found = ask(port, RUNS, id=backfill)["runsOrError"]["results"]
    tags = [{tag["key"]: tag["value"] for tag in run["tags"]} for run in found]
    return {
        mine["dagster/partition/month"]: (run["status"], run["runId"])
        for run, mine in zip(found, tags, strict=True)
    }


def holder(home: Home) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((home.root / "writer.json").read_bytes())
    except FileNotFoundError:
        return {"name": "", "process": 0}
    return content


def krat(*arguments: str) -> "subprocess.Popen[str]":
    program = [sys.executable, "-c", "from orchestration.cli import main; main()"]
    return subprocess.Popen(
        [*program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def write_correction(home: Home) -> None:
    """Put a report that corrects March into the inbox of the county."""
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        [(value,)] = connection.execute(
            "select value from core.fct_actuals where institution_code = ? "
            "and indicator_code = ? and reporting_month = '2023-03-01' and category = 'total' "
            "and frequency = 'month' and superseded_at is null",
            [INSTITUTION, INDICATOR],
        ).fetchall()
    path = home.inbox / COUNTY / "late.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
        f"krat-raport-1;{COUNTY};{INSTITUTION};2023-03;SHEMBULL - TË TRILLUARA;{INDICATOR};;"
        f"{value + 1:.0f};\n",
        encoding="utf-8",
    )


def published(home: Home) -> dict[str, bytes]:
    """Return every file of releases, editions and the gate's records."""
    return {
        str(path.relative_to(home.root)): path.read_bytes()
        for folder in (home.releases, home.gate)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.data
@pytest.mark.alone
def test_a_county_is_backfilled_from_the_page_and_nobody_else_is_touched(
    home: Home, tmp_path: Path
) -> None:
    """One month is killed, another goes on and makes up for it; a decision waits for its turn."""
    before = published(home)
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        [(finding,)] = connection.execute(
            "select finding_id from quality.findings where county_code = 'AL-04' "
            "and state = 'open' order by all limit 1"
        ).fetchall()
    answer = ["findings", "answer", finding, "--by", "Bashkia", "--reason", "checked"]
    with page(home, tmp_path / "told") as port:
        write_correction(home)
        backfill = launch(port, ["2023-03", "2023-04"])
        wait_until(lambda: len(runs(port, backfill)) == 2, 120)
        march = runs(port, backfill)["2023-03"][1]
        name = f"Dagster run {march[:8]}"
        wait_until(lambda: holder(home)["name"] == name, 120)
        refused = krat(*answer, "--wait", "0")
        waits = krat(*answer)
        told = refused.communicate(timeout=60)[1]
        assert f"Error: {name} (process " in told
        assert "writes this data folder: try again when it has ended" in told
        assert refused.returncode == 1
        assert waits.stderr is not None
        assert f"waiting up to 600 seconds for {name}" in waits.stderr.readline()
        os.kill(holder(home)["process"], signal.SIGKILL)
        recorded, waited = waits.communicate(timeout=120)
        assert waits.returncode == 0, waited
        assert "Recorded the answer" in recorded
        wait_until(
            lambda: (
                {month: run[0] for month, run in runs(port, backfill).items()}
                == {"2023-03": "FAILURE", "2023-04": "SUCCESS"}
            ),
            600,
        )
    after = published(home)
    folders = {"restricted", "public"}
    made = {name.rsplit("/", 1)[0] for name in after.keys() - before.keys()}
    assert made - {f"gate/{COUNTY}"} == {
        f"releases/{tier}/{COUNTY}/{month}"
        for tier in folders
        for month in ("2023-03/r2", "2023-04/r1", "2023-12/r2", "2023-04")
    }
    changed = {name for name, content in before.items() if after.get(name) != content}
    own = {name for name in changed if f"/{COUNTY}/" in name}
    # What is kept of all counties at once: which tables were judged, released and copied.
    assert changed - own == {"gate/copied.json", "gate/judged.json", "gate/released.json"}
    assert own == {
        *(f"gate/{COUNTY}/{month}.json" for month in ("2023-03", "2023-12")),
        *(
            f"releases/{tier}/{COUNTY}/{month}/latest"
            for tier in folders
            for month in ("2023-03", "2023-12")
        ),
    }
    released_before, released = (json.loads(each["gate/released.json"]) for each in (before, after))
    others = {place for place in released_before if not place.startswith(f"{COUNTY} ")}
    assert {place: released[place] for place in others} == {
        place: released_before[place] for place in others
    }


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def test_a_month_in_which_a_county_owed_nothing_is_left_alone(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    """The regional plan of Fier begins with 2023; the months of the national one are older."""
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    job = county_refresh(SEEDS, month_partitions(SEEDS, "Europe/Tirane"))
    result = job.execute_in_process(
        partition_key="AL-04|2021-01",
        instance=instance,
        resources={"home": HomeResource(root=str(home.root), keys_folder=str(home.keys))},
    )
    assert result.success
    assert not home.root.exists()


def test_the_job_says_what_filters_a_year_of_a_county_on_the_page() -> None:
    """The page's filter looks for the text as it is written; a star finds nothing."""
    job = county_refresh(SEEDS, month_partitions(SEEDS, "Europe/Tirane"))
    told = re.search(r"filter partitions by (\S+) and", job.description or "")
    assert told is not None
    assert job.partitions_def is not None
    found = [key for key in job.partitions_def.get_partition_keys() if told[1] in key]
    assert found == [f"AL-04|2023-{month:02}" for month in range(1, 13)]


def test_a_run_is_of_its_month_with_and_without_a_county() -> None:
    tags = {
        "dagster/partition": f"{COUNTY}|2023-03",
        "dagster/partition/county": COUNTY,
        "dagster/partition/month": "2023-03",
    }
    assert month_of_run(tags) == date(2023, 3, 1)
    assert month_of_run({"dagster/partition": "2023-04"}) == date(2023, 4, 1)
    assert month_of_run({}) is None
