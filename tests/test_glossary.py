"""One word for one thing, over all the Albanian that people read."""

import csv
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from orchestration.runtime.settings import DBT_PROJECT, PROJECT, SEEDS
from sources.datafiles import read_yaml
from sources.layouts import SOURCES, load_layouts
from sources.texts import FOLDER, keys, text

GLOSSARY = read_yaml(SOURCES / "glossary.yml")

#: Registers whose Albanian is what a printed act says, or the name of an office.
QUOTED = {
    "abbreviations", "indicators", "institutions", "measures", "objectives", "plans",
    "regional_indicators", "regional_measures",
}  # fmt: skip

#: Themes and registers that an institution reads, which has no command line.
FOR_INSTITUTIONS = ("check", "door", "forms", "slips", "quality_messages")


@cache
def albanian() -> dict[str, str]:
    """Return every Albanian text by its place."""
    found = {f"texts: {key}": text_ for key, text_ in _texts()}
    for path in [
        *(path for path in SEEDS.glob("*.csv") if path.stem not in QUOTED),
        *(PROJECT / "orchestration" / "products").glob("*.csv"),
        *SOURCES.glob("code_lists/*.csv"),
        SOURCES / "submissions" / "units.csv",
    ]:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                for name, cell in row.items():
                    if name.endswith("_sq") and cell:
                        found[f"{path.name}:{number} {name}"] = cell
    tables = read_yaml(PROJECT / "orchestration" / "products" / "tables.yml")
    found |= {f"tables.yml {place}": said for place, said in _titles(tables)}
    kept = read_yaml(SOURCES / "retention.yml")
    found |= {f"retention.yml {place}": said for place, said in _titles(kept)}
    for layout in load_layouts():
        for column in layout.columns:
            for place, said in enumerate((column.headings[0], *column.choices)):
                found[f"{layout.id} {column.name} {place}"] = said
    for path in (DBT_PROJECT / "models").rglob("*.sql"):
        for said in re.findall(r"'([^'\n]+)'", path.read_text(encoding="utf-8")):
            if re.search("[ëç]", said):
                found[f"{path.name} {said}"] = said
    return found


def _texts() -> Iterator[tuple[str, str]]:
    for theme in sorted(path.stem for path in FOLDER.glob("*.yml")):
        for key in keys(theme):
            yield key, _unfilled(key)


def _unfilled(key: str) -> str:
    from sources.texts import placeholders

    return text(key, "sq", **{name: f"{{{name}}}" for name in placeholders(key)})


def _titles(content: Any, place: str = "") -> Iterator[tuple[str, str]]:
    entries = content.items() if isinstance(content, dict) else enumerate(content)
    for name, below in entries:
        if isinstance(below, dict | list):
            yield from _titles(below, f"{place}.{name}")
        elif re.search("(^|_)sq$", str(name)):
            yield f"{place}.{name}", below


def _broken(said: str, entry: dict[str, Any]) -> bool:
    return bool(re.search(entry["never"], said, 0 if entry.get("case") else re.IGNORECASE))


@pytest.mark.parametrize("entry", GLOSSARY, ids=lambda entry: entry["thing"])
def test_one_word_for_one_thing(entry: dict[str, Any]) -> None:
    assert not {place: said for place, said in albanian().items() if _broken(said, entry)}
    assert not _broken(entry["use"], entry)


def test_every_kind_of_text_is_looked_at() -> None:
    kinds = ("texts: door", "quality_messages", "quality_rules", "columns.csv", "codes.csv",
             "events-2", "tables.yml", "krat-raport", "krat-linja", "krat-referim",
             "fct_corrections", "breakdown_categories", "units.csv")  # fmt: skip
    for kind in kinds:
        assert any(place.startswith(kind) for place in albanian()), kind
    assert len(albanian()) > 1000


@pytest.mark.parametrize(
    ("said", "thing"),
    [
        ("Formulari i krat nuk njihet.", "the program"),
        ("nuk zbatohet", "not applicable"),
        ("Ndreqni sa më poshtë", "to mend"),
        ("Skedari është më i madh se sa lejohet.", "than before a clause"),
        ("Hiqeni nga inbox.", "inbox"),
    ],
)
def test_a_wrong_word_is_found(said: str, thing: str) -> None:
    assert [entry["thing"] for entry in GLOSSARY if _broken(said, entry)] == [thing]


def test_a_rule_has_one_sentence_a_variant() -> None:
    with (SEEDS / "quality_messages.csv").open(encoding="utf-8", newline="") as file:
        sentences = [(row["rule"], row["variant"]) for row in csv.DictReader(file)]
    assert len(sentences) == len(set(sentences))


def test_an_institution_is_not_asked_to_run_a_command() -> None:
    for place, said in albanian().items():
        if place.removeprefix("texts: ").startswith(FOR_INSTITUTIONS):
            assert not re.search(r"\bkrat [a-z]", said), place


def test_no_message_sends_every_county_to_one_folder() -> None:
    for place, said in albanian().items():
        if place.removeprefix("texts: ").startswith(FOR_INSTITUTIONS):
            assert not re.search(r"AL-[0-9]{2}", said), place
