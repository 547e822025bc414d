"""How long a refresh of one county takes against its floor, both measured in one run.

The floor is importing dagster, dbt and Great Expectations once each, and running the models'
compiled SQL in bare DuckDB. The gate is all that tells whether something may go out: the suites at
the door and over the marts, dbt's tests, the models that make findings, and the verdicts. Its share
is taken in a process that has imported what it needs. Figures for people to read, not a test:
machines differ.
"""

import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pandas as pd
from rows import Row, show

from orchestration.runtime.database import write_warehouse
from orchestration.runtime.settings import DBT_PROJECT, home_from_environment, prepare_process
from sources.custody.home import Home

RUNS = 3
IMPORTS = ("dagster", "dbt.cli.main", "great_expectations")
BIN = Path(sys.executable).parent

IN_WORKBOOK = ("indicator_progress", "institution_values", "period_figures", "findings")
QUESTION = (
    "select county_code, indicator_code, count(*) filter (where status = 'reached') as reached "
    "from marts.indicator_progress group by all order by all"
)
BARE = "import sys, duckdb; print(duckdb.connect(sys.argv[1], read_only=True).sql(sys.argv[2]))"
#: One mart and one expectation a column, as a data team would begin.
EXPECTATIONS = """
import sys, duckdb, great_expectations as gx
frame = duckdb.connect(sys.argv[1], read_only=True).sql("from marts.indicator_progress").df()
context = gx.get_context(mode="ephemeral")
asset = context.data_sources.add_pandas("marts").add_dataframe_asset("indicator_progress")
batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
suite = gx.ExpectationSuite(name="marts", expectations=[
    gx.expectations.ExpectColumnToExist(column=column) for column in frame.columns])
batch.validate(suite)
"""


def seconds(
    command: list[str], prepare: Callable[[int], None] = lambda _: None, times: int = RUNS
) -> float:
    """Return the median wall time of a command as a whole process, in seconds.

    Before each run `prepare` gets its number.
    """
    took = []
    for run in range(times):
        prepare(run)
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def compiled_models(target: Path) -> list[dict[str, Any]]:
    """Return dbt's models with their compiled SQL, each after those it reads."""
    places = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    subprocess.run(
        [str(BIN / "dbt"), "--quiet", "compile", *places, "--target-path", str(target)],
        check=True,
        capture_output=True,
    )
    nodes = json.loads((target / "manifest.json").read_bytes())["nodes"]
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    graph = {key: set(node["depends_on"]["nodes"]) for key, node in models.items()}
    return [models[key] for key in TopologicalSorter(graph).static_order() if key in models]


def bare_sql(home: Home, models: list[dict[str, Any]], times: int = RUNS) -> float:
    """Return the median time of the models' SQL in one DuckDB process, in seconds.

    Its file is encrypted where that of the home is.
    """
    took = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            # The copy keeps its name, which the compiled SQL holds as that of the database.
            shutil.copy(home.warehouse.resolve(), folder)
            started = time.perf_counter()
            with write_warehouse(Home(root=Path(folder), keys=home.keys)) as connection:
                for model in models:
                    kind = "view" if model["config"]["materialized"] == "view" else "table"
                    name = f"{model['schema']}.{model['alias']}"
                    connection.execute(
                        f"create or replace {kind} {name} as {model['compiled_code']}"
                    )
            took.append(time.perf_counter() - started)
    return statistics.median(took)


class Watch:
    """How long each part of the gate took in a refresh, in seconds of wall time."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._nodes: list[tuple[str, str, float, float]] = []

    def timed(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call` with its time counted for a part of the gate."""

        def timed(*arguments: Any, **more: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*arguments, **more)
            finally:
                self.seconds[part] += time.perf_counter() - started

        return timed

    def finished(self, event: Any) -> None:
        """Note how long a node of dbt took, as dbt tells it, and when it ended."""
        if event.info.name == "NodeFinished":
            node = event.data.node_info
            took = event.data.run_result.execution_time
            self._nodes.append((node.resource_type, node.node_name, took, time.perf_counter()))

    def built(self, build: Callable[[], Any]) -> Any:
        """Run a build, and share its nodes' time out: they run side by side, so each has a part.

        Before the first node dbt reads its project, which is no part of any.
        """
        self._nodes.clear()
        outcome = build()
        begun = min(ended - value for *_, value, ended in self._nodes)
        whole = max(ended for *_, ended in self._nodes) - begun
        together = sum(value for *_, value, _ in self._nodes)
        for kind, name, value, _ in self._nodes:
            if kind == "test":
                self.seconds["dbt's tests"] += whole * value / together
            elif "findings" in name:
                self.seconds["models of findings"] += whole * value / together
        return outcome


def send_correction(home: Home, run: int) -> None:
    """Put a report with one more value than the last run's into the inbox."""
    report = home.inbox / "AL-04" / "correction.csv"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(
        "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
        "krat-raport-1;AL-04;AL-04-SHSSH;2023-05;SHEMBULL - TË TRILLUARA;2.1.18.1;;"
        f"{run + 20};\n",
        encoding="utf-8",
    )


