"""What a workbook holds beside its cells, seen before it is parsed: parts, formulas, the hidden.

Belongs here: the limits that keep a hostile workbook from taking the process down, and the marks of
sheets. Not here: cells (sources.tables) or which marks refuse a file (sources.reading).
"""

import io
import posixpath
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from xml.parsers import expat

from olefile import OleFileIO

from sources.values import load_words, plain

#: Limits far above any form of the project and far below what harms a small machine.
MAX_UNPACKED_BYTES = 128 * 2**20
MAX_WORKBOOK_PARTS = 500
MAX_SHEETS = 200
MAX_SHEET_CELLS = 4_000_000

_REFERENCE = re.compile(r"\$?([A-Za-z]{1,4})\$?([0-9]{1,9})")
#: A row or column so far that the sheet has to be measured before it is read.
_FAR = re.compile(rb" r=[\"'](?:[A-Za-z]{3}|[A-Za-z]{0,2}[0-9]{5})")
#: What a sheet's XML holds only if there is something to look at: a declaration, a formula, merged
#: cells, a prefix that would hide one of them; and what is hidden, spelt to hide a far cell, or an
#: error in place of a value.
_NOTABLE = re.compile(rb"<(?:!|f[ />]|mergeCell |x:)")
_HIDING = (b' hidden="', b"r =", b' t="e"', b" t='e'")
#: Days that are numbers and no dates would be read four years too early.
_COUNTS_FROM_1904 = re.compile(rb"date1904=[\"'](?:1|true|on)[\"']")
#: Parts that run, or fetch something from elsewhere.
_ACTIVE = re.compile(
    r"vbaproject|macrosheets/|activex/|embeddings/|externallinks/|connections\.xml|querytables/"
    r"|customui/|^basic/|^scripts/|^object ",
    re.MULTILINE,
)
#: Names that would lead out of the folder into which somebody unpacks them.
_ESCAPING = re.compile(r"^/|\.\.|[\\:\0]", re.MULTILINE)

#: Records of the workbook stream of an .xls (Microsoft, MS-XLS 2.4), and the kinds of sheets in it
#: that hold cells, or macros of Excel 4.
_BOF, _SHEET, _LOCKED, _FROM_1904 = 0x0809, 0x0085, 0x002F, 0x0022
_FORMULA, _ROW, _COLUMNS, _MERGED = 0x0006, 0x0208, 0x007D, 0x00E5
_TRUTH_OR_ERROR = 0x0205
_FORMAT, _STYLE, _SEVERAL = 0x041E, 0x00E0, 0x00BD
_NUMBERS = (0x0203, 0x027E, _SEVERAL)
_CELLS, _MACROS = 0, 1


#: Number formats that need no definition, and show percentages (ECMA-376, 18.8.30).
_BUILT_IN_DISGUISES = {"9": "0%", "10": "0.00%"}

_OPEN_CELLS = ("table-cell", "covered-table-cell")

#: No number is shown in more letters.
_LONGEST_NUMBER = 100

#: Styles that are kept in memory to know them again.
_LARGEST_KEPT = 2**16


