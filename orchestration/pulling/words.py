"""The sentences of a pull, in Albanian and English.

Belongs here: reading words.yml and the one error of a pull. Not here: the words.
"""

from functools import cache
from pathlib import Path
from typing import Any, Literal

from sources.datafiles import read_yaml

Language = Literal["sq", "en"]


class PullFailed(RuntimeError):
    """A pull that can't go on: `kind` is a name under `failures` in words.yml."""

    def __init__(self, kind: str, **values: Any) -> None:
        self.kind = kind
        self.values = values
        super().__init__(self.sentence("en"))

    def sentence(self, language: Language) -> str:
        """Return what is wrong and what to do, in one line."""
        return sentence("failures", self.kind, language, **self.values)


def sentence(group: str, name: str, language: Language, **values: Any) -> str:
    """Return a sentence of words.yml with its values filled in."""
    sentence: str = _all()[group][name][language]
    return sentence.format(**values)


@cache
def _all() -> dict[str, Any]:
    path = Path(__file__).with_name("words.yml")
    content: dict[str, Any] = read_yaml(path)
    return content
