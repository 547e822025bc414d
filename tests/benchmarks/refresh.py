"""How long a refresh takes against its floor, both measured in one run: `make bench`.

The floor is importing dagster, dbt and Great Expectations once each, and running the models'
compiled SQL in bare DuckDB. The gate's share is the time of judging, in a process that has imported
what it needs. Figures for people to read, not a test: machines differ.
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
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import DBT_PROJECT, home_from_environment, prepare_process
from sources.home import Home

RUNS = 3
IMPORTS = ("dagster", "dbt.cli.main", "great_expectations")
BIN = Path(sys.executable).parent


def seconds(command: list[str]) -> float:
    """Return the median wall time of a command as a whole process, in seconds."""
    times = []
    for _ in range(RUNS):
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


def gate_share(home: Home) -> tuple[float, float]:
    """Return the median times of a whole refresh and of judging in it, beyond imports.

    A correction waits in the inbox each time, so that there is something to publish.
    """
    for name in IMPORTS:
        importlib.import_module(name)
    road = importlib.import_module("orchestration.refresh")
    judging: list[float] = []
    judge = road.judge

    def timed(*arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return judge(*arguments)
        finally:
            judging.append(time.perf_counter() - started)

    road.judge = timed
    times = []
    for run in range(RUNS):
        report = home.inbox / "AL-04" / "correction.csv"
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(
            "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
            "krat-raport-1;AL-04;AL-04-SHSSH;2023-05;SHEMBULL - TË TRILLUARA;2.1.18.1;;"
            f"{run + 20};\n",
            encoding="utf-8",
        )
        started = time.perf_counter()
        road.refresh(home, [date(2023, 5, 1)])
        times.append(time.perf_counter() - started)
    return statistics.median(times), statistics.median(judging)


def main() -> None:
    """Refresh an example once, then time the second refresh, its floor, and the gate in it."""
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
        refresh = seconds([krat, "refresh", *month])
        home = home_from_environment()
        prepare_process(home)
        whole, judging = gate_share(home)
    floor = sum(imports.values()) + sql
    for name, value in imports.items():
        print(f"import {name:<22} {value:6.2f} s")
    print(f"bare SQL, {len(models)} models        {sql:6.2f} s")
    print(f"floor                         {floor:6.2f} s")
    print(f"second refresh, whole process {refresh:6.2f} s   {refresh / floor:.2f} times the floor")
    print(f"refresh beyond imports        {whole:6.2f} s")
    share = 100 * judging / whole
    print(f"the gate in it                {judging:6.2f} s   {share:.0f} %, to be at most 25")


if __name__ == "__main__":
    main()
