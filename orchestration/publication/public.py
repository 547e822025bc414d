"""A release of the public tier: what anyone may see of a county's month.

It follows the restricted release of the month. What is about persons stays behind, and so do
findings, remarks and medians: their tables are not of this tier.

Belongs here: what such a release holds, and the check that it holds no more. Not here: which tables
are public (products) or writing them (writing.release).
"""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb
import pandas as pd

from expectations.gate import content_hash
from orchestration.products.declaration import Tier, product, published_marts, published_registers
from orchestration.products.reference import public_reference_tables, public_registers
from orchestration.products.tables import (
    ProductTable,
    is_made_up,
    month_frame,
    register_tables,
    warehouse_table,
)
from orchestration.products.tree import ReleaseFolder
from orchestration.publication.changes import (
    Before,
    WhyChanged,
    has_rows_of,
    reasons_since,
    unexplained,
)
from orchestration.publication.finality import calendar_final_on, finality
from orchestration.publication.observations import observations
from orchestration.publication.restricted import as_of, completeness, hashes, sources_of
from orchestration.publication.writing.release import (
    Release,
    ReleaseContent,
    changed_hashes,
    newest_with,
    write_release,
)
from orchestration.runtime.database import read_warehouse
from sources.custody.home import Home


class NotPublic(RuntimeError):
    """A public release would hold what is not public: an error of krat, and it is not made."""


def release_public(home: Home, county_code: str, month: date) -> Release:
    """Publish a county's month to the public tier; return the newest release.

    Its restricted release was let through just before, under the same hold of the data folder. The
    same content is not released twice. Raises finality.MonthIsFinal when the numbers of a final
    month would change, and NotPublic when a table holds what is not public.
    """
    with read_warehouse(home) as connection:
        tables = public_tables(connection, county_code, month)
        frames = {table.product.name: table.frame for table in tables}
        digest, made_up = content_hash(frames), is_made_up(frames.values())
        folder = ReleaseFolder(home.releases, Tier.PUBLIC, county_code, f"{month:%Y-%m}")
        day, final_on = as_of(connection), calendar_final_on(connection, month)
        status = finality(folder, final_on, day, made_up).status
        unchanged = newest_with(folder, digest, status)
        if unchanged is not None:
            return unchanged
        sources = sources_of(connection, county_code, month)
        came = completeness(connection, county_code, month)
        protected = set(
            connection.execute(
                "select plan_code, indicator_code from core.dim_indicators where is_protected"
            ).fetchall()
        )

        def reasons(before: Before, _: list[str]) -> WhyChanged:
            restricted = ReleaseFolder(
                home.releases, Tier.RESTRICTED, county_code, f"{month:%Y-%m}"
            )
            origin = _followed(before.path, restricted)
            if origin is None:
                return unexplained
            changed = changed_hashes(origin, hashes(connection, county_code, month))
            return reasons_since(
                connection, Before(origin, month), sources, county_code, month, changed
            )

        content = ReleaseContent(
            tier=Tier.PUBLIC,
            county_code=county_code,
            month=month,
            released_on=day,
            final_on=final_on,
            tables=tables,
            registers=register_tables(connection, month),
            reference=public_reference_tables(connection),
            observations=observations(connection, county_code, month, tables),
            content_hash=digest,
            gate={
                "county_code": county_code,
                "reporting_month": month.isoformat(),
                "tier": Tier.PUBLIC.value,
                "verdict": "pass",
            },
            # By its id or hash a small file could be guessed.
            sources=[("", source, "", *rest) for _, source, _, *rest in sources],
            facts=came | {"known_until": (came["known_until"] or "")[:10] or None},
            is_made_up=made_up,
            reasons=reasons,
        )
        return write_release(home, content, lambda draft: require_public(draft, protected))


def _followed(public: Path, restricted: ReleaseFolder) -> Path | None:
    """Return the newest restricted release of the month that has all rows of a public one.

    What is new is what came since. The public one doesn't name it: from the number of restricted
    releases a reader could learn that something about persons had changed.
    """
    marts = published_marts(Tier.PUBLIC)
    for number in reversed(restricted.numbers()):
        path = restricted.folder / f"r{number}"
        if has_rows_of(path, public, marts):
            return path
    return None


def public_tables(
    connection: duckdb.DuckDBPyConnection, county_code: str, month: date
) -> tuple[ProductTable, ...]:
    """Return the public marts of a county's month, without the rows of what is protected.

    The comments of their models are left out: these are of all rows.
    """
    only = (
        "(plan_code, indicator_code) not in "
        "(select (plan_code, indicator_code) from core.dim_indicators where is_protected)"
    )
    return tuple(
        replace(
            warehouse_table(
                connection,
                mart,
                month_frame(
                    connection,
                    mart,
                    county_code,
                    month,
                    only if "indicator_code" in mart.key else "true",
                ),
            ),
            comment="",
        )
        for mart in published_marts(Tier.PUBLIC)
    )


def require_public(draft: Path, protected: set[tuple[str, str]]) -> None:
    """Raise NotPublic where a table of a draft is not public, or shows what is protected.

    `protected` has the plan and the code of each indicator about persons. All other files are
    written from the same frames as the Parquet files. What became protected may be in `changes` as
    a number that is no more: an earlier release has it.
    """
    registers = {one.name for one in published_registers(Tier.PUBLIC)}
    marts = {one.name for one in published_marts(Tier.PUBLIC)}
    own = {"changes", "observations", "codes"}
    for path in sorted(draft.glob("*.parquet")):
        name = path.stem
        if name in public_registers():
            continue
        frame = pd.read_parquet(path)
        if name not in registers | marts | own:
            raise NotPublic(f"{name} is no table of a public release")
        odd = set(map(str, frame)) - set(product(name, Tier.PUBLIC).column_names)
        if odd:
            raise NotPublic(f"{name} has columns that are not public: {', '.join(sorted(odd))}")
        if "mart" in frame and not set(frame["mart"]) <= marts:
            raise NotPublic(f"{name} has numbers of a table that is not public")
        if name in registers:
            continue
        if name == "changes":
            frame = frame[frame["value_after"].notna()]
        # Of an indicator the row names the plan and, after it, the code.
        shown = [pair for row in frame.get("mart_row", []) for pair in pairwise(row.split("/"))]
        if "indicator_code" in frame:
            shown += map(tuple, frame[["plan_code", "indicator_code"]].to_numpy())
        for plan_code, code in sorted(protected & {(str(plan), str(code)) for plan, code in shown}):
            raise NotPublic(f"{name} shows {code} of {plan_code}, which is protected")
