"""Releases over HTTP: serving them, tokens for who may read them, and pulling them.

Belongs here: these commands and their words. Not here: the server (orchestration.serving) or how
a pull is done (orchestration.pulling).
"""

import ipaddress
import re
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from orchestration.commands.common import Month, progress, registers_of, require_county, tell_wrong
from orchestration.runtime.clock import today
from orchestration.runtime.settings import (
    LOOPBACK,
    SERVE_PORT,
    token_from_environment,
)
from sources.custody.home import Home
from sources.texts import Language, both, text

#: How long a token works unless it is said otherwise.
TOKEN_DAYS = 365

#: What a shell reports of a command that was ended by Ctrl-C.
_INTERRUPTED = 130

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="The address to listen on.")
@click.option("--port", default=SERVE_PORT, show_default=True, type=click.IntRange(0, 65535))
@click.option("--certfile", type=_FILE, help="The certificate (PEM) for TLS.")
@click.option("--keyfile", type=_FILE, help="The certificate's private key (PEM).")
@click.pass_obj
def serve(home: Home, host: str, port: int, certfile: Path | None, keyfile: Path | None) -> None:
    """Serve the releases over HTTP, with a catalogue; only what each reader may fetch.

    An institution with a token checks its forms on a page, and sends them into the inbox.

    Off this machine it serves by TLS alone: give a certificate, or put a proxy in front.
    """
    from functools import partial

    from orchestration.board.page import board_page
    from orchestration.feedback.isolated_check import IsolatedChecks
    from orchestration.runtime.office import serve_settings
    from orchestration.serving.app import run

    if (certfile is None) != (keyfile is None):
        raise click.UsageError(both("serving.server.two_files"))
    if certfile is None and not _is_loopback(host):
        raise click.UsageError(both("serving.server.clear_text", host=host))
    settings, wrong = serve_settings(home)
    tell_wrong(wrong)
    with IsolatedChecks() as checks:
        run(
            home,
            settings,
            checks.check,
            partial(board_page, home),
            host=host,
            port=port,
            certfile=certfile,
            keyfile=keyfile,
            announce=partial(_announce, has_board=_is_loopback(host)),
        )


def _announce(address: str, *, has_board: bool) -> None:
    click.echo(f"{both('serving.server.serving')} {address} (Ctrl-C)")
    if has_board:
        click.echo(f"{both('serving.server.board')} {address}sq/board/")


@click.group()
def token() -> None:
    """Readers' tokens: who may fetch which releases, until when."""


@token.command()
@click.option("--reader", required=True, help="Which institution it is for, for example ZKKA.")
@click.option("--county", help='One county, for example AL-04, or "all".')
@click.option("--institution", help="It checks and sends forms of this institution, and no more.")
@click.option(
    "--tier",
    type=click.Choice(["restricted", "public"]),
    default="restricted",
    show_default=True,
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day that it works (UTC). Default: in a year.",
)
@click.pass_obj
def make(
    home: Home,
    reader: str,
    county: str | None,
    institution: str | None,
    tier: str,
    until: datetime | None,
) -> None:
    """Make a token and show it, this once."""
    from orchestration.products.declaration import Tier
    from orchestration.serving.tokens import make_token

    if (county is None) == (institution is None):
        raise click.UsageError(both("serving.tokens.one_of_two"))
    if institution:
        tier, county = Tier.PUBLIC, _county_of(home, institution)
    county_code = None if county == "all" else county
    require_county(county_code)
    last_day = until.date() if until else today() + timedelta(days=TOKEN_DAYS)
    if last_day < today():
        raise click.BadParameter(both("serving.tokens.day_has_passed", day=last_day))
    token_id, secret = make_token(home, reader, Tier(tier), county_code, last_day, institution)
    if (
        county_code
        and not institution
        and not any((home.releases / tier / county_code).glob("*/r*"))
    ):
        click.echo(both("serving.tokens.nothing_yet", county=county_code, tier=tier), err=True)
    click.echo(secret)
    click.echo(
        f"{token_id}: {reader}, {tier}, {institution or county_code or 'AL-*'}, – {last_day}. "
        + both("serving.tokens.shown_once"),
        err=True,
    )


def _county_of(home: Home, institution: str) -> str:
    from sources.registers import load_registers

    counties = load_registers(registers_of(home)).institutions
    if institution not in counties:
        raise click.BadParameter(both("serving.tokens.no_institution", institution=institution))
    return counties[institution]


