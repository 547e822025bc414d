"""Conditions: what the data folder shows now that somebody should hear of.

Belongs here: looking. Not here: what is sent once and to whom (outbox), or what only Dagster knows
(orchestration.defs.alerts).
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from expectations.gate import read_record
from orchestration.alerts.channels import Alerts
from orchestration.alerts.events import EventKind, Occurrence
from orchestration.ingestion.originals import lost_originals
from orchestration.registers.calendar import Calendar, read_calendar
from orchestration.registers.in_use import registers_in_use
from sources.atomic import read_json
from sources.custody.home import Home
from sources.registers import (
    is_due,
    load_registers,
    national_plans,
    obligations_in,
    register_rows,
)

#: Where the sensor of Dagster leaves a trace, so that others see that it works no more.
_TRACE = "ticked"

#: The longest silence of a sensor that asks every few minutes.
SILENCE = timedelta(minutes=30)


def look(
    home: Home, alerts: Alerts, now: datetime, token_days: Iterable[date] = ()
) -> list[Occurrence]:
    """Return what holds at a moment (with a zone); `token_days` are the last days of tokens."""
    calendar, _ = read_calendar(home)
    today = now.astimezone(calendar.zone).date()
    return [
        *_blocked(home),
        *_held(home),
        *_refused(home),
        *_awaited(home, alerts, calendar, today),
        *_silent(home, now),
        *_full(home, alerts, today),
        *_lost(home),
        *_ending(alerts, now, token_days),
    ]


def leave_trace(home: Home, now: datetime) -> bool:
    """Leave a trace that Dagster's sensor works; return whether the last one was fresh."""
    before = _last_trace(home)
    home.alerts.mkdir(parents=True, exist_ok=True)
    (home.alerts / _TRACE).write_text(now.isoformat(), encoding="ascii")
    return before is not None and now - before <= SILENCE


def _last_trace(home: Home) -> datetime | None:
    try:
        return datetime.fromisoformat((home.alerts / _TRACE).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None


def _silent(home: Home, now: datetime) -> Iterator[Occurrence]:
    before = _last_trace(home)
    if before is not None and now - before > SILENCE:
        yield Occurrence(EventKind.NO_TICK, f"no_tick:{before.isoformat()}")


def _blocked(home: Home) -> Iterator[Occurrence]:
    for path in sorted(home.gate.glob("AL*/*.json")):
        month = _month(path.stem)
        record = read_record(home, path.parent.name, month)
        if record is not None and record.verdict != "pass":
            rules = ",".join(record.blocking_rules)
            key = f"blocked:{record.county_code}:{month}:{rules}"
            yield Occurrence(
                EventKind.MONTH_BLOCKED, key, record.county_code, month, len(record.blocking_rules)
            )


def _held(home: Home) -> Iterator[Occurrence]:
    for place, since in (read_json(home.gate / "held.json") or {}).items():
        county, month = place.split()
        yield Occurrence(EventKind.PUBLIC_HELD, f"held:{place}:{since}", county, _month(month))


def _deliveries(home: Home, columns: str, where: str) -> list[tuple[str | None, ...]]:
    files = home.raw / "deliveries"
    if not any(files.glob("*.parquet")):
        return []
    with duckdb.connect() as connection:
        return connection.execute(
            f"select {columns} from read_parquet(?) where {where} order by all",
            [str(files / "*.parquet")],
        ).fetchall()


def _refused(home: Home) -> Iterator[Occurrence]:
    columns = "delivery_id, county_code, strftime(reporting_month, '%Y-%m')"
    for delivery, county, month in _deliveries(home, columns, "status = 'refused'"):
        yield Occurrence(
            EventKind.FILE_REFUSED,
            f"refused:{delivery}",
            county or "",
            _month(month) if month else None,
        )


def _awaited(home: Home, alerts: Alerts, calendar: Calendar, today: date) -> Iterator[Occurrence]:
    """Yield deadlines of the next working day, and counties of which nothing came.

    Both are about the month before; of one that no plan covers nothing is awaited.
    """
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    folder = registers_in_use(home)
    if not any(plan.covers(month) for plan in national_plans(folder)):
        return
    deadlines = {
        row["month"]: date.fromisoformat(row["reporting_deadline"])
        for row in register_rows(folder, "reporting_calendar")
    }
    deadline = deadlines.get(month.isoformat())
    is_near = deadline is not None and (
        calendar.working_day(deadline - timedelta(days=1), step=-1) <= today < deadline
    )
    is_late = today >= calendar.working_day(today.replace(day=alerts.nothing_came_by_day))
    if not is_near and not is_late:
        return
    counties = load_registers(folder).institutions
    expected = {
        row["institution_code"] for row in obligations_in(folder, month) if is_due(row, month)
    }
    came = {
        institution
        for institution, reported in _deliveries(
            home,
            "distinct institution_code, strftime(reporting_month, '%Y-%m-%d')",
            "status <> 'refused' and source = 'submission'",
        )
        if reported == month.isoformat()
    }
    awaited = Counter(counties[code] for code in expected - came)
    owed = Counter(counties[code] for code in expected)
    for county, count in sorted(awaited.items()):
        if is_near:
            yield Occurrence(
                EventKind.DEADLINE_NEAR, f"deadline:{county}:{month}", county, month, count
            )
        if is_late and count == owed[county]:
            yield Occurrence(
                EventKind.NOTHING_CAME, f"nothing:{county}:{month}", county, month, count
            )


def _full(home: Home, alerts: Alerts, today: date) -> Iterator[Occurrence]:
    if shutil.disk_usage(home.root).free < alerts.disk_free_gigabytes * 1e9:
        yield Occurrence(EventKind.DISK_FULL, f"disk:{today}")


def _lost(home: Home) -> Iterator[Occurrence]:
    if lost := lost_originals(home):
        yield Occurrence(EventKind.ORIGINALS_LOST, f"lost:{lost[0]}:{len(lost)}", count=len(lost))


def _ending(alerts: Alerts, now: datetime, token_days: Iterable[date]) -> Iterator[Occurrence]:
    within = timedelta(days=alerts.days_before_end)
    for day, count in sorted(Counter(token_days).items()):
        if day - now.date() <= within:
            yield Occurrence(EventKind.ENDS_SOON, f"token:{day}:{count}", count=count)
    for number, path in enumerate(alerts.certificates):
        ends = _end_of(path)
        # One that can't be read protects nobody: it is looked at like one that has ended.
        if ends is None or ends - now <= within:
            yield Occurrence(EventKind.ENDS_SOON, f"certificate:{number}:{ends}")


def _end_of(path: Path) -> datetime | None:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None


def _month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")
