"""The data officer's commands: sealed originals, keys of pseudonyms, erasing what is kept.

Belongs here: these commands and their words. Not here: sealing (sources.custody.vault), keys, or
erasing (orchestration.erasure).
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.commands.common import (
    Day,
    held,
    progress,
    tell_lost_originals,
    tell_wrong,
    wait_option,
    wait_seconds,
)
from sources.custody.home import Home
from sources.texts import LANGUAGES, Language, both, text

if TYPE_CHECKING:
    from datetime import date

    from orchestration.erasure.retention import Due


@click.group()
def vault() -> None:
    """Sealed originals, for the data officer who holds the private key."""


@vault.command("open")
@click.argument("delivery_id")
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--reason", required=True, help="Kept in the audit log.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@wait_option
@click.pass_obj
def open_one(home: Home, delivery_id: str, key: Path, reason: str, out: Path) -> None:
    """Write the original of a delivery to a new file; the audit log keeps who and why."""
    from sources.custody.vault import open_original

    with held(home):
        name = open_original(home, delivery_id, key, reason, out)
    click.echo(f"Opened {delivery_id} into {out}; the audit log has the entry.")
    if name is not None:
        click.echo(f"It was refused; it came under the name {name!r}.")


@vault.command()
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--reason", required=True, help="Kept in the audit log.")
@wait_option
@click.pass_obj
def rebuild(home: Home, key: Path, reason: str) -> None:
    """Make lost raw tables again: every original goes through the door once more."""
    from orchestration.ingestion.rebuild import rebuild_raw
    from orchestration.registers.in_use import registers_in_use
    from sources.registers import load_registers

    with held(home):
        done = rebuild_raw(home, load_registers(registers_in_use(home)), key, reason)
    values = {"files": done.files, "missing": done.without_original, "month": "YYYY-MM"}
    click.echo(both("rebuilding.done", "\n", **values))


@vault.command()
@click.pass_obj
def verify(home: Home) -> None:
    """Tell whether every accepted file has its original, byte by byte. Exit status 1: not.

    This needs no key. What was removed on purpose or was too large to be kept is not missed.
    """
    from orchestration.ingestion.originals import lost_originals

    lost = lost_originals(home, whole=True)
    tell_lost_originals(lost)
    if lost:
        click.echo("\n".join(lost))
        sys.exit(1)
    click.echo(both("rebuilding.originals_whole", "\n"))


@click.group()
def keys() -> None:
    """Keys of pseudonyms, for the data officer."""


@keys.command("list")
@click.pass_obj
def list_keys(home: Home) -> None:
    """Show for which purposes there are keys, and how often each was rotated."""
    from sources.custody.pseudonyms import purposes, read_keys
    from sources.custody.warehouse_key import WAREHOUSE_PURPOSE

    for purpose in purposes(home.keys):
        if purpose == WAREHOUSE_PURPOSE:
            # A new one takes its place: how often is in the audit log.
            click.echo(f"{purpose}: opens the warehouse's file")
            continue
        click.echo(f"{purpose}: rotated {len(read_keys(home.keys, purpose) or []) - 1} times")


@keys.command()
@click.argument("purpose")
@click.option("--reason", required=True, help="Kept in the audit log.")
@wait_option
@click.pass_obj
def rotate(home: Home, purpose: str, reason: str) -> None:
    """Give PURPOSE a new key, and every stored pseudonym of it."""
    from sources.custody.rekeying import rotate as give_new_key

    with held(home):
        count = give_new_key(home, purpose, reason)
    click.echo(f"Rotated the key of {purpose}; {count} stored pseudonyms follow it.")


@keys.command()
@click.argument("purpose")
@click.option("--reason", required=True, help="Kept in the audit log.")
@click.confirmation_option(prompt="Nothing that arrives later can be linked with it. Go on?")
@wait_option
@click.pass_obj
def destroy(home: Home, purpose: str, reason: str) -> None:
    """Destroy the key of PURPOSE: what is stored can't be linked with a code any more."""
    from sources.custody.rekeying import destroy as destroy_key

    with held(home):
        destroy_key(home, purpose, reason)
    click.echo(f"Destroyed the key of {purpose}. Destroy its copies too.")


