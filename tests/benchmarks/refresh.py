"""How long a refresh takes against its floor, both measured in one run: `make bench`.

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

import duckdb

from orchestration.runtime.settings import DBT_PROJECT, home_from_environment, prepare_process
from sources.custody.home import Home

RUNS = 3
IMPORTS = ("dagster", "dbt.cli.main", "great_expectations")
BIN = Path(sys.executable).parent


def seconds(command: list[str], prepare: Callable[[int], None] = lambda _: None) -> float:
    """Return the median wall time of a command as a whole process, in seconds.

    Before each run `prepare` gets its number.
    """
    times = []
    for run in range(RUNS):
        prepare(run)
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


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


def bare_sql(warehouse: Path, models: list[dict[str, Any]]) -> float:
    """Return the median time of the models' SQL in one DuckDB process, in seconds."""
    times = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            # The copy keeps its name, which the compiled SQL holds as that of the database.
            copy = Path(shutil.copy(warehouse, folder))
            started = time.perf_counter()
            with duckdb.connect(str(copy)) as connection:
                for model in models:
                    kind = "view" if model["config"]["materialized"] == "view" else "table"
                    name = f"{model['schema']}.{model['alias']}"
                    connection.execute(
                        f"create or replace {kind} {name} as {model['compiled_code']}"
                    )
            times.append(time.perf_counter() - started)
    return statistics.median(times)


class Watch:
    """How long each part of the gate took in a refresh, in seconds of wall time."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._nodes: list[tuple[str, str, float, float]] = []

    def timed(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call` with its time counted for a part of the gate."""

        def timed(*arguments: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*arguments)
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
    road.build_warehouse = lambda home: watch.built(lambda: build(home, watch.finished))
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


def main() -> None:
    """Refresh an example once, then time refreshes, their floor, and the gate in them."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KRAT_HOME"] = f"{folder}/home"
        os.environ["KRAT_WAREHOUSE"] = f"{folder}/home/warehouse.duckdb"
        krat = str(BIN / "krat")
        month = ["--month", "2023-05"]
        subprocess.run([krat, "example"], check=True, capture_output=True)
        subprocess.run([krat, "refresh", *month], check=True, capture_output=True)
        imports = {name: seconds([sys.executable, "-c", f"import {name}"]) for name in IMPORTS}
        models = compiled_models(Path(folder) / "target")
        sql = bare_sql(Path(os.environ["KRAT_WAREHOUSE"]).resolve(), models)
        home = home_from_environment()
        prepare_process(home)
        nothing_new = seconds([krat, "refresh", *month])
        one_report = seconds(
            [krat, "refresh", *month], lambda run: send_correction(home, RUNS + run)
        )
        whole, parts = gate_share(home)
    floor = sum(imports.values()) + sql
    for name, value in imports.items():
        print(f"import {name:<22} {value:6.2f} s")
    print(f"bare SQL, {len(models)} models        {sql:6.2f} s")
    print(f"floor                         {floor:6.2f} s")
    for what, took in (("nothing new", nothing_new), ("one new report", one_report)):
        print(f"{what + ', whole process':29} {took:6.2f} s   {took / floor:.2f} times the floor")
    print(f"refresh beyond imports        {whole:6.2f} s")
    for part, value in sorted(parts.items()):
        print(f"  {part:<27} {value:6.2f} s   {100 * value / whole:.0f} %")
    gate = sum(parts.values())
    print(f"the gate in it                {gate:6.2f} s   {100 * gate / whole:.0f} %, at most 25")


if __name__ == "__main__":
    main()
