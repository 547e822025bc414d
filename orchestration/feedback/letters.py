"""A letter as a Word document and as the text of an e-mail.

Belongs here: how a letter looks. Not here: what it says (orchestration.feedback.slips).
"""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sources.texts import text

if TYPE_CHECKING:
    from docx.document import Document

#: What XML can't hold.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

#: Times in a zip archive have this one, so that the same letter is the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_A4_CM = (21.0, 29.7)
_MARGIN_CM = 2.2
_TABLE_CM = (2.4, 9.0, 1.9, 3.3)


@dataclass(frozen=True)
class Section:
    """A titled part of a letter: lines, or a table; questions are numbered."""

    title: str
    lines: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    numbered: bool = False


@dataclass(frozen=True)
class Letter:
    """A letter of the committee, in Albanian."""

    sender: str
    recipient: str
    written_on: date
    subject: str
    lines: tuple[str, ...]
    sections: tuple[Section, ...]


def as_text(letter: Letter) -> str:
    """Return a letter as the text of an e-mail."""
    parts = [letter.subject, "", *_opening(letter)]
    for section in letter.sections:
        parts += ["", f"{section.title}:", *_written(section)]
        parts += ["- " + ", ".join(filter(None, map(shown, row))) for row in section.rows]
    return "\n".join([*parts, "", letter.sender, ""])


def write_document(path: Path, letter: Letter) -> None:
    """Write a letter as .docx, for A4. The same letter gives the same bytes."""
    from docx import Document
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt

    document = Document()
    page = document.sections[0]
    page.page_width, page.page_height = (Cm(length) for length in _A4_CM)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Cm(_MARGIN_CM)
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "sq-AL")
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", Pt(11)
    written = datetime.combine(letter.written_on, time())
    core = document.core_properties
    core.author, core.title, core.comments = letter.sender, shown(letter.subject)[:255], ""
    core.created = core.modified = written
    sender, *opening = (letter.sender, *_opening(letter))
    document.add_paragraph().add_run(shown(sender)).bold = True
    document.add_heading(shown(letter.subject), level=1)
    for line in opening:
        document.add_paragraph(shown(line))
    for section in letter.sections:
        document.add_heading(section.title, level=2)
        for line in _written(section):
            document.add_paragraph(shown(line))
        if section.rows:
            _add_table(document, section)
    document.add_paragraph()
    document.add_paragraph().add_run(shown(sender)).bold = True
    path.write_bytes(_with_fixed_times(document))


def shown(value: Any) -> str:
    """Return a value as a letter writes it: 31.05.2023; 1 900; nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NO-BREAK SPACE}")
    return _NOT_XML.sub("", str(value))


def _opening(letter: Letter) -> Iterator[str]:
    yield text("slips.recipient", "sq", recipient=letter.recipient)
    yield text("slips.written_on", "sq", day=shown(letter.written_on))
    yield from letter.lines


def _written(section: Section) -> Iterator[str]:
    for number, line in enumerate(section.lines, start=1):
        yield f"{number}. {line}" if section.numbered else line


def _add_table(document: "Document", section: Section) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.shared import Cm

    table = document.add_table(rows=0, cols=len(section.headings), style="Table Grid")
    table.autofit = False
    for column, width in zip(table.columns, _TABLE_CM, strict=True):
        column.width = Cm(width)
    for number, row in enumerate((section.headings, *section.rows)):
        cells = table.add_row().cells
        for cell, width, value in zip(cells, _TABLE_CM, row, strict=True):
            cell.width = Cm(width)
            run = cell.paragraphs[0].add_run(shown(value))
            run.bold = number == 0
            if isinstance(value, int):
                cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
        kept = table.rows[-1]._tr.get_or_add_trPr()
        kept.append(OxmlElement("w:cantSplit"))
        if number == 0:
            kept.append(OxmlElement("w:tblHeader"))


def _with_fixed_times(document: "Document") -> bytes:
    saved, fixed = io.BytesIO(), io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return fixed.getvalue()
