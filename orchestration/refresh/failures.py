"""What is told of a refresh that failed: the step, the reason, and the command to run next.

One line a failure, for the command line and Dagster alike. It quotes no text but krat's own: what a
library writes can hold a value of a row or the name of a file.

Belongs here: the lines. Not here: a county-month that is refused, which is a result (plan).
"""

import errno
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from expectations.gate import GateRefused
from orchestration.refresh.damage import damage
from orchestration.refresh.plan import NoPlan
from orchestration.registers.rows import BrokenRegisters
from orchestration.runtime.memory import too_little_memory
from orchestration.runtime.settings import PROJECT
from orchestration.runtime.writer_lock import AnotherWriter
from orchestration.warehouse.build import DISK_FULL, DISK_READ_ONLY, BuildFailed, Engine
from orchestration.warehouse.spark import NoSpark
from sources.custody.home import Home
from sources.texts import LANGUAGES

#: The packages of krat: the texts of their exceptions are written here.
_OWN = ("expectations", "orchestration", "sources")

#: What Python and dbt say where there is no memory for a thread.
NO_THREAD = "can't start new thread"

_NO_MEMORY = "there is too little memory"

#: What ends a refresh before its first step.
_NOT_BEGUN = (AnotherWriter, NoPlan, NoSpark)

#: The command that does again what failed, where the month isn't known.
ANY_MONTH = "krat refresh --month YYYY-MM"


def refresh_command(
    month: date,
    county_code: str | None = None,
    since: date | None = None,
    engine: Engine = Engine.DUCKDB,
) -> str:
    """Return the command that refreshes a month, or the months since another."""
    options = f" --since {since:%Y-%m}" if since else ""
    options += f" --county {county_code}" if county_code else ""
    options += f" --engine {engine}" if engine is not Engine.DUCKDB else ""
    return f"krat refresh --month {month:%Y-%m}{options}"


@contextmanager
def told_in_words(
    home: Home,
    step: str,
    again: str,
    failure: Callable[[str], Exception],
    show: Callable[[str], object] = lambda _: None,
) -> Iterator[Callable[[str], None]]:
    """Raise `failure` with one line where the block raises anything else.

    Yields what the block calls with each further step, which is shown too.
    """
    steps = [step]

    def report(text: str) -> None:
        steps.append(text)
        show(text)

    try:
        yield report
    except Exception as error:
        # What an error quotes stays out of the log, so that it isn't kept as the cause.
        raise failure(describe_failure(home, error, steps[-1], again)) from None


def describe_failure(home: Home, error: Exception, step: str, again: str = ANY_MONTH) -> str:
    """Return what failed, why, and what to run next, in one line.

    Below it each problem of the office's registers, if that is what failed, in both languages.
    `step` is what was done when it failed, as "building the warehouse"; `again` the command that
    does it again.
    """
    reason, command = _reason(home, error, again)
    problems = error.problems if isinstance(error, BrokenRegisters) else []
    line = f"{' '.join(reason.split()).rstrip('.')}. "
    if not isinstance(error, _NOT_BEGUN):
        line = f"{step[0].upper()}{step[1:]} failed: {line}What was published before stays. "
    line += f"Next: {command}"
    return "\n".join([line, *(each.sentence(word) for each in problems for word in LANGUAGES)])


def _reason(home: Home, error: Exception, again: str) -> tuple[str, str]:
    text = str(error)
    if _is_of_disk(error, DISK_FULL, errno.ENOSPC, errno.EDQUOT):
        return f"the disk of {home.root} is full", f"free space on it, then {again}"
    if _is_of_disk(error, DISK_READ_ONLY, errno.EROFS):
        return f"nothing can be written on the disk of {home.root}", f"mount it anew, then {again}"
    if isinstance(error, BrokenRegisters):
        return text, "krat registers check"
    if isinstance(error, GateRefused):
        return text.removesuffix(": run krat refresh."), again
    if isinstance(error, NoPlan):
        return text, "krat plan add, or a month that the registers cover"
    out_of_memory = isinstance(error, (MemoryError, duckdb.OutOfMemoryException))
    if out_of_memory or NO_THREAD in text:
        return _NO_MEMORY, f"end other programs, then {again}"
    if isinstance(error, duckdb.IOException) and "Could not set lock" in text:
        holder = re.search(r"\(PID \d+\)", text)
        who = f"another program {holder.group() if holder else ''}"
        return f"{who} has {home.warehouse.name} open", f"close it, then {again}"
    if isinstance(error, PermissionError):
        return f"krat may not write in {_part(home, error)}", f"give it the right, then {again}"
    if isinstance(error, BuildFailed) or _is_own(error):
        return text, again
    if too_little_memory():
        # It shows in many ways: a file that can't be opened, a library that can't be loaded.
        return _NO_MEMORY, f"end other programs, then {again}"
    return damage(home, again) or (
        f"an error of krat's own ({type(error).__name__} {_place(error)})",
        again,
    )


def _is_of_disk(error: BaseException, words: str, *numbers: int) -> bool:
    """Tell whether an error, or one that it came of, is one of these of the system's."""
    return any(
        getattr(one, "errno", None) in numbers or words in str(one) for one in _causes(error)
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_own(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in _OWN


def _part(home: Home, error: PermissionError) -> str:
    """Return the folder of the data folder that a file is in: its name may identify a person."""
    path = Path(str(error.filename or home.root))
    if not path.is_relative_to(home.root):
        return "a folder outside of the data folder"
    return str(home.root.joinpath(*path.relative_to(home.root).parts[:-1][:1]))


def _place(error: Exception) -> str:
    """Return the last line of krat's own code that an error went through."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(PROJECT) and path.relative_to(PROJECT).parts[0] in _OWN:
            return f"at {path.relative_to(PROJECT)}, line {frame.lineno}"
    return "outside of its code"
