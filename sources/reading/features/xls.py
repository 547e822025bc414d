"""Features of the sheets of an .xls (Microsoft, MS-XLS).

Belongs here: the records of its workbook stream. Not here: their cells (sources.reading.tables).
"""

import io
import re
import struct
from collections.abc import Iterator

from olefile import OleFileIO

from sources.reading.features.formats import (
    BUILT_IN_DISGUISES,
    hides_zero,
    shows_another,
    shows_another_text,
)
from sources.reading.features.looks import BLACK, WHITE, Look, unclear_look
from sources.reading.features.sheet import LEAST_HEIGHT, SheetFeatures, UnreadableFile

#: Records of the workbook stream of an .xls (Microsoft, MS-XLS 2.4), and the kinds of sheets in it
#: that hold cells, or macros of Excel 4.
_BOF, _SHEET, _LOCKED, _FROM_1904 = 0x0809, 0x0085, 0x002F, 0x0022
_FORMULA, _ROW, _COLUMNS, _MERGED = 0x0006, 0x0208, 0x007D, 0x00E5
_TRUTH_OR_ERROR, _VIEW = 0x0205, 0x023E
_FORMAT, _STYLE, _SEVERAL = 0x041E, 0x00E0, 0x00BD
_NUMBERS = (0x0203, 0x027E, _SEVERAL)
_FONT, _PALETTE, _STRINGS, _CONTINUED, _NOTE = 0x0031, 0x0092, 0x00FC, 0x003C, 0x001C
_LABEL, _SHARED, _RICH = 0x0204, 0x00FD, 0x00D6
#: Conditions, drawings and what they hold, and the kinds of objects that are no drawing: comments
#: and arrows of lists.
_CONDITIONED, _CONDITION, _CONDITIONED_12, _CONDITION_12 = 0x01B0, 0x01B1, 0x0879, 0x087A
_DRAWING, _OBJECT, _TEXT = 0x00EC, 0x005D, 0x01B6
_NO_DRAWINGS = (0x19, 0x14)
#: How the place of a drawing begins (MS-ODRAW 2.2.46, MS-XLS 2.5.193).
_ANCHOR = b"\x00\x00\x10\xf0\x12\x00\x00\x00"
_CELLS, _MACROS = 0, 1

#: Colours that need no palette: of the window's text and ground, and what is left to Excel.
_COLOURS = {0: BLACK, 1: WHITE, 8: BLACK, 9: WHITE, 64: BLACK, 65: WHITE, 0x7FFF: BLACK}


