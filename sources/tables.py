"""Bytes as sheets of cells, for workbooks (.xlsx, .xls, .ods) and separated text.

Belongs here: file formats, encodings, and the limits that keep a hostile file from taking the
process down. Not here: what the cells mean (sources.layouts, sources.reading).
"""

import csv
import io
import posixpath
import re
import stat
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from python_calamine import CalamineWorkbook, SheetVisibleEnum

from sources.values import Cell, cell_text

#: Limits far above any form of the project and far below what harms a small machine.
MAX_WORKBOOK_BYTES = 32 * 2**20
MAX_UNPACKED_BYTES = 128 * 2**20
MAX_TEXT_BYTES = 32 * 2**20
MAX_WORKBOOK_PARTS = 500
MAX_SHEETS = 200
MAX_SHEET_CELLS = 4_000_000

_REFERENCE = re.compile(r"\$?([A-Za-z]{1,4})\$?([0-9]{1,9})")
#: A row or column so far that the sheet has to be measured before it is read.
_FAR = re.compile(rb" r=[\"'](?:[A-Za-z]{3}|[A-Za-z]{0,2}[0-9]{5})")
#: What a sheet's XML holds only if there is something to look at: a declaration, a formula, what
#: is hidden or merged, or a prefix or spelling that would hide one of them from this list.
_NOTABLE = (
    b"<!", b"<f>", b"<f ", b"<f/", b'hidden="1"', b'hidden="true"', b"<mergeCell ", b"<x:", b"r ="
)  # fmt: skip
#: Parts that run, or fetch something from elsewhere.
_ACTIVE = re.compile(
    r"vbaproject|macrosheets/|activex/|embeddings/|externallinks/|connections\.xml|querytables/"
    r"|customui/|^basic/|^scripts/|^object ",
    re.MULTILINE,
)
#: Names that would lead out of the folder into which somebody unpacks them.
_ESCAPING = re.compile(r"^/|\.\.|[\\:\0]", re.MULTILINE)
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_COMPOUND_LOCKED = "EncryptedPackage".encode("utf-16-le")
_COMPOUND_MACROS = "_VBA_PROJECT".encode("utf-16-le")
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
_SEPARATORS = (";", "\t", ",")


class UnreadableFile(Exception):
    """The bytes are no table that is read; `sentence` says why (sources.problems)."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass
class Marks:
    """What a sheet's cells don't say themselves; rows and columns count from 0.

    `merged` are areas as (first row, first column, last row, last column).
    """

    formulas: set[tuple[int, int]] = field(default_factory=set)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    is_hidden: bool = False


@dataclass(frozen=True)
class Sheet:
    """A sheet's cells from A1 on; `name` is None for separated text."""

    name: str | None
    rows: list[list[Cell]]
    marks: Marks = field(default_factory=Marks)


@dataclass(frozen=True)
class Tables:
    """A file's format (xlsx, xls, ods, csv) and its sheets in their order.

    `encoding` is that of separated text, where it isn't UTF-8.
    """

    file_format: str
    sheets: list[Sheet]
    encoding: str | None = None


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
        text, encoding = _decoded(content)
        return Tables(kind, [Sheet(None, _read_text(text))], encoding)
    raise UnreadableFile("no_table")


def _read_workbook(kind: str, content: bytes) -> list[Sheet]:
    if len(content) > MAX_WORKBOOK_BYTES:
        raise UnreadableFile("too_large")
    if kind == "xls":
        # The sheets of an .xls end by themselves at 65,536 rows and 256 columns.
        if _COMPOUND_MACROS in content:
            raise UnreadableFile("active_content")
        if _COMPOUND_LOCKED in content:
            raise UnreadableFile("locked")
        marks: dict[str, Marks] = {}
    else:
        marks = _checked_archive(kind, content)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
            if len(workbook.sheet_names) > MAX_SHEETS:
                raise UnreadableFile("too_many_parts")
            sheets = []
            for described in workbook.sheets_metadata:
                sheet = workbook.get_sheet_by_name(described.name)
                if sheet.height * sheet.width > MAX_SHEET_CELLS:
                    raise UnreadableFile("spreads_too_far")
                found = marks.get(described.name) or Marks()
                found.is_hidden = described.visible != SheetVisibleEnum.Visible
                rows: list[list[Any]] = sheet.to_python(skip_empty_area=False)
                sheets.append(Sheet(described.name, rows, found))
            return sheets
    except (KeyboardInterrupt, SystemExit, MemoryError, UnreadableFile):
        raise
    # A panic of the Rust reader is no Exception, and its class cannot be imported.
    except BaseException:
        raise UnreadableFile("damaged") from None


