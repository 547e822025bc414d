"""What a workbook holds beside its cells, seen before it is parsed: parts, formulas, the hidden.

Belongs here: the limits that keep a hostile workbook from taking the process down, and the features
of sheets, a module a format. Not here: cells (sources.reading.tables) or which features refuse a
file (sources.reading).
"""

from sources.reading.features.archive import archive_features
from sources.reading.features.sheet import (
    MAX_SHEET_CELLS,
    MAX_SHEETS,
    SheetFeatures,
    UnreadableFile,
)
from sources.reading.features.xls import compound_features

__all__ = ["MAX_SHEETS", "MAX_SHEET_CELLS", "SheetFeatures", "UnreadableFile", "workbook_features"]


def workbook_features(kind: str, content: bytes) -> dict[str, SheetFeatures]:
    """Return the features of the sheets that have any, by the sheet's name.

    `kind` is xlsx, ods or xls. Raises UnreadableFile for a workbook that is damaged or locked, that
    acts or reaches out, or that would unpack, or spread, beyond the limits.
    """
    return compound_features(content) if kind == "xls" else archive_features(kind, content)
