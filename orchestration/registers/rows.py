"""Rows of the registers, krat's and the office's, each with the line that it is from.

Belongs here: reading the office's files and uniting their rows with krat's. Not here: what a row
must hold (check), or which set of rows is in use (in_use).
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.registers.declaration import Register, declared
from sources.registers import register_rows
from sources.texts import LANGUAGES, Language, both, text

#: The column by which the office takes one of krat's rows out.
WITHDRAWN = "withdrawn"

#: How the office may part the cells of a file: Excel in Albanian writes semicolons.
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class RegisterLine:
    """A row of a register, and the line of the office's file that it is from; 0 is krat's own."""

    values: dict[str, str]
    number: int = 0


@dataclass(frozen=True)
class RegisterProblem:
    """What is wrong with a file of the office's registers, and where; it quotes no cell.

    `line` counts from 1, the headings; it and `column` are None where the whole file is meant.
    """

    register: str
    line: int | None
    column: str | None
    message_sq: str
    message_en: str

    def sentence(self, language: Language) -> str:
        """Return the place, as file:line and column, and the message."""
        place = f"{self.register}.csv"
        place += "" if self.line is None else f":{self.line}"
        place += "" if self.column is None else f" {self.column}"
        return f"{place}: {self.message_sq if language == 'sq' else self.message_en}"


def register_problem(
    rule: str,
    register: str,
    line: int | None = None,
    column: str | None = None,
    /,
    **values: object,
) -> RegisterProblem:
    """Return a problem in the words of its rule (sources/texts/office_registers.yml)."""
    sq, en = (
        text(f"office_registers.problems.{rule}", language, **values) for language in LANGUAGES
    )
    return RegisterProblem(register, line, column, sq, en)


class BrokenRegisters(ValueError):
    """The office's registers can't be used; `problems` say why, in the order of their places."""

    def __init__(self, problems: list[RegisterProblem]) -> None:
        super().__init__(both("office_registers.broken", number=len(problems)))
        self.problems = problems


@dataclass
class Rows:
    """The rows of every register by their keys, and what was wrong with the office's files."""

    of: dict[str, dict[tuple[str, ...], RegisterLine]] = field(default_factory=dict)
    #: Lines of the office by which one of krat's rows was taken out.
    withdrawn: dict[str, dict[tuple[str, ...], int]] = field(default_factory=dict)
    problems: list[RegisterProblem] = field(default_factory=list)

    def values(self, register: str) -> Iterator[dict[str, str]]:
        """Yield the rows of a register without their lines."""
        return (line.values for line in self.of[register].values())


def unite(shipped: Path, office: Path) -> Rows:
    """Return krat's rows, in the folder `shipped`, with the office's over them.

    A row of the office replaces the row of the same key, or takes it out where its column
    `withdrawn` says yes; any other is added.
    """
    rows = Rows()
    for name, register in declared().items():
        rows.of[name] = {
            _key(register, values): RegisterLine(values) for values in register_rows(shipped, name)
        }
        rows.withdrawn[name] = {}
    for path in office_files(office):
        register_of_file = declared().get(path.stem)
        if register_of_file is None or path.suffix != ".csv":
            known = ", ".join(sorted(name for name, each in declared().items() if not each.kept))
            rows.problems.append(_of_file("unknown_register", path, known=known))
        elif register_of_file.kept == "whole":
            rows.problems.append(_of_file("kept_register", path))
        else:
            _add(rows, register_of_file, path)
    return rows


def office_files(office: Path) -> list[Path]:
    """Return the files of the office's registers, in the order of their names."""
    if not office.is_dir():
        return []
    return sorted(path for path in office.iterdir() if not path.name.startswith((".", "~$")))


def write_rows(rows: Rows, folder: Path) -> None:
    """Write every register to a folder, with the columns that it is declared with."""
    for name, register in declared().items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(register.types), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows.values(name))


def read_office_file(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the headings and the lines (number, cells) of a file; blank lines are left out.

    Raises ValueError when it is no text in UTF-8, or no separated text; OSError when it can't be
    opened.
    """
    content = path.read_bytes().decode("utf-8-sig")
    first = content.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    lines: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((before + 1, [cell.strip() for cell in cells]))
            before = reader.line_num
    except csv.Error as mistake:
        raise ValueError(str(mistake)) from mistake
    return (lines[0][1], lines[1:]) if lines else ([], [])


def _add(rows: Rows, register: Register, path: Path) -> None:
    """Put the office's rows of a register over krat's."""
    try:
        headings, lines = read_office_file(path)
    except (OSError, ValueError):
        rows.problems.append(_of_file("unreadable", path))
        return
    columns = list(register.types)
    missing = [column for column in columns if column not in headings]
    strange = [column for column in headings if column not in [*columns, WITHDRAWN]]
    twice = sorted({column for column in headings if headings.count(column) > 1})
    required = [column for column in missing if column not in register.optional]
    if required or strange or twice:
        rows.problems.append(_of_file("headings", path, columns=", ".join([*columns, WITHDRAWN])))
        return
    seen: dict[tuple[str, ...], int] = {}
    of_register = rows.of[register.name]
    for number, cells in lines:
        if len(cells) > len(headings):
            rows.problems.append(register_problem("too_many_cells", register.name, number))
            continue
        cells += [""] * (len(headings) - len(cells))
        values = dict.fromkeys(columns, "") | dict(zip(headings, cells, strict=True))
        withdrawn = values.pop(WITHDRAWN, "")
        key = _key(register, values)
        if key in seen:
            rows.problems.append(
                register_problem(
                    "same_key", register.name, number,
                    columns=", ".join(register.key), line=seen[key],
                )
            )  # fmt: skip
            continue
        seen[key] = number
        if withdrawn not in ("", "yes"):
            rows.problems.append(register_problem("withdrawn", register.name, number, WITHDRAWN))
        elif key not in of_register and (withdrawn or register.kept == "rows"):
            rule = "nothing_to_withdraw" if withdrawn else "no_new_rows"
            rows.problems.append(
                register_problem(rule, register.name, number, columns=", ".join(register.key))
            )
        elif withdrawn:
            del of_register[key]
            rows.withdrawn[register.name][key] = number
        else:
            of_register[key] = RegisterLine(values, number)


def _key(register: Register, values: dict[str, str]) -> tuple[str, ...]:
    return tuple(values[column] for column in register.key)


def _of_file(rule: str, path: Path, **values: object) -> RegisterProblem:
    # The name of a file that is no register may be anybody's.
    known = path.stem in declared()
    return register_problem(rule, path.stem if known else "…", **values)