def _checked_archive(kind: str, content: bytes) -> dict[str, Marks]:
    """Return the marks of the sheets that have any, by the sheet's name.

    Refuses a workbook that would unpack, or spread, beyond the limits, that acts or reaches out. A
    file of 1.4 KB whose one value stands in the last cell makes the reader ask for 549 GB: a sheet
    that mentions a far cell is measured first. What gets past that is ended by the limits of the
    process (sources.isolation).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {part.filename.lower(): part for part in archive.infolist()}
            _check_directory(archive.infolist(), parts)
            if kind == "ods":
                if "content.xml" not in parts:
                    raise UnreadableFile("no_table")
                return _open_document_marks(archive.read(parts["content.xml"]))
            if "xl/workbook.xml" not in parts:
                raise UnreadableFile("no_table")
            found = {}
            for name, part in parts.items():
                if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                    xml = archive.read(part)
                    if any(mark in xml for mark in _NOTABLE) or _FAR.search(xml):
                        found[name] = _sheet_marks(xml)
            return _by_sheet(archive, parts, found) if found else {}
    except (
        zipfile.BadZipFile,
        zlib.error,
        expat.ExpatError,
        EOFError,
        RuntimeError,
        NotImplementedError,
        OSError,
        ValueError,
        KeyError,
    ):
        raise UnreadableFile("damaged") from None


def _check_directory(listed: list[zipfile.ZipInfo], parts: dict[str, zipfile.ZipInfo]) -> None:
    if len(listed) > MAX_WORKBOOK_PARTS:
        raise UnreadableFile("too_many_parts")
    if len(parts) != len(listed):
        raise UnreadableFile("damaged")
    if sum(part.file_size for part in listed) > MAX_UNPACKED_BYTES:
        raise UnreadableFile("unpacks_to_too_much")
    names = "\n".join(parts)
    if _ESCAPING.search(names) or any(stat.S_ISLNK(part.external_attr >> 16) for part in listed):
        raise UnreadableFile("names_elsewhere")
    if any(part.flag_bits & 1 for part in listed):
        raise UnreadableFile("locked")
    if _ACTIVE.search(names):
        raise UnreadableFile("active_content")


def _sheet_marks(xml: bytes) -> Marks:
    """Measure a sheet of an .xlsx, and return what its cells don't say themselves."""
    marks = Marks()
    last_row = last_column = row = column = -1

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal last_row, last_column, row, column
        local = tag.rpartition(":")[2]
        if local == "row":
            row = int(attributes["r"]) - 1 if "r" in attributes else row + 1
            column = -1
            last_row = max(last_row, row)
            if attributes.get("hidden") in ("1", "true"):
                marks.hidden_rows.add(row)
        elif local == "c":
            row, column = _position(attributes["r"]) if "r" in attributes else (row, column + 1)
            last_row, last_column = max(last_row, row), max(last_column, column)
        elif local == "f":
            marks.formulas.add((row, column))
        elif local == "col" and attributes.get("hidden") in ("1", "true"):
            last = min(int(attributes.get("max", "0")), 16_384)
            marks.hidden_columns.update(range(int(attributes.get("min", "1")) - 1, last))
        elif local == "mergeCell":
            first, _, end = attributes.get("ref", "").partition(":")
            marks.merged.append((*_position(first), *_position(end or first)))
        if (last_row + 1) * (last_column + 1) > MAX_SHEET_CELLS:
            raise UnreadableFile("spreads_too_far")

    parser = _parser()
    parser.StartElementHandler = on_start
    parser.Parse(xml, True)
    return marks


