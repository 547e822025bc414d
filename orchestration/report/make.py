"""Making the files of a report, and keeping what people wrote into the last ones.

Belongs here: which files there are, where their text comes from, and who released it. Not here:
what a report says (content), or how a file is made (document, page, pdf, sdmx).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration.presentation.area_period import AreaPeriod
from orchestration.presentation.periods import Period
from orchestration.presentation.released import opened
from orchestration.products.declaration import Tier
from orchestration.report.content import make_report, quality_page, report_name
from orchestration.report.document import write_word
from orchestration.report.page import write_page
from orchestration.report.pdf import write_pdf
from orchestration.report.sdmx import write_eurostat
from orchestration.report.written import WrittenText, read_written
from sources.custody import audit, journal
from sources.custody.home import Home
from sources.texts import Language

#: The journal of texts that may stand in public reports, by its name in the audit log.
_TEXTS = "report_texts"


@dataclass(frozen=True)
class ReportOrder:
    """A report that is asked for: of which area and period, for whom, in which languages, where.

    `tree` are the releases that it is made from; `template` is the office's own, if it has one.
    """

    tree: Path
    county_code: str
    period: Period
    tier: Tier
    languages: Sequence[Language]
    folder: Path
    template: Path | None = None
    contact: str | None = None
    with_pdf: bool = True


@dataclass(frozen=True)
class MadeFiles:
    """The files that were made; `has_pdf` tells whether LibreOffice Writer made PDF files."""

    paths: tuple[Path, ...]
    has_pdf: bool


def make_files(
    home: Home, wanted: ReportOrder, given: Mapping[str, WrittenText] | None = None
) -> MadeFiles:
    """Make the report's Word, HTML and PDF files, its quality page, and the table for Eurostat.

    What people wrote into the Word file that is there is kept, or `given` put in its place. In the
    public tier only what was released (`release_text`) is.

    Raises area_period.NothingReleased, pulling.remote.PullFailed where the tree has nothing of the
    tier, and what written.read_written raises.
    """
    paths: list[Path] = []
    has_pdf = wanted.with_pdf
    with opened(wanted.tree, wanted.tier) as connection:
        asked = AreaPeriod(connection, wanted.tier, wanted.county_code, wanted.period)
        _ = asked.releases
        for language in wanted.languages:
            word = word_file(wanted, language)
            written = read_written(word) if given is None else given
            report = make_report(
                asked,
                language,
                written=written,
                is_text_released=_is_released(home, written),
                contact=wanted.contact,
            )
            write_word(report, word, wanted.template)
            write_page(report, word.with_suffix(".html"))
            paths += [word, word.with_suffix(".html")]
            if has_pdf and (has_pdf := write_pdf(word, word.with_suffix(".pdf"))):
                paths.append(word.with_suffix(".pdf"))
            elif not has_pdf:
                # One of an earlier making would tell other numbers.
                word.with_suffix(".pdf").unlink(missing_ok=True)
            quality = quality_page(asked, language, wanted.contact)
            page = wanted.folder / f"{quality.name}.html"
            write_page(quality, page)
            paths.append(page)
        table = wanted.folder / f"crim_thb-{wanted.county_code}-{wanted.period.code}.csv"
        if wanted.tier is Tier.RESTRICTED and write_eurostat(asked, table):
            paths.append(table)
    return MadeFiles(tuple(paths), has_pdf)


def word_file(wanted: ReportOrder, language: Language) -> Path:
    """Return where the report's Word file in a language is, or will be."""
    name = report_name(wanted.county_code, wanted.period, wanted.tier, language)
    return wanted.folder / f"{name}.docx"


def public_text(written: Mapping[str, WrittenText]) -> dict[str, WrittenText]:
    """Return what of a text may go out at all: lines, and no table, which counts authors."""
    return {key: WrittenText(one.lines) for key, one in written.items() if one.lines}


def release_text(home: Home, written: Mapping[str, WrittenText], released_by: str) -> None:
    """Note in a journal that a text may stand in public reports; of it only the hash is kept.

    The text must have passed written.not_for_public.
    """
    audit.enter(home, _TEXTS, decision="released", text=_hash(written), released_by=released_by)


def _is_released(home: Home, written: Mapping[str, WrittenText]) -> bool:
    hashes = {entry["text"] for entry in journal.read(audit.journal_path(home, _TEXTS))}
    return bool(written) and _hash(written) in hashes


def _hash(written: Mapping[str, WrittenText]) -> str:
    told = {key: asdict(one) for key, one in sorted(written.items())}
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()
