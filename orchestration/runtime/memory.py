"""How much memory krat may still take, and whether a refresh can do with it.

Belongs here: what the system says. Not here: the limit of a database, which is a setting.
"""

import resource
from collections.abc import Iterator
from pathlib import Path

#: Bytes that a refresh of one county takes beside what it has at its start, with some to spare
#: (docs/performance.md).
NEEDED = 3 << 29

_GROUPS = Path("/sys/fs/cgroup")


def too_little_memory() -> str:
    """Return in words that less is left than a refresh may need; nothing where there is enough.

    It is a warning: what runs out of memory may be ended by the system without a word.
    """
    left = min(_left(), default=NEEDED)
    if left >= NEEDED:
        return ""
    return (
        f"only {max(left, 0) >> 20:,} MB of memory are left and a refresh may need "
        f"{NEEDED >> 20:,}: if it ends without a word, end other programs and run it again"
    )


def _left() -> Iterator[int]:
    """Yield the bytes left to this process: by its own limit, its control group, the machine."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        if limit != resource.RLIM_INFINITY:
            yield limit - pages * resource.getpagesize()
        yield _fields(Path("/proc/meminfo"))["MemAvailable"] << 10
        group = Path("/proc/self/cgroup").read_text(encoding="utf-8").rpartition("::")[2].strip()
    except (OSError, ValueError, KeyError, IndexError):
        # No Linux, or one that says less.
        return
    # In a container its own group is at the root of what is seen.
    for folder in {_GROUPS / group.lstrip("/"), _GROUPS}:
        try:
            most = int((folder / "memory.max").read_text(encoding="ascii"))
            used = int((folder / "memory.current").read_text(encoding="ascii"))
            # What the system keeps of files it gives up where memory is asked for.
            yield most - used + _fields(folder / "memory.stat")["inactive_file"]
        except (OSError, ValueError, KeyError):
            continue


def _fields(path: Path) -> dict[str, int]:
    """Return the numbers of a file that has a name and a number in each line."""
    lines = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {line[0].rstrip(":"): int(line[1]) for line in lines if len(line) > 1}
