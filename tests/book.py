"""The picture book: its steps as data, the month that they are taken from, and the pictures.

Belongs here: which page is shown at which point of the month, and how it is pictured. Not here:
what the pictures show, which the books themselves say (docs/analyst.md, docs/analisti.md): what is
bold in a picture's section is to be read in the picture.

    python tests/book.py

writes docs/pictures/ anew, in a data folder of its own.
"""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb
from dagster_page import page
from programs import find_chromium, run_node
from served import COMMAND, make_tokens, serving

from orchestration.runtime.settings import PROJECT, environment_of, prepare_process
from sources.custody.home import Home
from sources.example.generate import MADE_UP
from sources.texts import LANGUAGES, Language

DOCS = PROJECT / "docs"
PICTURES = DOCS / "pictures"
BOOKS: dict[Language, Path] = {"en": DOCS / "analyst.md", "sq": DOCS / "analisti.md"}

MAY = date(2023, 5, 1)
#: What the example sent later than this has not come yet: June comes in.
TODAY = datetime(2023, 7, 4, 12, tzinfo=UTC)
#: The report that is sent anew, and the value that it changes.
INSTITUTION, INDICATOR = "AL-04-SHSSH", "2.1.18.1"
BY = ("--by", "KRAT Fier", "--reason", "Institucioni e tha me telefon.")
HEADINGS = "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja"
FRAME = f"krat-raport-1;AL-04;{INSTITUTION};{MAY:%Y-%m};{MADE_UP}"
CELL = "board/?county=AL-04&month=2023-05"
JUNE = "board/?county=AL-04&month=2023-06"
RELEASES = "releases/restricted/AL-04/2023-05/"


class State(StrEnum):
    """How far the month is: first released, then with a correction that blocks, then restated."""

    RELEASED = "released"
    BLOCKED = "blocked"
    RESTATED = "restated"


@dataclass(frozen=True)
class PageShown:
    """A picture: of these parts of a page, at a point of the month, as a holder of a token sees it.

    `form` is what is done first with the page on which forms are sent: a file of `forms` is
    checked, and then sent by `send`. Without `path` it is the page of the step before.
    """

    name: str
    state: State
    path: str | None
    clip: tuple[str, ...]
    holder: str | None = None
    form: str | None = None
    send: bool = False

    def picture(self, language: Language) -> str:
        """Return the name of the picture's file."""
        return f"{self.name}.{language}.png"

    def asked(
        self, language: Language, url: str, tokens: dict[str, str], forms: Path, pictures: Path
    ) -> dict[str, Any]:
        """Return what page.cjs is asked for."""
        keys: list[dict[str, Any]] = []
        if self.form:
            check = {"at": "button[value=check]", "press": "Enter", "next": True}
            keys += [{"at": "#file", "file": str(forms / self.form)}, check]
        if self.send:
            keys.append({"at": "button[value=send]", "press": "Enter", "next": True})
        return {
            "url": None if self.path is None else f"{url}{language}/{self.path}",
            "width": 1000,
            "token": tokens[self.holder] if self.holder else None,
            "keys": keys,
            "clip": self.clip,
            "picture": str(pictures / self.picture(language)),
        }


def _part(name: str) -> str:
    return f"section[aria-labelledby={name}]"


#: In the order of the month; what is sent is sent once, by the page in the last of the languages.
STEPS = (
    PageShown(
        "board",
        State.RELEASED,
        "board/?year=2023",
        ("table.grid thead", "table.grid tbody tr:nth-child(5)"),
    ),
    PageShown("late", State.RELEASED, CELL, ("h1", _part("facts"), _part("missing"))),
    PageShown("refused", State.RELEASED, JUNE, (_part("refused"),)),
    PageShown("findings", State.RELEASED, CELL, (_part("findings"),)),
    PageShown("release", State.RELEASED, f"{RELEASES}r1/", ("h1", _part("facts")), "fier"),
    PageShown("check", State.RELEASED, "send/", ("h1", "ul.findings"), "shssh", "faulty.csv"),
    PageShown(
        "sent", State.RELEASED, None, ("h1", _part("receipt")), "shssh", "right.csv", send=True
    ),
    PageShown("blocked", State.BLOCKED, CELL, (_part("facts"), _part("blocked"))),
    PageShown("restated", State.RESTATED, f"{RELEASES}r2/", ("h1", _part("facts")), "fier"),
)


