"""Code lists: what a coded column may say, as versioned files, with their crosswalk to HTCDS 2.0.

Belongs here: reading `code_lists/<list>-<version>.csv` and the crosswalk beside them. Not here:
which column uses which list (the layouts) or lists that change with the country (the registers).

A list that was used is never edited in its codes: a changed one is a file of the next version, and
the layout that wants it says so.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CODE_LISTS = Path(__file__).resolve().parent / "code_lists"
HTCDS = CODE_LISTS / "htcds"


@dataclass(frozen=True)
class Code:
    """A code of a version of a list: how it may be written, and its term in HTCDS 2.0.

    `aliases` are further ways of writing it, beside the code and both names. `missing_kind` is set
    for a code that says nothing (unknown). `htcds_match` tells how the code lies to the term:
    exact, narrower or broader than it, or extension where HTCDS has none; then `htcds_note` says
    why.
    """

    code_list: str
    version: int
    code: str
    name_sq: str
    name_en: str
    aliases: tuple[str, ...]
    missing_kind: str | None
    htcds_match: str
    htcds_field: str | None
    htcds_value: str | None
    htcds_note: str | None

    @property
    def written(self) -> tuple[str, ...]:
        """Every way in which a cell may say the code."""
        return (self.code, self.name_sq, self.name_en, *self.aliases)


@cache
def load_codes() -> tuple[Code, ...]:
    """Return every code of every version of every list, in the order of the files.

    Raises KeyError for a code without a row in the crosswalk.
    """
    crosswalk = {
        (row["code_list"], row["version"], row["code"]): row
        for row in _rows(HTCDS / "crosswalk-2.0.csv")
    }
    found: list[Code] = []
    for path in sorted(CODE_LISTS.glob("*.csv")):
        name, _, version = path.stem.rpartition("-")
        for row in _rows(path):
            term = crosswalk[name, version, row["code"]]
            found.append(
                Code(
                    code_list=name,
                    version=int(version),
                    code=row["code"],
                    name_sq=row["name_sq"],
                    name_en=row["name_en"],
                    aliases=tuple(filter(None, row["aliases"].split("|"))),
                    missing_kind=row["missing_kind"] or None,
                    htcds_match=term["match"],
                    htcds_field=term["htcds_field"] or None,
                    htcds_value=term["htcds_value"] or None,
                    htcds_note=term["note"] or None,
                )
            )
    return tuple(found)


def codes_of(list_id: str) -> tuple[Code, ...]:
    """Return the codes of a list's version (`events-2`), or of all its versions (`events`).

    Raises KeyError for a list that there is not.
    """
    name, _, version = list_id.rpartition("-")
    found = tuple(
        code
        for code in load_codes()
        if code.code_list == list_id or (code.code_list == name and str(code.version) == version)
    )
    if not found:
        raise KeyError(list_id)
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
