"""One DuckDB file of all that was pulled, with the names of the reading copy.

Belongs here: uniting a tree of releases, and whether the file that is there is what would be made.
Not here: getting a tree (pull), or what is published (orchestration.products).
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from orchestration.products.comments import comment_on, describe_table
from orchestration.products.declaration import Tier, products, published_registers
from orchestration.products.reference import SCHEMA, reference_months, reference_registers
from orchestration.products.tree import MANIFEST, ListedRelease, editions_in, file_hash, releases_in
from orchestration.pulling.remote import PullFailed
from orchestration.reading_copy.editions import write_editions
from orchestration.reading_copy.tables import write_areas
from orchestration.reading_copy.vintages import write_vintages
from orchestration.runtime.database import open_to_write
from sources.atomic import replace_file, write_json

#: The schema of the marts. In the reading copy they are in the main one, for its catalog's sake.
_MARTS = "marts"

#: The code and the declarations that decide how the file looks.
_PROJECT = Path(__file__).parents[1]
_MAKERS = ("products/*.*", "reading_copy/*.py", "pulling/national.py")


@dataclass(frozen=True)
class National:
    """The file `target`: the newest releases of a tier, and all editions, of a verified tree."""

    tree: Path
    tier: Tier
    target: Path

    def is_current(self) -> bool:
        """Return whether the file is there, and as `write` left it for these releases."""
        try:
            kept = json.loads(self._kept_facts.read_bytes())
            return bool(kept == self._facts())
        except (OSError, ValueError):
            return False

    def write(self) -> tuple[int, int, int]:
        """Write the file; return its tables, counties and months.

        A table has its name of the reading copy. A register is that of the newest release, or, if
        a release has only the rows of its plan, those of all. Who has the old file open reads on
        in it. Raises PullFailed, and replaces nothing, when there is no table.
        """
        newest = [one for one in self._releases if one.is_latest]
        # The codes of an edition are those of a release that comes after it.
        held = _tables([one for one in self._editions if one.is_latest], ["codes"])
        held |= _tables(newest)
        if not held:
            raise PullFailed("no_tables", path=self.target)
        self._kept_facts.unlink(missing_ok=True)
        names = {one.name: one.sql_name for one in products(self.tier)}
        written: set[str] = set()
        with replace_file(self.target) as fresh, open_to_write(fresh) as connection:
            # Each commit would wait for the disk, once a comment.
            connection.begin()
            # What has all columns of its model comes first: `indicators` has a part of them.
            for name in sorted(held, key=lambda name: (name not in reference_registers(), name)):
                is_reference = name in (*reference_registers(), *reference_months())
                table = names.get(name, f"{SCHEMA if is_reference else 'main'}.{name}")
                if table not in {*written, f"{_MARTS}.changes"}:
                    _unite(connection, name, table, held[name], self.tier)
                    written.add(table)
            more = write_vintages(connection, self.tree, None, tier=self.tier, marts=_MARTS)
            more += write_editions(connection, self.tree)
            write_areas(connection, _MARTS)
            connection.commit()
        write_json(self._kept_facts, self._facts())
        counties = {one.county_code for one in newest}
        return len(written) + more, len(counties), len({one.month for one in newest})

    @property
    def _kept_facts(self) -> Path:
        return self.target.with_name(f".{self.target.stem}.json")

    @cached_property
    def _releases(self) -> list[ListedRelease]:
        return [one for one in releases_in(self.tree) if one.tier == self.tier]

    @cached_property
    def _editions(self) -> list[ListedRelease]:
        return list(editions_in(self.tree))

    def _facts(self) -> dict[str, str]:
        """Return what the file is made of, by what, and its own hash. Raises OSError without it."""
        makers = sorted(path for pattern in _MAKERS for path in _PROJECT.glob(pattern))
        releases = [
            f"{one.name} {one.is_latest} {file_hash(one.path / MANIFEST)}"
            for one in (*self._releases, *self._editions)
        ]
        return {
            "tier": self.tier.value,
            "releases": _hash(releases),
            "made_by": _hash(file_hash(path) for path in makers),
            "file": file_hash(self.target),
        }


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _tables(
    newest: list[ListedRelease], names: Sequence[str] = ()
) -> dict[str, list[ListedRelease]]:
    """Return which releases hold each table, or those of these names, the last one at the end."""
    tables: dict[str, list[ListedRelease]] = {}
    for release in sorted(newest, key=lambda one: (one.facts["released_on"], one.month, one.name)):
        for file in release.files:
            name, _, suffix = str(file["path"]).rpartition(".")
            if suffix == "parquet" and (not names or name in names):
                tables.setdefault(name, []).append(release)
    return tables


def _unite(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    table: str,
    holders: Sequence[ListedRelease],
    tier: Tier,
) -> None:
    """Create a table of what the releases have of it, with its comments."""
    files = [str(one.path / f"{name}.parquet") for one in holders]
    described = connection.sql("describe from read_parquet(?)", params=[files[-1]])
    columns = [row[0] for row in described.fetchall()]
    registers = {one.name: one for one in published_registers(tier)}
    rows = "select * from read_parquet(?, union_by_name = true)"
    if name in registers:
        # A release has the rows of its plan alone: all have them all, the newest first.
        key = ", ".join(registers[name].key)
        rows = (
            f"select distinct on ({key}) * exclude (place) from (select * exclude (filename), "
            "list_position($1, filename) as place from read_parquet($1, union_by_name = true, "
            f"filename = true)) order by {key}, place desc"
        )
    elif "reporting_month" not in columns:
        files = files[-1:]
    else:
        rows += " order by all"
    schema = table.partition(".")[0]
    connection.execute(f"create schema if not exists {schema}")
    connection.execute(f"create table {table} as {rows}", [files])
    texts = _description(holders[-1], name)
    declared = {one.name: one for one in products(tier)}
    # What a model has is in the manifest; a reference table has its comment as description.
    own = describe_table(declared[name]) if name in declared else texts.get("description")
    fields = texts.get("schema", {}).get("fields", [])
    comments = {field["name"]: field.get("description") or field.get("title") for field in fields}
    comment_on(
        connection,
        table,
        texts.get("comment") or own,
        {name: comments.get(name) for name in columns},
    )


def _description(release: ListedRelease, name: str) -> dict[str, Any]:
    """Return how a release's manifest describes a table: its resource with a schema."""
    resources = json.loads((release.path / MANIFEST).read_bytes()).get("resources", [])
    files = (f"{name}.csv", f"{name}.parquet")
    return next((one for one in resources if one["path"] in files and "schema" in one), {})
