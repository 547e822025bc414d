"""Layouts: what a file of a kind looks like, as data.

Belongs here: loading the layout files beside the sources and looking up codes in their lists.
Not here: finding a layout's parts in a file (sources.reading).
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process

from sources.codes import codes_of
from sources.datafiles import read_yaml
from sources.identities import PIECES
from sources.registers import Registers, register_rows
from sources.values import Cell, cell_text, code_key, heading_key, load_words, plain

SOURCES = Path(__file__).resolve().parent

#: Written text, made comparable by code_key, to its code.
CodeList = dict[str, str]

_KINDS = {
    "count", "code", "text_code", "month", "date", "timestamp", "key", "identity", "form_key",
    "unit", "indicator_name", "dropped",
}  # fmt: skip

#: Ways of writing that are kept with their code: so many, of so many letters at most.
_MOST_KEPT = 10_000
_LONGEST_KEPT = 200

#: How like a name, of 100, what is offered for it has to be; a part counts less than the whole.
_LIKE = 75
_PART = 0.9
_SHORTEST_PART = 3
_SOON_READ = 8
_LONGEST_ABBREVIATION = 6

_STATED_KINDS = {"count", "code", "text_code", "date", "timestamp"}

#: A code list by its name and version: events-2.
VERSIONED = re.compile(r"[a-z_]+-[0-9]+")


@dataclass(frozen=True)
class Column:
    """A column of a layout.

    `place` is head (written once for the file, beside a label or repeated in each row) or row.
    `required` wants the column, `filled` wants something in each of its cells. `key` names the
    kind of code that a key column holds, `identity` the kind of identity of an identity column,
    which is kept as the pseudonyms of its pieces. A unit and an indicator's name are compared with
    the register and not kept. Columns of kind dropped are known and never read.
    `choices` are what a form offers to choose from. `namespace` says who gives out the codes of a
    key column, county or institution: case 1 of two of them are two cases. `asked_where` names
    another column, and the codes of it for which this one is asked: elsewhere a blank cell does
    not apply.
    `largest` is the largest count that one of its cells can hold.
    """

    name: str
    headings: tuple[str, ...]
    kind: str
    purpose: str
    place: str = "row"
    code_lists: tuple[str, ...] = ()
    required: bool = True
    filled: bool = False
    key: str | None = None
    identity: str | None = None
    choices: tuple[str, ...] = ()
    namespace: str = "county"
    asked_where: tuple[str, frozenset[str]] | None = None
    largest: int | None = None

    @property
    def is_read(self) -> bool:
        """Whether its cells say something; a printed name alone reports nothing."""
        return self.kind not in ("dropped", "indicator_name")

    @property
    def is_stated(self) -> bool:
        """Whether a record keeps, beside the column's value, which kind of nothing it has."""
        return self.place == "row" and not self.filled and self.kind in _STATED_KINDS

    @property
    def pseudonyms(self) -> dict[str, str]:
        """The raw columns in which this column is kept as pseudonyms, each with its purpose."""
        if self.key is not None:
            return {self.name: self.key}
        pieces = PIECES[self.identity] if self.identity is not None else {}
        return {column.format(name=self.name): purpose for column, purpose in pieces.items()}


@dataclass(frozen=True, eq=False)
class Layout:
    """How files of one form look, and the raw table their rows go to.

    The form is good for files that arrive from `valid_from` to `valid_to`, or still where that is
    None; one that arrives later is read all the same, and told. What breaks a rule in a row refuses
    the file, or where `refuses` is row that row alone.
    """

    id: str
    valid_from: date
    source: str
    table: str
    frequency: str
    columns: tuple[Column, ...]
    code_lists: dict[str, CodeList]
    sheet: str | None = None
    county_code: str | None = None
    institution_code: str | None = None
    valid_to: date | None = None
    refuses: str = "file"

    @cached_property
    def by_heading(self) -> dict[str, Column]:
        """The columns by each of their headings (heading_key)."""
        return {heading_key(text): column for column in self.columns for text in column.headings}

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @cached_property
    def code_list_ids(self) -> list[str]:
        """The versioned code lists that the layout reads by: events-2, ..."""
        return sorted(
            {
                name
                for column in self.columns
                for name in column.code_lists
                if VERSIONED.fullmatch(name)
            }
        )

    def missing_codes(self, column: Column) -> dict[str, str]:
        """Return the codes of a column that say nothing, each with the kind of nothing."""
        return {
            code.code: code.missing_kind
            for name in column.code_lists
            if VERSIONED.fullmatch(name)
            for code in codes_of(name)
            if code.missing_kind
        }

    def codes(self, column: Column, registers: Registers) -> CodeList:
        """Return the codes that a column may hold, from the layout's lists and the registers."""
        lists = [
            registers.written[name.removeprefix("register:")]
            if name.startswith("register:")
            else self.code_lists[name] | _code_list(registers.added_codes.get(name, {}))
            for name in column.code_lists
        ]
        return (
            lists[0]
            if len(lists) == 1
            else {key: code for one in lists for key, code in one.items()}
        )


