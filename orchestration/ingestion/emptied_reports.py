"""Reports that hold, and whether a new file would leave one of them without any of its values.

Belongs here: that question, and the confirmation that such a file is meant. Not here: what else a
later report changes, which the warehouse finds and flags (int_report_replacements).

An empty form, or one with another institution's indicators, is refused until the institution
confirms it: until then, and after the month is final, the earlier values hold.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb
from filelock import FileLock

from sources.custody import audit, journal
from sources.custody.home import Home
from sources.problems import problem, worst_first
from sources.reading import Reading
from sources.registers import Registers

#: The rule that such a file breaks.
RULE = "earlier_values_lost"

_CONFIRMATIONS = "confirmations"

_KNOWN = ("number", "zero")

_Place = tuple[str, str, date, bool]


class NotConfirmed(ValueError):
    """The delivery was not refused because it would leave a report without its values."""


@dataclass
class EarlierReports:
    """Reports of institutions and months, each with the indicators that it gives numbers of.

    `confirmed` are the hashes of contents that may replace a report all the same, and the numbers
    of receipts of such files.
    """

    confirmed: frozenset[str] = frozenset()
    _reports: dict[_Place, list[tuple[datetime, frozenset[str]]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def held(self, reading: Reading, registers: Registers, name: str = "") -> Reading:
        """Return a reading, as refused where it answers for no number of the report before it.

        `name` is that of its file: of one that was sent by the page the number of its receipt.
        """
        delivery = reading.delivery
        if {delivery["content_hash"], name.partition(".")[0]} & self.confirmed:
            return reading
        for place, states in _monthly(reading).items():
            answered = {code for code, state in states if state != "not_reported"}
            before = [each for each in self._reports[place] if each[0] <= delivery["received_at"]]
            if before and max(before)[1] and not max(before)[1] & answered:
                found = problem(RULE, day=f"{max(before)[0]:%d.%m.%Y}")
                return reading.as_refused(worst_first([*reading.problems, found], registers.rules))
        return reading

    def add(self, reading: Reading) -> None:
        """Count a reading that was accepted as a report."""
        for place, states in _monthly(reading).items():
            numbers = frozenset(code for code, state in states if state in _KNOWN)
            self._reports[place].append((reading.delivery["received_at"], numbers))

    def load(self, connection: duckdb.DuckDBPyConnection, deliveries: str, values: str) -> None:
        """Count what is stored; `deliveries` and `values` are relations of the raw tables."""
        rows = connection.execute(
            "select county_code, v.institution_code, v.reporting_month, is_made_up, received_at, "
            "coalesce(list(indicator_code) filter (where value_state in ('number', 'zero')), []) "
            f"from {deliveries} inner join (select * exclude (county_code) from {values}) as v "
            "using (delivery_id) where status = 'accepted' and v.frequency = 'month' "
            "and v.institution_code is not null group by all"
        ).fetchall()
        for *place, received_at, codes in rows:
            self._reports[tuple(place)].append((received_at, frozenset(codes)))


def stored_reports(home: Home) -> EarlierReports:
    """Return the reports that are stored in a data folder, and what was confirmed."""
    found = EarlierReports(_confirmed(home))
    folders = [home.raw / table for table in ("deliveries", "submission_values")]
    if all(any(folder.glob("*.parquet")) for folder in folders):
        with duckdb.connect() as connection:
            paths = [str(folder).replace("'", "''") for folder in folders]
            found.load(
                connection,
                *(f"read_parquet('{path}/*.parquet', union_by_name = true)" for path in paths),
            )
    return found


def known_reports(home: Home) -> EarlierReports:
    """Return the same from `Home.known`, which is readable while a refresh writes."""
    found = EarlierReports(_confirmed(home))
    if home.known.exists():
        with duckdb.connect(str(home.known), read_only=True) as connection:
            found.load(connection, "raw.deliveries", "raw.submission_values")
    return found


def confirm_sent(home: Home, number: str, by: str) -> None:
    """Enter that a file with this receipt, though it leaves a report without values, is meant."""
    _enter(home, number, by)


def confirm_delivery(home: Home, delivery_id: str, by: str) -> None:
    """Enter the same of a file that was refused for it: sent again, it is taken in.

    Raises NotConfirmed when no delivery of that id was refused for that reason.
    """
    tables = [home.raw / table for table in ("deliveries", "door_findings")]
    rows: list[Any] = []
    if all(any(folder.glob("*.parquet")) for folder in tables):
        with duckdb.connect() as connection:
            rows = connection.execute(
                "select content_hash from read_parquet($1, union_by_name = true) "
                "semi join (select * from read_parquet($2, union_by_name = true) "
                "where rule = $3) using (delivery_id) where delivery_id = $4",
                [*(str(folder / "*.parquet") for folder in tables), RULE, delivery_id],
            ).fetchall()
    if not rows:
        raise NotConfirmed(
            f"{delivery_id} is no delivery that was refused because it would leave a report "
            "without its values."
        )
    _enter(home, rows[0][0], by)


def _enter(home: Home, confirmed: str, by: str) -> None:
    home.decisions.mkdir(parents=True, exist_ok=True)
    # A page that confirms doesn't wait for a refresh.
    with FileLock(home.decisions / "confirmations.lock"):
        if confirmed not in _confirmed(home):
            audit.enter(home, _CONFIRMATIONS, action="confirm", confirmed=confirmed, by=by)


def _confirmed(home: Home) -> frozenset[str]:
    entries = journal.read(audit.journal_path(home, _CONFIRMATIONS))
    return frozenset(entry["confirmed"] for entry in entries)


def _monthly(reading: Reading) -> dict[_Place, set[tuple[str, str]]]:
    """Return the states of a reading's indicators by the report that they are of."""
    delivery, columns = reading.delivery, reading.columns
    found: dict[_Place, set[tuple[str, str]]] = defaultdict(set)
    if reading.table != "submission_values" or not columns or delivery["status"] == "refused":
        return found
    names = ("county_code", "institution_code", "reporting_month", "frequency")
    for county, institution, month, frequency, code, state in zip(
        *(columns[name] for name in (*names, "indicator_code", "value_state")), strict=True
    ):
        if frequency == "month" and institution and month:
            place = (county, institution, month, bool(delivery["is_made_up"]))
            found[place].add((code, state))
    return found
