"""What must hold of any bytes that the readers get, and true files to begin with."""

import tempfile
from datetime import date, datetime
from pathlib import Path

from orchestration.runtime.settings import SEEDS
from sources.custody.pseudonyms import Pseudonyms
from sources.example.generate import write_example
from sources.forms import write_forms
from sources.reading import read_content
from sources.registers import load_registers

REGISTERS = load_registers(SEEDS)
KEYS = Pseudonyms(Path(tempfile.mkdtemp()))
RECEIVED = datetime(2023, 7, 5)

#: No cell of a file may be repeated in what is told of it.
SECRET = "Zyxwv"


def must_be_answered(content: bytes) -> None:
    """Fail if reading raises, leaves a file without an answer, or repeats a cell's text."""
    reading = read_content(content, "AL-04", REGISTERS, KEYS.key, RECEIVED)
    assert reading.delivery["status"] in ("accepted", "refused")
    assert reading.problems or reading.rows
    assert not (reading.rows and reading.delivery["status"] == "refused")
    assert SECRET not in f"{reading.problems} {reading.delivery} {reading.rows}"


def seeds() -> list[bytes]:
    """Return true files to begin with, what stands for persons in them replaced by the secret."""
    with tempfile.TemporaryDirectory() as folder:
        forms = write_forms("AL-04", date(2023, 6, 1), Path(folder) / "forms", SEEDS, {})
        files = [*forms[:4], *write_example(Path(folder) / "inbox", SEEDS)[:40:3]]
        contents = [path.read_bytes() for path in files]
    # The example's fillers of identifying fields end alike; its mark of made-up data stays.
    for filler in (b" I TRILLUAR", b" E TRILLUAR"):
        contents = [content.replace(filler, b" I " + SECRET.encode()) for content in contents]
    return contents
