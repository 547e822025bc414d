"""What a check found in a file, as a document and as lines of text.

Belongs here: the shape of both. Not here: the check (checking), or where they are shown (the
command, the page).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from orchestration.feedback.checking import Answer, ReadValue
from sources.problems import MAX_PLACES
from sources.texts import Language, text


def as_document(answer: Answer, file: str) -> dict[str, Any]:
    """Return an answer as JSON has it: findings in both languages, and how values are read."""
    delivery = answer.reading.delivery
    month = delivery["reporting_month"]
    return {
        "file": file,
        "accepted": answer.verdict != "refused",
        "verdict": answer.verdict,
        "is_to_be_confirmed": answer.is_to_be_confirmed,
        "layout_id": delivery["layout_id"],
        "county_code": delivery["county_code"],
        "institution_code": delivery["institution_code"],
        "reporting_month": f"{month:%Y-%m}" if month else None,
        "is_made_up": delivery["is_made_up"],
        "file_format": delivery["file_format"],
        "reading_note": delivery["reading_note"],
        "is_held_against_earlier": answer.is_held_against_earlier,
        "findings": [
            {
                "rule": found.rule,
                "severity": severity,
                "sheet": found.sheet,
                "cell": found.cell,
                "row_number": found.row_number,
                "message_sq": found.message_sq,
                "message_en": found.message_en,
            }
            for severity, found in answer.problems
        ],
        "values": [
            {
                "cell": value.cell,
                "as_written": value.as_written,
                "read_as": value.read_as,
                "value_state": value.value_state,
                "indicator_code": value.indicator_code,
                "category": value.category,
            }
            for value in answer.values
        ],
    }


def as_lines(answer: Answer, language: Language) -> Iterator[str]:
    """Yield what an officer reads: what the file was read as, each problem, each value."""
    delivery = answer.reading.delivery
    month = delivery["reporting_month"]
    understood = [delivery["layout_id"], delivery["county_code"], delivery["institution_code"]]
    form = ", ".join(filter(None, [*understood, f"{month:%Y-%m}" if month else None]))
    known = form if delivery["layout_id"] else text("check.nothing", language)
    yield f"{text('check.read_as', language)}: {known}"
    if delivery["is_made_up"]:
        yield text("check.made_up", language)
    for severity, problem in answer.problems:
        grade = text(f"check.severities.{severity}", language)
        yield f"{grade:9}  {problem.sentence(language)}"
    if has_more(answer):
        yield text("check.more", language, most=MAX_PLACES)
    if not answer.is_held_against_earlier:
        yield text("check.after_refresh", language)
    titles = [text(f"check.values.{name}", language) for name in ("cell", "code", "read", "text")]
    rows = [
        [value.cell or "", value.indicator_code, read_as(value, language), value.as_written]
        for value in answer.values
    ]
    if rows:
        widths = [max(len(row[at]) for row in [titles, *rows]) for at in range(3)]
        for row in [titles, *rows]:
            columns = [f"{each:{width}}" for each, width in zip(row, widths, strict=False)]
            yield "  ".join(["  ", *columns, row[3]]).rstrip()


def read_as(value: ReadValue, language: Language) -> str:
    """Return what a value is read as: its number, or why it has none."""
    if value.read_as is None:
        return text(f"slips.states.{value.value_state}", language)
    return f"{value.read_as:.15g}"


def has_more(answer: Answer) -> bool:
    """Tell whether there may be more places than are listed."""
    places = Counter(problem.rule for _, problem in answer.problems)
    return max(places.values(), default=0) >= MAX_PLACES
