"""Ordinary workbooks read, checked and stored, beside python-calamine alone on the same files.

Run by hand: python tests/benchmarks/reading.py [files]. The default, 7,344, is 12 counties with 17
institutions over 36 months. Both figures are of one process and one run. Set-up isn't timed.
"""

import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import xlsxwriter
from python_calamine import CalamineWorkbook

from orchestration.ingestion.door import take_in
from orchestration.settings import SEEDS
from sources.home import Home
from sources.registers import load_registers, register_rows

HEADINGS = ("Kodi i treguesit", "Treguesi", "Njësia", "Ndarja", "Vlera", "Gjendja")
INDICATORS = ("2.1.9.1", "2.1.18.1", "3.1.1.2", "3.1.12.1", "3.1.13.1", "2.1.1.1")


def write_workbooks(folder: Path, count: int) -> list[Path]:
    """Write `count` reports of Fier's institutions, no two alike; return their paths."""
    institutions = [
        row["institution_code"]
        for row in register_rows(SEEDS, "institutions")
        if row["county_code"] == "AL-04"
    ]
    folder.mkdir(parents=True)
    written = []
    for number in range(count):
        month = date(2020 + number // 17 // 12 % 3, number // 17 % 12 + 1, 1)
        path = folder / f"{number}.xlsx"
        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet("Raporti")
            rows = [
                ("Formulari", "krat-raport-1"),
                ("Qarku", "AL-04"),
                ("Institucioni", institutions[number % 17]),
                ("Muaji", f"{month:%Y-%m}"),
                ("Të dhënat", "SHEMBULL - TË TRILLUARA"),
                HEADINGS,
                *((code, "", "", "", number + place) for place, code in enumerate(INDICATORS)),
            ]
            for position, row in enumerate(rows):
                sheet.write_row(position, 0, row)
        written.append(path)
    return written


def main(count: int = 7344) -> None:
    """Print both times and their ratio."""
    registers = load_registers(SEEDS)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(root=Path(folder) / "home", keys=Path(folder) / "keys")
        paths = write_workbooks(home.inbox / "AL-04", count)
        # The first reading of a process pays for imports; both sides pay before the clock starts.
        warm = Home(root=Path(folder) / "warm", keys=Path(folder) / "keys")
        write_workbooks(warm.inbox / "AL-04", 2)
        take_in(warm, registers)
        started = time.perf_counter()
        for path in paths:
            with CalamineWorkbook.from_path(path) as workbook:
                for name in workbook.sheet_names:
                    workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
        floor = time.perf_counter() - started
        started = time.perf_counter()
        intake = take_in(home, registers)
        whole = time.perf_counter() - started
    print(f"calamine alone  {floor:6.2f} s for {count} workbooks")
    print(f"read and stored {whole:6.2f} s, {intake.accepted} accepted, {intake.refused} refused")
    print(f"ratio           {whole / floor:6.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
