"""The audit log: who opened an original or changed a key, when, and why.

Belongs here: what an entry of it says. Not here: how entries are kept (sources.custody.journal) or
what is logged (sources.custody.vault, sources.custody.rekeying).
"""

from sources.custody import journal
from sources.custody.home import Home


def append(home: Home, action: str, subject: str, reason: str, outcome: str) -> None:
    """Enter an action in the audit log. Raises what `journal.append` raises."""
    journal.append(home.audit, action=action, subject=subject, reason=reason, outcome=outcome)
