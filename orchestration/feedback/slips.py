"""Slips: the letter that each institution gets on its report of a month.

Belongs here: gathering what came, how it was read, what is asked and what was asked before, and
putting it in order; and reminders, which are the letters on reports that did not come yet. Not
here: the words (sources/texts/slips.yml), what is found (dbt_project), how the letter looks
(orchestration.feedback.letters), or sending it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from babel.dates import format_date

from orchestration.feedback.letters import Letter, Section, as_text, shown, write_document
from orchestration.ingestion.emptied_reports import RULE as LOST
from sources.custody.decisions import finding_decisions
from sources.custody.home import Home
from sources.datafiles import read_yaml
from sources.texts import text

#: How much of an indicator's name a question quotes, in letters.
_NAME_QUOTED = 60

_RECORDS = ("hotline", "referral")

#: What these rules ask for arrives.
_ABSENCES = ("missing_report", "missing_records")


@dataclass(frozen=True)
class Slip:
    """The letter to one institution on one month.

    `finding_ids` are the findings that it asks about; `is_reminder` marks a report not come yet.
    The slip of files whose sender can't be told has the county's code.
    """

    institution_code: str
    month: date
    letter: Letter
    finding_ids: tuple[str, ...]
    is_reminder: bool


@dataclass(frozen=True)
class _LetterQuestion:
    """A question of a letter: where it is, its words, and when it was last asked."""

    finding_id: str
    rule: str
    severity: str
    sentence: str
    asked_on: date | None

    def waits(self, as_of: date) -> bool:
        """Tell whether it was asked before `as_of` and there is time yet to answer."""
        return self.asked_on is not None and self.asked_on < as_of <= _answer_by(self.asked_on)


def write_slips(
    home: Home,
    county_code: str,
    month: date,
    as_of: date,
    folder: Path,
    *,
    send_to: str | None = None,
    reminders_only: bool = False,
) -> list[Slip]:
    """Write `<institution>.docx` and `.txt` into `folder` for each institution of a county.

    An institution gets a slip when a report of the month is expected of it, came, or was refused; a
    reminder, when its report did not come yet. Dates are reckoned from `as_of`; answers go to
    `send_to`, by default the county's committee. The reading copy must exist. Returns the slips
    written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for slip in slips(home, county_code, month, as_of, send_to):
        if slip.is_reminder or not reminders_only:
            write_document(folder / f"{slip.institution_code}.docx", slip.letter)
            letter = folder / f"{slip.institution_code}.txt"
            letter.write_text(as_text(slip.letter), encoding="utf-8")
            written.append(slip)
    return written