def gate_share(home: Home) -> tuple[float, dict[str, float]]:
    """Return the median times of a whole refresh and of each part of the gate in it, in seconds.

    Both are beyond imports. A correction waits in the inbox each time, so that there is something
    to check and to publish.
    """
    for name in IMPORTS:
        importlib.import_module(name)
    road = importlib.import_module("orchestration.refresh.steps")
    door = importlib.import_module("orchestration.ingestion.door")
    watch = Watch()
    door.validate = watch.timed("suites at the door", door.validate)
    road.judge = watch.timed("suites over marts, verdicts", road.judge)
    build = road.build_warehouse
    road.build_warehouse = lambda home, **more: watch.built(
        lambda: build(home, watch.finished, **more)
    )
    wholes = []
    parts: dict[str, list[float]] = defaultdict(list)
    for run in range(RUNS):
        send_correction(home, run)
        watch.seconds.clear()
        started = time.perf_counter()
        road.refresh(home, [date(2023, 5, 1)])
        wholes.append(time.perf_counter() - started)
        for part, value in watch.seconds.items():
            parts[part].append(value)
    return statistics.median(wholes), {
        part: statistics.median(values) for part, values in parts.items()
    }


def release_share(home: Home) -> Row:
    """Return how long a restricted release takes, beside the writing of its tables alone."""
    newest = max((home.releases / "restricted" / "AL-04" / "2023-05").glob("r*"))
    frames = {path.stem: pd.read_parquet(path) for path in newest.glob("*.parquet")}
    with_csv = {path.stem for path in newest.glob("*.csv")}
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with pd.ExcelWriter(Path(folder) / "marts.xlsx", engine="xlsxwriter") as workbook:
            for name, frame in frames.items():
                frame.to_parquet(Path(folder) / f"{name}.parquet", compression="zstd")
                if name in with_csv:
                    frame.to_csv(Path(folder) / f"{name}.csv", index=False)
                if name in IN_WORKBOOK:
                    frame.to_excel(workbook, sheet_name=name[:31], index=False)
        bare = time.perf_counter() - started
    road = importlib.import_module("orchestration.refresh.steps")
    send_correction(home, 3 * RUNS)
    watch = Watch()
    road.release = watch.timed("release", road.release)
    outcome = road.refresh(home, [date(2023, 5, 1)])
    each = watch.seconds["release"] / len(outcome.restricted.released)
    return show(Row("a restricted release", each, floor="its Parquet, csv, xlsx bare",
                    floor_value=bare, at_most=2))  # fmt: skip


def usual_way(warehouse: Path) -> float:
    """Return the time of dbt and Great Expectations run as usual, a process a step, in seconds."""
    places = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    steps = [[str(BIN / "dbt"), "--quiet", step, *places] for step in ("seed", "run", "test")]
    steps.append([sys.executable, "-c", EXPECTATIONS, str(warehouse)])
    started = time.perf_counter()
    for step in steps:
        # dbt ends with 1 where one of its tests fails.
        subprocess.run(step, check=step[0] == sys.executable, capture_output=True)
    return time.perf_counter() - started


def measure() -> list[Row]:
    """Refresh an example once, then time refreshes, their floor, and the gate in them."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KRAT_HOME"] = f"{folder}/home"
        os.environ["KRAT_KEYS"] = f"{folder}/keys"
        krat = str(BIN / "krat")
        month = ["--county", "AL-04", "--month", "2023-05"]
        subprocess.run([krat, "example"], check=True, capture_output=True)
        home = home_from_environment()
        prepare_process(home)
        first = seconds([krat, "refresh", *month], times=1)
        imports = {name: seconds([sys.executable, "-c", f"import {name}"]) for name in IMPORTS}
        models = compiled_models(Path(folder) / "target")
        sql = bare_sql(home, models)
        floor = sum(imports.values()) + sql
        for name, value in (*imports.items(), (f"bare SQL, {len(models)} models", sql)):
            print(f"{name} {value:.2f} s", flush=True)
        of = "imports and bare SQL"
        rows = [
            show(Row("first refresh of a month, one county", first, floor=of, floor_value=floor)),
            show(Row("nothing new", seconds([krat, "refresh", *month]), floor=of,
                     floor_value=floor)),
            show(Row("one new report", seconds([krat, "refresh", *month],
                                               lambda run: send_correction(home, RUNS + run)),
                     floor=of, floor_value=floor, at_most=1.4)),
        ]  # fmt: skip
        size = home.warehouse.stat().st_size
        whole, parts = gate_share(home)
        rows.append(show(Row("one new report, in a process that stays", whole, floor="bare SQL",
                             floor_value=sql)))  # fmt: skip
        for part, value in sorted(parts.items()):
            print(f"  {part} {value:.2f} s", flush=True)
        gate = sum(parts.values())
        rows += [
            show(Row("the gate: the refresh with it", whole, floor="without it",
                     floor_value=whole - gate, at_most=1.25)),
            release_share(home),
            show(Row("working file after 10 refreshes", _after_more(home, 10) / 1e6, "MB",
                     "after one", size / 1e6, 1.1)),
            show(Row("`krat sql`, a typical question", seconds([krat, "sql", QUESTION]),
                     floor="bare DuckDB",
                     floor_value=seconds([sys.executable, "-c", BARE, str(home.marts), QUESTION]),
                     at_most=1.2)),
            show(Row("dbt and Great Expectations, a process a step", usual_way(home.warehouse),
                     floor=of, floor_value=floor)),
        ]  # fmt: skip
    return rows


def _after_more(home: Home, times: int) -> int:
    """Return the size of the warehouse after it was built anew so many times, in bytes."""
    build = importlib.import_module("orchestration.warehouse.build")
    for _ in range(times):
        build.build_warehouse(home, with_registers=True)
    return home.warehouse.stat().st_size