@dataclass(frozen=True)
class DagsterStep:
    """A picture of a page of Dagster, in English alone: `shown` is waited for."""

    name: str
    path: str
    shown: str

    @property
    def picture(self) -> str:
        """The name of the picture's file."""
        return f"{self.name}.en.png"

    def asked(self, url: str, pictures: Path) -> dict[str, Any]:
        """Return what page.cjs is asked for."""
        return {
            "url": url + self.path, "width": 1280, "until": self.shown, "clip": ["body"],
            "picture": str(pictures / self.picture),
        }  # fmt: skip


DAGSTER = (
    DagsterStep("months", "assets/gate?view=partitions", "Materialized (1)"),
    DagsterStep("schedules", "automation", "At 08:00"),
)


def krat(home: Home, *arguments: str, status: int = 0) -> str:
    """Run a command on a home, in a process of its own; return what it prints.

    It must end with `status`.
    """
    done = subprocess.run(
        [*COMMAND, *arguments],
        env={**environment_of(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def begin(home: Home) -> None:
    """Take in the example of three counties as it came until then, and release May."""
    krat(home, "example")
    for path in home.inbox.rglob("*"):
        if path.is_file() and path.stat().st_mtime > TODAY.timestamp():
            path.unlink()
    krat(home, "refresh", "--month", f"{MAY:%Y-%m}")


def write_forms(home: Home, folder: Path) -> float:
    """Write the report that is sent anew, once with a fault; return the value that it changes."""
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        values: dict[tuple[str, str], float | None] = {
            (indicator, category): value
            for indicator, category, value in connection.execute(
                "select indicator_code, category, value from core.fct_actuals "
                "where known_to is null and institution_code = ? and reporting_month = ? "
                "order by all",
                [INSTITUTION, MAY],
            ).fetchall()
        }
    before = values[INDICATOR, "total"]
    assert before is not None
    for name, changed in {"faulty.csv": "tre ose katër", "right.csv": f"{before + 2:g}"}.items():
        lines = [HEADINGS]
        for (indicator, category), value in values.items():
            written = "" if value is None else f"{value:g}"
            if (indicator, category) == (INDICATOR, "total"):
                written = changed
            part = "" if category == "total" else category
            lines.append(f"{FRAME};{indicator};{part};{written};")
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return before


def proceed(home: Home, state: State, before: float) -> None:
    """Bring the month to a point, from the one before.

    The analyst entered by telephone what the institution then sent itself: the correction has no
    ground any more, and blocks until it is withdrawn.
    """
    refresh = ("refresh", "--month", f"{MAY:%Y-%m}", "--county", "AL-04")
    if state is State.BLOCKED:
        values = ("--was", f"{before:g}", "--is", f"{before + 1:g}")
        whose = ("--institution", INSTITUTION, "--month", f"{MAY:%Y-%m}", "--indicator", INDICATOR)
        krat(home, "correct", *whose, *values, *BY)
        krat(home, *refresh, status=1)
    if state is State.RESTATED:
        correction = krat(home, "corrections", "list").split()[0]
        krat(home, "corrections", "withdraw", correction, *BY)
        krat(home, *refresh)


def walk(home: Home, folder: Path, pictures: Path) -> dict[str, str]:
    """Live the month in an empty home; return what each picture, which it takes, shows.

    Pictures go by the names of their files.
    """
    prepare_process(home)
    begin(home)
    before = write_forms(home, folder)
    tokens = make_tokens(home)
    seen: dict[str, str] = {}
    for state in State:
        proceed(home, state, before)
        asked = [
            (step, language) for language in LANGUAGES for step in STEPS if step.state is state
        ]
        with serving(home) as url:
            pages = [
                step.asked(language, url, tokens, folder, pictures) for step, language in asked
            ]
            told = json.loads(run_node("page.cjs", find_chromium(), given=json.dumps(pages)))
        for (step, language), one in zip(asked, told, strict=True):
            seen[step.picture(language)] = one["seen"]
            assert (one["found"], one["errors"], one["isTooWide"]) == ([], [], False), step
    return seen


def show_dagster(port: int, pictures: Path) -> dict[str, str]:
    """Return what each picture of Dagster's pages, which it takes, shows."""
    url = f"http://127.0.0.1:{port}/"
    pages = [step.asked(url, pictures) for step in DAGSTER]
    told = json.loads(run_node("page.cjs", find_chromium(), given=json.dumps(pages)))
    return {step.picture: one["seen"] for step, one in zip(DAGSTER, told, strict=True)}


def main() -> None:
    """Take all pictures anew."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = Home(root=folder / "home", keys=folder / "keys")
        home.root.mkdir()
        walk(home, folder, PICTURES)
        with page(home, folder / "told") as port:
            show_dagster(port, PICTURES)


if __name__ == "__main__":
    main()