@cache
def load_layouts(folder: Path = SOURCES) -> tuple[Layout, ...]:
    """Return every layout in `<folder>/<source>/layout*.yml`.

    Raises ValueError for a layout with an unknown kind, a missing code list, or two codes that
    are written alike.
    """
    return tuple(_load(path) for path in sorted(folder.glob("*/layout*.yml")))


def heading_of(layout_id: str | None, column: str | None) -> str:
    """Return how a layout heads a column in Albanian; the column's name where it has none."""
    return next(
        (
            each.headings[0]
            for layout in load_layouts()
            for each in layout.columns
            if (layout.id, each.name) == (layout_id, column)
        ),
        str(column),
    )


class Written(dict[Cell, str | None]):
    """Cells to codes by a code list, or to None: each way of writing is looked up once."""

    def __init__(self, codes: CodeList) -> None:
        super().__init__()
        self._codes = codes

    def __missing__(self, cell: Cell) -> str | None:
        code = lookup(self._codes, cell)
        # True and 1 are one key of a dict and two texts; and what is wild is not kept.
        if type(cell) is str and len(cell) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[cell] = code
        return code


@lru_cache(maxsize=512)
def codes_by_column(layout: Layout, registers: Registers) -> dict[str, Written]:
    """Return the codes that each column of a layout may hold."""
    return {column.name: Written(layout.codes(column, registers)) for column in layout.columns}


@dataclass(frozen=True)
class KnownForms:
    """The layouts known on a day, by their ids (plain), and the headings of ids (heading_key)."""

    by_id: dict[str, Layout]
    headings: frozenset[str]


@lru_cache(maxsize=64)
def known_forms(day: date) -> KnownForms:
    """Return the forms that a file may have that arrives on a day: none that is yet to begin."""
    layouts = sorted(load_layouts(), key=lambda layout: layout.valid_from)
    by_id = {plain(layout.id): layout for layout in layouts if layout.valid_from <= day}
    return KnownForms(
        by_id=by_id,
        headings=frozenset(
            heading_key(heading)
            for layout in by_id.values()
            for column in layout.columns
            if column.name == "layout_id"
            for heading in column.headings
        ),
    )


def form_key(
    layout_id: str, county_code: str, institution_code: str | None, month: date | None
) -> str:
    """Return the key of a form: eight hex digits over what its head says.

    It finds a head that was altered by mistake. It is no proof of who sent the form.
    """
    stated = f"{layout_id}|{county_code}|{institution_code}|{month}"
    return hashlib.sha256(stated.encode()).hexdigest()[:8]


def lookup(codes: CodeList, cell: Cell) -> str | None:
    """Return the code for what a cell says, or None. Spelling must match; case need not."""
    return codes.get(code_key(cell)) if code_key(cell) else None


@cache
def unit_names() -> CodeList:
    """Return how units may be written (code_key), with the code of each: their names and words."""
    found = {code_key(word): unit for unit, words in load_words().units.items() for word in words}
    for row in register_rows(SOURCES / "submissions", "units"):
        found |= {code_key(row[name]): row["unit"] for name in ("unit", "name_sq", "name_en")}
    return found


def candidates(column: Column, cell: Cell, registers: Registers, county_code: str) -> list[str]:
    """Return names of the register or list that a cell may mean: shown, never chosen.

    Of institutions those of the county. At most three, the likeliest first.
    """
    written = plain(cell)
    if "register:indicators" in column.code_lists and not re.search(r"[^\W\d]", written):
        written = re.sub(r"[-–_,/\s]+", ".", written)
    names = _names(column, registers, county_code)
    if "register:institutions" in column.code_lists:
        # The police of Vlorë are not those of Fier, however alike their names are; and of letters
        # that stand for words none is like another.
        elsewhere = _other_counties(registers, county_code).intersection(
            re.findall(r"\w+", written)
        )
        own = elsewhere | _abbreviations(cell_text(cell))
        names = {key: shown for key, shown in names.items() if own.issubset(key.split())}
        # A border police is not the police, though a county has no other.
        if types := registers.types_written(code_key(cell), county_code):
            names = {
                key: shown
                for key, shown in names.items()
                if registers.institution_places[shown.split()[0]][0] in types
            }
        if len(written) <= _LONGEST_ABBREVIATION and " " not in written:
            names = {key: shown for key, shown in names.items() if written in key}
    return likeliest(written, names)


def _abbreviations(text: str) -> set[str]:
    """Return the abbreviations (plain) in a name of several words; a code has none."""
    words = re.findall(r"\w+", text)
    if len(words) < 2 or re.search("[0-9]", text) or max(map(len, words)) > _LONGEST_ABBREVIATION:
        words = [] if text == text.upper() else words
    return {plain(word) for word in words if word.isupper() and len(word) > 1 and word.isalpha()}


@lru_cache(maxsize=64)
def _other_counties(registers: Registers, county_code: str) -> frozenset[str]:
    """Return the names (plain) of counties other than one."""
    return frozenset(
        plain(name)
        for code, names in registers.county_names.items()
        for name in names
        if code != county_code and " " not in name
    )


