"""What people decided on doubtful pairs: dated, with a reason, and taken back the same way.

Belongs here: the journal of these decisions and what stands of it. Not here: what follows from a
decision (orchestration.linkage.link).

A decision names two rows of deliveries. They never change: not by a rotated key, which changes
every pseudonym, and not by a case that is sent again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sources.custody import audit, journal
from sources.custody.home import Home

SAME, DIFFERENT, UNDONE = "same", "different", "undone"

_LINKS = "links"

#: A delivery's id and the number of a row in it.
Row = tuple[str, int]


@dataclass(frozen=True)
class Decision:
    """The last word on two rows, said `at` (UTC): one person, two, or that nothing is decided."""

    pair_id: str
    rows: tuple[Row, Row]
    word: str
    at: datetime


def decide(home: Home, pair_id: str, rows: tuple[Row, Row], *, is_same: bool, why: str) -> None:
    """Enter that a pair is one person or two. Raises UnfitText for an unfit reason."""
    decision = SAME if is_same else DIFFERENT
    _append(home, pair=pair_id, rows=_written(rows), decision=decision, reason=why)


def undo(home: Home, pair_id: str, why: str) -> None:
    """Enter that the decision on a pair no longer stands.

    Raises UnfitText for an unfit reason, or ValueError where no decision on the pair stands.
    """
    found = [last for last in last_words(home) if last.pair_id == pair_id and last.word != UNDONE]
    if not found:
        raise ValueError(f"no decision on {pair_id!r} stands: see krat links log.")
    _append(home, pair=pair_id, rows=_written(found[0].rows), decision=UNDONE, reason=why)


def entries(home: Home) -> list[dict[str, Any]]:
    """Return every entry, oldest first. Raises journal.BrokenJournal if one was changed."""
    return journal.read(audit.journal_path(home, _LINKS))


def last_words(home: Home) -> list[Decision]:
    """Return the last word on each pair that was ever decided on, the latest first."""
    latest: dict[str, Decision] = {}
    for entry in reversed(entries(home)):
        one, other = entry["rows"]
        latest.setdefault(
            entry["pair"],
            Decision(
                pair_id=entry["pair"],
                rows=(_row(one), _row(other)),
                word=entry["decision"],
                at=datetime.fromisoformat(entry["at"]).replace(tzinfo=None),
            ),
        )
    return list(latest.values())


def _row(written: list[Any]) -> Row:
    return str(written[0]), int(written[1])


def _written(rows: tuple[Row, Row]) -> list[list[Any]]:
    return [list(row) for row in rows]


def _append(home: Home, **entry: Any) -> None:
    audit.enter(home, _LINKS, **entry | {"reason": journal.fit(entry["reason"])})
