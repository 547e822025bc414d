"""The data dictionary, written from dbt's descriptions: `make docs`.

Belongs here: how descriptions become a page. Not here: any description, which stands once, beside
its model.
"""

import json
from pathlib import Path
from typing import Any

from orchestration.settings import DBT_PROJECT, PROJECT

PAGE = PROJECT / "docs" / "data-dictionary.md"
SCHEMAS = ("marts", "core", "quality")
HEAD = """# Data dictionary

Written by `make docs` from the descriptions in `dbt_project/models`; change them there.
Tables marked *person-level* exist in `warehouse.duckdb` only.
"""


def dictionary(manifest: dict[str, Any]) -> str:
    """Return the page for a dbt manifest: each table that others read, with its columns."""
    models = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in SCHEMAS
    ]
    models.sort(key=lambda node: (SCHEMAS.index(node["schema"]), node["alias"]))
    parts = [HEAD]
    for node in models:
        mark = " *(person-level)*" if node["config"]["meta"].get("person_level") else ""
        parts.append(f"## {node['schema']}.{node['alias']}{mark}\n\n{_line(node['description'])}\n")
        rows = [
            f"| {column['name']} | {column['data_type']} | {_line(column['description'])} |"
            for column in node["columns"].values()
        ]
        parts.append(
            "\n".join(["| column | type | what it is |", "| --- | --- | --- |", *rows]) + "\n"
        )
    return "\n".join(parts)


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")


def main(page: Path = PAGE) -> None:
    """Write the page from the manifest that set-up made."""
    manifest = json.loads((DBT_PROJECT / "target" / "manifest.json").read_bytes())
    page.write_text(dictionary(manifest), encoding="utf-8")


if __name__ == "__main__":
    main()