def compound_features(content: bytes) -> dict[str, SheetFeatures]:
    """Return the features of the sheets of an .xls by the sheet's name; refuse one that acts.

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
                is_message = "__properties_version1.0" in parts
                is_document = "worddocument" in parts or "powerpoint document" in parts
                raise UnreadableFile(
                    "outlook_file" if is_message else "document_file" if is_document else "no_table"
                )
            return _stream_features(file.openstream(name).read())
    except (KeyboardInterrupt, SystemExit, MemoryError, UnreadableFile):
        raise
    # A damaged file makes its reader fail in ways that it doesn't name.
    except Exception:
        raise UnreadableFile("damaged") from None


def _stream_features(stream: bytes) -> dict[str, SheetFeatures]:
    found: dict[str, SheetFeatures] = {}
    by_start: dict[int, SheetFeatures] = {}
    styles = _StyleRecords()
    features = SheetFeatures()
    strings: list[bytes] = []
    is_shared = False
    conditioned: list[tuple[int, int, int, int]] = []
    anchors: list[tuple[int, int, int, int]] = []
    is_drawing = False
    for start, record, body in _records(stream):
        if record == _CONTINUED:
            if is_shared:
                strings.append(body)
            continue
        if is_shared:
            styles.strings = _rich_strings(strings)
        is_shared = record == _STRINGS
        if record == _BOF:
            features = by_start.get(start, SheetFeatures())
        elif record == _FROM_1904 and body[0]:
            raise UnreadableFile("other_calendar")
        elif record == _LOCKED:
            raise UnreadableFile("locked")
        elif record == _SHEET:
            begins, kind = struct.unpack_from("<I x B", body)
            if kind == _MACROS:
                raise UnreadableFile("active_content")
            if kind == _CELLS:
                by_start[begins] = found.setdefault(_sheet_name(body), SheetFeatures())
        elif record == _FORMULA:
            features.formulas.add(struct.unpack_from("<2H", body))
        elif record == _STRINGS:
            strings = [body]
        elif record in (_FORMAT, _STYLE, _FONT, _PALETTE):
            styles.add(record, body)
        elif record in _NUMBERS:
            row, first = struct.unpack_from("<2H", body)
            count, width = (1, 0) if record != _SEVERAL else ((len(body) - 6) // 6, 6)
            for each in range(count):
                (style,) = struct.unpack_from("<H", body, 4 + width * each)
                styles.look_at(features, (row, first + each), style, is_number=True)
        elif record in (_LABEL, _SHARED, _RICH):
            row, column, style = struct.unpack_from("<3H", body)
            fonts = styles.fonts_of(record, body)
            styles.look_at(features, (row, column), style, fonts, is_number=False)
        elif record == _NOTE:
            features.comments.add(struct.unpack_from("<2H", body))
        elif record in (_CONDITIONED, _CONDITIONED_12):
            conditioned = _areas(body[(12 if record == _CONDITIONED_12 else 0) + 12 :])
        elif record == _CONDITION_12 or (record == _CONDITION and styles.may_hide(body)):
            features.conditional += conditioned
        elif record == _DRAWING:
            anchors = [_covered(body, at.end()) for at in re.finditer(re.escape(_ANCHOR), body)]
        elif record == _OBJECT:
            is_drawing = struct.unpack_from("<H", body, 4)[0] not in _NO_DRAWINGS
            features.covered += anchors if is_drawing else []
            anchors = []
        elif record == _TEXT and is_drawing and struct.unpack_from("<H", body, 10)[0]:
            features.has_drawn_text = True
        elif record == _VIEW:
            features.hides_zeros = not struct.unpack_from("<H", body)[0] & 0x10
        elif record == _TRUTH_OR_ERROR and body[7]:
            features.errors.add(struct.unpack_from("<2H", body))
        elif record == _ROW and (body[12] & 0x20 or _is_low(body)):
            features.hidden_rows.add(struct.unpack_from("<H", body)[0])
        elif record == _COLUMNS and (body[8] & 1 or struct.unpack_from("<H", body, 4)[0] < 256):
            first, last = struct.unpack_from("<2H", body)
            features.hidden_columns.update(range(first, min(last, 255) + 1))
        elif record == _MERGED:
            features.merged += _areas(body)
    return found


def _areas(body: bytes) -> list[tuple[int, int, int, int]]:
    """Return areas of cells, of which there are so many as a body says first."""
    found = []
    (count,) = struct.unpack_from("<H", body)
    for number in range(count):
        first_row, last_row, first, last = struct.unpack_from("<4H", body, 2 + 8 * number)
        found.append((first_row, first, last_row, last))
    return found


def _is_low(body: bytes) -> bool:
    """Tell whether a row has a height of its own at which nothing is seen; in twentieths."""
    (height,) = struct.unpack_from("<H", body, 6)
    return not height & 0x8000 and height < 20 * LEAST_HEIGHT


def _covered(body: bytes, at: int) -> tuple[int, int, int, int]:
    """Return the cells of which a drawing covers half; it says how far into a cell each end is."""
    left, x, top, y, right, to_x, bottom, to_y = struct.unpack_from("<8H", body, at + 2)
    return top + (y > 128), left + (x > 512), bottom - (to_y <= 128), right - (to_x <= 512)


class _StyleRecords:
    """The number formats, fonts and styles of a workbook, as their records come.

    `strings` are the fonts of the parts of shared strings that have parts, by the string's number.
    """

    def __init__(self) -> None:
        self.strings: dict[int, list[int]] = {}
        self._codes = {int(number): code for number, code in BUILT_IN_DISGUISES.items()}
        self._fonts: list[bytes] = []
        self._palette: dict[int, str] = {}
        self._styles: list[bytes] = []

    def add(self, record: int, body: bytes) -> None:
        """Take in a record."""
        if record == _FORMAT:
            number, code = _format_code(body)
            self._codes[number] = code
        elif record == _STYLE:
            self._styles.append(body)
        elif record == _FONT:
            self._fonts.append(body)
        else:
            self._palette = {
                8 + number: body[2 + 4 * number : 5 + 4 * number].hex().upper()
                for number in range((len(body) - 2) // 4)
            }

    def may_hide(self, body: bytes) -> bool:
        """Tell whether a condition gives a look in which a number isn't seen (MS-XLS 2.4.42)."""
        (given,) = struct.unpack_from("<I", body, 6)
        if given & 0x02000000:
            # A number format.
            return True
        at, look = 12, Look()
        if given & 0x04000000:
            size, marks = struct.unpack_from("<i I", body, at + 64)
            (colour,) = struct.unpack_from("<i", body, at + 80)
            kept = struct.unpack_from("<I", body, at + 88)[0]
            look = Look(
                is_struck=bool(marks & ~kept & 0x80),
                colour=BLACK if colour < 0 else self._colour(colour),
                size=size / 20 if size > 0 else 11.0,
            )
            at += 118
        at += 8 * bool(given & 0x08000000) + 8 * bool(given & 0x10000000)
        ground: str | None = WHITE
        if given & 0x20000000:
            ground = self._colour(struct.unpack_from("<H", body, at + 2)[0] >> 7 & 0x7F)
        return unclear_look([look], ground) is not None

    def fonts_of(self, record: int, body: bytes) -> list[int]:
        """Return the fonts of the parts of a text in a cell; none where it has no parts."""
        if record == _SHARED:
            return self.strings.get(struct.unpack_from("<I", body, 6)[0], [])
        if record != _RICH:
            return []
        (length,) = struct.unpack_from("<H", body, 6)
        # Excel 95 has letters of one byte, and counts the parts in one.
        parts = body[8 + length :]
        return list(parts[2 : 1 + 2 * parts[0] : 2]) if parts else []

    def look_at(
        self,
        features: SheetFeatures,
        cell: tuple[int, int],
        number: int,
        fonts: list[int] | None = None,
        *,
        is_number: bool,
    ) -> None:
        """Note what a person sees of a cell of a style otherwise than it is read."""
        style = self._styles[number]
        font, code = struct.unpack_from("<2H", style)
        code = self._codes.get(code, "")
        if is_number and shows_another(code):
            features.disguised.add(cell)
        if is_number and hides_zero(code):
            features.hidden_zeros.add(cell)
        if not is_number and shows_another_text(code):
            features.disguised_texts.add(cell)
        looks = {self._look(font if each < 0 else each) for each in (fonts or [font])}
        if sentence := unclear_look(looks, self._ground(style)):
            features.unclear[cell] = sentence

    def _look(self, number: int) -> Look:
        # There is no fifth font.
        at = number - (number > 4)
        body = self._fonts[at] if at < len(self._fonts) else b""
        if len(body) < 15:
            return Look()
        height, marks, colour, weight, raised, line = struct.unpack_from("<5H B", body)
        is_wide = len(body) == 16 + 2 * body[14]
        begin = 16 - (len(body) == 15 + body[14])
        name = body[begin:].decode("utf-16-le" if is_wide else "latin-1", errors="replace")
        return Look(
            is_struck=bool(marks & 0x8),
            raised=str(raised or ""),
            colour=self._colour(colour),
            size=height / 20,
            name=name,
            others=(str(weight), str(marks & 0x2), str(line)),
        )

    def _colour(self, number: int) -> str:
        return self._palette.get(number) or _COLOURS.get(number, f"indexed {number}")

    def _ground(self, style: bytes) -> str | None:
        """Return the colour behind a cell; the shorter styles of Excel 95 don't say it so."""
        if len(style) < 20:
            return None
        pattern = struct.unpack_from("<I", style, 14)[0] >> 26
        fore = struct.unpack_from("<H", style, 18)[0] & 0x7F
        return self._colour(fore) if pattern == 1 else None if pattern else WHITE