def _position(reference: str) -> tuple[int, int]:
    """Return (row, column) of an address, from 0; ValueError if it is none."""
    found = _REFERENCE.fullmatch(reference)
    if not found:
        raise ValueError("no address")
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]) - 1, column - 1


def _by_sheet(
    archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], found: dict[str, Marks]
) -> dict[str, Marks]:
    """Return the marks by the names of the sheets whose parts they were found in."""
    names: dict[str, str] = {}
    targets: dict[str, str] = {}

    def on_sheet(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "sheet":
            related = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            names[attributes.get("name", "")] = related
            if len(names) > MAX_SHEETS:
                raise UnreadableFile("too_many_parts")

    def on_relation(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "Relationship":
            target = posixpath.join("/xl", attributes.get("Target", ""))
            targets[attributes.get("Id", "")] = posixpath.normpath(target).lstrip("/").lower()

    for name, handler in (
        ("xl/workbook.xml", on_sheet), ("xl/_rels/workbook.xml.rels", on_relation),
    ):  # fmt: skip
        parser = _parser()
        parser.StartElementHandler = handler
        parser.Parse(archive.read(parts[name]), True)
    return {
        sheet: found[targets[related]]
        for sheet, related in names.items()
        if targets.get(related) in found
    }


def _open_document_marks(xml: bytes) -> dict[str, Marks]:
    """Measure the sheets of an .ods, whose cells and rows repeat; return the marks of each.

    LibreOffice itself repeats the empty rest of a sheet; only what holds something counts.
    """
    found: dict[str, Marks] = {}
    marks = Marks()
    row = column = repeated = last_row = last_column = 0
    holds_something = False

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal marks, row, column, repeated, last_row, last_column, holds_something
        local = tag.rpartition(":")[2]
        if local == "table":
            row = column = 0
            marks = found.setdefault(attributes.get("table:name", ""), Marks())
        elif local == "table-column":
            span = int(attributes.get("table:number-columns-repeated", "1"))
            if attributes.get("table:visibility", "visible") != "visible":
                marks.hidden_columns.update(range(column, min(column + span, 16_384)))
            column += span
        elif local == "table-row":
            column, holds_something = 0, False
            repeated = int(attributes.get("table:number-rows-repeated", "1"))
            if attributes.get("table:visibility", "visible") != "visible":
                marks.hidden_rows.update(range(row, min(row + repeated, row + 65_536)))
        elif local in ("table-cell", "covered-table-cell"):
            if "table:formula" in attributes:
                marks.formulas.add((row, column))
            wide = int(attributes.get("table:number-columns-spanned", "1"))
            high = int(attributes.get("table:number-rows-spanned", "1"))
            if wide * high > 1:
                marks.merged.append((row, column, row + high - 1, column + wide - 1))
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
                raise UnreadableFile("spreads_too_far")

    parser = _parser()
    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.Parse(xml, True)
    return found


def _parser() -> expat.XMLParserType:
    def on_doctype(*_: object) -> None:
        raise UnreadableFile("declares_a_type")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = on_doctype
    return parser


def _read_text(text: str) -> list[list[Cell]]:
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
        raise UnreadableFile("not_in_columns") from None


def _decoded(content: bytes) -> tuple[str, str | None]:
    """Return the text and its encoding, or None for UTF-8.

    UTF-16 and UTF-8 are known by their marks, else it is UTF-8, else the Windows code page. The
    letters of Albanian have the same bytes in cp1250 and cp1252.
    """
    if len(content) > MAX_TEXT_BYTES:
        raise UnreadableFile("too_large")
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, None if encoding == "utf-8-sig" else encoding
    raise UnreadableFile("unknown_encoding")


def _separator(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    # Of equals the first wins: a semicolon is what Excel writes in Albanian.
    return max(_SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))


def is_blank(row: list[Cell]) -> bool:
    """Tell whether a row has nothing in any cell."""
    return all(cell_text(cell) == "" for cell in row)
