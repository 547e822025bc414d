"""Releases and their history: is it whole and ours, what was known when, opening a final month.

Belongs here: these commands and their words. Not here: the comparison (publication.verify), or what
an as-of copy holds (reading_copy.vintages).
"""

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from orchestration.commands.common import (
    Month,
    held,
    require_county,
    require_reading_copy,
    wait_option,
)
from sources.custody.home import Home
from sources.texts import LANGUAGES, both, text


@click.command()
@click.option(
    "--as-of",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="The day, for example 2023-07-01.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for marts.duckdb. Default: as-known/<day>/ in KRAT_HOME.",
)
@wait_option
@click.pass_obj
def marts(home: Home, day: datetime, out: Path | None) -> None:
    """Write all marts as they were known at the end of a day: a marts.duckdb in a folder.

    Computed from what had come in and been decided by then, with today's registers.
    """
    from orchestration.reading_copy.vintages import write_marts_as_known
    from orchestration.warehouse.build import BuildFailed

    require_reading_copy(home)
    folder = out or home.root / "as-known" / f"{day:%Y-%m-%d}"
    with held(home):
        try:
            written = write_marts_as_known(home, day.date(), folder)
        except BuildFailed as failure:
            raise click.ClickException(f"{failure}.") from failure
    click.echo(f"Wrote {written}: what was known on {day:%Y-%m-%d}. Open it with DuckDB.")


@click.command()
@click.option("--county", required=True, help="For example AL-04; AL is the nation alone.")
@click.option("--month", type=Month(), required=True)
@click.option("--by", required=True, help="Who decides, for example KRAT Fier. Published.")
@click.option("--reason", required=True, help="Why, naming no person. Published.")
@wait_option
@click.pass_obj
def reopen(home: Home, county: str, month: date, by: str, reason: str) -> None:
    """Let a final month be released once more; the nation's month of it too."""
    from orchestration.products.declaration import Tier
    from orchestration.products.tree import ReleaseFolder, facts_of
    from sources.custody.decisions import reopen as enter

    require_county(county)
    newest = ReleaseFolder(home.releases, Tier.RESTRICTED, county, f"{month:%Y-%m}").newest()
    if newest is None or facts_of(newest)["status"] != "final":
        raise click.ClickException(
            f"{county} {month:%Y-%m} is not final: a refresh releases it as it is."
        )
    with held(home):
        enter(home, county, month, by, reason)
    click.echo(f"Reopened {county} {month:%Y-%m} once: run krat refresh --month {month:%Y-%m}.")


@click.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public key (PEM) that you trust. Default: release-key.pem above PATH.",
)
@click.pass_obj
def verify(home: Home, path: Path, key: Path | None) -> None:
    """Tell whether the release or site in PATH, or each release below it, is whole and ours."""
    from orchestration.publication.verify import pointer_fault, releases_under, verify_release
    from orchestration.publication.writing.signing import fingerprint
    from orchestration.site.manifest import is_site, verify_site

    is_pages = is_site(path)
    folders = [path] if is_pages else releases_under(path)
    if not folders:
        raise click.ClickException(f"there is no release in {path}.")
    keys, where = _trusted(home, path, key)
    verified = verify_site if is_pages else verify_release
    faults = [(folder, fault) for folder in folders for fault in verified(folder, keys)]
    if folders != [path]:
        for month in sorted({folder.parent for folder in folders}):
            fault = pointer_fault(month)
            faults += [(month, fault)] if fault else []
    for folder, fault in faults:
        click.echo(f"{folder}: {' / '.join(map(fault.sentence, LANGUAGES))}", err=True)
    if faults:
        click.echo(both("release.verify.mend", "\n"), err=True)
        sys.exit(1)
    several = f"{len(folders)} {both('release.verify.releases')}"
    count = several if len(folders) > 1 else str(folders[0])
    click.echo(f"{both('release.verify.whole')}: {count}.")
    known = ", ".join(fingerprint(one) for one in keys)
    click.echo(f"{both('release.verify.key')}: {known}")
    click.echo(f"       {where}")


def _trusted(home: Home, path: Path, key: Path | None) -> tuple[list[Any], str]:
    """Return the public keys to verify with, and where they come from.

    A copy is checked with the key that lies in it, which tells that it is whole; whether the key is
    ours only the reader can tell, by comparing it with what he was given: hence --key.
    """
    from orchestration.publication.writing.signing import (
        PUBLIC_KEYS,
        own_public_keys,
        read_public_keys,
    )

    if key is not None:
        return read_public_keys(key), f"{key}"
    own = own_public_keys(home.keys)
    if own and any(path.resolve().is_relative_to(one) for one in (home.releases, home.site)):
        return own, both("release.verify.own_key")
    places = [path.resolve(), *path.resolve().parents]
    found = next((place / PUBLIC_KEYS for place in places if (place / PUBLIC_KEYS).is_file()), None)
    if found is None:
        sq, en = (text("release.verify.no_key", one, file=PUBLIC_KEYS) for one in LANGUAGES)
        give_sq, give_en = (text("release.verify.give_key", one) for one in LANGUAGES)
        raise click.ClickException(f"{en} {path}: {give_en} {sq}: {give_sq}")
    return read_public_keys(found), f"{found}: {both('release.verify.compare')}"


@click.command()
@click.option("--year", type=int, help="Counts of one year. Default: what is made or yet to come.")
@click.pass_obj
def calendar(home: Home, year: int | None) -> None:
    """Print the days of the editions of counts of persons, and which of them are made."""
    from orchestration.publication.editions.calendar import calendar_rows

    rows = calendar_rows(home, year)
    if not rows:
        raise click.ClickException(
            f"the calendar has no edition of {year}: see docs/registers.md to add one."
        )
    click.echo("cut off     edition  holds                         state")
    for row in rows:
        click.echo(f"{row.day.cut_off_on}  {row.day.name:<8} {row.day.holds('en'):<29} {row.state}")