def _rich_strings(blocks: list[bytes]) -> dict[int, list[int]]:
    """Return the fonts of the parts of those shared strings that have parts (MS-XLS 2.4.265).

    A string goes on in the next block, where its letters may have another width. What stands
    before the first part has the font of the cell, which is -1 here.
    """
    found: dict[int, list[int]] = {}
    reader = _Blocks(blocks)
    _, count = struct.unpack("<2I", reader.take(8))
    for number in range(count):
        if reader.is_at_end:
            break
        length, marks = struct.unpack("<H B", reader.take(3))
        parts = struct.unpack("<H", reader.take(2))[0] if marks & 0x8 else 0
        phonetic = struct.unpack("<I", reader.take(4))[0] if marks & 0x4 else 0
        reader.skip_letters(length, is_wide=bool(marks & 1))
        runs = [struct.unpack("<2H", reader.take(4)) for _ in range(parts)]
        reader.take(phonetic)
        fonts = [font for at, font in runs if at < length]
        if fonts:
            found[number] = fonts if runs[0][0] == 0 else [-1, *fonts]
    return found


class _Blocks:
    """The bytes of a record that goes on in others."""

    def __init__(self, blocks: list[bytes]) -> None:
        self._blocks = blocks
        self._block = self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._block >= len(self._blocks) - 1 and self._at >= len(self._blocks[-1])

    def _left(self) -> int:
        return len(self._blocks[self._block]) - self._at

    def take(self, length: int) -> bytes:
        """Return the next bytes, of the next blocks too; IndexError beyond the last."""
        found = b""
        while len(found) < length:
            if not self._left():
                self._block, self._at = self._block + 1, 0
            part = self._blocks[self._block][self._at : self._at + length - len(found)]
            self._at += len(part)
            found += part
        return found

    def skip_letters(self, length: int, *, is_wide: bool) -> None:
        """Pass over the letters of a string; in each new block it is said how wide they are."""
        while length:
            if not self._left():
                self._block, self._at = self._block + 1, 1
                is_wide = bool(self._blocks[self._block][0] & 1)
            width = 1 + is_wide
            here = min(length, max(1, self._left() // width))
            self._at += here * width
            length -= here


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
