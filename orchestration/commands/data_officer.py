"""The data officer's commands: sealed originals and the keys of pseudonyms.

Belongs here: these commands and their words. Not here: sealing (sources.custody.vault) or keys.
"""

from pathlib import Path

import click

from orchestration.commands.common import held, wait_option
from sources.custody.home import Home
from sources.texts import both


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


@click.group()
def keys() -> None:
    """Keys of pseudonyms, for the data officer."""


@keys.command("list")
@click.pass_obj
def list_keys(home: Home) -> None:
    """Show for which purposes there are keys, and how often each was rotated."""
    from sources.custody.pseudonyms import purposes, read_keys

    for purpose in purposes(home.keys):
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
