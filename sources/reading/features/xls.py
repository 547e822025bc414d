"""Features of the sheets of an .xls (Microsoft, MS-XLS).

Belongs here: the records of its workbook stream. Not here: their cells (sources.reading.tables).
"""

import io
import struct
from collections.abc import Iterator

from olefile import OleFileIO

from sources.reading.features.formats import BUILT_IN_DISGUISES, hides_zero, shows_another
from sources.reading.features.sheet import SheetFeatures, UnreadableFile

#: Records of the workbook stream of an .xls (Microsoft, MS-XLS 2.4), and the kinds of sheets in it
#: that hold cells, or macros of Excel 4.
_BOF, _SHEET, _LOCKED, _FROM_1904 = 0x0809, 0x0085, 0x002F, 0x0022
_FORMULA, _ROW, _COLUMNS, _MERGED = 0x0006, 0x0208, 0x007D, 0x00E5
_TRUTH_OR_ERROR, _VIEW = 0x0205, 0x023E
_FORMAT, _STYLE, _SEVERAL = 0x041E, 0x00E0, 0x00BD
_NUMBERS = (0x0203, 0x027E, _SEVERAL)
_CELLS, _MACROS = 0, 1


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
                raise UnreadableFile("no_table")
            return _stream_features(file.openstream(name).read())
    except (KeyboardInterrupt, SystemExit, MemoryError, UnreadableFile):
        raise
    # A damaged file makes its reader fail in ways that it doesn't name.
    except Exception:
        raise UnreadableFile("damaged") from None


def _stream_features(stream: bytes) -> dict[str, SheetFeatures]:
    found: dict[str, SheetFeatures] = {}
    by_start: dict[int, SheetFeatures] = {}
    codes = {int(number): code for number, code in BUILT_IN_DISGUISES.items()}
    formats: list[int] = []
    features = SheetFeatures()
    for start, record, body in _records(stream):
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
                code = codes.get(formats[style], "")
                if shows_another(code):
                    features.disguised.add((row, first + each))
                if hides_zero(code):
                    features.hidden_zeros.add((row, first + each))
        elif record == _VIEW:
            features.hides_zeros = not struct.unpack_from("<H", body)[0] & 0x10
        elif record == _TRUTH_OR_ERROR and body[7]:
            features.errors.add(struct.unpack_from("<2H", body))
        elif record == _ROW and body[12] & 0x20:
            features.hidden_rows.add(struct.unpack_from("<H", body)[0])
        elif record == _COLUMNS and body[8] & 1:
            first, last = struct.unpack_from("<2H", body)
            features.hidden_columns.update(range(first, min(last, 255) + 1))
        elif record == _MERGED:
            (count,) = struct.unpack_from("<H", body)
            for number in range(count):
                first_row, last_row, first, last = struct.unpack_from("<4H", body, 2 + 8 * number)
                features.merged.append((first_row, first, last_row, last))
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
