"""That too little memory is left is said before a refresh runs out of it."""

import re
import resource
from pathlib import Path

import pytest

from orchestration.runtime import memory
from orchestration.runtime.memory import NEEDED, too_little_memory


def test_a_limit_of_the_process_counts_less_what_it_has() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    taken = pages * resource.getpagesize()
    try:
        resource.setrlimit(resource.RLIMIT_AS, (taken + NEEDED // 4, before[1]))
        told = too_little_memory()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    [left] = re.findall(r"only (\d+) MB", told)
    assert NEEDED // 8 < int(left) << 20 <= NEEDED // 4


@pytest.mark.parametrize("most", [None, NEEDED // 2, 4 * NEEDED])
def test_a_limit_of_the_control_group_counts_without_what_can_be_given_up(
    most: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_GROUPS", tmp_path)
    (tmp_path / "memory.max").write_text("max\n" if most is None else f"{most}\n")
    (tmp_path / "memory.current").write_text(f"{NEEDED}\n")
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {NEEDED - (1 << 20)}\n")
    told = too_little_memory()
    assert ("only 767 MB" in told) == (most == NEEDED // 2)
