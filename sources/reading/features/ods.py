"""Features of the sheets of an .ods (OpenDocument 1.3, part 3).

Belongs here: what its XML says beside the cells. Not here: the archive
(sources.reading.features.archive).
"""

import re
from dataclasses import dataclass
from math import isfinite

from sources.reading.features.formats import is_unit
from sources.reading.features.sheet import (
    MAX_SHEET_CELLS,
    SheetFeatures,
    UnreadableFile,
    xml_parser,
)

_OPEN_CELLS = ("table-cell", "covered-table-cell")

#: No number is shown in more letters.
_LONGEST_NUMBER = 100


def open_document_features(xml: bytes) -> dict[str, SheetFeatures]:
    """Measure the sheets of an .ods, whose cells and rows repeat; return the features of each.

    LibreOffice itself repeats the empty rest of a sheet; only what holds something counts.
    """
    found: dict[str, SheetFeatures] = {}
    features = SheetFeatures()
    row = column = repeated = last_row = last_column = 0
    holds_something = False
    cell = _ShownCell()

    def on_start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal features, row, column, repeated, last_row, last_column, holds_something, cell
        local = tag.rpartition(":")[2]
        if local == "table":
            row = column = 0
            features = found.setdefault(attributes.get("table:name", ""), SheetFeatures())
        elif local == "table-column":
            span = int(attributes.get("table:number-columns-repeated", "1"))
            if attributes.get("table:visibility", "visible") != "visible":
                features.hidden_columns.update(range(column, min(column + span, 16_384)))
            column += span
        elif local == "table-row":
            column, holds_something = 0, False
            repeated = int(attributes.get("table:number-rows-repeated", "1"))
            if attributes.get("table:visibility", "visible") != "visible":
                features.hidden_rows.update(range(row, min(row + repeated, row + 65_536)))
        elif local in _OPEN_CELLS:
            if "table:formula" in attributes:
                features.formulas.add((row, column))
            wide = int(attributes.get("table:number-columns-spanned", "1"))
            high = int(attributes.get("table:number-rows-spanned", "1"))
            if wide * high > 1:
                features.merged.append((row, column, row + high - 1, column + wide - 1))
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
                features.disguised.update((row, position) for position in cell.columns)
        else:
            cell.end(local)

    parser = xml_parser()
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
        held = float(self.number)
        if not isfinite(held):
            return False
        digits = re.sub(r"[^0-9]", "", re.sub(r"[.,][0-9]{1,2}(?![0-9])", "", self.shown))
        is_same = (digits.lstrip("0") or digits[:1]) == str(abs(int(held)))
        return not is_same or not is_unit(re.sub(r"[0-9.,'’]+", " ", self.shown))
