"""Bytes as sheets of cells, for workbooks (.xlsx, .xls, .ods) and separated text.

Belongs here: file formats, encodings, and the limits that keep a hostile file from taking the
process down. Not here: what the cells mean (sources.layouts, sources.reading).
"""

import csv
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from xml.parsers import expat

from python_calamine import CalamineWorkbook

from sources.values import Cell, cell_text

#: Limits far above any form of the project and far below what harms a small machine.
MAX_WORKBOOK_BYTES = 32 * 2**20
MAX_UNPACKED_BYTES = 128 * 2**20
MAX_TEXT_BYTES = 256 * 2**20
MAX_WORKBOOK_PARTS = 500
MAX_SHEETS = 200
MAX_SHEET_CELLS = 4_000_000

_REFERENCE = re.compile(r"\$?([A-Za-z]{1,4})\$?([0-9]{1,9})")
_BINARY_PARTS = (".png", ".jpg", ".jpeg", ".gif", ".emf", ".wmf", ".bin", ".vml")
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
_SEPARATORS = (";", "\t", ",")


class UnreadableFile(Exception):
    """The bytes are no table that can be read; the text says why, without any content."""


@dataclass(frozen=True)
class Sheet:
    """A sheet's cells from A1 on; `name` is None for separated text."""

    name: str | None
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Tables:
    """A file's format (xlsx, xls, ods, csv) and its sheets in their order."""

    file_format: str
    sheets: list[Sheet]


def address(row: int, column: int) -> str:
    """Return the spreadsheet address of a cell; `row` and `column` count from 0: (6, 4) is E7."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def file_format(content: bytes) -> str:
    """Return xlsx, xls, ods, csv or unknown, judged by the first bytes: a name says nothing."""
    if content.startswith(b"PK\x03\x04"):
        return "ods" if _OPEN_DOCUMENT in content[:128] else "xlsx"
    if content.startswith(_COMPOUND_FILE):
        return "xls"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" not in content[:4096]:
        return "csv"
    return "unknown"


def read_tables(content: bytes) -> Tables:
    """Return the sheets in a file's bytes.

    Raises UnreadableFile for what is neither a workbook nor separated text, for a damaged or
    locked file, and for one beyond the limits above.
    """
    kind = file_format(content)
    if kind in ("xlsx", "xls", "ods"):
        return Tables(kind, _read_workbook(kind, content))
    if kind == "csv" and content.strip():
        return Tables(kind, [Sheet(None, _read_text(content))])
    raise UnreadableFile("neither a workbook nor text")


def _read_workbook(kind: str, content: bytes) -> list[Sheet]:
    if len(content) > MAX_WORKBOOK_BYTES:
        raise UnreadableFile("the workbook is too large")
    # The sheets of an .xls end by themselves at 65,536 rows and 256 columns.
    if kind != "xls":
        _check_archive(kind, content)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
            sheets = []
            for name in workbook.sheet_names:
                sheet = workbook.get_sheet_by_name(name)
                if sheet.height * sheet.width > MAX_SHEET_CELLS:
                    raise UnreadableFile("the sheet is too wide or too long")
                rows = sheet.to_python(skip_empty_area=False)
                sheets.append(Sheet(name, [[*row] for row in rows]))
            return sheets
    except (KeyboardInterrupt, SystemExit):
        raise
    # A panic of the Rust reader is no Exception, and its class cannot be imported.
    except BaseException:
        raise UnreadableFile("the workbook is damaged") from None


def _check_archive(kind: str, content: bytes) -> None:
    """Refuse a workbook that would unpack, or spread, beyond the limits.

    A file of 1.4 KB whose one value stands in the last cell makes the reader ask for 549 GB, so
    every part is walked before the reader sees it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            names = {part.filename.lower() for part in parts}
            if len(parts) > MAX_WORKBOOK_PARTS or len(names) != len(parts):
                raise UnreadableFile("the workbook has too many parts")
            if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
                raise UnreadableFile("the workbook unpacks to too much")
            if ("content.xml" if kind == "ods" else "xl/workbook.xml") not in names:
                raise UnreadableFile("the archive is no workbook")
            for part in parts:
                name = part.filename.lower()
                if kind == "ods" and name == "content.xml":
                    _check_open_document(archive.read(part))
                elif kind == "xlsx" and not name.endswith(_BINARY_PARTS):
                    _check_part(name, archive.read(part))
    except (
        zipfile.BadZipFile,
        zlib.error,
        expat.ExpatError,
        EOFError,
        RuntimeError,
        NotImplementedError,
        OSError,
        ValueError,
    ):
        raise UnreadableFile("the workbook is damaged or locked") from None


