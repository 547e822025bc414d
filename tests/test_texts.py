"""Each text that people see is in the catalogue once, in both languages, and something shows it."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from orchestration.runtime.settings import PROJECT
from sources import texts
from sources.texts import FOLDER, LANGUAGES, InvalidText, both, keys, placeholders, text

THEMES = sorted(path.stem for path in FOLDER.glob("*.yml"))
KEYS = [key for theme in THEMES for key in keys(theme)]
NAMED = re.compile(rf"({'|'.join(THEMES)})\.[a-z0-9_.*]*[a-z0-9_*]")

#: Files whose literals may hold Albanian, each with the reason.
ALBANIAN_IN_CODE = {
    "sources/example/counties.py": "what made-up institutions write",
    "sources/example/generate.py": "what made-up institutions write",
    "sources/reading/recognition.py": "a heading that is looked for in a file",
    "sources/values.py": "letters that are compared without their dots",
}


@cache
def literals() -> dict[str, set[str]]:
    """Return the strings in each Python file but docstrings; what an f-string fills in is a *."""
    return {
        path.relative_to(PROJECT).as_posix(): set(_strings(ast.parse(path.read_text("utf-8"))))
        for folder in ("orchestration", "expectations", "sources")
        for path in (PROJECT / folder).rglob("*.py")
        if path.parent != FOLDER
    }


def _strings(tree: ast.AST) -> Iterator[str]:
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values
            )
        elif isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield str(node.value)


@cache
def names_in_code() -> set[str]:
    """Return what code and templates name of the catalogue: keys, groups, and keys with a *."""
    found = set().union(*literals().values())
    for path in (PROJECT / "orchestration").glob("*/templates/*.html"):
        for name, goes_on in re.findall(r'"([a-z0-9_.]+)"( ~ )?', path.read_text("utf-8")):
            found.add(f"{name}*" if goes_on else name)
    paths = (".html", ".yml", ".xml", ".css", ".json", ".sig")
    return {name for name in found if NAMED.fullmatch(name) and Path(name).suffix not in paths}


def _named_by(name: str) -> set[str]:
    """Return the keys that a key, a group or a key with a * names; a * is a word of the code."""
    pattern = re.compile(re.escape(name).replace(r"\*", "([a-z0-9_]+)") + r"(\.[a-z0-9_.]+)?")
    words = set().union(*literals().values())
    return {
        key
        for key in KEYS
        if (found := pattern.fullmatch(key)) and words.issuperset(found.groups()[:-1])
    }


def test_a_text_has_both_languages_and_the_same_placeholders_in_each() -> None:
    for key in KEYS:
        values = dict.fromkeys(placeholders(key), "x")
        sq, en = (text(key, language, **values) for language in LANGUAGES)
        assert bool(sq) == bool(en), key
        assert "" not in placeholders(key), key


def test_a_text_is_written_once_in_its_file() -> None:
    # A key that comes twice in a mapping of YAML is one key after reading.
    for theme in THEMES:
        written = re.findall(r"^ *sq:|{sq:", (FOLDER / f"{theme}.yml").read_text("utf-8"), re.M)
        assert len(written) == len(keys(theme)), theme


def test_every_text_is_used() -> None:
    used = {key for name in names_in_code() for key in _named_by(name)}
    assert set(KEYS) - used == set()


def test_every_text_that_code_names_is_there() -> None:
    assert len(names_in_code()) > 100
    assert {name for name in names_in_code() if not _named_by(name)} == set()


def test_albanian_is_in_the_catalogue_and_not_in_code() -> None:
    written = {
        file
        for file, strings in literals().items()
        if any(re.search("[ëçËÇ]", string) for string in strings)
    }
    assert written == set(ALBANIAN_IN_CODE)


def test_what_is_not_there_is_an_error_at_once() -> None:
    for key in ("door.no_such", "no_such.key", "door.place", "door"):
        with pytest.raises(InvalidText):
            text(key, "sq")
    with pytest.raises(InvalidText):
        keys("door.no_such")
    with pytest.raises(InvalidText, match="sheet"):
        text("door.place.sheet", "sq")
    with pytest.raises(InvalidText, match="cell"):
        both("door.place.sheet", sheet="S", cell="B2")
    with pytest.raises(KeyError):
        text("door.place.sheet", "de", sheet="S")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "entry",
    ["{sq: po}", "{sq: po, en: }", "{sq: po, en: yes, de: ja}", "{sq: '{a}', en: '{b}'}", "po"],
)
def test_an_entry_that_is_no_text_in_both_languages_is_an_error(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.yml").write_text(f"group:\n  name: {entry}\n", encoding="utf-8")
    monkeypatch.setattr(texts, "FOLDER", tmp_path)
    with pytest.raises(InvalidText):
        both("broken.group.name", a="x")


def test_a_value_is_not_read_for_placeholders() -> None:
    assert text("door.place.sheet", "en", sheet="{cell}") == "sheet {cell}"


def test_no_text_is_read_at_import() -> None:
    code = (
        "import orchestration.cli, orchestration.serving.app, orchestration.publication.public;"
        "import sources.forms, sources.custody.landing, sources.texts as texts;"
        "print(texts._theme.cache_info().currsize)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "0"