class UnreadableFile(Exception):
    """The bytes are no table that is read; `sentence` says why (sources.problems)."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass
class Marks:
    """What a sheet's cells don't say themselves; rows and columns count from 0.

    `merged` are areas as (first row, first column, last row, last column). The number format of
    a disguised cell shows another number than the cell holds: 500 % for 5.
    """

    formulas: set[tuple[int, int]] = field(default_factory=set)
    disguised: set[tuple[int, int]] = field(default_factory=set)
    errors: set[tuple[int, int]] = field(default_factory=set)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    is_hidden: bool = False


def archive_marks(kind: str, content: bytes) -> dict[str, Marks]:
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
            if _COUNTS_FROM_1904.search(archive.read(parts["xl/workbook.xml"])):
                raise UnreadableFile("other_calendar")
            styles = parts.get("xl/styles.xml")
            disguises = _disguises(archive.read(styles)) if styles else frozenset()
            found = {}
            for name, part in parts.items():
                if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                    xml = archive.read(part)
                    if disguises or _is_notable(xml):
                        found[name] = _sheet_marks(xml, disguises)
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


def _is_notable(xml: bytes) -> bool:
    return bool(
        _NOTABLE.search(xml) or _FAR.search(xml) or any(spelling in xml for spelling in _HIDING)
    )


def _check_directory(listed: list[zipfile.ZipInfo], parts: dict[str, zipfile.ZipInfo]) -> None:
    if len(listed) > MAX_WORKBOOK_PARTS:
        raise UnreadableFile("too_many_parts")
    if len(parts) != len(listed):
        raise UnreadableFile("damaged")
    if sum(part.file_size for part in listed) > MAX_UNPACKED_BYTES:
        raise UnreadableFile("unpacks_to_too_much")
    names = "\n".join(parts)
    if _ESCAPING.search(names) or any(map(stat.S_ISLNK, {p.external_attr >> 16 for p in listed})):
        raise UnreadableFile("names_elsewhere")
    if any(flags & 1 for flags in {part.flag_bits for part in listed}):
        raise UnreadableFile("locked")
    if _ACTIVE.search(names):
        raise UnreadableFile("active_content")


def _disguises(styles: bytes) -> frozenset[str]:
    """Return the numbers of the styles of an .xlsx whose format shows another number."""
    return (_disguises_kept if len(styles) <= _LARGEST_KEPT else _disguises_in)(styles)


def _disguises_in(styles: bytes) -> frozenset[str]:
    codes = dict(_BUILT_IN_DISGUISES)
    formats: list[str] = []
    is_of_cells = False

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal is_of_cells
        local = tag.rpartition(":")[2]
        if local == "numFmt":
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif local == "cellXfs":
            is_of_cells = True
        elif local == "xf" and is_of_cells:
            formats.append(attributes.get("numFmtId", "0"))

    def on_end(tag: str) -> None:
        nonlocal is_of_cells
        if tag.rpartition(":")[2] == "cellXfs":
            is_of_cells = False

    parser = _parser()
    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.Parse(styles, True)
    return frozenset(
        str(number) for number, each in enumerate(formats) if _shows_another(codes.get(each, ""))
    )


# The forms of one office have the same styles.
_disguises_kept = lru_cache(maxsize=64)(_disguises_in)


# An .xls is asked for the format of each of its numbers.
@lru_cache(maxsize=1_000)
def _shows_another(code: str) -> bool:
    """Tell whether a number format (ECMA-376, 18.8.31) shows other digits than a number has.

    It does so as a percentage, with digits or words of its own that are no unit ("5 thousand"),
    without the last three, or with none at all.
    """
    code = re.sub(r"\[[^\]]*\]|[_*].", "", code)
    own = "".join(re.findall(r'"[^"]*"|\\.', code)).replace("\\", "").replace('"', "")
    bare = re.sub(r'"[^"]*"|\\.', "", code)
    return bool(code) and bool(
        not _is_unit(own)
        or re.search(r"%|[0#?],+(?![0#?,])", bare)
        or not re.search(r"[0#?@a-z]", bare.partition(";")[0], re.IGNORECASE)
    )


def _is_unit(text: str) -> bool:
    """Tell whether what a format writes beside a number is a unit, or nothing."""
    words = plain(text).strip(" ().:")
    known = (load_words().no_unit, *load_words().units.values())
    return not words or any(words in each for each in known)


def _sheet_marks(xml: bytes, disguises: frozenset[str]) -> Marks:
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
            if attributes.get("t") == "e":
                marks.errors.add((row, column))
            if attributes.get("s", "0") in disguises:
                marks.disguised.add((row, column))
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
    cell = _ShownCell()

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal marks, row, column, repeated, last_row, last_column, holds_something, cell
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
        elif local in _OPEN_CELLS:
            if "table:formula" in attributes:
                marks.formulas.add((row, column))
            wide = int(attributes.get("table:number-columns-spanned", "1"))
            high = int(attributes.get("table:number-rows-spanned", "1"))
            if wide * high > 1:
                marks.merged.append((row, column, row + high - 1, column + wide - 1))
            span = int(attributes.get("table:number-columns-repeated", "1"))
            cell = _ShownCell(
                range(column, min(column + span, 16_384)),
                attributes.get("office:value-type"),
                attributes.get("office:value"),
            )
            column += span
            if any(name.endswith(":value-type") for name in attributes):
                holds_something = True
                last_column = max(last_column, column)
        else:
            cell.begin(local)

    def on_end(tag: str) -> None:
        nonlocal row, last_row
        local = tag.rpartition(":")[2]
        if local == "table-row":
            row += repeated
            if holds_something:
                last_row = max(last_row, row)
            if last_row * last_column > MAX_SHEET_CELLS:
                raise UnreadableFile("spreads_too_far")
        elif local in _OPEN_CELLS:
            if cell.is_disguised:
                marks.disguised.update((row, position) for position in cell.columns)
        else:
            cell.end(local)

    parser = _parser()
    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.CharacterDataHandler = lambda text: cell.show(text)
    parser.Parse(xml, True)
    return found


@dataclass
class _ShownCell:
    """A cell of an .ods: the number that it holds, and the text that it shows instead.

    `shown` is None until a paragraph begins: who writes none leaves the text to the format.
    """

    columns: range = range(0)
    kind: str | None = None
    number: str | None = None
    shown: str | None = None
    _is_text: bool = False
    _notes: int = 0

    def begin(self, tag: str) -> None:
        """Enter an element within the cell; what a note says isn't the cell's text."""
        if tag == "annotation":
            self._notes += 1
        elif tag == "p" and not self._notes:
            self._is_text, self.shown = True, self.shown or ""
        elif tag == "s":
            self.show(" ")

    def end(self, tag: str) -> None:
        """Leave an element within the cell."""
        if tag == "annotation":
            self._notes -= 1
        elif tag == "p":
            self._is_text = False

    def show(self, text: str) -> None:
        """Take in a piece of text."""
        if self._is_text and len(self.shown or "") < _LONGEST_NUMBER:
            self.shown = f"{self.shown}{text}"

    @property
    def is_disguised(self) -> bool:
        """Whether a number is shown as another: with other digits, or with words of its own."""
        if self.kind == "percentage":
            return True
        if self.kind not in ("float", "currency") or self.shown is None or self.number is None:
            return False
        digits = re.sub(r"[.,][0-9]{1,2}(?![0-9])", "", self.shown)
        whole = str(abs(int(float(self.number))))
        said = [re.sub(r"[^0-9]", "", text) for text in (self.shown, digits)]
        same = whole in [text.lstrip("0") or text[:1] for text in said]
        return not same or not _is_unit(re.sub(r"[0-9.,]+", " ", self.shown))


def _parser() -> expat.XMLParserType:
    def on_doctype(*_: object) -> None:
        raise UnreadableFile("declares_a_type")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = on_doctype
    return parser


def compound_marks(content: bytes) -> dict[str, Marks]:
    """Return the marks of the sheets of an .xls by the sheet's name; refuse one that acts.

    Its sheets end by themselves at 65,536 rows and 256 columns.
    """
    try:
        with OleFileIO(io.BytesIO(content)) as file:
            parts = {"/".join(path).casefold() for path in file.listdir()}
            if any("_vba_project" in part or part.startswith("mbd") for part in parts):
                raise UnreadableFile("active_content")
            if "encryptedpackage" in parts:
                raise UnreadableFile("locked")
            name = next((name for name in ("workbook", "book") if name in parts), None)
            if name is None:
                raise UnreadableFile("no_table")
            return _stream_marks(file.openstream(name).read())
    except (KeyboardInterrupt, SystemExit, MemoryError, UnreadableFile):
        raise
    # A damaged file makes its reader fail in ways that it doesn't name.
    except Exception:
        raise UnreadableFile("damaged") from None


def _stream_marks(stream: bytes) -> dict[str, Marks]:
    found: dict[str, Marks] = {}
    by_start: dict[int, Marks] = {}
    codes = {int(number): code for number, code in _BUILT_IN_DISGUISES.items()}
    formats: list[int] = []
    marks = Marks()
    for start, record, body in _records(stream):
        if record == _BOF:
            marks = by_start.get(start, Marks())
        elif record == _FROM_1904 and body[0]:
            raise UnreadableFile("other_calendar")
        elif record == _LOCKED:
            raise UnreadableFile("locked")
        elif record == _SHEET:
            begins, kind = struct.unpack_from("<I x B", body)
            if kind == _MACROS:
                raise UnreadableFile("active_content")
            if kind == _CELLS:
                by_start[begins] = found.setdefault(_sheet_name(body), Marks())
        elif record == _FORMULA:
            marks.formulas.add(struct.unpack_from("<2H", body))
        elif record == _FORMAT:
            number, code = _format_code(body)
            codes[number] = code
        elif record == _STYLE:
            formats.append(struct.unpack_from("<2x H", body)[0])
        elif record in _NUMBERS:
            row, first = struct.unpack_from("<2H", body)
            count, width = (1, 0) if record != _SEVERAL else ((len(body) - 6) // 6, 6)
            for each in range(count):
                (style,) = struct.unpack_from("<H", body, 4 + width * each)
                if _shows_another(codes.get(formats[style], "")):
                    marks.disguised.add((row, first + each))
        elif record == _TRUTH_OR_ERROR and body[7]:
            marks.errors.add(struct.unpack_from("<2H", body))
        elif record == _ROW and body[12] & 0x20:
            marks.hidden_rows.add(struct.unpack_from("<H", body)[0])
        elif record == _COLUMNS and body[8] & 1:
            first, last = struct.unpack_from("<2H", body)
            marks.hidden_columns.update(range(first, min(last, 255) + 1))
        elif record == _MERGED:
            (count,) = struct.unpack_from("<H", body)
            for number in range(count):
                first_row, last_row, first, last = struct.unpack_from("<4H", body, 2 + 8 * number)
                marks.merged.append((first_row, first, last_row, last))
    return found


def _format_code(body: bytes) -> tuple[int, str]:
    """Return the number and the code of a number format: of Excel 97, or of Excel 95."""
    (number,) = struct.unpack_from("<H", body)
    if len(body) >= 5 and len(body) == 5 + body[2] * (1 + (body[4] & 1)):
        return number, body[5:].decode("utf-16-le" if body[4] & 1 else "latin-1")
    return number, body[3 : 3 + body[2]].decode("cp1252", errors="replace")


def _records(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield where each record starts, its number, and what it holds."""
    start = 0
    while start + 4 <= len(stream):
        record, length = struct.unpack_from("<2H", stream, start)
        yield start, record, stream[start + 4 : start + 4 + length]
        start += 4 + length


def _sheet_name(body: bytes) -> str:
    """Return the name in a record of a sheet: of Excel 97, or of Excel 95, which has no mark."""
    length, mark = body[6], body[7] if len(body) > 7 else 0
    if len(body) == 8 + length * (1 + (mark & 1)) and mark < 2:
        return body[8:].decode("utf-16-le" if mark else "latin-1")
    return body[7 : 7 + length].decode("cp1252", errors="replace")
