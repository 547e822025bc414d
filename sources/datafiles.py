"""Data files beside the code, which people maintain: how one is read.

Belongs here: reading YAML, in which layouts, words, suites and parameters stand. Not here: what a
file says (the module beside it), or tables in CSV (sources.registers, sources.codes).
"""

from pathlib import Path
from typing import Any

import yaml


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file. Raises OSError, or yaml.YAMLError where it is none."""
    # The parser in C reads layouts ten times as fast as the one in Python.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
