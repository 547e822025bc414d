"""What a workbook holds beside its cells, seen before it is parsed: parts, formulas, the hidden.

Belongs here: the limits that keep a hostile workbook from taking the process down, and the marks of
sheets, a module a format. Not here: cells (sources.tables) or which marks refuse a file
(sources.reading).
"""

from sources.marks.archive import archive_marks
from sources.marks.sheet import MAX_SHEET_CELLS, MAX_SHEETS, Marks, UnreadableFile
from sources.marks.xls import compound_marks

__all__ = ["MAX_SHEETS", "MAX_SHEET_CELLS", "Marks", "UnreadableFile", "workbook_marks"]


def workbook_marks(kind: str, content: bytes) -> dict[str, Marks]:
    """Return the marks of the sheets that have any, by the sheet's name.

    `kind` is xlsx, ods or xls. Raises UnreadableFile for a workbook that is damaged or locked, that
    acts or reaches out, or that would unpack, or spread, beyond the limits.
    """
    return compound_marks(content) if kind == "xls" else archive_marks(kind, content)
