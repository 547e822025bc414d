"""Features of the sheets of an .xlsx (ECMA-376).

Belongs here: what its XML says beside the cells. Not here: the archive
(sources.reading.features.archive).
"""

import posixpath
import re
import zipfile
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from xlsxwriter.utility import xl_cell_to_rowcol

from sources.reading.features.formats import (
    BUILT_IN_DISGUISES,
    hides_zero,
    shows_another,
    shows_another_text,
)
from sources.reading.features.looks import BLACK, WHITE, Look, unclear_look
from sources.reading.features.sheet import (
    LEAST_HEIGHT,
    MAX_SHEET_CELLS,
    MAX_SHEETS,
    SheetFeatures,
    UnreadableFile,
    xml_parser,
)

#: Who wrote the comments in the copies that `krat check` marks.
COMMENTS_OF_KRAT = "krat"

_REFERENCE = re.compile(r"\$?[A-Z]{1,3}\$?[0-9]{1,9}")

#: The namespaces of what Excel writes, ordinarily and as “strict”.
_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
#: The elements of a sheet that say something beside its values, by their full names.
_OF_SHEET = {
    f"{namespace} {name}": name
    for namespace in _NAMESPACES
    for name in (
        "c", "row", "v", "f", "is", "col", "sheetView", "mergeCell", "conditionalFormatting",
        "cfRule", "iconSet", "dataBar",
    )
}  # fmt: skip
_OF_STRINGS = {f"{namespace} {name}": name for namespace in _NAMESPACES for name in ("si", "r")}
#: What a reader that looks at names alone takes for cells, in whatever namespace.
_CELLS = ("row", "c", "v", "is")

_TRUE, _FALSE = ("1", "true", "on"), ("0", "false", "off")

#: Colours by their number, or of the theme, that need no definition.
_INDEXED = {"0": BLACK, "1": WHITE, "8": BLACK, "9": WHITE, "64": BLACK, "65": WHITE}
_OF_THEME = {"0": WHITE, "1": BLACK}

#: What of a font tells parts of a text from one another, beside colour and size.
_OTHERS = ("b", "i", "u", "outline", "shadow")

#: How far into a column or row of ordinary size a drawing covers it (EMU): about half.
_HALF = {"col": 200_000, "row": 95_250}

#: Parts that are kept in memory to know them again.
_LARGEST_KEPT = 2**16

_Attributes = dict[str, str]
#: The looks of the parts of a text; None is that of the cell's own style.
_Parts = tuple[Look | None, ...]


@dataclass(frozen=True, eq=False)
class _CellStyles:
    """The styles of cells that show something else than the cell holds, by their numbers.

    `conditional` are numbers of the styles that a condition may give, which do so.
    """

    of_number: frozenset[str] = frozenset()
    of_text: frozenset[str] = frozenset()
    of_zero: frozenset[str] = frozenset()
    unclear: dict[str, str] = field(default_factory=dict)
    looks: dict[str, tuple[Look, str | None]] = field(default_factory=dict)
    conditional: frozenset[str] = frozenset()

    def unclear_parts(self, parts: _Parts, style: str) -> str | None:
        """Return the sentence on a text whose parts look like this, in a cell of a style."""
        own, ground = self.looks.get(style, (Look(), WHITE))
        return unclear_look([own if look is None else look for look in parts], ground)


def office_open_marks(
    archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo]
) -> dict[str, SheetFeatures]:
    """Return the features of the sheets by the sheet's name; refuse 1904's calendar.

    `parts` are those of the archive by their names in lower case.
    """
    book = _book(
        archive.read(parts["xl/workbook.xml"]), archive.read(parts["xl/_rels/workbook.xml.rels"])
    )
    if book.counts_from_1904:
        raise UnreadableFile("other_calendar")
    styles = _PLAIN
    if part := parts.get("xl/styles.xml"):
        xml = archive.read(part)
        styles = (_styles_kept if len(xml) <= _LARGEST_KEPT else _styles_in)(xml)
    part = parts.get("xl/sharedstrings.xml")
    strings = _rich_strings(archive.read(part)) if part else {}
    found = {}
    for sheet, target in book.sheets.items():
        if target not in parts:
            continue
        xml = archive.read(parts[target])
        if strings or len(xml) > _LARGEST_KEPT:
            features = _sheet_features(xml, styles, strings)
        else:
            features = copy(_features_kept(_FILLED_IN.sub(b"", xml), styles))
        features.comments = _comments(archive, parts, target)
        features.covered, features.has_drawn_text = _drawings(archive, parts, target)
        found[sheet] = features
    return found


