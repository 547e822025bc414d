"""Ordinary workbooks read, checked and stored, beside python-calamine alone on the same files.

7,344 of them are 12 counties with 17 institutions over 36 months: the forms that krat writes for
the institutions of Fier from their obligations, filled in, each under the head of its own county,
institution and month.

Both sides run in one run, over the same files, calamine in as many processes as the door has: its
readers, and the one that checks and stores. Counted is all that the door does from listing the
inbox to the last file's leaving it, the start of its readers and waiting for the disk included;
imports that a process pays once are not, on either side. Seconds of processors tell more than those
of the clock where others use the machine too.

Between the two stands what the door can't leave out, by the libraries' own calls and nothing else:
each file read, its content hashed and sealed, its sheets unpacked to look for formulas, its cells
read by calamine, and the file removed. No cell is looked at, and nothing is stored but the seal.
"""

import hashlib
import io
import multiprocessing
import os
import re
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import pandas as pd
import pyrage
from pyrage.x25519 import Identity
from python_calamine import CalamineWorkbook
from rows import Row, show

from orchestration.ingestion.door import reading_processes, take_in
from orchestration.runtime.settings import SEEDS, prepare_process
from sources.custody.home import Home
from sources.forms import LAYOUT_ID, write_forms
from sources.layouts import form_key
from sources.registers import Registers, load_registers, register_rows

EMPTY_VALUE = re.compile(rb'<c r="F(9|[1-5][0-9])" s="([0-9]+)"/>')
IN_WORDS = {
    row["institution_code"]: re.compile(
        rf">(?:Qarku Fier|{re.escape(row['name_sq'])}|[a-zë]+ 20\d\d)<"
    )
    for row in register_rows(SEEDS, "institutions")
}
COUNTIES = [f"AL-{number:02}" for number in range(1, 13)]
MONTHS = [date(year, month, 1) for year in (2022, 2023, 2024) for month in range(1, 13)]
ARRIVED = datetime(2025, 2, 1).timestamp()


def everywhere(registers: Registers) -> Registers:
    """Return the registers with the institutions of Fier in each county."""
    ours = [code for code, county in registers.institutions.items() if county == "AL-04"]
    copies = {code.replace("AL-04", county): county for code in ours for county in COUNTIES}
    return replace(registers, institutions=copies)


def write_workbooks(inbox: Path, count: int) -> list[str]:
    """Write `count` filled forms under the inbox, no two alike; return their paths."""
    written: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for month in range(1, 13):
            write_forms("AL-04", date(2023, month, 1), Path(folder), SEEDS, {})
        blanks = {path.stem: path.read_bytes() for path in sorted(Path(folder).iterdir())}
        institutions = sorted({stem.partition("_")[0] for stem in blanks})
    for county in COUNTIES:
        (inbox / county).mkdir(parents=True)
        for month in MONTHS:
            for institution in institutions:
                if len(written) == count:
                    return written
                # Nothing is owed each month; what is not due then is sent with the last form.
                blank = blanks.get(f"{institution}_2023-{month.month:02}")
                blank = blank or blanks[f"{institution}_2023-12"]
                code = institution.replace("AL-04", county)
                path = inbox / county / f"{code}_{month:%Y-%m}.xlsx"
                path.write_bytes(filled(blank, county, institution, code, month, len(written)))
                os.utime(path, (ARRIVED, ARRIVED))
                written.append(str(path))
    return written


def filled(
    blank: bytes, county: str, institution: str, code: str, month: date, number: int
) -> bytes:
    """Return a form with another head and its cells filled in."""
    said = {
        ">AL-04<": f">{county}<",
        f">{institution}<": f">{code}<",
        ">2023-": f">{month:%Y}-",
    }
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(blank)) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.infolist():
            text = old.read(part)
            if part.filename == "xl/sharedStrings.xml":
                strings = text.decode()
                for before, after in said.items():
                    strings = strings.replace(before, after, 1)
                # In words the head would say another county, institution and month.
                strings = IN_WORDS[institution].sub("><", strings)
                stated = next(iter(_months(strings)))
                strings = strings.replace(f">{stated}<", f">{month:%Y-%m}<", 1)
                year = date(2023, int(stated[5:]), 1)
                strings = strings.replace(
                    f">{form_key(LAYOUT_ID, 'AL-04', institution, year)}<",
                    f">{form_key(LAYOUT_ID, county, code, month)}<",
                )
                text = strings.encode()
            elif part.filename == "xl/worksheets/sheet1.xml":
                text = EMPTY_VALUE.sub(
                    lambda cell: (
                        b'<c r="F%b" s="%b"><v>%d</v></c>'
                        % (cell[1], cell[2], (number + int(cell[1])) % 7)
                    ),
                    text,
                )
            new.writestr(part, text)
    return target.getvalue()


