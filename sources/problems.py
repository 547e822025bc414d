"""What the door can find wrong with a file, in fixed words.

Belongs here: a problem, its place and its message, and the order in which problems are listed. Not
here: the sentences (sources/texts/door.yml), when a rule is broken (sources.reading) or how grave
that is (the register of quality rules).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sources.texts import LANGUAGES, Language, text

#: Places listed for each rule and column of a file; more would bury the reader.
MAX_PLACES = 100

#: How grave a rule is, the gravest first.
SEVERITIES = ("blocks", "warns", "informs")


@dataclass(frozen=True)
class Problem:
    """What breaks a rule, and where. The messages hold fixed words, never a cell's content.

    `sheet` is None for separated text, `cell` None where no single cell is to blame, `row_number`
    counts from 1 as a spreadsheet does.
    """

    rule: str
    sheet: str | None
    cell: str | None
    row_number: int | None
    message_sq: str
    message_en: str

    def message(self, language: Language) -> str:
        """Return the message in a language."""
        return self.message_sq if language == "sq" else self.message_en

    def sentence(self, language: Language) -> str:
        """Return the place and the message, as for an officer."""
        parts = []
        if self.sheet:
            parts.append(text("door.place.sheet", language, sheet=self.sheet))
        if self.cell:
            parts.append(text("door.place.cell", language, cell=self.cell))
        elif self.row_number:
            parts.append(text("door.place.row", language, row=self.row_number))
        return f"{', '.join(parts)}: {self.message(language)}" if parts else self.message(language)


def problem(
    rule: str,
    *,
    sheet: str | None = None,
    cell: str | None = None,
    row_number: int | None = None,
    headings: tuple[str, ...] = (),
    sentence: str | None = None,
    candidates: Sequence[str] = (),
    **values: object,
) -> Problem:
    """Return a problem in the words of its rule, or of a narrower `sentence`, and its `values`.

    `headings` are a layout's own (Albanian, English), named in front of the sentence; `candidates`
    are names of a register that the cell could mean.
    """
    messages = []
    for language, heading in zip(LANGUAGES, headings[:1] + headings[-1:] or ("", ""), strict=True):
        message = text(f"door.problems.{sentence or rule}", language, **values)
        if candidates:
            offered = text("door.could_be", language, candidates="; ".join(candidates))
            message = f"{message} {offered}"
        messages.append(f"{heading}: {message}" if heading else message)
    return Problem(rule, sheet, cell, row_number, *messages)


def left_out(found: Problem, rule: str) -> Problem:
    """Return a problem as that which left its row, or value, out of a file that was accepted.

    `rule` is row_left_out or value_left_out.
    """
    return replace(
        found,
        rule=rule,
        message_sq=f"{found.message_sq} {text(f'door.{rule}', 'sq')}",
        message_en=f"{found.message_en} {text(f'door.{rule}', 'en')}",
    )


def severity_of(rule: str, severities: Mapping[str, str]) -> str:
    """Return how grave a rule is: blocks, warns or informs. One that isn't registered blocks."""
    return severities.get(rule, SEVERITIES[0])


def worst_first(problems: Iterable[Problem], severities: Mapping[str, str]) -> list[Problem]:
    """Return problems by their severity, and then as they stand in the file."""

    def order(found: Problem) -> tuple[int, str, int, int, str, str]:
        column = (found.cell or "").rstrip("0123456789")
        return (
            SEVERITIES.index(severity_of(found.rule, severities)),
            found.sheet or "",
            found.row_number or 0,
            len(column),
            column,
            found.rule,
        )

    return sorted(problems, key=order)