def slips(
    home: Home, county_code: str, month: date, as_of: date, send_to: str | None = None
) -> Iterator[Slip]:
    """Yield the slips of a county's month, in the order of the institutions' codes.

    Last comes that of files whose sender or month can't be told, if there are any.
    """
    with duckdb.connect(str(home.marts), read_only=True) as connection:
        institutions = connection.execute(
            "select institution_code, name_sq from core.dim_institutions "
            "where county_code = ? order by institution_code",
            [county_code],
        ).fetchall()
        [(county,)] = connection.execute(
            "select name_sq from core.dim_counties where county_code = ?", [county_code]
        ).fetchall()
        final = connection.execute(
            "select final_on from core.dim_months where month = ?", [month]
        ).fetchone()
        # What did not come belongs to the made-up example if what came does.
        [(is_made_up,)] = connection.execute(
            "select coalesce(bool_or(is_made_up), false) from core.fct_submissions "
            "where county_code = ? and reporting_month = ?",
            [county_code, month],
        ).fetchall()
        reports = _by_institution(
            connection,
            "select institution_code, status, received_at, version, reporting_deadline, "
            "date_diff('day', reporting_deadline, cast(first_received_at as date)), is_made_up "
            "from core.fct_submissions where county_code = ? and reporting_month = ? "
            "and status in ('on_time', 'late') order by received_at",
            county_code,
            month,
        )
        refused = _by_institution(
            connection,
            "select institution_code, received_at from core.fct_submissions "
            "where county_code = ? and reporting_month = ? and status = 'refused' "
            "and not has_later_report order by received_at",
            county_code,
            month,
        )
        # Logs and records grow and name no month: those of the month are sent in the next one.
        files = _by_institution(
            connection,
            "select sender_code, source_kind, cast(received_at as date), delivery_status "
            "from core.dim_deliveries where county_code = ? and sender_code is not null "
            "and source_kind in ('hotline', 'referral') "
            "and delivery_status in ('accepted', 'refused') "
            "and date_trunc('month', received_at) = ? + interval 1 month order by received_at",
            county_code,
            month,
        )
        due = _by_institution(
            connection,
            "select institution_code, reporting_deadline, indicator_code, indicators.name_sq "
            "from core.fct_values_due "
            "inner join core.dim_indicators as indicators "
            "using (plan_code, indicator_code) "
            "where county_code = ? and reporting_month = ? order by indicator_code",
            county_code,
            month,
        )
        values = _by_institution(
            connection,
            "select institution_code, indicator_code, "
            "indicators.name_sq || coalesce(': ' || categories.name_sq, ''), "
            "cast(value as bigint), value_state, correction_id is not null "
            "from core.fct_actuals "
            "inner join core.dim_indicators as indicators "
            "using (plan_code, indicator_code) "
            "left join core.dim_breakdown_categories as categories "
            "using (plan_code, indicator_code, category) "
            "where county_code = ? and reporting_month = ? and superseded_at is null "
            "and frequency = 'month' order by indicator_code, row_number",
            county_code,
            month,
        )
        # Of a file whose month can't be told, its sender is asked with the next slip.
        found = _by_institution(
            connection,
            "select asked_code, finding_id, rule, severity, source_kind, about, "
            "indicators.name_sq, sheet, cell, row_number, message_sq, cast(sent_at as date) "
            "from quality.open_questions "
            "left join core.dim_months as months "
            "on coalesce(open_questions.reporting_month, $2) = months.month "
            "left join core.dim_indicators as indicators "
            "on months.plan_code = indicators.plan_code "
            "and open_questions.about = indicators.indicator_code "
            "where county_code = $1 and coalesce(open_questions.reporting_month, $2) = $2 "
            "order by array_position(['blocks', 'warns'], severity), row_number, rule, finding_id",
            county_code,
            month,
        )
        explained = _by_institution(
            connection,
            "select coalesce(findings.institution_code, sender_code), rule, state, mended_how, "
            "message_sq, cast(answered_at as date), answer, "
            "waived_until, waiver_reason, cast(mended_at as date) "
            "from quality.findings left join core.dim_deliveries using (delivery_id) "
            "where findings.county_code = ? and findings.reporting_month = ? "
            "and (state in ('answered', 'waived') or state = 'mended' and sent_at is not null) "
            "and coalesce(findings.institution_code, sender_code) is not null "
            "order by row_number, rule, finding_id",
            county_code,
            month,
        )
    asked, settled = _ledger(home, as_of)
    questions = {
        code: [
            _LetterQuestion(
                row[0], row[1], row[2], _sentence(*row[3:10]), asked.get(row[0]) or row[10]
            )
            for row in rows
            if row[0] not in settled
        ]
        for code, rows in found.items()
    }
    # Nobody is asked again for a report whose absence was answered for, or waived.
    excused = {
        code
        for code, rows in found.items()
        for finding_id, rule, *_ in rows
        if rule == "missing_report" and finding_id in settled
    } | {
        code
        for code, rows in explained.items()
        for rule, state, *_ in rows
        if rule == "missing_report" and state != "mended"
    }
    common = _Common(county, month, as_of, send_to, final[0] if final else None)
    for code, name in institutions:
        if any(code in known for known in (reports, refused, files, due, questions)):
            yield _slip(
                common,
                code,
                name,
                is_made_up,
                reports=reports.get(code, []),
                refused=[row[0] for row in refused.get(code, [])],
                files=files.get(code, []),
                due=due.get(code, []),
                values=values.get(code, []),
                questions=questions.get(code, []),
                explained=explained.get(code, []),
                is_excused=code in excused,
            )
    if questions.get(county_code):
        yield _unplaced_slip(common, county_code, is_made_up, questions[county_code])


@dataclass(frozen=True)
class _Common:
    """What all letters of a county's month have in common."""

    county: str
    month: date
    as_of: date
    send_to: str | None
    final_on: date | None

    @property
    def committee(self) -> str:
        return text("forms.committee", "sq", county=self.county)

    def letter(
        self, recipient: str, subject: str, lines: list[str], sections: list[Section]
    ) -> Letter:
        return Letter(
            sender=self.committee,
            recipient=recipient,
            written_on=self.as_of,
            subject=subject,
            lines=tuple(lines),
            sections=tuple(section for section in sections if section.lines or section.rows),
        )

    def ask(
        self, questions: list[_LetterQuestion]
    ) -> tuple[Section, Section, list[_LetterQuestion]]:
        """Return what is asked now, what was asked before, and the questions that are asked now.

        What was asked before is asked again when the time to answer is over.
        """
        waiting = [question for question in questions if question.waits(self.as_of)]
        now = [question for question in questions if question not in waiting]
        lines = [
            text(
                "slips.asked_again", "sq", day=shown(question.asked_on), question=question.sentence
            )
            if question.asked_on is not None and question.asked_on < self.as_of
            else question.sentence
            for question in now
        ]
        before = [
            text(
                "slips.asked_before",
                "sq",
                day=shown(question.asked_on),
                until=shown(_answer_by(question.asked_on)),
                question=question.sentence,
            )
            for question in waiting
            if question.asked_on is not None
        ]
        return (
            _section("asked", lines, numbered=True),
            _section("asked_before", before, numbered=True),
            now,
        )

    @property
    def place(self) -> str:
        return text("slips.send_to", "sq", place=self.send_to or self.committee)

    @property
    def answer_by(self) -> str:
        return shown(_answer_by(self.as_of))


