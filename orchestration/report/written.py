"""What people wrote into a report: found again in the Word file, and checked for the public.

Belongs here: knowing their text from krat's, and what may not go out. Not here: where a text stands
in a report (content), or who released it (make).

A text begins behind the bookmark of its title, and ends at that of a closing line, or at the next
heading. Bookmarks of a single paragraph are what Word and LibreOffice both keep: LibreOffice drops
the tags of content controls and cuts them to a paragraph. All that stands between is kept, whatever
its style, but for krat's own prompts: text that was pasted has another style.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from sources.reading.persons import count_of_persons, seems_personal
from sources.registers import Registers
from sources.texts import LANGUAGES, text

#: The style of what people write, and of krat's prompts between.
STYLE = "Koment KRAT"
PROMPT_STYLE = "KRAT Pyetje"
#: Before the key, in the names of the bookmarks of a title and of a closing line.
BOOKMARK = "krat_"
END = "krat_end_"


class NotAReport(ValueError):
    """A file at `path` that does not open as Word, so that nothing can be kept of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.name)
        self.path = path


@dataclass(frozen=True)
class WrittenText:
    """The lines of a text, and the filled rows of a table."""

    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class NotForPublic:
    """A text that may not go out: where, why (a key of report.errors), and what is in it."""

    place: str
    why: str
    said: str


def read_written(path: Path) -> dict[str, WrittenText]:
    """Return what people wrote into a report's Word file, by key; nothing where there is no file.

    Raises NotAReport where the file does not open as Word.
    """
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.oxml.ns import qn

    if not path.is_file():
        return {}
    try:
        document = docx.Document(str(path))
    except (PackageNotFoundError, BadZipFile, KeyError, ValueError) as mistake:
        raise NotAReport(path) from mistake
    names = {style.style_id: style.name for style in document.styles if style.style_id}
    found: dict[str, tuple[list[str], list[tuple[str, ...]]]] = {}
    key: str | None = None
    empty = {
        text(f"report.typed.{key}", language)
        for key in ("empty", "empty_nation")
        for language in LANGUAGES
    }
    for element in _children(document.element.body):
        if element.tag == qn("w:tbl"):
            if key is not None:
                # The first row has the headings.
                rows = [_cells(row) for row in element.iter(qn("w:tr"))][1:]
                found[key][1].extend(row for row in rows if any(row))
            continue
        marks = [mark.get(qn("w:name")) or "" for mark in element.iter(qn("w:bookmarkStart"))]
        begun = next((mark for mark in marks if mark.startswith(BOOKMARK)), "")
        style = _style(element, names)
        line = _text(element).strip()
        if begun and not begun.startswith(END):
            key = begun.removeprefix(BOOKMARK)
            found.setdefault(key, ([], []))
        elif begun or style.startswith("heading"):
            # Who writes into the closing line itself loses nothing.
            if begun and key is not None and line:
                found[key][0].append(line)
            key = None
        elif key is not None and style != PROMPT_STYLE.lower() and line and line not in empty:
            found[key][0].append(line)
    return {
        key: WrittenText(tuple(lines), tuple(rows))
        for key, (lines, rows) in found.items()
        if lines or rows
    }


def not_for_public(
    written: Mapping[str, WrittenText], registers: Registers, this_year: int
) -> list[NotForPublic]:
    """Return each text that seems to name a person, or has a number of persons.

    Erring here is on the side of silence: a text is put otherwise, or stays out.
    """
    found = []
    for place, line in _places(written):
        if seems_personal(line, registers, this_year):
            found.append(NotForPublic(place, "names_a_person", ""))
        if counted := count_of_persons(line):
            found.append(NotForPublic(place, "counts_persons", counted))
    return found


def _places(written: Mapping[str, WrittenText]) -> Iterator[tuple[str, str]]:
    for key, one in written.items():
        for number, line in enumerate(one.lines, 1):
            yield f"{key} {number}", line
        for number, row in enumerate(one.rows, 1):
            yield f"{key} {number}", " ".join(row)


def _children(body: Any) -> Iterator[Any]:
    """Return the paragraphs and tables of a body, also those in content controls."""
    from docx.oxml.ns import qn

    for element in body:
        if element.tag == qn("w:sdt"):
            content = element.find(qn("w:sdtContent"))
            if content is not None:
                yield from _children(content)
        elif element.tag in (qn("w:p"), qn("w:tbl")):
            yield element


def _cells(row: Any) -> tuple[str, ...]:
    from docx.oxml.ns import qn

    return tuple(_text(cell).strip() for cell in row.iter(qn("w:tc")))


def _style(paragraph: Any, names: Mapping[str, str]) -> str:
    """Return the name of a paragraph's style, in small letters: LibreOffice changes their case."""
    from docx.oxml.ns import qn

    style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
    code = "" if style is None else style.get(qn("w:val"), "")
    return str(names.get(code, code)).lower()


def _text(element: Any) -> str:
    from docx.oxml.ns import qn

    return "".join(part.text or "" for part in element.iter(qn("w:t")))
