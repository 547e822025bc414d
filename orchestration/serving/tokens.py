"""Readers' tokens: who may fetch which releases, until when.

Belongs here: making, revoking and knowing tokens, kept as decisions in a journal. Not here: how a
request carries one (guard) or what lies in the tree (tree).

A token is 256 random bits, so a plain SHA-256 keeps it: nothing can be guessed that a slow hash
would protect, and a slow one would cost every request. The journal never holds a token.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from orchestration.products.declaration import Tier
from orchestration.runtime.clock import today
from sources.custody import audit, journal
from sources.custody.home import Home
from sources.texts import both

_TOKENS = "tokens"

#: What every token begins with, so that one in a wrong place is recognised.
PREFIX = "krat_"


class UnknownToken(ValueError):
    """No working token has this id."""


@dataclass(frozen=True)
class Reader:
    """Whoever asks: what they may fetch. `county_code` None means every county.

    `token_id` is None for who came without a token, and sees the public tier. With an
    `institution_code` they may check and send forms of that institution, of `county_code`.
    """

    token_id: str | None
    tier: Tier
    county_code: str | None
    institution_code: str | None = None

    def may_fetch(self, tier: str, county_code: str) -> bool:
        """Return whether the releases of a tier and county are open to this reader."""
        if tier == Tier.PUBLIC:
            return True
        return (
            tier == Tier.RESTRICTED
            and self.tier is Tier.RESTRICTED
            and self.county_code in (None, county_code)
        )


#: Who comes without a token.
ANYONE = Reader(token_id=None, tier=Tier.PUBLIC, county_code=None)


@dataclass(frozen=True)
class Token:
    """A token as it is known: its hash and what it opens, through the day `valid_until` (UTC)."""

    token_id: str
    token_hash: str
    reader_name: str
    tier: Tier
    county_code: str | None
    valid_until: date
    made_at: str
    revoked_at: str | None
    institution_code: str | None = None

    def state(self, day: date) -> Literal["valid", "expired", "revoked"]:
        """Return whether the token works on a day."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if day <= self.valid_until else "expired"

    @property
    def reader(self) -> Reader:
        """What the token opens."""
        return Reader(self.token_id, self.tier, self.county_code, self.institution_code)


def make_token(
    home: Home,
    reader_name: str,
    tier: Tier,
    county_code: str | None,
    valid_until: date,
    institution_code: str | None = None,
) -> tuple[str, str]:
    """Make a token and enter it in the journal; return its id and, this once, the token itself.

    With an `institution_code`, of `county_code`, it opens the page of that institution.
    Raises what `journal.append` raises.
    """
    token = PREFIX + secrets.token_urlsafe(32)
    digest = _hash(token)
    with _lock(home):
        audit.enter(
            home,
            _TOKENS,
            action="make",
            token_id=digest[:8],
            token_hash=digest,
            reader_name=reader_name,
            tier=tier,
            county_code=county_code,
            institution_code=institution_code,
            valid_until=valid_until.isoformat(),
        )
    return digest[:8], token


def revoke_token(home: Home, token_id: str, reason: str) -> None:
    """Enter in the journal that a token works no more, from now on.

    Raises UnknownToken when no token has this id or it was revoked before.
    """
    with _lock(home):
        found = [token for token in read_tokens(home) if token.token_id == token_id]
        if not found or found[0].revoked_at is not None:
            raise UnknownToken(both("serving.tokens.unknown", token_id=token_id))
        audit.enter(home, _TOKENS, action="revoke", token_id=token_id, reason=journal.fit(reason))


def read_tokens(home: Home) -> list[Token]:
    """Return every token that was ever made, the oldest first. Raises journal.BrokenJournal."""
    entries = journal.read(_journal(home))
    revoked = {
        entry["token_id"]: str(entry["at"]) for entry in entries if entry["action"] == "revoke"
    }
    return [
        Token(
            token_id=entry["token_id"],
            token_hash=entry["token_hash"],
            reader_name=entry["reader_name"],
            tier=Tier(entry["tier"]),
            county_code=entry["county_code"],
            valid_until=date.fromisoformat(entry["valid_until"]),
            made_at=entry["at"],
            revoked_at=revoked.get(entry["token_id"]),
            institution_code=entry["institution_code"],
        )
        for entry in entries
        if entry["action"] == "make"
    ]


def last_days(home: Home, day: date) -> list[date]:
    """Return the last day of each token that works on a day. Raises journal.BrokenJournal."""
    return [token.valid_until for token in read_tokens(home) if token.state(day) == "valid"]


class TokenBook:
    """The tokens as a server asks for them: read again as soon as the journal changes.

    A journal that was tampered with opens nothing.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._seen: tuple[int, int, int] | None = None
        self._by_hash: dict[str, Token] = {}

    def reader(self, token: str) -> Reader | None:
        """Return who holds a token, or None when it is unknown, expired or revoked.

        Raises journal.BrokenJournal when the journal was changed.
        """
        # A timing of this look-up tells of a hash, from which no token can be worked back.
        known = self._tokens().get(_hash(token))
        if known is None or known.state(today()) != "valid":
            return None
        return known.reader

    def _tokens(self) -> dict[str, Token]:
        seen = _seen(_journal(self._home))
        if seen != self._seen:
            self._by_hash, self._seen = {}, None
            self._by_hash = {token.token_hash: token for token in read_tokens(self._home)}
            self._seen = seen
        return self._by_hash


def _seen(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return (stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _journal(home: Home) -> Path:
    return audit.journal_path(home, _TOKENS)


def _lock(home: Home) -> Any:
    """Hold the journal alone: a refresh at work must not keep a token from being revoked."""
    home.decisions.mkdir(parents=True, exist_ok=True)
    return FileLock(home.decisions / "tokens.lock")