@click.command()
@click.argument("pseudonym", required=False)
@click.option("--sender", help="Ask for a code as this institution writes it; it is not shown.")
@click.option("--county", help="The county of the records, where it is not the sender's own.")
@click.option(
    "--reason", required=True, help="Who asked, and when; no name. Kept in the audit log."
)
@click.option("--refuse", "exception", help="Erase nothing: the ground, of sources/retention.yml.")
@click.option(
    "--backups",
    is_flag=True,
    help="Then make a backup of what is left, and remove all that were made before.",
)
@click.option("--yes", is_flag=True, help="Don't ask again.")
@wait_option
@click.pass_obj
def forget(
    home: Home,
    pseudonym: str | None,
    sender: str | None,
    county: str | None,
    reason: str,
    exception: str | None,
    backups: bool,
    yes: bool,
) -> None:
    """Erase all that is linked with a person, a case or a contact: the right to erasure.

    PSEUDONYM is that of its code, 64 hex digits. Exit status 1: traces were found.
    """
    from orchestration.erasure.forget import forget as erase
    from orchestration.erasure.forget import refuse
    from orchestration.runtime.office import backup_settings

    settings, wrong = backup_settings(home)
    if backups and exception:
        raise click.UsageError("--refuse erases nothing: leave --backups out.")
    if backups:
        tell_wrong(wrong)
    if backups and not settings.to:
        raise click.UsageError(both("backups.no_store"))
    pseudonym = pseudonym or _ask_pseudonym(home, sender, county)
    if exception:
        with held(home):
            ground = refuse(home, pseudonym, reason, exception)
        for language in LANGUAGES:
            click.echo(
                text("erasure.refused", language, ground=ground.what[language], basis=ground.basis)
            )
        return
    if not yes:
        click.confirm(text("erasure.confirm", "en"), abort=True)
    with held(home), progress() as report:
        outcome = erase(home, pseudonym, reason, report=report)
    for language in LANGUAGES:
        _tell_erased(outcome.erased.rows, outcome.erased.originals, language)
        if not backups:
            click.echo(f"  - {text('erasure.backups', language)}")
    if outcome.traces:
        raise click.ClickException(f"traces are left in {', '.join(outcome.traces)}.")
    click.echo(both("erasure.no_traces", "\n"))
    if backups:
        _replace_backups(home, Path(settings.to))


def _tell_erased(rows: int, originals: int, language: Language) -> None:
    from sources.retention import exceptions, out_of_reach

    click.echo(text("erasure.done", language, rows=rows, originals=originals))
    click.echo(text("erasure.kept", language))
    for ground in exceptions("keeps").values():
        click.echo(f"  - {ground.what[language]} ({ground.basis})")
    click.echo(text("erasure.out_of_reach", language))
    for sentence in out_of_reach():
        click.echo(f"  - {sentence[language]}")


def _replace_backups(home: Home, store: Path) -> None:
    """Make a backup and remove all others: what is in them opens with no key but the officer's."""
    from orchestration.backup.make import make_backup
    from orchestration.runtime.office import Keep

    only_newest = Keep(days=0, weeks=0, months=0)
    with progress() as show:
        made = make_backup(home, store, only_newest, wait_seconds(), "krat forget", show)
    values = {"count": made.removed, "backup": made.backup_id, "store": store}
    click.echo(both("erasure.backups_replaced", "\n", **values))


def _ask_pseudonym(home: Home, sender: str | None, county: str | None) -> str:
    """Return the pseudonym of a code that is typed in, which is neither shown nor kept."""
    from sources.custody.erasure import PURPOSES
    from sources.custody.pseudonyms import Pseudonyms, purposes
    from sources.values import case_number

    if sender is None:
        raise click.UsageError("give a pseudonym, or --sender INSTITUTION to type a code.")
    kind = click.prompt("Kind of code", type=click.Choice(list(PURPOSES.values())))
    if kind not in purposes(home.keys):
        raise click.ClickException(f"there is no key for {kind!r}: see krat keys list.")
    code = click.prompt("Code", hide_input=True)
    # As the door keys it (sources.reading.records): the hotline numbers by county.
    own = "-".join(sender.split("-")[:2])
    giver = [county or own] if sender == own else [county or own, sender]
    return Pseudonyms(home.keys).key(kind, "/".join([*giver, case_number(code)]))


@click.group()
def retention() -> None:
    """What is kept of persons, and for how long."""


@retention.command("list")
@click.option("--day", type=Day(), help="As of this day; today by default.")
@click.pass_obj
def list_due(home: Home, day: "date | None") -> None:
    """Show what is due to be deleted."""
    from orchestration.erasure.retention import due
    from orchestration.runtime.clock import today

    _tell_due(due(home, day or today()))


@retention.command("delete")
@wait_option
@click.pass_obj
def delete(home: Home) -> None:
    """Delete what is due: krat service tidy does so every day."""
    from orchestration.erasure.retention import delete_due
    from orchestration.runtime.clock import today

    with held(home):
        deleted = delete_due(home, today())
    _tell_due(deleted)


def _tell_due(listed: "list[Due]") -> None:
    for language in LANGUAGES:
        for one in listed:
            click.echo(
                text(
                    "erasure.due",
                    language,
                    what=one.period.what[language],
                    years=one.period.years,
                    begins=one.period.begins[language],
                    count=one.count,
                )
            )