def _slip(
    common: _Common,
    code: str,
    name: str,
    is_made_up: bool,
    *,
    reports: list[tuple[Any, ...]],
    refused: list[datetime],
    files: list[tuple[str, date, str]],
    due: list[tuple[Any, ...]],
    values: list[tuple[Any, ...]],
    questions: list[_LetterQuestion],
    explained: list[tuple[Any, ...]],
    is_excused: bool,
) -> Slip:
    # That the whole report is missing is said first; of another's form nothing else is owed.
    told = {question.rule for question in questions}
    left_out = {"missing_report"} | ({"indicator_not_owed"} if "wrong_sender" in told else set())
    asked, before, now = common.ask([each for each in questions if each.rule not in left_out])
    rules = {question.rule for question in now if question.severity != "blocks"}
    lines = []
    if reports[-1][-1] if reports else is_made_up:
        lines.append(text("release.made_up", "sq"))
    if reports and not questions and not refused:
        lines.append(text("slips.all_well", "sq"))
    is_awaited = not reports and bool(due) and not is_excused
    is_missing = is_awaited and due[0][0] < common.as_of
    missing = [each for each in questions if is_missing and each.rule == "missing_report"]
    answer = [text("slips.please", "sq", answer_by=common.answer_by)] if now else []
    if any(question.rule == LOST for question in now):
        answer.append(text("slips.please_confirm", "sq"))
    if answer or is_awaited:
        answer.append(common.place)
    otherwise = [
        text(f"slips.otherwise.{case}", "sq")
        for case, holds in (
            ("no_report", is_missing and not refused),
            ("refused", bool(refused)),
            ("no_records", "missing_records" in rules),
            ("not_reported", "value_not_reported" in rules),
            ("doubt", bool(rules - {"missing_records", "value_not_reported"})),
        )
        if holds
    ]
    if otherwise and common.final_on is not None:
        otherwise.append(text("slips.otherwise.final", "sq", day=shown(common.final_on)))
    month = format_date(common.month, "LLLL y", locale="sq")
    sections = [
        _section(
            "received",
            [
                *_received(common, reports, refused, due, missing, is_excused),
                *(
                    text(
                        f"slips.records.{status}",
                        "sq",
                        file=text(f"slips.files.{kind}", "sq"),
                        received=shown(day),
                    )
                    for kind, day, status in files
                ),
            ],
        ),
        _section("due", [f"{row[1]}: {row[2]}" for row in due] if not reports else []),
        asked,
        _section("answer", answer),
        _section("otherwise", otherwise),
        before,
        _section("explained", [_explained(*row) for row in explained]),
        Section(
            title=text("slips.titles.have", "sq"),
            headings=tuple(
                text(f"slips.columns.{column}", "sq")
                for column in ("indicator", "name_and_category", "value", "state")
            ),
            rows=tuple(
                (
                    indicator,
                    f"{of} {text('slips.corrected', 'sq')}" if is_corrected else of,
                    value,
                    text(f"slips.states.{state}", "sq"),
                )
                for indicator, of, value, state, is_corrected in values
            ),
        ),
    ]
    subject = text("slips.subject", "sq", month=month, institution=name)
    now = [each for each in missing if not each.waits(common.as_of)] + now
    return Slip(
        institution_code=code,
        month=common.month,
        letter=common.letter(f"{name} ({code})", subject, lines, sections),
        finding_ids=tuple(question.finding_id for question in now),
        is_reminder=is_awaited,
    )


def _received(
    common: _Common,
    reports: list[tuple[Any, ...]],
    refused: list[datetime],
    due: list[tuple[Any, ...]],
    missing: list[_LetterQuestion],
    is_excused: bool,
) -> list[str]:
    lines = []
    if reports:
        _, received_at, version, deadline, days, _ = reports[-1]
        count = text("slips.version", "sq", version=version) if version > 1 else ""
        received = shown(received_at.date())
        lines.append(text("slips.received", "sq", received=received, version=count))
        if days is not None and days > 0:
            lines.append(text("slips.late", "sq", days=days, deadline=shown(deadline)))
    elif due and is_excused:
        lines.append(text("slips.excused", "sq", deadline=shown(due[0][0])))
    elif due and refused:
        lines.append(text("slips.none_taken", "sq", deadline=shown(due[0][0])))
    elif due and due[0][0] >= common.as_of:
        lines.append(text("slips.reminder", "sq", deadline=shown(due[0][0])))
    elif due:
        days = {"deadline": due[0][0], "answer_by": _answer_by(common.as_of)}
        case = "not_received"
        asked_on = missing[0].asked_on if missing else None
        if asked_on is not None and asked_on < common.as_of:
            days["asked_on"] = asked_on
            case = "not_received_again"
            if missing[0].waits(common.as_of):
                case, days["answer_by"] = "awaited", _answer_by(asked_on)
        lines.append(
            text(f"slips.{case}", "sq", **{name: shown(day) for name, day in days.items()})
        )
    else:
        lines.append(text("slips.nothing_due", "sq"))
    return lines + [text("slips.refused", "sq", received=shown(at.date())) for at in refused]


