"""A nation of made-up deliveries: twelve counties like Fier, each with its municipalities.

It has the office's registers and the inbox of a data folder: a report of each institution a month,
and for each county a hotline log a month and the records of its keepers a quarter, with the usual
defects: reports that are missing, late, sent again or broken, contacts and cases told twice. The
same seed writes the same bytes. Times are those of whole processes, its parts aside.
"""

import csv
import hashlib
import io
import math
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from refresh import bare_sql, compiled_models
from rows import Row, show

sys.path.insert(0, str(Path(__file__).parents[1]))

from three_counties import (
    CASE_HEADINGS,
    LOG_HEADINGS,
    MADE_UP,
    REPORT_HEADINGS,
    SYLLABLES,
)

from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import SEEDS, prepare_process
from sources.custody.home import Home
from sources.registers import register_rows

FIRST = date(2021, 1, 1)
LIKE = "AL-04"
#: From this day on logs and records come in the forms with the columns that tests have.
SECOND_FORMS = datetime(2023, 1, 1, tzinfo=UTC)
#: Cases that began before end before it: a quarter's records come in the month after it.
OLD_CASES_END = date(2022, 10, 1)
#: Who keeps cases, as in Fier.
KEEPERS = ("POLICIA", "SHSSH", "DVKM")


def write_nation(
    root: Path, *, counties: int, months: int, contacts: int, events: int, seed: int
) -> int:
    """Write registers and inbox into a data folder; return how many files the inbox has."""
    codes = [f"AL-{number:02}" for number in range(1, counties + 1)]
    if LIKE not in codes:
        codes[0] = LIKE
    _write_registers(root / "registers", codes)
    spans = [_plus(FIRST, place) for place in range(months)]
    owed = _owed()
    written = 0
    for code in codes:
        rng = Random(f"nation {seed} {code}")
        deliveries = [
            *_reports(rng, code, spans, owed),
            *_logs(rng, code, spans, contacts // (counties * months)),
            *_records(rng, code, spans, events // counties),
        ]
        for name, content, received in deliveries:
            path = root / "inbox" / code / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (received.timestamp(),) * 2)
            written += 1
    return written


def _senders(county: str) -> dict[str, str]:
    """Return the institutions of a county, each with the one of Fier that it is like."""
    regional = {row["institution_code"] for row in register_rows(SEEDS, "reporting_obligations")}
    if county == LIKE:
        return {code: code for code in sorted(regional)}
    offices = {code.replace(LIKE, county): code for code in sorted(regional) if "-B-" not in code}
    like = min(code for code in regional if "-B-" in code)
    return offices | {
        f"{county}-B-{row['municipality_code'][-2:]}": like
        for row in register_rows(SEEDS, "municipalities")
        if row["county_code"] == county
    }


def _write_registers(folder: Path, counties: Sequence[str]) -> None:
    """Write the rows by which every county owes what Fier owes, from the first month on."""
    known = {row["institution_code"]: row for row in register_rows(SEEDS, "institutions")}
    places = {
        f"{row['county_code']}-B-{row['municipality_code'][-2:]}": row["name_sq"]
        for row in register_rows(SEEDS, "municipalities")
    }
    written: dict[str, list[dict[str, str]]] = {
        "institutions": [], "reporting_obligations": [], "record_obligations": [],
    }  # fmt: skip
    for county in counties:
        for code, like in _senders(county).items():
            if county != LIKE:
                own = {
                    "institution_code": code,
                    "county_code": county,
                    "seat_county_code": county,
                    "abbreviation": "",
                }
                if code in places:
                    own["municipality_name"] = places[code]
                    own["name_sq"] = f"Bashkia {places[code]}"
                    own["name_en"] = f"Municipality of {places[code]}"
                else:
                    own["name_sq"] = f"{known[like]['name_sq']} {county}"
                    own["name_en"] = f"{known[like]['name_en']} {county}"
                written["institutions"].append(known[like] | own)
            for name in ("reporting_obligations", "record_obligations"):
                for row in register_rows(SEEDS, name):
                    # Of the municipalities Fier's alone keeps cases.
                    if row["institution_code"] == like and (
                        name == "reporting_obligations" or "-B-" not in like
                    ):
                        written[name].append(row | _from_the_first_month(row, code, county))
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in written.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            columns = list(next(iter(register_rows(SEEDS, name))))
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _from_the_first_month(row: dict[str, str], code: str, county: str) -> dict[str, str]:
    """Return what changes in an obligation; krat's own of Fier begin in 2023."""
    own = {
        "institution_code": code,
        "valid_from": FIRST.isoformat(),
        "basis": "proposed: made up",
    }
    if county == LIKE:
        own["valid_to"] = "2022-12-31"
    return own | ({"recorded_from": FIRST.isoformat()} if "recorded_from" in row else {})


def _owed() -> dict[str, list[tuple[str, int]]]:
    """Return the indicators that an institution like one of Fier's owes, each every n months."""
    every = {"monthly": 1, "quarterly": 3, "yearly": 12}
    found: dict[str, list[tuple[str, int]]] = {}
    for row in register_rows(SEEDS, "reporting_obligations"):
        indicator = row["indicator_code"], every[row["frequency"]]
        found.setdefault(row["institution_code"], []).append(indicator)
    return found


Delivery = tuple[str, bytes, datetime]


def _reports(
    rng: Random, county: str, months: Sequence[date], owed: dict[str, list[tuple[str, int]]]
) -> Iterator[Delivery]:
    bases = {
        row["indicator_code"]: row["target_basis"] for row in register_rows(SEEDS, "indicators")
    }
    senders = _senders(county)
    reached: dict[tuple[str, str], int] = {}
    for month in months:
        for sender, like in senders.items():
            lines = []
            for indicator, every in owed[like]:
                if month.month % every:
                    continue
                value = rng.choice((0, 0, 1, 1, 2, 3, 5, 9, 14))
                if bases[indicator] == "milestone":
                    value = reached[sender, indicator] = max(
                        reached.get((sender, indicator), 0), int(rng.random() < 0.1)
                    )
                said = "" if rng.random() < 0.02 else value
                lines.append(
                    ("krat-raport-1", county, sender, f"{month:%Y-%m}", MADE_UP, indicator, "",
                     said, "zero" if said == 0 else "")
                )  # fmt: skip
            fate = rng.random()
            if not lines or fate < 0.03:
                continue
            days = rng.choice((2, 4, 6, 8)) if fate > 0.08 else rng.choice((12, 20, 45))
            name = f"{sender}_{month:%Y-%m}"
            content = _csv(REPORT_HEADINGS, lines)
            if fate > 0.985:
                # One that is refused, and comes in order a week later.
                yield f"{name}.csv", content[: len(content) // 3], _after(month, days)
                yield f"{name}_v2.csv", content, _after(month, days + 7)
            else:
                yield f"{name}.csv", content, _after(month, days)
            if 0.95 < fate < 0.97:
                again = [(*line[:7], (line[7] or 0) + 1, "") for line in lines[:1]] + lines[1:]
                yield f"{name}_v2.csv", _csv(REPORT_HEADINGS, again), _after(month, days + 30)


def _logs(rng: Random, county: str, months: Sequence[date], size: int) -> Iterator[Delivery]:
    number = cases = 0
    for month in months:
        received = _after(month, 5)
        is_old = received < SECOND_FORMS
        days = (_plus(month, 1) - month).days
        begins = datetime.combine(month, datetime.min.time())
        lines: list[tuple[Any, ...]] = []
        recent: list[tuple[int, int]] = []
        for minute in sorted(rng.randrange(days * 1440) for _ in range(size)):
            number += 1
            at = begins + timedelta(minutes=minute)
            purpose = rng.choice(("case_report", "information", "information", "silent", "prank"))
            case: int | str = ""
            repeat: int | str = ""
            duplicate: int | str = ""
            referred = False
            if purpose == "case_report":
                if recent and rng.random() < 0.3:
                    linked, case = rng.choice(recent[-20:])
                    repeat, duplicate = (
                        (linked, "") if is_old or rng.random() < 0.7 else ("", linked)
                    )
                else:
                    cases += 1
                    case = cases
                recent.append((number, int(case)))
                referred = not duplicate and rng.random() < 0.5
            accepted = f"{at + timedelta(minutes=rng.randint(1, 900)):%Y-%m-%d %H:%M}"
            lines.append(
                ("krat-linja-2", county, MADE_UP, number,
                 "phone_116006" if purpose == "silent"
                 else rng.choice(("phone_116006", "app", "web")), f"{at:%Y-%m-%d %H:%M}",
                 rng.choice(("self", "family", "unknown", "")), purpose,
                 rng.choice(("", 0, 1, 2)) if purpose == "case_report" else "", "",
                 "police" if referred else "",
                 accepted if referred and rng.random() < 0.7 else "",
                 "duplicate_of" if duplicate else "referred" if referred else "no_action",
                 case, repeat, duplicate)
            )  # fmt: skip
        headings = LOG_HEADINGS
        if is_old:
            headings = LOG_HEADINGS[:-1]
            lines = [("krat-linja-1", *line[1:-1]) for line in lines]
        if lines:
            yield f"linja_{month:%Y-%m}.csv", _csv(headings, lines), received


def _records(rng: Random, county: str, months: Sequence[date], size: int) -> Iterator[Delivery]:
    """Yield a file a keeper and quarter, with the whole histories of who has something new."""
    last = _plus(months[-1], 1)
    histories: dict[str, list[list[tuple[date, tuple[Any, ...]]]]] = {one: [] for one in KEEPERS}
    told = person = 0
    while told < size:
        person += 1
        begins = months[0] + timedelta(days=rng.randrange((last - months[0]).days))
        steps = _history(rng, begins)
        age = rng.choice(("0-17", "18+"))
        identity = (
            "Shem" + _word(person),
            "Trill" + _word(person * 7 + 3),
            f"Z{county[3:]}{person:06}Z",
            date(2008 if age == "0-17" else 1980, 1 + person % 12, 1 + person % 28).isoformat(),
        )
        sex = rng.choice(("female", "male"))
        for keeper in rng.sample(KEEPERS, 2 if rng.random() < 0.1 else 1):
            number = len(histories[keeper]) + 1
            head = ("krat-referim-2", county, f"{county}-{keeper}", MADE_UP,
                    f"RR-{number:06}", f"P-{number:06}")  # fmt: skip
            known = [
                (day, (*head, event, day, sex, age, "Police" if decides else "", "police",
                       support, detail, *identity, "", "", "",
                       "shelter" if event.startswith("referr") else "", ""))
                for day, event, decides, support, detail in steps
                if day < (OLD_CASES_END if begins < OLD_CASES_END else last)
            ]  # fmt: skip
            histories[keeper].append(known)
            told += len(known)
    for keeper, every in histories.items():
        for month in months:
            if month.month % 3:
                continue
            begins, ends = _plus(month, -2), _plus(month, 1)
            lines = [
                line
                for history in every
                if any(begins <= day < ends for day, _ in history)
                for day, line in history
                if day < ends
            ]
            if lines:
                received = _after(month, 7)
                content = (
                    _csv(CASE_HEADINGS, lines) if received >= SECOND_FORMS else _old_records(lines)
                )
                yield f"raste_{keeper}_{month:%Y-%m}.csv", content, received


def _history(rng: Random, day: date) -> list[tuple[date, str, bool, str, str]]:
    steps: list[tuple[str, bool, str, str]] = [
        ("flagged", True, "", ""), ("initially_identified", True, "", ""),
        ("informed", False, "", ""), ("referred", False, "", ""),
    ]  # fmt: skip
    if rng.random() < 0.9:
        steps.append(("referral_accepted", False, "", ""))
        for support in rng.sample(("Legal", "Health", "SocialCare", "Education"), 2):
            steps.append(("assisted", False, support, "in_centre"))
    if rng.random() < 0.3:
        steps.append(("formally_identified", True, "", ""))
    if rng.random() < 0.5:
        steps.append(("closed", False, "", ""))
    found = []
    for step in steps:
        found.append((day, *step))
        day += timedelta(days=rng.choice((0, 1, 3, 10, 30)))
    return found


def _old_records(lines: Sequence[tuple[Any, ...]]) -> bytes:
    """Return records in the first form: a name has one column, and a number none."""
    written = []
    for line in lines:
        named = dict(zip(CASE_HEADINGS, line, strict=True))
        keeper = named.pop("Institucioni")
        # Its file does not say whose numbers they are.
        for heading in ("Nr. rastit", "Kodi i personit"):
            named[heading] = f"{keeper}-{named[heading]}"
        named["Formulari"] = "krat-referim-1"
        named["Emri"] += " " + named.pop("Mbiemri")
        del named["Numri personal"]
        written.append(named)
    return _csv(list(written[0]), [list(named.values()) for named in written])


def _word(number: int) -> str:
    word = ""
    for _ in range(4):
        number, place = divmod(number, len(SYLLABLES))
        word += SYLLABLES[place]
    return word


def _plus(month: date, months: int) -> date:
    place = month.year * 12 + month.month - 1 + months
    return date(place // 12, place % 12 + 1, 1)


def _after(month: date, days: int) -> datetime:
    return datetime.combine(_plus(month, 1), datetime.min.time(), UTC) + timedelta(days=days)


def _csv(headings: Sequence[str], lines: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(lines)
    return text.getvalue().encode()


@dataclass(frozen=True)
class Size:
    """How large a nation is; contacts and steps of cases grow with its months."""

    counties: int
    months: int

    @property
    def name(self) -> str:
        return f"{self.counties} x {self.months}"

    @property
    def county_months(self) -> int:
        return self.counties * self.months

    def write(self, root: Path, seed: int, share: float = 1) -> int:
        """Write a nation of this size; return how many files its inbox has.

        At 12 x 36 it has a million contacts and 200,000 steps of cases, or a `share` of them.
        """
        part = share * self.county_months / (12 * 36)
        return write_nation(
            root, counties=self.counties, months=self.months, contacts=int(1_000_000 * part),
            events=int(200_000 * part), seed=seed,
        )  # fmt: skip


#: One county's year, all counties' year, and three years of all.
SIZES = (Size(1, 12), Size(12, 12), Size(12, 36))


def _in_its_parts(root: Path, month: date) -> dict[str, float]:
    """Refresh in this process; return seconds by part, numbers of what was made, and its MiB."""
    # Imported here: each runs in a process of its own.
    from orchestration.refresh import steps as road

    home = Home(root=root / "home", keys=root / "keys")
    prepare_process(home)
    found: dict[str, float] = {}

    def timed(name: str) -> None:
        call = getattr(road, name)

        def of(*arguments: Any, **more: Any) -> Any:
            started = time.perf_counter()
            result = call(*arguments, **more)
            found[name] = time.perf_counter() - started
            return result

        setattr(road, name, of)

    for name in ("take_in", "link_persons", "build_warehouse", "publish_editions"):
        timed(name)
    started = time.perf_counter()
    outcome = road.refresh(home, [month])
    found["whole"] = time.perf_counter() - started
    found["editions"] = len(outcome.editions)
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found["readers"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return found


def _build_again(root: Path) -> float:
    """Build all of the warehouse anew in this process; return its seconds."""
    from orchestration.warehouse.build import build_warehouse

    home = Home(root=root / "home", keys=root / "keys")
    prepare_process(home)
    started = time.perf_counter()
    build_warehouse(home, with_registers=True)
    return time.perf_counter() - started


def _alone(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what work returns in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def _krat(root: Path, *command: str) -> float:
    """Return how long a command took as a whole process, in seconds."""
    started = time.perf_counter()
    subprocess.run(
        [str(Path(sys.executable).parent / "krat"), *command],
        env=os.environ | {"KRAT_HOME": str(root / "home"), "KRAT_KEYS": str(root / "keys")},
        capture_output=True,
        # It is 1 where something was refused, as in a nation with defects.
        check=False,
    )
    return time.perf_counter() - started


def _send(root: Path, month: date, value: int) -> None:
    """Put a report of Fier's social services for a month into the inbox."""
    line = ("krat-raport-1", LIKE, f"{LIKE}-SHSSH", f"{month:%Y-%m}", MADE_UP, "2.1.18.1", "",
            value, "")  # fmt: skip
    path = root / "home" / "inbox" / LIKE / "new.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_csv(REPORT_HEADINGS, [line]))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _hashes(root: Path) -> dict[Path, str]:
    """Return the SHA-256 of every file of the data folder."""
    found = {}
    for path in (root / "home").rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                found[path] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _as_parquet(root: Path) -> int:
    """Return how many bytes the raw tables have as one Parquet file each, by zstd."""
    with (
        read_warehouse(Home(root / "home", root / "keys")) as connection,
        tempfile.TemporaryDirectory() as folder,
    ):
        for table in ("hotline_contacts", "referral_events", "submission_values"):
            connection.execute(
                f"copy (from raw.{table}) to '{folder}/{table}.parquet' "
                "(format parquet, compression zstd)"
            )
        return _bytes(Path(folder))


def _nothing_new(root: Path, *command: str) -> list[Row]:
    """Refresh when nothing has come; return how long that takes and how many files it changes."""
    before = _hashes(root)
    seconds = _krat(root, *command)
    after = _hashes(root)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    return [
        show(Row("nothing new", seconds, at_most=5)),
        show(Row("files that this changed", len(changed), "", at_most=0)),
    ]


def measure(size: Size, seed: int, share: float = 1) -> tuple[list[Row], dict[str, float]]:
    """Refresh a nation for the first time, and then with little that is new.

    Returns the rows of the page, and the seconds of what is held against other sizes.
    """
    last = _plus(FIRST, size.months - 1)
    month = ("refresh", "--month", f"{last:%Y-%m}")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        files = size.write(root / "home", seed, share)
        first = _alone(_in_its_parts, root, last)
        nothing = _nothing_new(root, *month)
        _send(root, last, 31)
        one = _krat(root, *month)
        home = Home(root=root / "home", keys=root / "keys")
        # For dbt, which compiles what is run bare.
        prepare_process(home)
        models = compiled_models(root / "target")
        sql = bare_sql(home, models, times=1)
        build = _alone(_build_again, root)
        rows = [
            show(Row(f"first refresh, {files:,} files", first["whole"])),
            show(Row("&nbsp; of it the door", first["take_in"])),
            show(Row("&nbsp; of it linking persons", first["link_persons"])),
            show(Row("&nbsp; of it an edition of counts of persons",
                     first["publish_editions"] / max(first["editions"], 1), at_most=30)),
            show(Row("core and marts built anew", build, floor="bare SQL", floor_value=sql,
                     at_most=1.5)),
            *nothing,
            show(Row("one new report", one)),
            show(Row("peak memory of a refresh", first["memory"], "MiB", at_most=1536)),
            show(Row("peak memory of a reader of files", first["readers"], "MiB", at_most=1536)),
            show(Row("raw files", _bytes(root / "home" / "raw") / 1e6, "MB",
                     "zstd Parquet of the same rows", _as_parquet(root) / 1e6, 1.5)),
        ]  # fmt: skip
    return rows, {"first refresh": first["whole"], "core and marts built anew": build,
                  "nothing new": nothing[0].value, "one new report": one}  # fmt: skip


def measure_released(size: Size, seed: int, share: float = 1) -> list[Row]:
    """Release every month of a nation, and then let a report of its first month come late."""
    last = _plus(FIRST, size.months - 1)
    every = ("refresh", "--since", f"{FIRST:%Y-%m}", "--month", f"{last:%Y-%m}")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        size.write(root / "home", seed, share)
        whole = _krat(root, *every)
        releases = root / "home" / "releases"
        parquet = sum(path.stat().st_size for path in releases.rglob("*.parquet"))
        rows = [
            show(Row("every month released, both tiers", whole)),
            show(Row("releases on the disk", _bytes(releases) / 1e6, "MB",
                     "their Parquet once", parquet / 1e6)),
            *_nothing_new(root, *every),
        ]  # fmt: skip
        _send(root, last, 31)
        newest = _krat(root, *every)
        _send(root, FIRST, 32)
        late = _krat(root, *every)
    return [
        *rows,
        show(Row("one late report, all later months restated", late,
                 floor="one report of the last month", floor_value=newest, at_most=1.3)),
    ]  # fmt: skip


def growth(measured: Mapping[Size, Mapping[str, float]]) -> list[Row]:
    """Return how times grow with county-months, as its power, and one report's from end to end."""
    least, *_, most = measured
    return [
        show(Row(f"one new report, {most.name}", measured[most]["one new report"],
                 floor=least.name, floor_value=measured[least]["one new report"], at_most=1.3)),
        *(
        show(Row(f"{what}, {one.name} to {other.name}",
                 math.log(measured[other][what] / measured[one][what])
                 / math.log(other.county_months / one.county_months), ""))
        for one, other in pairwise(measured)
        for what in measured[one]
        ),
    ]  # fmt: skip
