"""Unique values planted wherever an identifier can stand, and the search for them.

Belongs here: making, planting and finding them. Not here: what is run on them.
"""

import random
import string
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from defects.forms import Form
from leaks import texts

from sources.layouts import Layout, load_layouts

#: Columns whose cells a person fills with what identifies.
IDENTIFYING = ("dropped", "indicator_name", "identity", "key")

#: For each source: a made-up file's name, a heading of its table, and a coded column to spoil.
SOURCES = {
    "submission": ("AL-04-POLICIA_2023-*", "Kodi i treguesit", "Kodi i treguesit"),
    "hotline": ("linja_2023-*", "Nr. kontaktit", "Kanali"),
    "referral": ("referime*", "Nr. rastit", "Ngjarja"),
}

#: Of these every canary holds one, so that a text without them is not searched for each canary.
MARKS = ("kanarina", "1931", "j9")


class Canaries:
    """Values that are nowhere else; `planted` maps what to search for to where it was planted."""

    def __init__(self) -> None:
        self._rng = random.Random("canaries")
        self.planted: dict[str, str] = {}

    def word(self, where: str) -> str:
        """Return a word of small letters, which no folding of names changes."""
        word = "kanarina" + "".join(self._rng.choices(string.ascii_lowercase, k=12))
        self.planted[word] = where
        return word

    def for_column(self, name: str, where: str) -> str | date:
        """Return what a column of this name takes for one of its own."""
        if name == "birth_date":
            day = date(1931, self._rng.randint(1, 12), self._rng.randint(1, 28))
            for written in (f"{day:%Y-%m-%d}", f"{day:%d.%m.%Y}", f"{day:%Y%m%d}"):
                self.planted[written] = where
            return day
        if name == "personal_number":
            number = f"J9{self._rng.randint(10**6, 10**7 - 1)}{self._rng.choice('ABCDEFGHK')}"
            self.planted[number.casefold()] = where
            return number
        return self.word(where)


def plant(canaries: Canaries, path: Path, source: str, key: str, coded: str | None) -> Path:
    """Write beside a true file one full of canaries, and return it; `coded` is a column to spoil.

    `key` is a heading of its table.
    """
    form = Form(path, key=key)
    layout = _layout_of(form)
    assert layout.source == source
    kept = ("indicator_name",)
    for column in layout.columns:
        if column.kind not in IDENTIFYING or column.name in kept or column.place != "row":
            continue
        _fill(canaries, form, column.name, column.headings[0])
    _fill(canaries, form, "free_text", "Koment i lirë")
    if coded:
        form.put(form.lines[0], coded, canaries.word(f"{coded} of {source}"))
    if form.sheet:
        form.sheet = canaries.word("name of a sheet")
    kind = "refused" if coded else "valid"
    target = path.with_name(f"{canaries.word('name of a file')}-{kind}{path.suffix}")
    target.write_bytes(form.content())
    return target


def _fill(canaries: Canaries, form: Form, name: str, heading: str) -> None:
    if heading not in form.rows[form.top]:
        form.rows[form.top].append(heading)
        for row in form.lines:
            form.rows[row].append(None)
    where = f"{heading} ({name})"
    for row in form.lines[:3]:
        if name in ("repeat_of_key", "duplicate_of_key") and not form.value(row, heading):
            continue
        form.put(row, heading, canaries.for_column(name, where))


def _layout_of(form: Form) -> Layout:
    stated = {str(cell) for row in form.rows[: form.top + 2] for cell in row if cell}
    return next(layout for layout in load_layouts() if layout.id in stated)


def found_in(files: Iterable[Path], planted: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return the path of each file in which a canary is, with where that was planted."""
    return {
        (str(path), where)
        for path in files
        for text in texts(path)
        for said in [text.casefold()]
        if any(mark in said for mark in MARKS)
        for value, where in planted.items()
        if value in said
    }
