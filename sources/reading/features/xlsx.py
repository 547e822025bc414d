"""Features of the sheets of an .xlsx (ECMA-376).

Belongs here: what its XML says beside the cells. Not here: the archive
(sources.reading.features.archive).
"""

import posixpath
import re
import zipfile
from functools import lru_cache
from typing import NamedTuple

from xlsxwriter.utility import xl_cell_to_rowcol

from sources.reading.features.formats import BUILT_IN_DISGUISES, hides_zero, shows_another
from sources.reading.features.sheet import (
    MAX_SHEET_CELLS,
    MAX_SHEETS,
    SheetFeatures,
    UnreadableFile,
    xml_parser,
)

_REFERENCE = re.compile(r"\$?[A-Z]{1,3}\$?[0-9]{1,9}")
#: A row or column so far that the sheet has to be measured before it is read.
_FAR = re.compile(rb" r=[\"'](?:[A-Za-z]{3}|[A-Za-z]{0,2}[0-9]{5})")
#: What a sheet's XML holds only if there is something to look at: a declaration, a formula, merged
#: cells, a prefix that would hide one of them; and what is hidden, spelt to hide a far cell, or an
#: error in place of a value.
_NOTABLE = re.compile(rb"<(?:!|f[ />]|mergeCell |x:)")
_HIDING = (b' hidden="', b"r =", b' t="e"', b" t='e'", b"showZeros")
#: Days that are numbers and no dates would be read four years too early.
_COUNTS_FROM_1904 = re.compile(rb"date1904=[\"'](?:1|true|on)[\"']")

#: Styles that are kept in memory to know them again.
_LARGEST_KEPT = 2**16


def office_open_marks(
    archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo]
) -> dict[str, SheetFeatures]:
    """Return the features of the sheets that have any, by the sheet's name; refuse 1904's calendar.

    `parts` are those of the archive by their names in lower case.
    """
    if _COUNTS_FROM_1904.search(archive.read(parts["xl/workbook.xml"])):
        raise UnreadableFile("other_calendar")
    styles = parts.get("xl/styles.xml")
    disguises = _disguises(archive.read(styles)) if styles else _NONE
    found = {}
    for name, part in parts.items():
        if name.startswith("xl/worksheets/") and name.endswith(".xml"):
            xml = archive.read(part)
            if any(disguises) or _is_notable(xml):
                found[name] = _sheet_features(xml, disguises)
    return _by_sheet(archive, parts, found) if found else {}


def _is_notable(xml: bytes) -> bool:
    return bool(
        _NOTABLE.search(xml) or _FAR.search(xml) or any(spelling in xml for spelling in _HIDING)
    )


class _Disguises(NamedTuple):
    """Numbers of the styles whose format shows another number, or nothing for zero."""

    of_any: frozenset[str] = frozenset()
    of_zero: frozenset[str] = frozenset()


_NONE = _Disguises()


def _disguises(styles: bytes) -> _Disguises:
    return (_disguises_kept if len(styles) <= _LARGEST_KEPT else _disguises_in)(styles)


def _disguises_in(styles: bytes) -> _Disguises:
    codes = dict(BUILT_IN_DISGUISES)
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

    parser = xml_parser()
    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.Parse(styles, True)
    shown = [(str(number), codes.get(each, "")) for number, each in enumerate(formats)]
    return _Disguises(
        frozenset(number for number, code in shown if shows_another(code)),
        frozenset(number for number, code in shown if hides_zero(code)),
    )


# The forms of one office have the same styles.
_disguises_kept = lru_cache(maxsize=64)(_disguises_in)


def _sheet_features(xml: bytes, disguises: _Disguises) -> SheetFeatures:
    """Measure a sheet of an .xlsx, and return what its cells don't say themselves."""
    features = SheetFeatures()
    last_row = last_column = row = column = -1

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal last_row, last_column, row, column
        local = tag.rpartition(":")[2]
        if local == "row":
            row = int(attributes["r"]) - 1 if "r" in attributes else row + 1
            column = -1
            last_row = max(last_row, row)
            if attributes.get("hidden") in ("1", "true"):
                features.hidden_rows.add(row)
        elif local == "c":
            row, column = _position(attributes["r"]) if "r" in attributes else (row, column + 1)
            last_row, last_column = max(last_row, row), max(last_column, column)
            if attributes.get("t") == "e":
                features.errors.add((row, column))
            style = attributes.get("s", "0")
            if style in disguises.of_any:
                features.disguised.add((row, column))
            if style in disguises.of_zero:
                features.hidden_zeros.add((row, column))
        elif local == "sheetView":
            features.hides_zeros = attributes.get("showZeros") in ("0", "false")
        elif local == "f":
            features.formulas.add((row, column))
        elif local == "col" and attributes.get("hidden") in ("1", "true"):
            last = min(int(attributes.get("max", "0")), 16_384)
            features.hidden_columns.update(range(int(attributes.get("min", "1")) - 1, last))
        elif local == "mergeCell":
            first, _, end = attributes.get("ref", "").partition(":")
            features.merged.append((*_position(first), *_position(end or first)))
        if (last_row + 1) * (last_column + 1) > MAX_SHEET_CELLS:
            raise UnreadableFile("spreads_too_far")

    parser = xml_parser()
    parser.StartElementHandler = on_start
    parser.Parse(xml, True)
    return features


# The forms of one office have cells at the same addresses.
@lru_cache(maxsize=10_000)
def _position(reference: str) -> tuple[int, int]:
    """Return (row, column) of an address, from 0; ValueError if it is none."""
    address = reference.upper()
    # XlsxWriter takes what is no address for A1.
    if not _REFERENCE.fullmatch(address):
        raise ValueError("no address")
    row, column = xl_cell_to_rowcol(address)
    return row, column


def _by_sheet(
    archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], found: dict[str, SheetFeatures]
) -> dict[str, SheetFeatures]:
    """Return the features by the names of the sheets whose parts they were found in."""
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
        parser = xml_parser()
        parser.StartElementHandler = handler
        parser.Parse(archive.read(parts[name]), True)
    return {
        sheet: found[targets[related]]
        for sheet, related in names.items()
        if targets.get(related) in found
    }