class _Book(NamedTuple):
    """What a workbook says of itself: the parts of its sheets by their names."""

    sheets: dict[str, str]
    counts_from_1904: bool


# The forms of one office have the same sheets.
@lru_cache(maxsize=64)
def _book(workbook: bytes, relations: bytes) -> _Book:
    related: dict[str, str] = {}
    is_from_1904 = False

    def on_start(tag: str, attributes: _Attributes) -> None:
        nonlocal is_from_1904
        name = tag.rpartition(" ")[2]
        if name == "sheet":
            key = next((v for k, v in attributes.items() if k.endswith(" id")), "")
            related[attributes.get("name", "")] = key
            if len(related) > MAX_SHEETS:
                raise UnreadableFile("too_many_parts")
        # Days that are numbers and no dates would be read four years too early.
        elif name == "workbookPr":
            is_from_1904 = attributes.get("date1904") in _TRUE

    _parse(workbook, on_start)
    targets = _relations(relations, "xl")
    sheets = {name: targets[key] for name, key in related.items() if key in targets}
    return _Book(sheets, is_from_1904)


def _relations(xml: bytes, folder: str) -> dict[str, str]:
    """Return the parts that a part of a folder is related to, in lower case, by their ids."""
    targets: dict[str, str] = {}

    def on_start(tag: str, attributes: _Attributes) -> None:
        if tag.rpartition(" ")[2] == "Relationship":
            target = posixpath.join(f"/{folder}", attributes.get("Target", ""))
            targets[attributes.get("Id", "")] = posixpath.normpath(target).lstrip("/").lower()

    _parse(xml, on_start)
    return targets


def _comments(
    archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], sheet: str
) -> set[tuple[int, int]]:
    """Return the cells of a sheet that have a comment, but for those of krat's own copies."""
    if not any(name.startswith(("xl/comments", "xl/threadedcomments")) for name in parts):
        return set()
    folder, _, file = sheet.rpartition("/")
    relations = parts.get(f"{folder}/_rels/{file}.rels")
    found: set[tuple[int, int]] = set()
    authors: list[str] = []

    def on_start(tag: str, attributes: _Attributes) -> None:
        name = tag.rpartition(" ")[2]
        if name == "author":
            authors.append("")
            parser.CharacterDataHandler = on_author
        elif name in ("comment", "threadedComment"):
            parser.CharacterDataHandler = None
            number = int(attributes.get("authorId", "-1"))
            if not (0 <= number < len(authors) and authors[number] == COMMENTS_OF_KRAT):
                found.add(_position(attributes.get("ref", "")))

    def on_author(text: str) -> None:
        authors[-1] += text

    targets = _relations(archive.read(relations), folder) if relations else {}
    for target in targets.values():
        if "comments/" in target or "/comments" in target:
            authors.clear()
            parser = xml_parser()
            parser.StartElementHandler = on_start
            parser.Parse(archive.read(parts[target]), True)
    return found


