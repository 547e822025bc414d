"""Bytes as sheets of cells, for workbooks (.xlsx, .xls, .ods) and separated text.

Belongs here: file formats and encodings. Not here: the limits that are checked before a workbook is
parsed (sources.reading.features), what the cells mean (sources.layouts, sources.reading).
"""

import csv
import io
import re
from dataclasses import dataclass, field
from typing import Any

from python_calamine import CalamineWorkbook, SheetVisibleEnum

from sources.reading.features import (
    MAX_SHEET_CELLS,
    MAX_SHEETS,
    SheetFeatures,
    UnreadableFile,
    workbook_features,
)
from sources.values import Cell, cell_text

#: Limits far above any form of the project and far below what harms a small machine.
MAX_WORKBOOK_BYTES = 32 * 2**20
MAX_TEXT_BYTES = 32 * 2**20

#: What a sheet of a workbook can hold.
MAX_ROWS, MAX_COLUMNS = 2**20, 2**14

#: How files begin that are no tables, with the sentence on each.
_NO_TABLES = {
    b"%PDF": "pdf_file", b"\x89PNG": "picture_file", b"\xff\xd8\xff": "picture_file",
    b"GIF8": "picture_file", b"BM": "picture_file", b"II*\x00": "picture_file",
    b"MM\x00*": "picture_file", b"{\\rtf": "document_file",
}  # fmt: skip

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
_SEPARATORS = (";", "\t", ",")
#: The beginning of a text that tells what separates its cells.
_HEAD_LENGTH, _HEAD_LINES = 8_000, 20


@dataclass(frozen=True)
class Sheet:
    """A sheet's cells from A1 on; `name` is None for separated text, which has a `separator`.

    The last line of text that is unended may have been cut off.
    """

    name: str | None
    rows: list[list[Cell]]
    features: SheetFeatures = field(default_factory=SheetFeatures)
    separator: str | None = None
    is_unended: bool = False


@dataclass(frozen=True)
class Tables:
    """A file's format (xlsx, xls, ods, csv) and its sheets in their order.

    `encoding` is that of separated text, where it isn't UTF-8.
    """

    file_format: str
    sheets: list[Sheet]
    encoding: str | None = None


def file_format(content: bytes) -> str:
    """Return xlsx, xls, ods, csv or unknown, judged by the first bytes: a name says nothing.

    Of what is no table it is pdf, picture or document, where that is known.
    """
    if sentence := _sentence_on(content):
        return sentence.removesuffix("_file")
    if content.startswith(b"PK\x03\x04"):
        return "ods" if _OPEN_DOCUMENT in content[:128] else "xlsx"
    if content.startswith(_COMPOUND_FILE):
        return "xls"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" not in content[:4096]:
        return "csv"
    return "unknown"


def _sentence_on(content: bytes) -> str | None:
    """Return the sentence on what is known to be no table."""
    if content[4:8] == b"ftyp" or (content[:4] == b"RIFF" and content[8:12] == b"WEBP"):
        return "picture_file"
    # A text may begin with the letters of a bitmap, and has no zeros.
    begins = (mark for mark in _NO_TABLES if content.startswith(mark))
    mark = next(begins, b"")
    return None if mark == b"BM" and b"\x00" not in content[:64] else _NO_TABLES.get(mark)


def read_tables(content: bytes) -> Tables:
    """Return the sheets in a file's bytes.

    Raises UnreadableFile for what is neither a workbook nor separated text, for a damaged or
    locked file, and for one beyond the limits above.
    """
    kind = file_format(content)
    if kind in ("xlsx", "xls", "ods"):
        return Tables(kind, _read_workbook(kind, content))
    if kind == "csv" and content.strip():
        text, encoding = _decoded(content)
        rows, separator = _read_text(text)
        is_unended = not text.endswith(("\n", "\r"))
        sheet = Sheet(None, rows, separator=separator, is_unended=is_unended)
        return Tables(kind, [sheet], encoding)
    raise UnreadableFile(_sentence_on(content) or "no_table")


def _read_workbook(kind: str, content: bytes) -> list[Sheet]:
    if len(content) > MAX_WORKBOOK_BYTES:
        raise UnreadableFile("too_large")
    features = workbook_features(kind, content)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
            if len(workbook.sheet_names) > MAX_SHEETS:
                raise UnreadableFile("too_many_parts")
            sheets = []
            for described in workbook.sheets_metadata:
                sheet = workbook.get_sheet_by_name(described.name)
                if sheet.height * sheet.width > MAX_SHEET_CELLS:
                    raise UnreadableFile("spreads_too_far")
                found = features.get(described.name) or SheetFeatures()
                found.is_hidden = described.visible != SheetVisibleEnum.Visible
                rows: list[list[Any]] = sheet.to_python(skip_empty_area=False)
                sheets.append(Sheet(described.name, rows, found))
            return sheets
    except (KeyboardInterrupt, SystemExit, MemoryError, UnreadableFile):
        raise
    # A panic of the Rust reader is no Exception, and its class cannot be imported.
    except BaseException:
        raise UnreadableFile("damaged") from None


def _read_text(text: str) -> tuple[list[list[Cell]], str]:
    """Return the rows of separated text, and what separates them."""
    separator = None
    if marked := re.match(r"sep=([;,\t])\r?\n", text):
        separator = marked[1]
        text = text[marked.end() :]
    try:
        separator = separator or _separator(text)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        # Excel's marker line is a row to whoever looks for the cell.
        rows: list[list[Cell]] = [[]] if marked else []
        for row in reader:
            if len(row) > MAX_COLUMNS or len(rows) >= MAX_ROWS:
                raise UnreadableFile("not_in_columns")
            rows.append([*row])
        return rows, separator
    except csv.Error:
        raise UnreadableFile("not_in_columns") from None


def _decoded(content: bytes) -> tuple[str, str | None]:
    """Return the text and its encoding, or None for UTF-8.

    UTF-16 and UTF-8 are known by their byte order marks, else it is UTF-8, else a Windows code
    page. The letters of Albanian have the same bytes in cp1250 and cp1252: with letters that don't,
    it isn't known which of the two it is.
    """
    if len(content) > MAX_TEXT_BYTES:
        raise UnreadableFile("too_large")
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "cp1252" and content.decode("cp1250", errors="ignore") != text:
            break
        if "\x00" not in text:
            return text, None if encoding == "utf-8-sig" else encoding
    raise UnreadableFile("unknown_encoding")


def _separator(text: str) -> str:
    """Return what separates the most lines into cells, and of equals the most cells.

    A title above the table, or a remark in it, may hold a comma or two.
    """
    lines = [line for line in text[:_HEAD_LENGTH].splitlines() if line.strip()][:_HEAD_LINES]

    def parted(mark: str) -> tuple[int, int]:
        widths = [len(next(csv.reader([line], delimiter=mark), [])) for line in lines]
        return sum(width > 1 for width in widths), max(widths, default=0)

    # Of equals the first wins: a semicolon is what Excel writes in Albanian.
    return max(_SEPARATORS, key=parted)


def is_blank(row: list[Cell]) -> bool:
    """Tell whether a row has nothing in any cell."""
    return all(cell_text(cell) == "" for cell in row)