@token.command("list")
@click.pass_obj
def list_tokens(home: Home) -> None:
    """List every token that was made, never the token itself."""
    from orchestration.serving.tokens import read_tokens

    known = read_tokens(home)
    for one in known:
        click.echo(
            f"{one.token_id}  {one.state(today()):8}  {one.tier:10}  "
            f"{one.institution_code or one.county_code or 'all':5}  "
            f"through {one.valid_until}  {one.reader_name}"
        )
    if not known:
        click.echo(both("serving.tokens.none"))


@token.command()
@click.argument("token_id")
@click.option("--reason", required=True, help="Kept with the revocation.")
@click.pass_obj
def revoke(home: Home, token_id: str, reason: str) -> None:
    """Revoke the token with the id TOKEN_ID; it works no more from this moment."""
    from orchestration.serving.tokens import revoke_token

    revoke_token(home, token_id, reason)
    click.echo(f"{both('serving.tokens.revoked')}: {token_id}.")


@click.command()
@click.option(
    "--from", "url", required=True, help="The server, as https://krat.example.al, or a folder."
)
@click.option("--county", "counties", multiple=True, help="Repeat it for more. Default: all.")
@click.option("--since", type=Month(), required=True, help="The first month to have.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Default: pulled/ in KRAT_HOME."
)
@click.option("--token-file", type=click.Path(path_type=Path), help="Default: KRAT_TOKEN.")
@click.option(
    "--tier",
    type=click.Choice(["restricted", "public"]),
    help="Default: restricted with a token, else public.",
)
@click.option("--fingerprint", help="The key that releases must be signed with (64 digits).")
@click.option("--cafile", type=_FILE, help="The certificate of who issued the server's (PEM).")
@click.option("--english", is_flag=True, help="Tell it in English.")
@click.pass_obj
def pull(
    home: Home,
    url: str,
    counties: tuple[str, ...],
    since: date,
    out: Path | None,
    token_file: Path | None,
    tier: str | None,
    fingerprint: str | None,
    cafile: Path | None,
    english: bool,
) -> None:
    """Fetch the releases that are new on a server, verify them, and unite them in national.duckdb.

    With them come all editions of counts of persons. A folder with releases/ serves as well.

    A pull that broke off goes on where it stopped. What can't be verified is not kept, and what was
    altered here is fetched again.
    """
    from babel.numbers import format_decimal

    from orchestration.pulling.pull import CONNECTIONS
    from orchestration.pulling.pull import pull as run
    from orchestration.pulling.remote import PullFailed, Remote

    language: Language = "en" if english else "sq"
    for county in counties:
        require_county(county)
    folder = out or home.pulled

    def tell(report: str, *, err: bool = False, **values: Any) -> None:
        click.echo(text(f"pulling.reports.{report}", language, **values), err=err)

    try:
        given = _read_token(token_file) if token_file else token_from_environment()
        remote = Remote(url, given, cafile, CONNECTIONS)
        with progress() as show:
            done = run(
                remote,
                folder,
                counties=counties,
                since=since,
                tier=tier,
                trusted=_plain(fingerprint),
                announce=lambda chosen: tell(f"tiers.{chosen}", url=remote.url),
                report=show,
            )
    except PullFailed as failure:
        raise click.ClickException(failure.sentence(language)) from failure
    except KeyboardInterrupt:
        tell("stopped", err=True)
        sys.exit(_INTERRUPTED)
    if done.key:
        tell("matched" if fingerprint else "pinned", url=remote.url, fingerprint=done.key)
    for path in done.mended:
        tell("mended", path=path)
    if done.new or done.new_editions:
        size = f"{format_decimal(done.size / 1e6, '#,##0.0', locale=language)} MB"
        tell("pulled", new=done.new, size=size, count=done.here)
    else:
        tell("nothing_new", count=done.here)
    if done.new_editions:
        tell("new_editions", names=", ".join(done.new_editions), count=done.editions)
    elif done.editions:
        tell("editions", count=done.editions)
    if done.national:
        tables, counted, months = done.national
        made = folder / "national.duckdb"
        tell("united", path=made, tables=tables, counties=counted, months=months)
    if done.empty:
        tell("empty", url=remote.url, counties=", ".join(done.empty), err=True)


def _plain(fingerprint: str | None) -> str | None:
    """Return a fingerprint as krat writes it, however it was read to somebody."""
    return None if fingerprint is None else re.sub(r"[\s:]", "", fingerprint).lower()


def _read_token(path: Path) -> str:
    from orchestration.pulling.remote import PullFailed

    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as mistake:
        detail = mistake.strerror if isinstance(mistake, OSError) else "ASCII"
        raise PullFailed("no_token_file", path=path, detail=detail) from mistake


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