def _drawings(
    archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], sheet: str
) -> tuple[list[tuple[int, int, int, int]], bool]:
    """Return the areas below the pictures and text boxes of a sheet, and whether one has a text."""
    found: list[tuple[int, int, int, int]] = []
    ends: dict[str, int] = {}
    corner = element = ""
    has_text = False

    def on_start(tag: str, _: _Attributes) -> None:
        nonlocal corner, element
        element = tag.rpartition(" ")[2]
        if element in ("from", "to"):
            corner = element
        elif element.endswith("Anchor"):
            ends.clear()

    def on_end(tag: str) -> None:
        nonlocal element
        element = ""
        if tag.endswith("CellAnchor") and "from row" in ends:
            first, last = (
                [
                    ends.get(f"{end} {axis}", ends[f"from {axis}"])
                    + (ends.get(f"{end} {axis}Off", 0) > half) * (end == "from")
                    - (ends.get(f"{end} {axis}Off", half + 1) <= half) * (end == "to")
                    for axis, half in (("row", _HALF["row"]), ("col", _HALF["col"]))
                ]
                for end in ("from", "to")
            )
            found.append((first[0], first[1], last[0], last[1]))

    def on_text(text: str) -> None:
        nonlocal has_text
        if element in ("col", "row", "colOff", "rowOff"):
            ends[f"{corner} {element}"] = int(text)
        has_text = has_text or (element == "t" and bool(text.strip()))

    if any(name.startswith("xl/drawings/drawing") for name in parts):
        folder, _, file = sheet.rpartition("/")
        relations = parts.get(f"{folder}/_rels/{file}.rels")
        for target in _relations(archive.read(relations), folder).values() if relations else ():
            if "drawings/drawing" in target and target in parts:
                parser = xml_parser()
                parser.StartElementHandler, parser.EndElementHandler = on_start, on_end
                parser.CharacterDataHandler = on_text
                parser.Parse(archive.read(parts[target]), True)
    return found, has_text


def _parse(xml: bytes, on_start: Callable[[str, _Attributes], None]) -> None:
    parser = xml_parser()
    parser.StartElementHandler = on_start
    parser.Parse(xml, True)


def _styles_in(styles: bytes) -> _CellStyles:
    """Return what the styles of cells hide, each of its own font, ground and number format."""
    codes = dict(BUILT_IN_DISGUISES)
    fonts: list[dict[str, _Attributes]] = []
    fills: list[str | None] = []
    cells: list[_Attributes] = []
    conditional: set[str] = set()
    path: list[str] = []
    font: dict[str, _Attributes] = {}
    fill: dict[str, _Attributes] = {}
    code = ""
    count = -1

    def on_start(tag: str, attributes: _Attributes) -> None:
        nonlocal font, fill, code, count
        name = tag.rpartition(" ")[2]
        above = path[-1] if path else ""
        path.append(name)
        if name == "numFmt":
            code = attributes.get("formatCode", "")
            if above == "numFmts":
                codes[attributes.get("numFmtId", "")] = code
        elif name == "dxf":
            font, fill, code, count = {}, {}, "", count + 1
        elif name == "font":
            font = {}
            if above == "fonts":
                fonts.append(font)
        elif name == "fill":
            fill = {}
        elif above == "font":
            font[name] = attributes
        elif above in ("fill", "patternFill"):
            fill[name] = attributes
        elif name == "xf" and above == "cellXfs":
            cells.append(attributes)

    def on_end(_: str) -> None:
        name = path.pop()
        if name == "fill" and path[-1:] == ["fills"]:
            fills.append(_ground(fill))
        elif name == "dxf":
            ground = _colour(fill.get("bgColor", {}), WHITE) if fill else WHITE
            if unclear_look([_look(font)], ground) or shows_another(code):
                conditional.add(str(count))

    parser = xml_parser()
    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    parser.Parse(styles, True)
    number, text, zero = set(), set(), set()
    unclear: dict[str, str] = {}
    looks: dict[str, tuple[Look, str | None]] = {}
    for position, attributes in enumerate(cells):
        style = str(position)
        code = codes.get(attributes.get("numFmtId", "0"), "")
        number |= {style} if shows_another(code) else set()
        text |= {style} if shows_another_text(code) else set()
        zero |= {style} if hides_zero(code) else set()
        at = int(attributes.get("fontId", "0"))
        look = _look(fonts[at]) if at < len(fonts) else Look()
        at = int(attributes.get("fillId", "0"))
        ground = fills[at] if at < len(fills) else WHITE
        looks[style] = look, ground
        if sentence := unclear_look([look], ground):
            unclear[style] = sentence
    return _CellStyles(
        frozenset(number), frozenset(text), frozenset(zero), unclear, looks, frozenset(conditional)
    )


