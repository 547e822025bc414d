"""The counties of a run, where it is not for all.

Belongs here: that part of a run's configuration. Not here: which day a county has (the calendar).
"""

import dagster as dg
from pydantic import Field

from orchestration.gate.judge import counties_with_reports
from orchestration.registers.in_use import registers_in_use
from sources.custody.home import Home
from sources.registers import NATION


class SomeCounties(dg.Config):
    """Counties that a run is for, or that it leaves out; neither means all that report."""

    counties: list[str] = Field(default=[])
    without: list[str] = Field(default=[])

    def codes(self, home: Home) -> list[str]:
        """Return the codes of the counties, the nation's among them; none where it is for all."""
        if self.counties or not self.without:
            return self.counties
        return [code for code in self._all(home) if code not in self.without]

    def with_institutions(self, home: Home) -> list[str]:
        """Return the codes of all counties that the run is for; the nation has no institutions."""
        return [code for code in self.codes(home) or self._all(home) if code != NATION]

    def _all(self, home: Home) -> list[str]:
        return list(counties_with_reports(home, registers_in_use(home)))
