"""Features of the sheets of an .ods (OpenDocument 1.3, part 3).

Belongs here: what its XML says beside the cells. Not here: the archive
(sources.reading.features.archive).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from xml.parsers import expat

from xlsxwriter.utility import xl_cell_to_rowcol

from sources.reading.features.formats import is_unit, is_zero
from sources.reading.features.looks import BLACK, WHITE, Look, unclear_look
from sources.reading.features.sheet import (
    LEAST_HEIGHT,
    MAX_SHEET_CELLS,
    SheetFeatures,
    UnreadableFile,
    xml_parser,
)

#: The namespaces, by the prefixes that the reader of cells knows them by.
_PREFIXES = {
    "urn:oasis:names:tc:opendocument:xmlns:office:1.0": "office",
    "urn:oasis:names:tc:opendocument:xmlns:table:1.0": "table",
    "urn:oasis:names:tc:opendocument:xmlns:text:1.0": "text",
    "urn:oasis:names:tc:opendocument:xmlns:style:1.0": "style",
    "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0": "fo",
    "urn:oasis:names:tc:opendocument:xmlns:config:1.0": "config",
    "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0": "draw",
    "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0": "calcext",
}
#: Those in which cells are written.
_OF_CELLS = ("office", "table", "text")

_OPEN_CELLS = ("table:table-cell", "table:covered-table-cell")
_WIDEST = 16_384

#: Points of the units of lengths, and of the columns in which nothing is seen.
_POINTS = {"pt": 1.0, "in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4}
_LEAST_WIDTH = 9.0
#: Points of half an ordinary cell.
_HALF_HEIGHT, _HALF_WIDTH = 7.0, 30.0

#: No number is shown in more letters.
_LONGEST_NUMBER = 100

_PROPERTIES = tuple(
    f"style:{each}-properties" for each in ("text", "table-cell", "table-row", "table-column")
)

_Attributes = dict[str, str]


def open_document_features(
    xml: bytes, styles: bytes | None = None, settings: bytes | None = None
) -> dict[str, SheetFeatures]:
    """Measure the sheets of an .ods, whose cells and rows repeat; return the features of each.

    LibreOffice itself repeats the empty rest of a sheet; only what holds something counts.
    """
    known = _TextStyles()
    if styles is not None:
        parser = _parser(known.begin)
        parser.Parse(styles, True)
    sheets = _Sheets(known)
    parser = _parser(sheets.begin)
    parser.EndElementHandler = lambda tag: sheets.end(_name(tag))
    parser.CharacterDataHandler = sheets.show
    parser.Parse(xml, True)
    if settings is not None and _hides_zeros(settings):
        for features in sheets.found.values():
            features.hides_zeros = True
    return sheets.found


def _parser(begin: Callable[[str, _Attributes], None]) -> expat.XMLParserType:
    parser = xml_parser()

    def on_prefix(prefix: str | None, namespace: str) -> None:
        own = _PREFIXES.get(namespace)
        # Under another prefix the reader of cells wouldn't see them.
        if (own in _OF_CELLS and prefix != own) or (own is None and prefix in _OF_CELLS):
            raise UnreadableFile("written_otherwise")

    def on_start(tag: str, attributes: _Attributes) -> None:
        begin(_name(tag), {_name(key): value for key, value in attributes.items()})

    parser.StartNamespaceDeclHandler = on_prefix
    parser.StartElementHandler = on_start
    return parser


def _name(full: str) -> str:
    """Return a name with the prefix that its namespace has by custom."""
    namespace, _, own = full.rpartition(" ")
    return f"{_PREFIXES.get(namespace, '')}:{own}"


def _hides_zeros(settings: bytes) -> bool:
    """Tell whether a sheet of the workbook is set to show no zeros."""
    is_asked = found = False

    def on_start(_: str, attributes: _Attributes) -> None:
        nonlocal is_asked
        is_asked = "ShowZeroValues" in attributes.values()

    def on_text(text: str) -> None:
        nonlocal found
        found = found or (is_asked and text.strip() == "false")

    parser = xml_parser()
    parser.StartElementHandler = on_start
    parser.CharacterDataHandler = on_text
    parser.Parse(settings, True)
    return found


class _TextStyles:
    """The styles of cells, paragraphs and parts of texts, as far as they change what one sees."""

    def __init__(self) -> None:
        self._own: dict[tuple[str, str], _Attributes] = {}
        self._parent: dict[tuple[str, str], str] = {}
        self._current = ("", "")

    def begin(self, name: str, attributes: _Attributes) -> None:
        """Take in an element of the styles."""
        if name in ("style:style", "style:default-style"):
            family = attributes.get("style:family", "")
            self._current = (family, attributes.get("style:name", ""))
            self._own[self._current] = {}
            self._parent[self._current] = attributes.get("style:parent-style-name", "")
            if given := attributes.get("style:data-style-name"):
                self._own[self._current]["style:data-style-name"] = given
            # Conditions call a style as people do.
            if shown := attributes.get("style:display-name"):
                self._own.setdefault((family, shown), self._own[self._current])
                self._parent.setdefault((family, shown), self._parent[self._current])
        elif name.startswith(":") and name.endswith("-style"):
            # A number format may have a colour.
            self._current = ("number", attributes.get("style:name", ""))
            self._own[self._current] = {}
            self._parent[self._current] = ""
        elif name in _PROPERTIES:
            self._own.get(self._current, {}).update(attributes)

    def of(self, family: str, name: str) -> _Attributes:
        """Return the properties of a style, with those of its parents."""
        chain = []
        while name and (family, name) in self._own and name not in chain:
            chain.append(name)
            name = self._parent[family, name]
        found = dict(self._own.get((family, ""), {})) if family == "table-cell" else {}
        for each in reversed(chain):
            found |= self._own[family, each]
        of_format = self._own.get(("number", found.get("style:data-style-name", "")), {})
        return found | {key: of_format[key] for key in ("fo:color",) if key in of_format}


def _look(properties: _Attributes) -> Look:
    def other(name: str) -> str:
        value = properties.get(name, "")
        return "" if value in ("normal", "none", "400") else value

    # LibreOffice leaves out the style of a plain line.
    kind = properties.get("style:text-line-through-type", "none")
    through = properties.get("style:text-line-through-style", kind)
    raised = properties.get("style:text-position", "").partition(" ")[0]
    colour = properties.get("fo:color", BLACK).lstrip("#").upper()
    size = re.fullmatch(r"([0-9.]+)pt", properties.get("fo:font-size", ""))
    is_hidden = properties.get("text:display") == "none"
    return Look(
        is_struck=through != "none",
        raised="" if raised in ("0%", "0") else raised,
        colour=BLACK if properties.get("style:use-window-font-color") == "true" else colour,
        size=0.0 if is_hidden else float(size[1]) if size else 10.0,
        name=properties.get("style:font-name", ""),
        others=(
            other("fo:font-weight"), other("fo:font-style"), other("style:text-underline-style"),
        ),
    )  # fmt: skip


class _Sheets:
    """The sheets of a content.xml, taken from its elements as they come."""

    def __init__(self, styles: _TextStyles) -> None:
        self.found: dict[str, SheetFeatures] = {}
        self._styles = styles
        self._features = SheetFeatures()
        self._row = self._column = self._repeated = self._last_row = self._last_column = 0
        self._holds_something = False
        self._cell = _ShownCell()
        self._column_styles: list[tuple[int, str]] = []
        self._row_style = ""
        self._conditioned: list[tuple[int, int, int, int]] = []

    def begin(self, name: str, attributes: _Attributes) -> None:
        """Enter an element."""
        features = self._features
        if name == "table:table":
            self._row = self._column = 0
            self._column_styles = []
            sheet = attributes.get("table:name", "")
            self._features = self.found.setdefault(sheet, SheetFeatures())
        elif name == "table:table-column":
            span = int(attributes.get("table:number-columns-repeated", "1"))
            end = self._column + span
            own = self._styles.of("table-column", attributes.get("table:style-name", ""))
            is_narrow = _points(own.get("style:column-width")) < _LEAST_WIDTH
            if is_narrow or attributes.get("table:visibility", "visible") != "visible":
                features.hidden_columns.update(range(self._column, min(end, _WIDEST)))
            style = attributes.get("table:default-cell-style-name", "")
            self._column_styles.append((end, style))
            self._column = end
        elif name == "table:table-row":
            self._column, self._holds_something = 0, False
            self._repeated = int(attributes.get("table:number-rows-repeated", "1"))
            self._row_style = attributes.get("table:default-cell-style-name", "")
            own = self._styles.of("table-row", attributes.get("table:style-name", ""))
            is_low = _points(own.get("style:row-height")) < LEAST_HEIGHT
            if is_low or attributes.get("table:visibility", "visible") != "visible":
                last = min(self._row + self._repeated, self._row + 65_536)
                features.hidden_rows.update(range(self._row, last))
        elif name in _OPEN_CELLS:
            self._begin_cell(attributes)
        elif name == "calcext:conditional-format":
            ranges = attributes.get("calcext:target-range-address", "").split()
            self._conditioned = [area for each in ranges if (area := _area(each))]
        elif name == "calcext:condition":
            given = self._styles.of("table-cell", attributes.get("calcext:apply-style-name", ""))
            if unclear_look([_look(given)], _ground(given)) or "style:data-style-name" in given:
                features.conditional += self._conditioned
        elif name.startswith("calcext:") and attributes.get("calcext:show-value") == "false":
            features.conditional += self._conditioned
        elif name.startswith("draw:"):
            self._begin_drawing(attributes)
            self._cell.begin(name, attributes, self._styles)
        elif name.startswith("style:") or name.endswith("-style"):
            self._styles.begin(name, attributes)
        else:
            self._cell.begin(name, attributes, self._styles)

    def _begin_drawing(self, attributes: _Attributes) -> None:
        """Note the cells of which a drawing covers half, from that in which it begins."""
        if not self._cell.columns or "draw:z-index" not in attributes:
            return
        row, column = last_row, last_column = self._row, self._cell.columns[0]
        if end := _area(attributes.get("table:end-cell-address", "A1")):
            # How far it goes into the cell in which it ends.
            x, y = (_points(attributes.get(f"table:end-{axis}", "0pt")) for axis in "xy")
            last_row = max(row, end[2] - (y < _HALF_HEIGHT))
            last_column = max(column, end[3] - (x < _HALF_WIDTH))
        self._features.covered.append((row, column, last_row, last_column))

    def _begin_cell(self, attributes: _Attributes) -> None:
        row, column, features = self._row, self._column, self._features
        if "table:formula" in attributes:
            features.formulas.add((row, column))
        wide = int(attributes.get("table:number-columns-spanned", "1"))
        high = int(attributes.get("table:number-rows-spanned", "1"))
        if wide * high > 1:
            features.merged.append((row, column, row + high - 1, column + wide - 1))
        span = int(attributes.get("table:number-columns-repeated", "1"))
        kind = attributes.get("office:value-type")
        style = attributes.get("table:style-name") or self._row_style
        if not style and kind:
            style = next((name for end, name in self._column_styles if column < end), "")
        self._cell = _ShownCell(
            range(column, min(column + span, _WIDEST)),
            kind,
            attributes.get("office:value"),
            attributes.get("office:string-value"),
            properties=self._styles.of("table-cell", style) if kind else {},
        )
        self._column += span
        if kind or any(name.endswith(":value-type") for name in attributes):
            self._holds_something = True
            self._last_column = max(self._last_column, self._column)

    def end(self, name: str) -> None:
        """Leave an element."""
        if name == "table:table-row":
            self._row += self._repeated
            if self._holds_something:
                self._last_row = max(self._last_row, self._row)
            if self._last_row * self._last_column > MAX_SHEET_CELLS:
                raise UnreadableFile("spreads_too_far")
        elif name in _OPEN_CELLS:
            cell, features = self._cell, self._features
            places = [(self._row, position) for position in cell.columns]
            if cell.has_note:
                features.comments.update(places)
            if cell.is_disguised:
                features.disguised.update(places)
            if cell.shows_another_text:
                features.disguised_texts.update(places)
            if sentence := cell.unclear:
                features.unclear.update(dict.fromkeys(places, sentence))
        else:
            self._cell.end(name)

    def show(self, text: str) -> None:
        """Take in a piece of text."""
        self._cell.show(text)
        self._features.has_drawn_text |= self._cell.is_in_drawn_text and bool(text.strip())


def _points(length: str | None) -> float:
    """Return a length in points; one that isn't given, or not so, is long enough."""
    found = re.fullmatch(r"([0-9.]+)(pt|in|cm|mm)", length or "")
    return float(found[1]) * _POINTS[found[2]] if found else 100.0