def _months(strings: str) -> Iterator[str]:
    for part in strings.split("<t>"):
        if len(stated := part.partition("<")[0]) == 7 and stated[4] == "-" and stated[:2] == "20":
            yield stated


def read_alone(paths: list[str]) -> float:
    """Read every sheet with calamine and nothing else; return its seconds of processors."""
    before = time.process_time()
    for path in paths:
        with CalamineWorkbook.from_path(path) as workbook:
            for name in workbook.sheet_names:
                workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    return time.process_time() - before


def least_work(paths: list[str]) -> float:
    """Do what can't be left out, in calls of libraries; return its seconds of processors."""
    before = time.process_time()
    recipient = Identity.generate().to_public()
    with tempfile.TemporaryFile() as sealed:
        for path in paths:
            content = Path(path).read_bytes()
            hashlib.sha256(content).hexdigest()
            sealed.write(pyrage.encrypt(content, [recipient]))
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for name in archive.namelist():
                    if name.startswith("xl/worksheets/"):
                        archive.read(name)
            with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
                for name in workbook.sheet_names:
                    workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            os.unlink(path)  # noqa: PTH108 (the call itself)
    return time.process_time() - before


def timed(
    work: Callable[[list[str]], float], paths: list[str], warm: list[str], processes: int
) -> tuple[float, float]:
    """Return the seconds of the clock and of processors that work takes in so many processes."""
    parts = [paths[number :: processes * 8] for number in range(processes * 8)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        # Each process has imported what it needs before the clock starts.
        pool.map(read_alone, [warm] * processes * 4, chunksize=1)
        before = time.perf_counter()
        used = pool.map(work, parts, chunksize=1)
        return time.perf_counter() - before, sum(used)


def processor_seconds() -> float:
    """Return what this process and those that it has ended have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def with_pandas(paths: list[str], engine: Literal["openpyxl", "calamine"]) -> float:
    """Read forms as a script of an office would and add up their values; return its seconds."""
    started = time.perf_counter()
    total = 0.0
    for path in paths:
        frame = pd.read_excel(path, engine=engine, header=None)
        total += pd.to_numeric(frame.iloc[8:, 5], errors="coerce").sum()
    if not total:
        raise SystemExit("the script has read nothing")
    return time.perf_counter() - started


def measure(count: int) -> list[Row]:
    """Read forms in every way, and return how long each took."""
    registers = everywhere(load_registers(SEEDS))
    with tempfile.TemporaryDirectory() as folder:
        home = Home(root=Path(folder) / "home", keys=Path(folder) / "keys")
        prepare_process(home)
        paths = write_workbooks(home.inbox, count)
        warm = Home(root=Path(folder) / "warm", keys=Path(folder) / "keys")
        few = write_workbooks(warm.inbox, 8)
        copies = write_workbooks(Path(folder) / "copies", count)
        os.sync()
        script = {engine: with_pandas(copies, engine) for engine in ("openpyxl", "calamine")}
        processes = reading_processes(len(paths)) + 1
        alone, alone_used = timed(read_alone, paths, few, processes)
        _, least_used = timed(least_work, copies, few, processes)
        take_in(warm, registers)
        before, used_before = time.perf_counter(), processor_seconds()
        intake = take_in(home, registers)
        whole = time.perf_counter() - before
        whole_used = processor_seconds() - used_before
    if intake.accepted != count:
        raise SystemExit("only files that are taken in tell what taking in costs")
    return [
        show(row)
        for row in (
            Row(f"{count:,} forms read, checked and stored, by the clock", whole,
                floor="calamine alone", floor_value=alone),
            Row("the same, seconds of processors", whole_used, floor="calamine alone",
                floor_value=alone_used, at_most=6),
            Row("the least that it takes by libraries, seconds of processors", least_used,
                floor="calamine alone", floor_value=alone_used),
            *(Row(f"a script with pandas and {engine}, one process, no checks", took,
                  floor="krat, by the clock", floor_value=whole)
              for engine, took in script.items()),
        )
    ]  # fmt: skip
