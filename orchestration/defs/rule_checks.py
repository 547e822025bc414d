"""Each rule of the register as a check in Dagster, with counts and the way to its findings.

Belongs here: the checks, made from the register and the suites. Not here: any rule, or what a
finding says: counts and codes are all that Dagster is told.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import get_asset_key_for_model

from expectations.suites import load_suite
from orchestration.defs.ingestion import deliveries
from orchestration.defs.partitions import month_of
from orchestration.defs.publication import GATE
from orchestration.defs.resources import WriterResource
from orchestration.products.declaration import judged_marts
from orchestration.runtime.dagster_home import WRITER_POOL
from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.registers import register_rows

#: Rows of the register of rules by their name.
Rules = dict[str, dict[str, str]]

#: Dagster's tag on a run of one partition.
PARTITION_TAG = "dagster/partition"


def rule_checks(models: dg.AssetsDefinition) -> dg.AssetChecksDefinition:
    """Return a check a rule of the register; `models` are dbt's."""
    rules = {row["rule"]: row for row in register_rows(SEEDS, "quality_rules")}
    findings = get_asset_key_for_model([models], "findings")
    marts = {get_asset_key_for_model([models], mart.name): mart.name for mart in judged_marts()}

    @dg.multi_asset_check(
        name="rules",
        specs=list(_specs(rules, findings, marts)),
        can_subset=True,
        pool=WRITER_POOL,
    )
    def check(
        context: dg.AssetCheckExecutionContext, writer: WriterResource
    ) -> Iterator[dg.AssetCheckResult]:
        """How often each rule found something in the month of the run, by county."""
        partition = context.run.tags.get(PARTITION_TAG)
        month = month_of(partition) if partition else None
        found, settled = _findings_by_rule(writer.folder, rules, month)
        failed = _failures_by_rule(writer.folder, rules, list(marts.values()), month)
        for key in sorted(context.selected_asset_check_keys):
            row = rules[key.name]
            if row["stage"] == "mart":
                counts = failed[marts.get(key.asset_key), key.name]
            else:
                counts = found[key.name]
            blocks = row["severity"] == "blocks"
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=not counts or row["severity"] == "informs",
                severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
                metadata={
                    "unsettled": sum(counts.values()),
                    "settled": settled[key.name],
                    "by_county": dg.MetadataValue.json(dict(sorted(counts.items()))),
                    "mended_by": row["mended_by"],
                    "findings": dg.MetadataValue.asset(findings),
                    "to_list_them": dg.MetadataValue.md(_how_to_list(row, month)),
                },
            )

    return check


def _specs(
    rules: Rules, findings: dg.AssetKey, marts: dict[dg.AssetKey, str]
) -> Iterator[dg.AssetCheckSpec]:
    """Yield a check a rule, on the asset where it belongs; a rule of marts on each that it judges.

    All wait for the gate, which has then counted what they tell.
    """
    for rule, row in rules.items():
        assets: list[dg.AssetKey]
        if row["stage"] == "door":
            assets = [deliveries.key]
        elif row["stage"] == "warehouse":
            assets = [findings]
        else:
            assets = [
                key
                for key, mart in marts.items()
                if any(condition.rule == rule for condition in load_suite(mart))
            ] or [GATE]
        for key in assets:
            yield dg.AssetCheckSpec(
                name=rule,
                asset=key,
                description=f"{row['sentence_sq']} / {row['sentence_en']}",
                additional_deps=[dep for dep in (GATE, findings) if dep != key],
                metadata={"mended_by": row["mended_by"], "source": row["source"]},
            )


def _findings_by_rule(
    home: Home, rules: Rules, month: date | None
) -> tuple[dict[str, Counter[str]], Counter[str]]:
    """Return the unsettled findings of each rule by county, and how many are settled."""
    found: dict[str, Counter[str]] = {rule: Counter() for rule in rules}
    settled: Counter[str] = Counter()
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select rule, coalesce(county_code, 'unknown'), is_settled, count(*) "
            "from quality.findings where reporting_month is null "
            "or reporting_month = coalesce(?, reporting_month) group by all",
            [month],
        ).fetchall()
    for rule, county, is_settled, count in rows:
        if is_settled:
            settled[rule] += count
        else:
            found[rule][county] += count
    return found, settled


def _failures_by_rule(
    home: Home, rules: Rules, marts: list[str], month: date | None
) -> dict[tuple[str | None, str], Counter[str]]:
    """Return, from the gate's records, how often each mart failed each rule, by county.

    Failed tests of the warehouse are of no single mart.
    """
    failed: dict[tuple[str | None, str], Counter[str]] = {
        (mart, rule): Counter() for mart in (None, *marts) for rule in rules
    }
    name = f"{month:%Y-%m}" if month else "*"
    for path in sorted(home.gate.glob(f"*/{name}.json")):
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        county = record["county_code"]
        for check in record["checks"]:
            if not check["success"]:
                failed[check["table"], check["rule"]][county] += check["failed"]
        if record["failed_tests"]:
            failed[None, "warehouse_test_failed"][county] += len(record["failed_tests"])
    return failed


def _how_to_list(row: dict[str, str], month: date | None) -> str:
    rule = row["rule"]
    of_month = f" --month {month:%Y-%m}" if month else ""
    if row["stage"] == "mart":
        return f"`krat gate --county AL-04{of_month}`"
    where = f" and reporting_month = '{month}'" if month else ""
    return (
        f"`krat findings list --rule {rule}{of_month}`, or "
        f"`krat sql \"select * from quality.findings where rule = '{rule}'{where}\"`"
    )