_styles_kept = lru_cache(maxsize=64)(_styles_in)
_PLAIN = _CellStyles()


def _look(font: dict[str, _Attributes]) -> Look:
    """Return the look of a font, or of the properties of a part of a text."""

    def is_on(name: str) -> bool:
        return name in font and font[name].get("val", "1") not in (*_FALSE, "none")

    name = font.get("name", font.get("rFont", {})).get("val", "")
    return Look(
        is_struck=is_on("strike"),
        raised=font.get("vertAlign", {}).get("val", "").replace("baseline", ""),
        colour=_colour(font.get("color", {}), BLACK),
        size=float(font.get("sz", {}).get("val", "11")),
        name=name,
        others=tuple(each for each in _OTHERS if is_on(each)),
    )


def _colour(attributes: _Attributes, default: str) -> str:
    """Return a colour as RRGGBB, or as words that tell it from others."""
    if "tint" in attributes and float(attributes["tint"]):
        return "|".join(f"{name} {value}" for name, value in sorted(attributes.items()))
    if "rgb" in attributes:
        return attributes["rgb"][-6:].upper()
    if "theme" in attributes:
        return _OF_THEME.get(attributes["theme"], f"theme {attributes['theme']}")
    if "indexed" in attributes:
        return _INDEXED.get(attributes["indexed"], f"indexed {attributes['indexed']}")
    return default


def _ground(fill: dict[str, _Attributes]) -> str | None:
    pattern = fill.get("patternFill", {}).get("patternType", "none")
    if pattern == "solid":
        return _colour(fill.get("fgColor", {}), BLACK)
    return WHITE if pattern == "none" and "gradientFill" not in fill else None


class _RichText:
    """The looks of the parts of one text, taken from its elements as they come."""

    def __init__(self) -> None:
        self.looks: list[Look | None] = []
        self._font: dict[str, _Attributes] | None = None
        self._look: Look | None = None
        self._is_part = self._is_said = False

    def begin(self, name: str, attributes: _Attributes) -> None:
        if name == "r":
            self._is_part, self._is_said, self._look = True, False, None
        elif name == "rPr":
            self._font = {}
        elif self._font is not None:
            self._font[name] = attributes

    def take(self, text: str) -> None:
        if self._is_part and text.strip():
            self._is_said = True

    def end(self, name: str) -> None:
        if name == "rPr" and self._font is not None:
            self._look, self._font = _look(self._font), None
        elif name == "r":
            if self._is_said:
                self.looks.append(self._look)
            self._is_part = False


def _rich_strings(xml: bytes) -> dict[str, _Parts]:
    """Return the looks of the shared strings that have parts, by the number of the string."""
    found: dict[str, _Parts] = {}
    number = -1
    text: _RichText | None = None
    parser = xml_parser()

    def on_start(tag: str, attributes: _Attributes) -> None:
        nonlocal number, text
        name = _OF_STRINGS.get(tag)
        if name == "si":
            number, text = number + 1, None
            parser.EndElementHandler = parser.CharacterDataHandler = None
        elif name == "r" and text is None:
            # Only a text that has parts is looked at any closer.
            text = _RichText()
            parser.EndElementHandler, parser.CharacterDataHandler = on_end, text.take
        if text is not None:
            text.begin(tag.rpartition(" ")[2], attributes)

    def on_end(tag: str) -> None:
        if text is not None:
            text.end(tag.rpartition(" ")[2])
            found[str(number)] = tuple(text.looks)

    parser.StartElementHandler = on_start
    parser.Parse(xml, True)
    return found


