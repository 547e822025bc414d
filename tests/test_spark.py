"""The models on Apache Spark make what they make on DuckDB."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import urlopen

import duckdb
import pytest
from click.testing import CliRunner
from conftest import Refreshed, copy_home
from dagster_page import free_port, wait_until

from orchestration.cli import cli
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import LOOPBACK
from orchestration.warehouse.build import Engine, build_warehouse
from orchestration.warehouse.computing import compiled
from orchestration.warehouse.spark_sql import in_spark
from sources.custody.home import Home

#: Schemas whose tables others read, and the registers.
COMPARED = ("core", "marts", "publication", "quality", "register")

#: What makes Spark quicker where rows are few; other installations have a file like it.
DEFAULTS = """
spark.sql.shuffle.partitions 2
spark.sql.codegen.wholeStage false
spark.driver.memory 3g
spark.executor.memory 1g
"""

#: As they are built, so many tables are there before a worker is killed.
BEFORE_THE_KILL = 40


#: What is said otherwise in Spark's SQL, each on rows of its own.
ROWS = """
select * from (values
    (1, 'a', 2.5::double, date '2023-01-31', ['x', 'y']),
    (2, 'b', null, date '2023-02-28', []),
    (3, 'b', 7.0, date '2023-03-01', ['z']),
    (4, 'b', 1.0, date '2023-03-31', null)
) as rows (id, kind, value, day, marks)
"""
STATEMENTS = {
    "lists": (
        "select kind, list(id order by id) as n, list(distinct kind) as k from rows group by all"
    ),
    "an empty list": "select list(id) filter (where id > 9) as ids, len([1, 2]) as two from rows",
    "medians": "select kind, median(value) as m from rows group by kind",
    "a median of a frame": (
        "select id, median(value) over (earlier rows between unbounded preceding and 1 preceding) "
        "as m from rows window earlier as (order by id)"
    ),
    "first values": (
        "select any_value(value) filter (where kind = 'b') as v, arg_min(value, id) as low, "
        "arg_max(value, id) as high, arg_min_null(value, -id) as last from rows where id > 1"
    ),
    "a filter over a window": (
        "select id, count(*) filter (where value > 2) over w as c, "
        "count(distinct kind) filter (where id > 1) over (partition by 1) as k, "
        "max(day) filter (where kind = 'a') over w as d from rows window w as (order by id)"
    ),
    "joined texts": (
        "select string_agg(distinct kind, ', ' order by kind) as k, "
        "string_agg(kind, '' order by id desc) filter (where id > 2) as l, "
        "string_agg(kind, ',') filter (where id > 9) as none from rows"
    ),
    "unnested": "select id, unnest(marks) || '!' as mark from rows where id <> 3",
    "series": (
        "select id, cast(unnest(generate_series(date_trunc('month', day), "
        "date_trunc('month', day) + interval 2 month, interval 1 month)) as date) as m from rows"
    ),
    "months": (
        "select id, cast(day - to_months(1) as date) as before, last_day(day) as last, "
        "date_diff('month', date '2023-01-31', day) as months, year(day) as y, "
        "strftime(day, '%Y-%m') as text from rows"
    ),
    "minutes": (
        "select date_diff('minute', timestamp '2023-01-01 10:00:59', "
        "timestamp '2023-01-01 10:01:00') as one, "
        "timestamp '2023-01-01 10:00:00' + to_hours(id) as later, "
        "cast(timestamp '2023-01-01 10:00:00' + to_days(id) as date) as tomorrow from rows"
    ),
    "a union by name": (
        "select id, kind from rows union all by name "
        "select * exclude (marks, day) replace (value + 1 as value) from rows"
    ),
    "division": "select id, id / 2 as half, id // 2 as whole, round(id / 3, 6) as third from rows",
    "a circle": (
        "with recursive links as (select * from (values (1, 2), (2, 3), (3, 1)) as l (a, b)), "
        "reached as (select a, b from links union "
        "select reached.a, links.b from reached inner join links on reached.b = links.a) "
        "select * from reached"
    ),
    "a map": (
        "select cast(map {'a': kind} as map(varchar, varchar))['a'] as a, "
        "cast(map {'a': kind} as map(varchar, varchar))['b'] as b from rows"
    ),
    "expressions": (
        "select regexp_full_match(kind, '[[:alpha:]]') as f, regexp_matches(kind, 'B', 'i') as i, "
        "regexp_extract('x12', '([0-9]+)', 1) as number, "
        "array_to_string(regexp_extract_all('{a} b', '[{][a-z]+[}]|[^{]+'), '|') as parts from rows"
    ),
    "objects": (
        "select json_merge_patch('{\"a\": \"1\"}', json_object('b', kind)) ->> "
        "if(id > 1, 'a', 'b') as j from rows"
    ),
    "texts with nothing in them": (
        "select concat(kind, marks[1], '!') as c, kind || null as n from rows"
    ),
    "order of nulls": "select id, row_number() over (order by value desc, id) as place from rows",
    "lists compared": (
        "select id, list_position(marks, 'y') as at, list_has_any(marks, ['y', 'z']) as any, "
        "list_has_all(marks, ['y', 'x']) as every, list_sort(list_distinct(marks)) as sorted, "
        "list_transform(range(0, id), lambda n: n * 2) as doubled, marks[2] as second from rows"
    ),
    "materialized": (
        "with kept as materialized (select kind, count(*) as n from rows group by kind) "
        "select a.kind, b.n from kept as a inner join kept as b using (kind)"
    ),
    "not materialized": (
        "with kept as not materialized (select kind, count(*) as n from rows group by kind) "
        "select a.kind, b.n from kept as a inner join kept as b using (kind)"
    ),
    "a table as a value": (
        "with few as (select id, kind from rows), boxed as (select few as box from few) "
        "select box.kind as kind, box.id as id from boxed"
    ),
    "names that differ": (
        "with t as (select id from rows), u as (with t as (select kind as id from rows) select id "
        "from t) select t.id, u.id as kind from t cross join u"
    ),
    "null in a branch": (
        "with few as (select id, null as n, null as d from rows) "
        "select * from few union all by name select id, id as n, day as d, marks from rows"
    ),
    "null in a query below": (
        "with few as (select *, null as n, null as d from rows), "
        "united as (select * from few union all by name select id, null as n from rows) "
        "select id, n, coalesce(n, id) as number, coalesce(d, day) as day from united"
    ),
    "what moved": (
        "select id, value is distinct from lag(value) over (order by id) as has_moved, "
        "max_by(value is null, id) over (partition by kind) as is_last_empty, "
        "greatest(coalesce(max(id) filter (where id > 9) over (), 1), 1) as place from rows"
    ),
    "no value": "select id, null as nothing, lgamma(id + 0.5) > 0.5 as is_large from rows",
}


@dataclass
class Cluster:
    """A standalone master of Spark with two workers on this machine."""

    address: str
    page: str
    workers: list[subprocess.Popen[bytes]]

    def alive(self) -> int:
        """Return how many workers the master has."""
        with urlopen(f"{self.page}/json/") as answer:
            return int(json.load(answer)["aliveworkers"])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A master and two workers, on loopback."""
    import pyspark

    program = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    port, page = free_port(), free_port()
    address = f"spark://{LOOPBACK}:{port}"
    deploy = "org.apache.spark.deploy"
    begun: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "SPARK_LOCAL_IP": LOOPBACK,
            "SPARK_LOCAL_DIRS": str(tmp_path / "shuffled"),
            "SPARK_DAEMON_MEMORY": "256m",
        }
        # A group of its own: a worker dies with what it has begun.
        begun.append(
            subprocess.Popen(
                [program, *arguments],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        return begun[-1]

    try:
        ports = ("--port", str(port), "--webui-port", str(page))
        begin(f"{deploy}.master.Master", "--host", LOOPBACK, *ports)
        workers = [
            begin(
                f"{deploy}.worker.Worker", "--host", LOOPBACK, "--cores", "1", "--memory", "1g",
                "--webui-port", "0", "--work-dir", str(tmp_path / f"worker-{number}"), address,
            )
            for number in range(2)
        ]  # fmt: skip
        made = Cluster(address, f"http://{LOOPBACK}:{page}", workers)
        wait_until(lambda: _answered(made) == 2, seconds=120)
        yield made
    finally:
        for process in begun:
            _kill(process)


def _answered(cluster: Cluster) -> int:
    try:
        return cluster.alive()
    except OSError:
        return 0


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def spark_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of settings of Spark's own."""
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "spark-defaults.conf").write_text(DEFAULTS, encoding="utf-8")
    monkeypatch.setenv("SPARK_CONF_DIR", str(folder))
    return folder


def tables_of(home: Home) -> dict[str, tuple[Any, ...]]:
    """Return by table its columns with types and comments, and its rows in an order."""
    with read_warehouse(home) as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name, comment from duckdb_tables() "
            "where list_contains(?, schema_name) order by all",
            [COMPARED],
        ).fetchall()
        columns = connection.execute(
            "select schema_name || '.' || table_name, column_name, data_type, comment "
            "from duckdb_columns() order by column_index"
        ).fetchall()
        return {
            name: (
                comment,
                [rest for table, *rest in columns if table == name],
                connection.execute(f"from {name} order by all").fetchall(),
            )
            for name, comment in names
        }


