"""The pages of docs/ that are written from the project's own data: `make docs`.

Belongs here: how descriptions and registers become pages. Not here: any description, which is
beside its model or in columns.csv, or any rule, which is in the register of rules.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestration.products.declaration import Product, ProductColumn, Tier, products
from orchestration.runtime.settings import PROJECT, SEEDS, manifest_path
from sources.datafiles import read_yaml
from sources.layouts import load_layouts
from sources.retention import exceptions, out_of_reach, periods

PAGE = PROJECT / "docs" / "data-dictionary.md"
RULES_PAGE = PROJECT / "docs" / "quality-rules.md"
CONTRADICTIONS_PAGE = PROJECT / "docs" / "contradictions.md"
PROTECTION_PAGE = PROJECT / "docs" / "data-protection.md"
DESCRIBED_SCHEMAS = ("marts", "core", "quality", "publication")
HEAD = """# Data dictionary

Written by `make docs` from the descriptions in `dbt_project/models`, and from what is published by
`orchestration/products`; change them there. Tables marked *person-level* and those of
`publication` exist in `warehouse.duckdb` only.
"""

RULES_HEAD = """# Rules

Written by `make docs` from `quality_rules.csv`, `quality_messages.csv` and `quality_thresholds.csv`
in `dbt_project/seeds`; change them there. A rule that *blocks* refuses the file (stage door) or the
release (later stages); one that *warns* asks for an answer; one that *informs* is only shown.
Quoted are the sentences of its findings, with their parameters in braces; the door writes its own.
"""

#: Behind this line the page on data protection is written by `make docs`.
RECORD_MARK = (
    "<!-- From here on written by `make docs`: change layouts and sources/retention.yml. -->"
)

RECORD_HEAD = """
## What is read of persons, and why

Each column that a form of the hotline or of the referral mechanism may have, with the purpose that
its layout states (`sources/hotline`, `sources/referrals`). What no layout names is not read.
"""

#: Raw tables that have a row of a person or of who contacted the hotline, by what they hold.
PERSONAL = {
    "hotline_contacts": "Contacts of the hotline and the app",
    "referral_events": "Steps of persons in the referral mechanism",
}

#: How a column is kept, by its kind; what is keyed says with which keys.
_KEPT = {"dropped": "never read", "code": "code", "text_code": "code", "count": "number"}

#: How many rows show a contradiction.
KINDS = {"alone": "one row alone", "together": "rows together"}

CONTRADICTIONS_HEAD = """# Contradictions in records

Written by `make docs` from `contradictions` in `dbt_project/dbt_project.yml`; change them there.
What can't both be true in the hotline's log and in the records of the referral mechanism, pair by
pair, with the cell that the finding names. What one file alone shows, `krat check` asks before it
is sent. What is only unusual informs. What is missing, and contradicts nothing, is not here.
Each rule with its sentences: [rules](quality-rules.md).
"""


def dictionary(manifest: dict[str, Any]) -> str:
    """Return the page for a dbt manifest: each table that others read, with its columns.

    Tables that are made when a release or the reading copy is written follow the models.
    """
    models = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in DESCRIBED_SCHEMAS
    ]
    models.sort(key=lambda node: (DESCRIBED_SCHEMAS.index(node["schema"]), node["alias"]))
    declared = [one for tier in (*Tier, None) for one in products(tier)]
    parts = [HEAD]
    for node in models:
        name = f"{node['schema']}.{node['alias']}"
        mark = " *(person-level)*" if node["config"]["meta"].get("person_level") else ""
        published = [one for one in declared if one.model == name]
        columns = [
            (column["name"], column["data_type"], column["description"])
            for column in node["columns"].values()
        ]
        parts += [f"## {name}{mark}\n", f"{_line(node['description'])}\n"]
        parts += _publication(published[0]) if published else []
        parts.append(_columns(columns, published[0].numbers if published else {}))
    modelled = {f"{node['schema']}.{node['alias']}": node for node in models}
    made = {one.name: one for one in declared if one.model not in modelled or _is_masked(one)}
    for product in made.values():
        by_model = modelled.get(product.model, {"columns": {}})["columns"].values()
        described = product.describe_columns({one["name"]: one["description"] for one in by_model})
        columns = [
            (column.name, column.type.lower(), column.description or column.title_en)
            for column in described
        ]
        name = product.model if not product.tiers else product.united_as or product.name
        parts += [f"## {name}\n"]
        parts += [f"{product.title_en}. One row is {product.row_en}.\n", *_publication(product)]
        parts.append(_columns(columns, product.numbers))
    return "\n".join(parts)


def _is_masked(product: Product) -> bool:
    """Return whether a table has another form in a release than its model in the warehouse."""
    return Tier.RESTRICTED not in product.tiers and bool(product.model)


def _publication(product: Product) -> list[str]:
    """Return the line that says where a table is published, and by which key."""
    tiers = " and ".join(product.tiers)
    where = f"Published as `{product.name}` in the {tiers} tier" if tiers else "In the reading copy"
    return [f"{where}; its key: {', '.join(product.key)}.\n"]


def _columns(columns: Sequence[tuple[str, str, str]], numbers: Mapping[str, ProductColumn]) -> str:
    rows = [
        f"| {name} | {kind} | {numbers[name].unit if name in numbers else ''} | {_line(text)} |"
        for name, kind, text in columns
    ]
    heading = ["| column | type | unit | what it is |", "| --- | --- | --- | --- |"]
    return "\n".join([*heading, *rows]) + "\n"


def rules_page(seeds_dir: Path = SEEDS) -> str:
    """Return the page of rules: each with its sentences, severity, mender, source, thresholds."""
    messages = _by_rule(seeds_dir / "quality_messages.csv")
    thresholds = _by_rule(seeds_dir / "quality_thresholds.csv")
    parts = [RULES_HEAD]
    for rule in _rows(seeds_dir / "quality_rules.csv"):
        parts.append(
            f"## {rule['rule']}\n\n{rule['sentence_en']}\n\n*{rule['sentence_sq']}*\n\n"
            f"{rule['severity'].capitalize()}, at stage {rule['stage']}; "
            f"mended by {rule['mended_by']}. Source: {rule['source'].rstrip('.')}.\n"
        )
        for message in messages[rule["rule"]]:
            parts.append(f"> {message['message_en']}\n>\n> *{message['message_sq']}*\n")
        for threshold in thresholds[rule["rule"]]:
            parts.append(
                f"- `{threshold['threshold']}` = {threshold['value']} "
                f"({threshold['reason_date']}): {threshold['reason']}"
            )
        if thresholds[rule["rule"]]:
            parts.append("")
    return "\n".join(parts)


def contradictions_page(seeds_dir: Path = SEEDS) -> str:
    """Return the page of what can't both be true in records: each rule with its condition."""
    rules = {row["rule"]: row for row in _rows(seeds_dir / "quality_rules.csv")}
    declared = read_yaml(seeds_dir.parent / "dbt_project.yml")["vars"]["contradictions"]
    parts = [CONTRADICTIONS_HEAD]
    for table, of_table in declared.items():
        parts.append(f"## {table}\n")
        parts += [f"- `{name}`: `{_line(term)}`" for name, term in of_table["terms"].items()]
        for kind in KINDS:
            parts += [
                f"\n### Seen in {KINDS[kind]}\n",
                "| rule | what | severity | cell of | where |",
                "| --- | --- | --- | --- | --- |",
            ]
            parts += [
                f"| [{each['rule']}](quality-rules.md#{each['rule']}) "
                f"| {rules[each['rule']]['sentence_en']} | {rules[each['rule']]['severity']} "
                f"| {each['column']} | `{_line(each['where'])}` |"
                for each in of_table[kind]
            ]
        parts.append("")
    return "\n".join(parts)