def _unplaced_slip(
    common: _Common, county_code: str, is_made_up: bool, questions: list[_LetterQuestion]
) -> Slip:
    asked, before, now = common.ask(questions)
    month = format_date(common.month, "LLLL y", locale="sq")
    lines = [text("release.made_up", "sq")] if is_made_up else []
    lines.append(text("slips.unplaced", "sq", answer_by=common.answer_by))
    subject = text("slips.unplaced_subject", "sq", month=month, county=common.county)
    return Slip(
        institution_code=county_code,
        month=common.month,
        letter=common.letter(common.committee, subject, lines, [asked, before]),
        finding_ids=tuple(question.finding_id for question in now),
        is_reminder=False,
    )


def _section(name: str, lines: list[str], *, numbered: bool = False) -> Section:
    title = text(f"slips.titles.{name}", "sq")
    return Section(title=title, lines=tuple(lines), numbered=numbered)


def _sentence(
    source_kind: str | None,
    about: str | None,
    name: str | None,
    sheet: str | None,
    cell: str | None,
    row_number: int | None,
    message: str,
) -> str:
    """Return a question with its place; a cell tells the row too."""
    place: str | None
    quoted = name and (name if len(name) <= _NAME_QUOTED else f"{name[:_NAME_QUOTED].rstrip()}…")
    if cell:
        place = text("door.place.cell", "sq", cell=cell)
    else:
        place = text("door.place.row", "sq", row=row_number) if row_number else None
    parts = [
        # A sender of records sends a report too.
        text(f"slips.files.{source_kind}", "sq") if source_kind in _RECORDS else None,
        f"{about} «{quoted}»" if about and quoted else about and _unnamed(about),
        text("door.place.sheet", "sq", sheet=sheet) if sheet else None,
        place,
    ]
    where = ", ".join(part for part in parts if part)
    return f"{where}: {message}" if where else message


def _unnamed(about: str) -> str:
    """Return an indicator's code as it is, and the number of a file as such."""
    return about if "." in about else text("slips.files.unplaced", "sq", number=about)


def _explained(
    rule: str,
    state: str,
    mended_how: str | None,
    message: str,
    answered_on: date | None,
    answer: str | None,
    waived_until: date | None,
    waiver_reason: str | None,
    mended_on: date | None,
) -> str:
    values: dict[str, dict[str, object]] = {
        "answered": {"day": shown(answered_on), "answer": answer},
        "waived": {"day": shown(waived_until), "answer": waiver_reason},
        "mended": {"day": shown(mended_on)},
    }
    how = f".{'arrived' if rule in _ABSENCES else mended_how}" if state == "mended" else ""
    return f"{message} {text(f'slips.settled.{state}{how}', 'sq', **values[state])}"


def _ledger(home: Home, as_of: date) -> tuple[dict[str, date], set[str]]:
    """Return when each finding was last asked about, and which ones nobody is asked about.

    The journal knows what was entered after the last refresh, too.
    """
    asked: dict[str, date] = {}
    last: dict[str, str] = {}
    for row in finding_decisions(home).to_pylist():
        day = row["decided_at"].date()
        if row["decision"] == "sent" and day <= as_of:
            asked[row["finding_id"]] = day
        elif row["decision"] != "sent":
            holds = row["holds_until"] is None or row["holds_until"] >= as_of
            last[row["finding_id"]] = row["decision"] if holds else ""
    return asked, {each for each, decision in last.items() if decision in ("answered", "waived")}


def _by_institution(
    connection: duckdb.DuckDBPyConnection, query: str, county_code: str, month: date
) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of a query by their first column, which is left out of them."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in connection.execute(query, [county_code, month]).fetchall():
        found.setdefault(row[0], []).append(row[1:])
    return found


def _answer_by(asked_on: date) -> date:
    return asked_on + timedelta(days=_days_to_answer())


@cache
def _days_to_answer() -> int:
    return int(read_yaml(Path(__file__).with_name("slips.yml"))["answer_within"]["days"])