@cache
def short_list(column: Column) -> tuple[str, ...]:
    """Return all that a column can say, in Albanian, where that is soon read; else nothing.

    For a cell that is like none of it: 15 in place of an age group.
    """
    lists = [name for name in column.code_lists if VERSIONED.fullmatch(name)]
    names = column.choices or tuple(code.name_sq for name in lists for code in codes_of(name))
    return names if len(names) <= _SOON_READ else ()


@lru_cache(maxsize=64)
def _names(column: Column, registers: Registers, county_code: str) -> dict[str, str]:
    """Return what a cell of a column may say (plain), and how that is shown."""
    names: dict[str, str] = {}
    for list_id in filter(VERSIONED.fullmatch, column.code_lists):
        names |= {plain(text): text for code in codes_of(list_id) for text in code.written}
        names |= {plain(text): text for text in registers.added_codes.get(list_id, ())}
    if "register:institutions" in column.code_lists:
        own = {
            code: code for code, county in registers.institutions.items() if county == county_code
        }
        aliases = [
            (alias, code)
            for alias, codes in registers.institution_aliases.items()
            for code in codes
            if code in own
        ]
        # The register's own name comes before its aliases, and is shown.
        for alias, code in reversed(aliases):
            own[code] = f"{code} {alias}"
        names |= {plain(text): own[code] for text, code in aliases}
        names |= {plain(code): label for code, label in own.items()}
    elif "register:municipalities" in column.code_lists:
        names = {plain(name): name for name in registers.municipality_names.values()}
        names |= {
            plain(alias): registers.municipality_names.get(code, alias)
            for alias, code in registers.municipality_aliases.items()
        }
    elif "register:counties" in column.code_lists:
        names = {plain(code): code for code in registers.counties}
        names |= {
            plain(text): f"{code} {written[0]}"
            for code, written in registers.county_names.items()
            for text in (code, *written)
        }
    elif "register:indicators" in column.code_lists:
        shown: dict[frozenset[str], str] = {}
        for name, codes in registers.indicator_names.items():
            shown.setdefault(codes, f"{' / '.join(sorted(codes))} {name[:60]}")
            names[plain(name)] = shown[codes]
        names |= {plain(code): code for code in registers.indicators}
    for register in ("publications", "figure_labels", "figure_remarks"):
        if f"register:{register}" in column.code_lists:
            names |= {plain(text): text for text in registers.written[register]}
    return names


def likeliest(written: str, names: dict[str, str]) -> list[str]:
    """Return the three values of `names` whose keys are most like `written`; both are `plain`.

    A part is like the whole, but less than the whole is like itself.
    """
    # A cell of a megabyte is no name.
    if len(written) > _LONGEST_KEPT:
        return []
    keys = list(names)
    like = {
        key: score
        for key, score, _ in process.extract(
            written, keys, scorer=fuzz.ratio, limit=None, score_cutoff=_LIKE
        )
    }
    if len(written) >= _SHORTEST_PART:
        for key, score, _ in process.extract(
            written, keys, scorer=fuzz.partial_ratio, limit=None, score_cutoff=_LIKE / _PART
        ):
            if len(key) >= _SHORTEST_PART:
                like[key] = max(like.get(key, 0), _PART * score)
    # 2.1.1 is the beginning of 2.1.1.1, and only the end of that of 1.2.1.1.
    ranked = sorted(like, key=lambda key: (-like[key], not key.startswith(written), len(key)))
    # Several ways of writing one name are one candidate.
    return list(dict.fromkeys(names[key] for key in ranked))[:3]


def _load(path: Path) -> Layout:
    content: dict[str, Any] = read_yaml(path)
    lists = {name: _code_list(codes) for name, codes in content.pop("code_lists", {}).items()}
    columns = tuple(_column(entry) for entry in content.pop("columns"))
    for column in columns:
        if (
            column.kind not in _KINDS
            or (column.kind == "key") != (column.key is not None)
            or (column.kind == "identity") != (column.identity in PIECES)
        ):
            raise ValueError(f"{path}: column {column.name} has a wrong kind")
        for name in column.code_lists:
            if VERSIONED.fullmatch(name):
                lists[name] = _code_list(
                    {text: code.code for code in codes_of(name) for text in code.written}
                )
            elif not name.startswith("register:") and name not in lists:
                raise ValueError(f"{path}: column {column.name} has no code list {name}")
    return Layout(columns=columns, code_lists=lists, **content)


def _column(entry: dict[str, Any]) -> Column:
    entry = dict(entry)
    named = entry.pop("code_list", [])
    asked_where = entry.pop("asked_where", None)
    if asked_where:
        ((other, codes),) = asked_where.items()
        entry["asked_where"] = (other, frozenset(codes))
    return Column(
        headings=tuple(entry.pop("headings")),
        code_lists=tuple([named] if isinstance(named, str) else named),
        choices=tuple(entry.pop("choices", [])),
        **entry,
    )


def _code_list(codes: list[str] | dict[str, str]) -> CodeList:
    written = codes if isinstance(codes, dict) else {code: code for code in codes}
    found: CodeList = {}
    for text, code in written.items():
        if found.setdefault(code_key(text), code) != code:
            raise ValueError(f"two codes are written alike: {code}")
    return found