def record_of_processing() -> str:
    """Return what is read of persons, how long it is kept, and what the law lets stand."""
    parts = [RECORD_HEAD]
    for table, title in PERSONAL.items():
        parts += [
            f"### {title}\n",
            "| column | headings | forms | kept as | purpose |",
            "| --- | --- | --- | --- | --- |",
        ]
        layouts = [layout for layout in load_layouts() if layout.table == table]
        newest = {column.name: column for layout in layouts for column in layout.columns}
        for name, column in newest.items():
            forms = [
                layout.id for layout in layouts if name in {each.name for each in layout.columns}
            ]
            keys = sorted(set(column.pseudonyms.values()))
            kept = f"pseudonym ({', '.join(keys)})" if keys else _KEPT.get(column.kind, column.kind)
            parts.append(
                f"| `{name}` | {_line(column.headings[0])} | {', '.join(forms)} | {kept} "
                f"| {_line(column.purpose)} |"
            )
        parts.append("")
    parts += [
        "## How long it is kept\n",
        "| what | years | from | why |",
        "| --- | --- | --- | --- |",
    ]
    parts += [
        f"| {one.what['en']} | {one.years} | {one.begins['en']} | {_line(one.why)} |"
        for one in periods().values()
    ]
    parts += ["\n## What the law lets stand\n", "| ground | effect | basis | what |"]
    parts.append("| --- | --- | --- | --- |")
    for one in (*exceptions("refuses").values(), *exceptions("keeps").values()):
        parts.append(f"| `{one.id}` | {one.effect} | {one.basis} | {one.what['en']} |")
    parts += ["\n## What no erasure reaches\n"]
    parts += [f"- {sentence['en']}" for sentence in out_of_reach()]
    return "\n".join(parts) + "\n"


def _by_rule(path: Path) -> defaultdict[str, list[dict[str, str]]]:
    rows: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _rows(path):
        rows[row["rule"]].append(row)
    return rows


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")


def main() -> None:
    """Write the pages, the dictionary from the manifest that set-up made."""
    manifest = json.loads(manifest_path().read_bytes())
    PAGE.write_text(dictionary(manifest), encoding="utf-8")
    RULES_PAGE.write_text(rules_page(), encoding="utf-8")
    CONTRADICTIONS_PAGE.write_text(contradictions_page(), encoding="utf-8")
    written, mark, _ = PROTECTION_PAGE.read_text(encoding="utf-8").partition(RECORD_MARK)
    PROTECTION_PAGE.write_text(written + mark + record_of_processing(), encoding="utf-8")


if __name__ == "__main__":
    main()
