"""The audit log: who did what, and whether it is whole.

Belongs here: these commands and their words. Not here: the log (sources.custody.audit), or what is
entered, by whatever does it.
"""

import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.commands.common import Day, tell_wrong
from sources.custody.home import Home
from sources.texts import LANGUAGES, InvalidText, Language, both, text

if TYPE_CHECKING:
    from sources.custody.audit import Head


@click.group()
def audit() -> None:
    """Who did what with the data folder, when and why."""


@audit.command()
@click.option("--head", "noted", help="How far the log had come, as an earlier verify printed it.")
@click.pass_obj
def verify(home: Home, noted: str | None) -> None:
    """Tell whether the log and all journals are whole. Exit status: 0 they are, 1 else.

    The log is compared with the note beside the keys and with what each backup knows of it.
    """
    from sources.custody.audit import Head, faults, head

    heads = _heads_of_backups(home)
    if noted is not None:
        match = re.fullmatch(r"([0-9]+):([0-9a-f]{64})", noted)
        if match is None:
            raise click.BadParameter(both("audit_log.no_head", head=noted), param_hint="--head")
        heads.append((both("audit_log.given"), Head(int(match[1]), match[2])))
    found = faults(home, heads)
    for fault in found:
        for language in LANGUAGES:
            click.echo(fault.sentence(language), err=True)
    if found:
        click.echo(both("audit_log.broken", "\n"), err=True)
        sys.exit(1)
    last = head(home)
    click.echo(both("audit_log.whole", "\n", count=last.entries, hash=last.hash))


@audit.command()
@click.option("--reason", required=True, help="Why: kept and shown to others.")
@click.pass_obj
def clock(home: Home, reason: str) -> None:
    """Enter that the clock is right now, after it was ahead.

    krat changes nothing while the last entry is of a time that is yet to come.
    """
    from sources.custody.audit import append

    append(home, "clock", "corrected", "", reason=reason)
    click.echo(both("audit_log.clock_is_right", "\n"))


def _heads_of_backups(home: Home) -> "list[tuple[str, Head]]":
    """Return what each backup knows of the log; a line says where they can't be asked."""
    from orchestration.backup.store import NoBackup, backups_in, signer
    from orchestration.publication.writing.signing import own_public_keys
    from orchestration.runtime.office import backup_settings

    settings, wrong = backup_settings(home)
    tell_wrong(wrong)
    if not settings.to:
        return []
    store = Path(settings.to)
    try:
        own = own_public_keys(home.keys)
        found = [each for each in backups_in(store) if signer(each) in own]
    except (OSError, NoBackup):
        click.echo(both("audit_log.store_away", "\n", store=store), err=True)
        return []
    return [(each.backup_id, each.head) for each in found]


@audit.command("list")
@click.option("--since", type=Day(), help="Only from this day on, as 2023-06-20.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--english", is_flag=True, help="Tell it in English.")
@click.pass_obj
def list_entries(home: Home, since: date | None, *, as_json: bool, english: bool) -> None:
    """List what was done, the oldest first: when, who, what, of what, why."""
    from sources.custody.journal import read

    language: Language = "en" if english else "sq"
    day = since.isoformat() if since else ""
    entries = [entry for entry in read(home.audit) if entry["at"] >= day]
    if as_json:
        click.echo(json.dumps(entries, ensure_ascii=False))
        return
    for entry in entries:
        who = " / ".join(filter(None, (entry["user"], entry.get("by"))))
        place, _, action = entry["action"].partition(".")
        try:
            done = text(f"audit_log.actions.{place}.{action}", language)
        # Another version of krat entered it.
        except InvalidText:
            done = entry["action"]
        rest = (entry["subject"], entry.get("outcome"), entry["reason"])
        click.echo("  ".join(filter(None, (entry["at"][:16], who, done, *rest))))
    if not entries:
        click.echo(text("audit_log.empty", language))