def _sheet_features(
    xml: bytes, styles: _CellStyles, strings: dict[str, _Parts] | None = None
) -> SheetFeatures:
    """Measure a sheet of an .xlsx, and return what its cells don't say themselves.

    `strings` are the shared strings that have parts.
    """
    features = SheetFeatures()
    last_row = last_column = row = column = -1
    style = "0"
    holds_string = False
    text: _RichText | None = None
    pieces: list[str] = []
    conditioned: list[tuple[int, int, int, int]] = []
    of_number, of_text, of_zero = styles.of_number, styles.of_text, styles.of_zero
    unclear = styles.unclear
    parser = xml_parser()

    def spread() -> None:
        nonlocal last_row, last_column
        last_row, last_column = max(last_row, row), max(last_column, column)
        if (last_row + 1) * (last_column + 1) > MAX_SHEET_CELLS:
            raise UnreadableFile("spreads_too_far")

    def on_start(tag: str, attributes: _Attributes) -> None:
        nonlocal row, column, style, holds_string, text
        name = _OF_SHEET.get(tag)
        if text is not None:
            text.begin(tag.rpartition(" ")[2], attributes)
        elif name == "c":
            row, column = _position(attributes["r"]) if "r" in attributes else (row, column + 1)
            if row > last_row or column > last_column:
                spread()
            kind = attributes.get("t")
            holds_string = kind == "s"
            if kind == "e":
                features.errors.add((row, column))
            style = attributes.get("s", "0")
            if style in of_number:
                features.disguised.add((row, column))
            if style in of_text:
                features.disguised_texts.add((row, column))
            if style in of_zero:
                features.hidden_zeros.add((row, column))
            if style in unclear:
                features.unclear[row, column] = unclear[style]
        elif name == "v":
            if strings and holds_string:
                pieces.clear()
                parser.EndElementHandler, parser.CharacterDataHandler = on_end, pieces.append
        elif name == "row":
            row = int(attributes["r"]) - 1 if "r" in attributes else row + 1
            column = -1
            spread()
            if attributes.get("hidden") in _TRUE or _is_nothing(attributes.get("ht"), LEAST_HEIGHT):
                features.hidden_rows.add(row)
        elif name == "is":
            text = _RichText()
            parser.EndElementHandler, parser.CharacterDataHandler = on_end, text.take
        elif name == "f":
            features.formulas.add((row, column))
        elif name == "col":
            if attributes.get("hidden") in _TRUE or _is_nothing(attributes.get("width")):
                last = min(int(attributes.get("max", "0")), 16_384)
                features.hidden_columns.update(range(int(attributes.get("min", "1")) - 1, last))
        elif name == "mergeCell":
            features.merged.append(_area(attributes.get("ref", "")))
        elif name == "sheetView":
            features.hides_zeros = attributes.get("showZeros") in _FALSE
        elif name == "conditionalFormatting":
            conditioned[:] = map(_area, attributes.get("sqref", "").split())
        elif name in ("cfRule", "iconSet", "dataBar"):
            hides = attributes.get("dxfId") in styles.conditional
            if hides or attributes.get("showValue") in _FALSE:
                features.conditional += conditioned
        # A reader that looks at names alone would take it for a cell, and Excel doesn't.
        elif name is None and tag.rpartition(" ")[2] in _CELLS:
            raise UnreadableFile("damaged")

    def on_end(tag: str) -> None:
        nonlocal text
        if text is None:
            parts = (strings or {}).get("".join(pieces).strip(), ())
        else:
            name = tag.rpartition(" ")[2]
            text.end(name)
            if name != "is":
                return
            parts, text = tuple(text.looks), None
        parser.EndElementHandler = parser.CharacterDataHandler = None
        if parts and (sentence := styles.unclear_parts(parts, style)):
            features.unclear[row, column] = sentence

    parser.StartElementHandler = on_start
    parser.Parse(xml, True)
    return features


# Forms of one office are alike but for their numbers and the month at the foot of their pages, on
# which no feature rests.
_FILLED_IN = re.compile(rb"<v>[0-9]*</v>|<oddFooter>[^<]*</oddFooter>")
_features_kept = lru_cache(maxsize=256)(_sheet_features)


def _is_nothing(size: str | None, least: float = 1) -> bool:
    """Tell whether a row is so high, or a column so wide, that nothing of it is seen."""
    return size is not None and float(size) < least


def _area(reference: str) -> tuple[int, int, int, int]:
    first, _, end = reference.partition(":")
    return (*_position(first), *_position(end or first))


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
