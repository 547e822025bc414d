"""Backups: making one, looking at those there are, and restoring one.

Belongs here: these commands and their words. Not here: backups (orchestration.backup).
"""

import re
import sys
from pathlib import Path

import click

from orchestration.commands.common import (
    progress,
    tell_lost_originals,
    tell_wrong,
    wait_option,
    wait_seconds,
)
from orchestration.runtime.settings import home_at
from sources.custody.home import Home
from sources.texts import both

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--to", type=_FOLDER, help="Where backups lie. Default: as backup.yml has it.")
@click.option("--list", "only_list", is_flag=True, help="List the backups, and make none.")
@click.option("--check", is_flag=True, help="Compare each backup's files with their hashes.")
@wait_option
@click.pass_obj
def backup(home: Home, to: Path | None, *, only_list: bool, check: bool) -> None:
    """Make an encrypted backup of the data folder and its keys; only what is new is written.

    It opens with the vault's private key. Old ones are removed as backup.yml says. --check needs no
    key. Exit status 1 where a backup is not whole.
    """
    from orchestration.backup.make import make_backup
    from orchestration.backup.store import backups_in, faults_in
    from orchestration.ingestion.originals import lost_originals
    from orchestration.runtime.office import backup_settings
    from orchestration.runtime.writer_lock import AnotherWriter

    settings, wrong = backup_settings(home)
    tell_wrong(wrong)
    if to is None and not settings.to:
        raise click.UsageError(both("backups.no_store"))
    store = (to or Path(settings.to)).resolve()
    if only_list or check:
        whole = True
        for each in backups_in(store):
            megabytes = sum(size for size, _ in each.objects.values()) / 1e6
            click.echo(f"{each.backup_id}  {len(each.objects)} objects, {megabytes:.1f} MB")
            if check and (faults := faults_in(store, each)):
                whole = False
                values = {"backup": each.backup_id, "count": len(faults), "first": faults[0]}
                click.echo(both("backups.objects", "\n", **values), err=True)
            elif check:
                click.echo(both("backups.whole", "\n", backup=each.backup_id))
        sys.exit(0 if whole else 1)
    try:
        with progress() as show:
            made = make_backup(home, store, settings.keep, wait_seconds(), report=show)
    except AnotherWriter as busy:
        raise click.ClickException(f"{busy}.") from busy
    size = f"{made.new_bytes / 1e6:.1f}"
    values = {"backup": made.backup_id, "files": made.files, "new": made.new_objects}
    click.echo(both("backups.made", "\n", **values, size=size, removed=made.removed))
    if made.left:
        click.echo(both("backups.left", "\n", count=made.left), err=True)
    tell_lost_originals(lost_originals(home))


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option("--from", "store", type=_FOLDER, required=True, help="Where backups lie.")
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The data officer's private key (vault-identity.txt).",
)
@click.option("--backup", "backup_id", help="Which one. Default: the newest.")
@click.option("--fingerprint", help="The key that the backup must be signed with (64 digits).")
def restore(
    folder: Path, store: Path, key: Path, backup_id: str | None, fingerprint: str | None
) -> None:
    """Restore a backup into FOLDER, which must be new or empty, with its keys beside it."""
    from orchestration.backup.restore import restore as run

    home = home_at(folder)
    trusted = re.sub(r"[\s:]", "", fingerprint).lower() if fingerprint else None
    with progress() as show:
        done = run(store.resolve(), home, key, backup_id, trusted, show)
    values = {"backup": done.backup.backup_id, "files": done.files, "folder": home.root}
    values |= {"keys": home.keys, "fingerprint": done.fingerprint}
    click.echo(both("backups.restored", "\n", **values))
    months = sorted(path.name for path in home.releases.glob("restricted/*/*"))
    month = months[-1] if months else "YYYY-MM"
    click.echo(both("backups.next", "\n\n", folder=home.root, month=month))