def _ground(properties: _Attributes) -> str:
    colour = properties.get("fo:background-color", "transparent")
    return WHITE if colour == "transparent" else colour.lstrip("#").upper()


def _area(address: str) -> tuple[int, int, int, int] | None:
    """Return the cells of an address such as Raporti.F9:Raporti.F14."""
    first, end = (part.rpartition(".")[2] for part in address.partition(":")[::2])
    try:
        return (*xl_cell_to_rowcol(first), *xl_cell_to_rowcol(end or first))
    except (ValueError, AttributeError, TypeError):
        return None


@dataclass
class _ShownCell:
    """A cell of an .ods: the number that it holds, and the text that it shows instead.

    `shown` is None until a paragraph begins: who writes none leaves the text to the format.
    `text` is what a cell of text states beside that; `properties` are those of its style.
    """

    columns: range = range(0)
    kind: str | None = None
    number: str | None = None
    text: str | None = None
    shown: str | None = None
    properties: _Attributes = field(default_factory=dict)
    has_note: bool = False
    is_in_drawn_text: bool = False
    _drawings: int = 0
    _is_text: bool = False
    _notes: int = 0
    _parts: list[_Attributes] = field(default_factory=list)
    _looks: set[Look] = field(default_factory=set)

    def begin(self, name: str, attributes: _Attributes, styles: _TextStyles) -> None:
        """Enter an element within the cell; what a note says isn't the cell's text."""
        if name == "office:annotation":
            self._notes += 1
            self.has_note = True
        elif name.startswith("draw:"):
            self._drawings += 1
        elif self._drawings:
            self.is_in_drawn_text = self.is_in_drawn_text or name == "text:p"
        elif name == "text:p" and not self._notes:
            self._is_text = True
            # Of several paragraphs each is a line.
            self.shown = "" if self.shown is None else f"{self.shown}\n"
            self._parts.append(styles.of("paragraph", attributes.get("text:style-name", "")))
        elif name == "text:span" and self._is_text:
            self._parts.append(styles.of("text", attributes.get("text:style-name", "")))
        elif name == "text:s":
            self.show(" ")

    def end(self, name: str) -> None:
        """Leave an element within the cell."""
        if name == "office:annotation":
            self._notes -= 1
        elif name.startswith("draw:"):
            self._drawings -= 1
        elif self._drawings:
            self.is_in_drawn_text = self.is_in_drawn_text and name != "text:p"
        elif name in ("text:p", "text:span") and self._is_text:
            self._parts.pop()
            self._is_text = name != "text:p"

    def show(self, text: str) -> None:
        """Take in a piece of text."""
        if self._is_text and len(self.shown or "") < _LONGEST_NUMBER:
            self.shown = f"{self.shown}{text}"
        if self._is_text and text.strip():
            properties = dict(self.properties)
            for part in self._parts:
                properties |= part
            self._looks.add(_look(properties))

    @property
    def unclear(self) -> str | None:
        """The sentence on a cell of which one sees another text than it holds."""
        looks = self._looks or ({_look(self.properties)} if self.kind else set())
        return unclear_look(looks, _ground(self.properties)) if looks else None

    @property
    def shows_another_text(self) -> bool:
        """Whether a cell of text states another than it shows, a unit beside it aside."""
        if self.kind != "string" or self.text is None or self.shown is None:
            return False
        stated, shown = (" ".join(each.split()) for each in (self.text, self.shown))
        if not stated:
            return bool(shown)
        before, _, behind = shown.partition(stated)
        is_same = stated in shown and is_unit(f"{before} {behind}")
        return len(self.shown) < _LONGEST_NUMBER and not is_same

    @property
    def is_disguised(self) -> bool:
        """Whether a number is shown as another: with other digits, or with words of its own."""
        if self.kind == "percentage":
            return True
        if self.kind not in ("float", "currency") or self.shown is None or self.number is None:
            return False
        # A number has no more digits than 15 that can be relied on.
        held = float(f"{float(self.number):.15g}")
        if not isfinite(held):
            return False
        digits = re.sub(r"[^0-9]", "", re.sub(r"[.,][0-9]{1,2}(?![0-9])", "", self.shown))
        is_same = (digits.lstrip("0") or digits[:1]) == str(abs(int(held)))
        if not held and is_zero(self.shown):
            return False
        return not is_same or not is_unit(re.sub(r"[0-9.,'’]+", " ", self.shown))
