"""The nation's site: building its folder.

Belongs here: the command and its words. Not here: the pages (orchestration.site).
"""

from pathlib import Path

import click

from orchestration.commands.common import handing_out, progress
from sources.custody.home import Home


@click.command()
@click.option(
    "--tier",
    type=click.Choice(["public", "restricted"]),
    default="public",
    show_default=True,
    help="What the site shows: restricted is for those who may read that tier.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder of the site. An earlier site in it is replaced.",
)
@click.option(
    "--tree",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A tree of releases, as krat pull leaves it. Default: the releases of KRAT_HOME.",
)
@click.pass_obj
def site(home: Home, tier: str, out: Path, tree: Path | None) -> None:
    """Write pages of all that was released: one folder, which needs no server or network.

    Open index.html in it. It is made of releases alone: whoever has the same tree gets the same
    bytes. The site of our own releases is signed; krat verify checks a site as it does a release.
    """
    import time

    from orchestration.products.declaration import Tier
    from orchestration.pulling.remote import PullFailed
    from orchestration.site.build import build_site
    from orchestration.site.manifest import own_key

    started = time.monotonic()
    is_ours = tree is None or tree.resolve() == home.releases.resolve()
    key = own_key(home.keys) if is_ours else None
    with progress() as show, handing_out(home, out):
        try:
            made = build_site(tree or home.releases, Tier(tier), out, key, show)
        except PullFailed as failure:
            raise click.ClickException(f"{failure}") from failure
        except FileExistsError as mistake:
            raise click.ClickException(f"{mistake}: give a new or empty folder.") from mistake
    click.echo(
        f"Site      {made.folder}: {made.pages} pages, {made.bytes / 1_000_000:.1f} MB, "
        f"{'signed' if key else 'not signed'}, in {time.monotonic() - started:.0f} s"
    )
