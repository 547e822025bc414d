"""The reviewer's commands: doubtful pairs of persons, and decisions on them.

Belongs here: these commands and their words. Not here: what makes a pair doubtful
(orchestration.linkage). Nothing shown identifies a person: an institution finds its own row by the
delivery and the row's number.
"""

import click

from orchestration.commands.common import held, require_county, wait_option
from sources.custody.home import Home


@click.group()
def links() -> None:
    """Persons known to several institutions: doubtful pairs, for a person to decide."""


@links.command("list")
@click.option("--county", help="One county, for example AL-04. Default: all.")
@click.option("--all", "all_pairs", is_flag=True, help="Linked and decided pairs too.")
@wait_option
@click.pass_obj
def list_pairs(home: Home, county: str | None, all_pairs: bool) -> None:
    """Show pairs in doubt: how likely they are one person, what agrees, and where they stand."""
    from orchestration.linkage.review import review_pairs

    require_county(county)
    with held(home):
        pairs = review_pairs(home, county, only_doubtful=not all_pairs)
    if not pairs:
        click.echo("No pair is in doubt." if not all_pairs else "No pairs.")
    for found in pairs:
        likely = "–" if found.probability is None else f"{found.probability:.1%}"
        click.echo(
            f"{found.pair_id}  {found.state} ({found.method}) since {found.since:%Y-%m-%d}, "
            f"one person with {likely}"
        )
        click.echo(f"    {found.agreement}")
        for side in found.sides:
            click.echo(
                f"    {side.sender_code}: delivery {side.delivery_id} row {side.row_number}, "
                f"case {side.case_key[:8]}, person {side.person_key[:8]}"
            )
    if any(found.state == "doubtful" for found in pairs):
        click.echo('Decide with krat links decide PAIR --same|--different --reason "...".')


@links.command()
@click.argument("pair_id", metavar="PAIR")
@click.option("--same/--different", "is_same", default=None, help="One person, or two.")
@click.option("--reason", required=True, help="Kept in the journal; no names, no numbers.")
@wait_option
@click.pass_obj
def decide(home: Home, pair_id: str, is_same: bool | None, reason: str) -> None:
    """Decide that PAIR is one person or two; the next refresh counts by it."""
    from orchestration.linkage import decisions
    from orchestration.linkage.review import rows_of

    if is_same is None:
        raise click.UsageError("say --same or --different.")
    with held(home):
        decisions.decide(home, pair_id, rows_of(home, pair_id), is_same=is_same, why=reason)
    click.echo(f"{pair_id} is {'one person' if is_same else 'two persons'} from the next refresh.")


@links.command()
@click.argument("pair_id", metavar="PAIR")
@click.option("--reason", required=True, help="Kept in the journal; no names, no numbers.")
@wait_option
@click.pass_obj
def undo(home: Home, pair_id: str, reason: str) -> None:
    """Take the decision on PAIR back; the next refresh has it as if none had been made."""
    from orchestration.linkage import decisions

    with held(home):
        decisions.undo(home, pair_id, reason)
    click.echo(f"The decision on {pair_id} no longer stands from the next refresh.")


@links.command()
@click.pass_obj
def log(home: Home) -> None:
    """Show who decided what and when, and whether the journal is whole."""
    from orchestration.linkage import decisions

    for entry in decisions.entries(home):
        click.echo("  ".join(entry[name] for name in ("at", "user", "pair", "decision", "reason")))
    click.echo("The journal is whole.")