def _check_part(name: str, content: bytes) -> None:
    if not content.strip():
        return
    last_row = last_column = sheets = 0

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal last_row, last_column, sheets
        local = tag.rpartition(":")[2]
        if local == "sheet":
            sheets += 1
            if sheets > MAX_SHEETS:
                raise UnreadableFile("the workbook has too many sheets")
        # A sheet under the name of a picture would not have been walked.
        if name.endswith("workbook.xml.rels") and attributes.get("Target", "").lower().endswith(
            _BINARY_PARTS
        ):
            raise UnreadableFile("the workbook carries a program")
        if local not in {"c", "row"}:
            return
        reference = attributes.get("r", "")
        if reference.isdecimal():
            last_row = max(last_row, int(reference[:9]))
        elif found := _REFERENCE.fullmatch(reference):
            column = 0
            for letter in found[1].upper():
                column = column * 26 + ord(letter) - ord("A") + 1
            last_column = max(last_column, column)
            last_row = max(last_row, int(found[2]))
        elif reference:
            raise UnreadableFile("the workbook is damaged")
        if last_row * last_column > MAX_SHEET_CELLS:
            raise UnreadableFile("the sheet is too wide or too long")

    parser = _parser()
    parser.StartElementHandler = on_start
    parser.Parse(content, True)


def _check_open_document(content: bytes) -> None:
    """Refuse an .ods whose repeated cells and rows would spread beyond the limits.

    LibreOffice itself repeats the empty rest of a sheet; only what holds something counts.
    """
    row = column = repeated = last_row = last_column = 0
    holds_something = False

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, repeated, last_row, last_column, holds_something
        local = tag.rpartition(":")[2]
        if local == "table":
            row = 0
        elif local == "table-row":
            column, holds_something = 0, False
            repeated = int(attributes.get("table:number-rows-repeated", "1"))
        elif local in ("table-cell", "covered-table-cell"):
            column += int(attributes.get("table:number-columns-repeated", "1"))
            if any(name.endswith(":value-type") for name in attributes):
                holds_something = True
                last_column = max(last_column, column)

    def on_end(tag: str) -> None:
        nonlocal row, last_row
        if tag.rpartition(":")[2] == "table-row":
            row += repeated
            if holds_something:
                last_row = max(last_row, row)
            if last_row * last_column > MAX_SHEET_CELLS:
                raise UnreadableFile("the sheet is too wide or too long")

    parser = _parser()
    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.Parse(content, True)


def _parser() -> expat.XMLParserType:
    def on_doctype(*_: object) -> None:
        raise UnreadableFile("the workbook declares a document type")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = on_doctype
    return parser


def _read_text(content: bytes) -> list[list[Cell]]:
    if len(content) > MAX_TEXT_BYTES:
        raise UnreadableFile("the text is too large")
    text = _decoded(content)
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
            rows.append([*row])
        return rows
    except csv.Error:
        raise UnreadableFile("the text is not in columns") from None


def _decoded(content: bytes) -> str:
    """Return the text: UTF-16 and UTF-8 by their marks, else UTF-8, else the Windows code page.

    The letters of Albanian have the same bytes in cp1250 and cp1252.
    """
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise UnreadableFile("the text is in an unknown encoding")


def _separator(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    # Of equals the first wins: a semicolon is what Excel writes in Albanian.
    return max(_SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))


def is_blank(row: list[Cell]) -> bool:
    """Tell whether a row has nothing in any cell."""
    return all(cell_text(cell) == "" for cell in row)
