"""Models computed in a database without dbt, which takes many seconds to read its project.

Belongs here: a model's statement as dbt compiles it, and the tables of registers that it reads.
Models use of dbt only `ref`, `source`, `var` and `config`, and macros of their own; a test holds
every statement and register equal to those of a build. Not here: what is computed where (as_known,
known).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment
from jinja2.runtime import Macro

from orchestration.registers.declaration import declared
from orchestration.runtime.settings import DBT_PROJECT
from sources.datafiles import read_yaml

_MODELS = DBT_PROJECT / "models"

#: The name of the database, which the statements name: that of the warehouse's file.
_DATABASE = "warehouse"


@dataclass(frozen=True)
class Compiled:
    """A model with its statement, or a register, which has none; and what it reads, as in SQL."""

    schema: str
    table: str
    statement: str | None
    reads: frozenset[str] = frozenset()

    @property
    def relation(self) -> str:
        """Its name in SQL."""
        return f'"{_DATABASE}"."{self.schema}"."{self.table}"'


def compute(
    connection: duckdb.DuckDBPyConnection,
    models: Iterable[str],
    registers: Path,
    left_out: Collection[str] = (),
) -> None:
    """Make the tables of models, from the schema raw.

    `connection` uses a database `warehouse`. Those `left_out` get no row. What the models rest on
    is dropped when nothing reads it any more.
    """
    asked = tuple(models)
    found = compiled(asked)
    last_read = {name: place for place, model in enumerate(found) for name in model.reads}
    for place, model in enumerate(found):
        connection.execute(f'create schema if not exists "{model.schema}"')
        source = model.statement or register_query(registers, model.table)
        condition = "false" if model.table in left_out else "true"
        connection.execute(f"create table {model.relation} as from ({source}) where {condition}")
        for other in found[:place]:
            if last_read.get(other.relation) == place and other.table not in asked:
                connection.execute(f"drop table {other.relation}")


def raw_tables_of(models: Iterable[str]) -> frozenset[str]:
    """Return the tables of the schema raw that models, and all that they rest on, read."""
    raw = Compiled("raw", "", None).relation[:-1]
    reads = frozenset[str]().union(*(model.reads for model in compiled(tuple(models))))
    return frozenset(name.removeprefix(raw).strip('"') for name in reads if name.startswith(raw))


@cache
def compiled(models: tuple[str, ...]) -> tuple[Compiled, ...]:
    """Return models and all that they rest on, each after what it reads."""
    environment = Environment(extensions=["jinja2.ext.do"])
    files = {path.stem: path for path in _MODELS.rglob("*.sql")}
    found: dict[str, Compiled] = {}

    reading: list[set[str]] = [set()]

    def refer(name: str) -> str:
        if name not in found:
            found[name] = _rendered(name) if name in files else Compiled("register", name, None)
        reading[-1].add(found[name].relation)
        return found[name].relation

    def source(schema: str, table: str) -> str:
        relation = Compiled(schema, table, None).relation
        reading[-1].add(relation)
        return relation

    def _rendered(name: str) -> Compiled:
        path, given = files[name], {"alias": name}
        reading.append(set())

        def configure(**options: Any) -> str:
            given.update(options)
            return ""

        text = path.read_text(encoding="utf-8")
        statement = environment.from_string(text).render(config=configure)
        reads = frozenset(reading.pop())
        return Compiled(path.relative_to(_MODELS).parts[0], given["alias"], statement, reads)

    environment.globals |= {
        "ref": refer,
        "source": source,
        "var": read_yaml(DBT_PROJECT / "dbt_project.yml")["vars"].__getitem__,
    }
    for path in sorted((DBT_PROJECT / "macros").glob("*.sql")):
        module = environment.from_string(path.read_text(encoding="utf-8")).module
        macros = {name: each for name, each in vars(module).items() if isinstance(each, Macro)}
        environment.globals |= macros
    for name in models:
        refer(name)
    return tuple(found.values())


def register_query(registers: Path, name: str) -> str:
    """Return a query of a register's file, as the seeds' materialization reads it."""
    columns = ", ".join(
        f"cast({column} as {type_}) as {column}" for column, type_ in declared()[name].types.items()
    )
    file = str(registers / f"{name}.csv").replace("'", "''")
    return (
        f"select {columns} from read_csv('{file}', header = true, all_varchar = true, "
        "delim = ',', quote = '\"', escape = '\"')"
    )
