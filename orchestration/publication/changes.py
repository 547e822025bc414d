"""What changed between two releases of the same county and month, row by row.

Belongs here: the comparison and its words. Not here: where releases lie (release).
"""

from pathlib import Path

import pandas as pd

TABLE_HEAD = (
    "| rreshti / row | kolona / column | ishte / was | është / is |",
    "| --- | --- | --- | --- |",
)


def describe_changes(
    previous: Path | None,
    frames: dict[str, pd.DataFrame],
    keys: dict[str, list[str]],
    mark: str,
) -> str:
    """Return CHANGES.md: each value that differs from the release in the folder `previous`.

    `mark` is what the page says of made-up data, empty for real data.
    """
    lines = ["# Ndryshimet / Changes", ""] + ([mark, ""] if mark else [])
    if previous is None:
        return "\n".join([*lines, "Publikimi i parë i këtij muaji. First release."]) + "\n"
    lines.append(f"Kundrejt / against {previous.name}.")
    for name, frame in frames.items():
        if not (previous / f"{name}.parquet").exists():
            lines += ["", f"## {name}", "", "Tabela është e re. The table is new."]
            continue
        before = _indexed(pd.read_parquet(previous / f"{name}.parquet"), keys[name])
        after = _indexed(frame, keys[name])
        added, removed = after.index.difference(before.index), before.index.difference(after.index)
        changed = [f"| {_row(key)} | (rresht / row) | – | + |" for key in added]
        changed += [f"| {_row(key)} | (rresht / row) | + | – |" for key in removed]
        for key in after.index.intersection(before.index):
            for column in after.columns.intersection(before.columns):
                old, new = str(before.at[key, column]), str(after.at[key, column])
                if old != new:
                    changed.append(f"| {_row(key)} | {column} | {old} | {new} |")
        if changed:
            lines += ["", f"## {name}", "", *TABLE_HEAD, *changed]
    return "\n".join(lines) + "\n"


def _indexed(frame: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Key the rows as text, in which a date or a missing value equals itself."""
    text = frame.copy()
    for name in text.columns:
        if pd.api.types.is_datetime64_any_dtype(text[name]):
            text[name] = text[name].dt.strftime("%Y-%m-%d")
    text = text.astype(object).where(text.notna(), "").astype(str)
    text.index = pd.Index(text[key].agg(" ".join, axis=1) if len(text) else [], dtype=object)
    return text.drop(columns=key)


def _row(key: object) -> str:
    return str(key).replace("|", "/")
