"""The picture book: what it says of each picture, and its commands, held against the month."""

import json
import re
import shlex
from collections import Counter
from pathlib import Path

import click
import pytest
from book import BOOKS, DAGSTER, PICTURES, STEPS, krat, walk
from dagster_page import ask, page

from orchestration.cli import cli
from sources.custody.home import Home
from sources.texts import LANGUAGES, Language

IN_BOTH = pytest.mark.parametrize("language", LANGUAGES)
PICTURE = re.compile(r"!\[[^\]]+\]\(pictures/([\w.-]+)\)")
#: A block of commands, and what they print, if that is shown.
BLOCK = re.compile(r"```sh( asked)?\n(.*?)```(?:\n\n```text shows\n(.*?)```)?", re.DOTALL)
#: What Dagster's pages ask for, by the names of their pictures.
ASKED = """{
    schedules: repositoriesOrError { ... on RepositoryConnection { nodes {
        schedules { name scheduleState { status } } sensors { name sensorState { status } } } } }
    months: assetNodes(assetKeys: [{path: ["gate"]}]) { assetPartitionStatuses {
        ... on TimePartitionStatuses { ranges { startKey endKey status } } } }
}"""
#: How large a picture may be, in bytes.
MOST_BYTES = 150_000


@pytest.fixture(scope="module")
def lived(
    chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, dict[str, str], Path]:
    """The home after the month, what each picture showed, and the pictures themselves."""
    assert chromium
    folder = tmp_path_factory.mktemp("book")
    home = Home(root=folder / "home", keys=folder / "keys")
    home.root.mkdir()
    pictures = folder / "pictures"
    pictures.mkdir()
    seen = walk(home, folder, pictures)
    # Chromium takes too long for Dagster's page on a busy machine: what the page asks for is asked.
    with page(home, folder / "told") as port:
        told = ask(port, ASKED)
    seen |= {step.picture: json.dumps(told[step.name]) for step in DAGSTER}
    return home, seen, pictures


def read(language: Language) -> str:
    return BOOKS[language].read_text(encoding="utf-8")


def claims(language: Language) -> dict[str, list[str]]:
    """Return what the book has in bold since the picture before, by the name of the picture."""
    parts = PICTURE.split(re.sub(r"```.*?```", "", read(language), flags=re.DOTALL))
    said = (re.findall(r"\*\*(.+?)\*\*", text, re.DOTALL) for text in parts[::2])
    return {
        name: [" ".join(phrase.split()) for phrase in phrases]
        for name, phrases in zip(parts[1::2], said, strict=False)
    }


def commands(language: Language) -> list[str]:
    return [line for _, lines, _ in BLOCK.findall(read(language)) for line in lines.splitlines()]


def test_every_picture_is_in_a_book_and_each_book_has_all_of_its_own() -> None:
    there = {path.name for path in PICTURES.iterdir()}
    used = {language: {*claims(language)} for language in LANGUAGES}
    assert set.union(*used.values()) == there
    for language in LANGUAGES:
        own = {step.picture(language) for step in STEPS}
        assert used[language] == own | {step.picture for step in DAGSTER}


def test_pictures_are_small() -> None:
    for path in PICTURES.iterdir():
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert int.from_bytes(content[16:20], "big") <= 1280, path.name
        assert len(content) < MOST_BYTES, path.name


@IN_BOTH
def test_a_picture_shows_what_the_book_says(
    language: Language, lived: tuple[Home, dict[str, str], Path]
) -> None:
    _, seen, pictures = lived
    for picture, phrases in claims(language).items():
        if (own := pictures / picture).exists():
            assert own.stat().st_size < MOST_BYTES, picture
        shown = " ".join(seen[picture].split())
        assert phrases, picture
        assert [phrase for phrase in phrases if phrase not in shown] == [], (picture, shown)


def test_schedules_and_sensors_run_and_the_months_of_commands_are_known(
    lived: tuple[Home, dict[str, str], Path],
) -> None:
    _, seen, _ = lived
    states = Counter(re.findall(r'"status": "(\w+)"', seen["schedules.en.png"]))
    # That of backups is off as long as backup.yml names no place for them.
    assert set(states) == {"RUNNING", "STOPPED"}
    assert states["STOPPED"] == 1
    assert json.loads(seen["months.en.png"]) == [
        {
            "assetPartitionStatuses": {
                "ranges": [{"startKey": "2023-05", "endKey": "2023-05", "status": "MATERIALIZED"}]
            }
        }
    ]


@IN_BOTH
def test_commands_print_what_the_book_shows(
    language: Language, lived: tuple[Home, dict[str, str], Path]
) -> None:
    home, _, _ = lived
    asked = [block for block in BLOCK.findall(read(language)) if block[0]]
    assert len(asked) >= 5
    for _, lines, shown in asked:
        arguments = [
            [str(home.root / word) if word.startswith("releases/") else word for word in line]
            for line in map(shlex.split, lines.splitlines())
        ]
        printed = "".join(krat(home, *words[1:]) for words in arguments)
        assert shown
        assert [line for line in shown.splitlines() if line not in printed] == [], printed


@IN_BOTH
def test_commands_of_the_book_exist_with_their_options(language: Language) -> None:
    assert len(commands(language)) > 15
    for line in commands(language):
        program, *words = shlex.split(line)
        assert program == "krat"
        parse(words, line)


def parse(words: list[str], line: str) -> None:
    """Read a command as krat does, without running it; a file that it names need not be there."""
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, line
        command, words = found, words[1:]
    with click.Context(command, resilient_parsing=False) as context:
        values, left, _ = command.make_parser(context).parse_args(words)
        assert left == [], line
        for parameter in command.get_params(context):
            if not isinstance(parameter.type, click.Path):
                parameter.handle_parse_result(context, values, [])


@pytest.mark.parametrize(
    "line", ["nothing", "status --years 2023", "gate --county AL-04", "verify a b"]
)
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        parse(shlex.split(line), line)


def test_both_books_have_the_same_steps_and_commands() -> None:
    english, albanian = (
        [re.sub(r' --english|"[^"]*"', "", line) for line in commands(language)]
        for language in ("en", "sq")
    )
    assert english == albanian
