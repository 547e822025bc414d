"""What the codes of a form are called, in the registers that a refresh last took into use.

Belongs here: names for pages, by code. Not here: other texts (sources/texts).
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from orchestration.registers.in_use import registers_in_use
from sources.custody.home import Home
from sources.layouts import load_layouts
from sources.registers import national_plans, plan_in, plan_rows, register_rows
from sources.texts import Language, text


@dataclass(frozen=True)
class Names:
    """Names in a language, read from the folder `registers`. A code without a name is its name."""

    registers: Path
    language: Language

    def institution(self, code: str) -> str:
        """Return an institution's name."""
        return self._institutions.get(code, code)

    def form(self, layout_id: str) -> str:
        """Return what is sent by a layout."""
        sources = {layout.id: layout.source for layout in load_layouts()}
        return text(f"desk.forms.{sources[layout_id]}", self.language)

    def indicators(self, month: str | None) -> dict[str, str]:
        """Return the names of the indicators in the plan of a month, written as 2023-05."""
        rows = plan_rows(self.registers, "indicators", self._plan(month))
        return {row["indicator_code"]: row[f"name_{self.language}"] for row in rows}

    def categories(self, month: str | None) -> dict[tuple[str, str], str]:
        """Return the names of their categories, by the indicator and the category."""
        rows = plan_rows(self.registers, "breakdown_categories", self._plan(month))
        return {
            (row["indicator_code"], row["category"]): row[f"name_{self.language}"] for row in rows
        }

    def _plan(self, month: str | None) -> str | None:
        if month is None:
            return None
        return plan_in(national_plans(self.registers), date.fromisoformat(f"{month}-01")) or None

    @cached_property
    def _institutions(self) -> dict[str, str]:
        rows = register_rows(self.registers, "institutions")
        return {row["institution_code"]: row[f"name_{self.language}"] for row in rows}


def names_in(home: Home, language: Language) -> Names:
    """Return the names by the registers of a data folder."""
    return Names(registers_in_use(home), language)
