"""Each rule of the register as a check in Dagster, with counts and the way to its findings.

Belongs here: the checks, made from the register and the suites. Not here: any rule, or what a
finding says: counts and codes are all that Dagster is told.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from expectations.suites import load_suite
from orchestration.defs.failures import in_words
from orchestration.defs.ingestion import deliveries
from orchestration.defs.resources import WriterResource
from orchestration.defs.shown import GATE
from orchestration.products.declaration import judged_marts
from orchestration.runtime.dagster_home import WRITER_POOL
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import SEEDS
from sources.atomic import read_json
from sources.custody.home import Home
from sources.registers import NATION, register_rows

#: Rows of the register of rules by their name.
Rules = dict[str, dict[str, str]]

#: How often a rule found something, by month and county; a month or county may be unknown.
Counts = Counter[tuple[str, str]]

UNKNOWN = "unknown"


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
        """How often each rule found something that isn't settled, in whatever month.

        A check has one state for all months: that of the month that ran last would hide the others.
        """
        with in_words(writer.folder, "counting what rules found"):
            found, settled = _findings_by_rule(writer.folder, rules)
            failed = _failures_by_rule(writer.folder, rules, list(marts.values()))
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
                    "by_month": dg.MetadataValue.json(_nested(counts)),
                    "mended_by": row["mended_by"],
                    "findings": dg.MetadataValue.asset(findings),
                    "to_list_them": dg.MetadataValue.md(_how_to_list(row, counts)),
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


def _findings_by_rule(home: Home, rules: Rules) -> tuple[dict[str, Counts], Counter[str]]:
    """Return the unsettled findings of each rule, and how many are settled."""
    found: dict[str, Counts] = {rule: Counter() for rule in rules}
    settled: Counter[str] = Counter()
    with read_warehouse(home) as connection:
        rows = connection.execute(
            "select rule, coalesce(strftime(reporting_month, '%Y-%m'), $unknown), "
            "coalesce(county_code, $unknown), is_settled, count(*) from quality.findings "
            "group by all",
            {"unknown": UNKNOWN},
        ).fetchall()
    for rule, month, county, is_settled, count in rows:
        if is_settled:
            settled[rule] += count
        else:
            found[rule][month, county] += count
    return found, settled


def _failures_by_rule(
    home: Home, rules: Rules, marts: list[str]
) -> dict[tuple[str | None, str], Counts]:
    """Return, from the gate's records, how often each mart failed each rule.

    Failed tests of the warehouse are of no single mart.
    """
    failed: dict[tuple[str | None, str], Counts] = {
        (mart, rule): Counter() for mart in (None, *marts) for rule in rules
    }
    for path in sorted(home.gate.glob(f"{NATION}*/*.json")):
        record: dict[str, Any] | None = read_json(path)
        if record is None:
            continue
        place = path.stem, record["county_code"]
        for check in record["checks"]:
            if not check["success"]:
                failed[check["table"], check["rule"]][place] += check["failed"]
        if record["failed_tests"]:
            failed[None, "warehouse_test_failed"][place] += len(record["failed_tests"])
    return failed


def _nested(counts: Counts) -> dict[str, dict[str, int]]:
    """Return counts as a dictionary of each month's counties."""
    months: dict[str, dict[str, int]] = {}
    for (month, county), count in sorted(counts.items()):
        months.setdefault(month, {})[county] = count
    return months


def _how_to_list(row: dict[str, str], counts: Counts) -> str:
    rule = row["rule"]
    if row["stage"] == "mart":
        places = sorted(counts) or [("MONTH", "COUNTY")]
        return ", ".join(f"`krat gate --county {code} --month {month}`" for month, code in places)
    return (
        f"`krat findings list --rule {rule}`, or "
        f"`krat sql \"select * from quality.findings where rule = '{rule}'\"`"
    )