def assert_same(home: Home, other: Home) -> None:
    """Compare all tables of two homes."""
    expected, found = tables_of(home), tables_of(other)
    assert len(expected) > 60
    assert set(found) == set(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


@pytest.fixture
def spark_session(spark_defaults: Path) -> Iterator[Any]:
    """Spark in this process, as a build starts it.

    It ends with its test: a process has one, and a build would take it for its own.
    """
    from orchestration.warehouse.spark import start

    session = start("local[2]", spark_defaults)
    session.sql("create schema model")
    try:
        yield session
    finally:
        session.stop()


@pytest.mark.drill
@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_means_the_same(name: str, spark_session: Any) -> None:
    statement = f"with rows as ({ROWS}), asked as ({STATEMENTS[name]}) select * from asked"
    expected = duckdb.connect().sql(statement)
    table = f"model.{name.replace(' ', '_')}"
    for made, query in in_spark(statement, lambda *_: [], table):
        spark_session.sql(f"create table {made} using parquet as {query}")
    found = spark_session.table(table)
    assert found.columns == expected.columns
    assert _rows(found.collect()) == _rows(expected.fetchall())


def _rows(rows: list[Any]) -> list[Any]:
    """Return rows in an order; of a list whose order nobody asked for nothing is compared."""
    return sorted((tuple(row) for row in rows), key=repr)


def test_each_model_is_translated(refreshed: Refreshed) -> None:
    models = tuple(sorted(path.stem for path in Path("dbt_project/models").rglob("*.sql")))
    with read_warehouse(refreshed.home) as connection:

        def columns(schema: str, table: str) -> list[str]:
            return [row[0] for row in connection.execute(f"describe {schema}.{table}").fetchall()]

        for model in compiled(models):
            if model.statement:
                statement = model.statement.replace('"warehouse".', "")
                tables = in_spark(statement, columns, f"{model.schema}.{model.table}")
                assert tables[-1][0] == f"{model.schema}.{model.table}"
                assert all(query for _, query in tables)


@pytest.mark.drill
@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("JAVA_HOME", "/nowhere", "Java 17"),
        ("KRAT_SPARK_MASTER", f"spark://{LOOPBACK}:1", f"spark://{LOOPBACK}:1"),
    ],
)
def test_what_spark_lacks_is_told_in_both_languages(
    variable: str, value: str, told: str, own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    before = own_home.warehouse.read_bytes()
    place = {"KRAT_HOME": str(own_home.root), "KRAT_KEYS": str(own_home.keys)}
    asked = ["refresh", "--month", "2023-05", "--engine", "spark"]
    done = CliRunner().invoke(cli, asked, env=place)
    assert done.exit_code == 1
    assert told in done.stderr
    assert "Spark ka nevojë" in done.stderr or "Spark nuk përgjigjet" in done.stderr
    assert done.stderr.strip().endswith("Next: krat refresh --month 2023-05 --engine spark")
    assert own_home.warehouse.read_bytes() == before


def test_without_the_library_it_is_told_how_to_install_it(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.warehouse.spark import NoSpark

    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(NoSpark, match=r"krat\[spark\]"):
        build_warehouse(own_home, with_registers=True, engine=Engine.SPARK)


@pytest.mark.drill
@pytest.mark.usefixtures("spark_defaults")
@pytest.mark.parametrize("is_worker_killed", [False, True])
def test_a_cluster_builds_what_duckdb_builds(
    is_worker_killed: bool,
    cluster: Cluster,
    refreshed: Refreshed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_duckdb = copy_home(refreshed.home, tmp_path / "duckdb")
    build_warehouse(by_duckdb, with_registers=True)
    by_spark = copy_home(refreshed.home, tmp_path / "spark")
    monkeypatch.setenv("KRAT_SPARK_MASTER", cluster.address)
    killed: list[int] = []
    told: list[str] = []

    def kill_one() -> None:
        wait_until(lambda: len(tables_there()) > BEFORE_THE_KILL, seconds=1800)
        _kill(cluster.workers[0])
        killed.append(len(tables_there()))

    def tables_there() -> list[Path]:
        return list(by_spark.root.glob(".spark-*/made/*.db/*"))

    watch = Thread(target=kill_one, daemon=True)
    if is_worker_killed:
        watch.start()
    build_warehouse(by_spark, with_registers=True, engine=Engine.SPARK, report=told.append)
    # It takes minutes, and whoever waits sees it go on.
    assert len([step for step in told if step.startswith("computing models on Spark")]) > 12
    if is_worker_killed:
        watch.join()
        # Most was built after it.
        assert killed and killed[0] < 100
        wait_until(lambda: cluster.alive() == 1, seconds=120)
    assert list(by_spark.root.glob(".spark-*")) == []
    assert_same(by_duckdb, by_spark)
