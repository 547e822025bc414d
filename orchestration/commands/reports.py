"""The periodic report: making it, its template, and releasing what people wrote.

Belongs here: the command and its words. Not here: what a report says (orchestration.report).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.commands.common import handing_out, registers_of, require_county, send_to
from orchestration.runtime.clock import today
from sources.custody.home import Home
from sources.texts import LANGUAGES, both, text

if TYPE_CHECKING:
    from orchestration.presentation.periods import Period
    from orchestration.report.make import ReportOrder
    from orchestration.report.written import WrittenText

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


class _PeriodCode(click.ParamType["Period"]):
    """A month, quarter, four months, half-year or year."""

    name = "PERIOD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the period."""
        from orchestration.presentation.periods import NoSuchPeriod, parse_period

        try:
            return parse_period(value)
        except NoSuchPeriod as mistake:
            self.fail(f"{mistake}.", param, ctx)


@click.command()
@click.option("--county", help="AL-01 to AL-12, or AL for the nation.")
@click.option(
    "--period",
    type=_PeriodCode(),
    help="2023-05, 2023-Q2, 2023-T1 (four months), 2023-H1 or 2023.",
)
@click.option(
    "--tier",
    type=click.Choice(["restricted", "public"]),
    default="restricted",
    show_default=True,
)
@click.option(
    "--language", type=click.Choice(["sq", "en", "both"]), default="both", show_default=True
)
@click.option("--out", type=_FOLDER, help="Default: reports/ in KRAT_HOME.")
@click.option(
    "--tree",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Releases to make it from, as krat pull leaves them. Default: releases/ in KRAT_HOME.",
)
@click.option("--template", type=_FILE, help="The office's own Word template.")
@click.option("--check-template", type=_FILE, help="Only say what is wrong with a template.")
@click.option("--write-template", type=_NEW_FILE, help="Only write krat's template, to change it.")
@click.option(
    "--text-from",
    type=_FILE,
    help="Public tier: take what people wrote from this restricted report (one language).",
)
@click.option("--released-by", help="Who released that text to the public; kept in a journal.")
@click.option("--no-pdf", is_flag=True, help="Leave out the PDF, which LibreOffice Writer makes.")
@click.pass_obj
def report(
    home: Home,
    county: str | None,
    period: "Period | None",
    tier: str,
    language: str,
    out: Path | None,
    tree: Path | None,
    template: Path | None,
    check_template: Path | None,
    write_template: Path | None,
    text_from: Path | None,
    released_by: str | None,
    no_pdf: bool,
) -> None:
    """Make the periodic report of a county or the nation: Word, HTML and PDF.

    With it come a page on the quality of the data and, in the restricted tier, the table that
    Eurostat asks for. What people wrote into the Word file is kept when it is made again.
    """
    if write_template is not None:
        from orchestration.report.template import write_template as write

        with handing_out(home, write_template):
            write(write_template)
        click.echo(write_template)
        return
    if check_template is not None:
        _require_good(check_template)
        click.echo(both("report.template.good", file=check_template.name))
        return
    if county is None or period is None:
        raise click.UsageError("give --county and --period, as in --county AL-04 --period 2023-Q2.")
    require_county(county)
    if (text_from is None) != (released_by is None):
        raise click.UsageError("give --text-from and --released-by together.")
    if text_from is not None and (tier != "public" or language == "both"):
        raise click.UsageError("--text-from goes with --tier public and one --language.")
    if template is not None:
        _require_good(template)
    from orchestration.products.declaration import Tier
    from orchestration.report.make import ReportOrder

    order = ReportOrder(
        tree or home.releases,
        county,
        period,
        Tier(tier),
        [one for one in LANGUAGES if language in (one, "both")],
        out or home.reports,
        template,
        send_to(home, county),
        with_pdf=not no_pdf,
    )
    _make(home, order, text_from, released_by)


def _make(
    home: Home, order: "ReportOrder", text_from: Path | None, released_by: str | None
) -> None:
    from orchestration.presentation.area_period import NothingReleased
    from orchestration.pulling.remote import PullFailed
    from orchestration.report.make import make_files
    from orchestration.report.written import NotAReport

    month = f"{order.period.last_month:%Y-%m}"
    try:
        given = None
        if text_from is not None and released_by is not None:
            given = _released(home, text_from, released_by)
        with handing_out(home, order.folder):
            made = make_files(home, order, given)
    except (NothingReleased, PullFailed) as nothing:
        said = _in_both("not_released", area=order.county_code, month=month, tier=order.tier)
        raise click.ClickException(f"{said}.") from nothing
    except NotAReport as broken:
        said = both("report.errors.no_report", file=broken.path)
        raise click.ClickException(f"{said}.") from broken
    click.echo(both("report.made", count=len(made.paths), folder=order.folder))
    for path in made.paths:
        click.echo(f"  {path.name}")
    if order.with_pdf and not made.has_pdf:
        raise click.ClickException(f"{both('report.errors.no_writer')}.")


def _in_both(key: str, *, tier: str, **values: object) -> str:
    """Return an error in both languages, with the tier's name in each."""
    return " / ".join(
        text(
            f"report.errors.{key}",
            language,
            tier=text(f"report.tier.{tier}", language),
            **values,
        )
        for language in LANGUAGES
    )


def _require_good(template: Path) -> None:
    from orchestration.report.template import check_template

    wrong = check_template(template)
    if not wrong:
        return
    for one in wrong:
        for language in LANGUAGES:
            said = one.sentence(language)
            problem = text("report.errors.template", language, file=template.name, problem=said)
            click.echo(problem, err=True)
    raise click.exceptions.Exit(1)


def _released(home: Home, text_from: Path, released_by: str) -> "dict[str, WrittenText]":
    """Return the text of a report once it passed the check and its release is noted."""
    from orchestration.report.make import public_text, release_text
    from orchestration.report.written import not_for_public, read_written
    from sources.registers import load_registers

    written = public_text(read_written(text_from))
    if not written:
        raise click.ClickException(f"{both('report.errors.no_text', file=text_from.name)}.")
    wrong = not_for_public(written, load_registers(registers_of(home)), today().year)
    for one in wrong:
        values = {"place": one.place} | ({"said": one.said} if one.said else {})
        for language in LANGUAGES:
            click.echo(text(f"report.errors.{one.why}", language, **values), err=True)
    if wrong:
        raise click.exceptions.Exit(1)
    release_text(home, written, released_by)
    return written
