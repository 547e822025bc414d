"""A report's sections, from what was released and what people wrote.

Belongs here: which section holds what, and what stands on each page. Not here: how a section's
figures are found (indicators, persons, coverage), or any file (document, page).
"""

from collections.abc import Mapping

from orchestration.presentation.area_period import NATION, AreaPeriod
from orchestration.presentation.blocks import Paragraph
from orchestration.presentation.esms import quality_concepts
from orchestration.presentation.formats import day
from orchestration.presentation.periods import Period, PeriodKind, parse_period
from orchestration.products.declaration import Tier
from orchestration.report.blocks import Block, PeriodicReport, ReportSection, Typed
from orchestration.report.coverage import (
    completeness_blocks,
    open_findings,
    reports_sentence,
    revision_blocks,
)
from orchestration.report.indicators import (
    Field,
    annex_blocks,
    counties_map,
    fields,
    months_grid,
    progress_blocks,
    statuses_sentence,
)
from orchestration.report.persons import (
    edition_blocks,
    flow_blocks,
    hotline_blocks,
    persons_sentences,
)
from orchestration.report.written import WrittenText
from sources.texts import Language, text

#: The sections in their order; the names are those of a template's fields.
SECTIONS = (
    "summary",
    "progress",
    "police",
    "identification",
    "protection",
    "prevention",
    "hotline",
    "completeness",
    "revisions",
    "problems",
    "annex",
)
#: A summary takes at most so many sentences, one or two of a section.
_KEY_RESULTS = 6
_FIELDS_OF_SUMMARY = ("hotline", "identification", "protection", "prevention", "police")
#: Rows to fill in of the table of cases by article.
_ARTICLES = 4


def make_report(
    asked: AreaPeriod,
    language: Language,
    *,
    written: Mapping[str, WrittenText] | None = None,
    is_text_released: bool = False,
    contact: str | None = None,
) -> PeriodicReport:
    """Return the report of an area and period in a language.

    `written` is what people wrote into an earlier making, by key. In the public tier it is left out
    unless it was released. Raises area_period.NothingReleased.
    """
    said = {key: text(f"report.headings.{key}", language) for key in SECTIONS}
    by_section = fields(asked, language)
    if by_section["all"].hidden:
        said["annex"] = text("report.headings.annex_public", language)
    typed = _Typing(asked, language, written or {}, is_text_released)
    blocks: dict[str, list[Block]] = {
        "progress": progress_blocks(by_section["all"]),
        "police": [
            *by_section["police"].blocks(),
            *_editions(by_section["police"]),
            *typed.articles(),
        ],
        "identification": [
            *flow_blocks(asked, language),
            *by_section["identification"].blocks(),
            *_editions(by_section["identification"]),
        ],
        "protection": [*by_section["protection"].blocks(), *_editions(by_section["protection"])],
        "prevention": _prevention(by_section["prevention"]),
        "hotline": [
            *hotline_blocks(asked, language),
            *by_section["hotline"].blocks(),
            *_editions(by_section["hotline"]),
        ],
        "completeness": completeness_blocks(asked, language),
        "revisions": revision_blocks(asked, language),
        "problems": typed.problems(),
        "annex": annex_blocks(by_section["all"]),
    }
    blocks["summary"] = _summary(asked, language, by_section)
    sections = tuple(ReportSection(key, said[key], _once(blocks[key])) for key in SECTIONS)
    if asked.county_code == NATION:
        title = text("report.title_nation", language)
    else:
        title = text("report.title", language, area=asked.area_name(language))
    name = report_name(asked.county_code, asked.period, asked.tier, language)
    return _framed(asked, language, sections, contact, title=title, name=name)


def report_name(county_code: str, period: Period, tier: Tier, language: Language) -> str:
    """Return the name of a report's files without their endings."""
    return f"raport-{county_code}-{period.code}-{tier}-{language}"


def quality_page(
    asked: AreaPeriod, language: Language, contact: str | None = None
) -> PeriodicReport:
    """Return the quality page in a language. Raises area_period.NothingReleased."""
    sections = tuple(
        ReportSection(one.key, one.heading, one.blocks)
        for one in quality_concepts(asked, language, contact)
    )
    title = text("esms.title", language, area=asked.title(language))
    name = f"cilesia-{asked.county_code}-{asked.period.code}-{asked.tier}-{language}"
    return _framed(asked, language, sections, contact, title=title, name=name)


def _framed(
    asked: AreaPeriod,
    language: Language,
    sections: tuple[ReportSection, ...],
    contact: str | None,
    *,
    title: str,
    name: str,
) -> PeriodicReport:
    """Return sections with what stands on each page and at the beginning."""
    area, period = asked.title(language), asked.period.name(language)
    tier = text(f"report.tier.{asked.tier}", language)
    finality = text(f"report.finality.{'final' if asked.is_final else 'provisional'}", language)
    marks = []
    if asked.is_made_up:
        marks.append(text("report.marks.made_up", language))
    if asked.tier is Tier.RESTRICTED:
        marks.append(text("report.marks.restricted", language))
    facts = [
        ("period", period),
        ("tier", tier),
        ("finality", finality),
        ("releases", "; ".join(_releases(asked, language))),
        ("released_on", day(asked.releases[-1].released_on, language)),
        ("next_report", _next(asked, language)),
        ("contact", contact or ""),
    ]
    return PeriodicReport(
        language,
        name,
        title,
        period,
        # Of the restricted tier the mark tells it.
        " · ".join([area, period, *([] if asked.is_restricted else [tier]), finality, *marks]),
        tuple(marks),
        tuple((text(f"report.facts.{key}", language), fact) for key, fact in facts if fact),
        sections,
    )


def _releases(asked: AreaPeriod, language: Language) -> list[str]:
    released = {one.month: one for one in asked.releases}
    said = []
    for month in asked.period.months:
        name = parse_period(f"{month:%Y-%m}").name(language)
        one = released.get(month)
        if one is None:
            said.append(text("report.release_missing", language, month=name))
            continue
        kind = "final" if one.is_final else "provisional"
        finality = text(f"report.finality.{kind}", language)
        said.append(
            text("report.release", language, month=name, number=one.number, finality=finality)
        )
    return said


def _next(asked: AreaPeriod, language: Language) -> str:
    """Return the next period, and the day until which its last reports are awaited."""
    number = asked.period.number % (12 // asked.period.kind.months) + 1
    following = type(asked.period)(asked.period.kind, asked.period.year + (number == 1), number)
    rows = asked.rows("select * from core.dim_months where month = $5", following.last_month)
    if not rows or rows[0].get("reporting_deadline") is None:
        return following.name(language)
    until = day(rows[0]["reporting_deadline"], language)
    return text("report.next", language, period=following.name(language), day=until)


def _summary(asked: AreaPeriod, language: Language, by_section: dict[str, Field]) -> list[Block]:
    """Return the key results: how complete it is, then what each field says first."""
    sentences = [reports_sentence(asked, language), statuses_sentence(by_section["all"])]
    persons = persons_sentences(asked, language)
    for name in _FIELDS_OF_SUMMARY:
        # By records persons are counted once, whoever reported them.
        if persons and name == "identification":
            sentences += persons
        elif not (persons and name == "protection"):
            sentences += by_section[name].sentences()[:1]
    shown = [one for one in sentences if one][:_KEY_RESULTS]
    if len(shown) < 2:
        period = asked.period.name(language, "in")
        shown.append(text("report.nothing.no_value", language, period=period))
    blocks: list[Block] = [Paragraph(one) for one in [_lead(asked, language), *shown]]
    if asked.tier is Tier.PUBLIC and asked.county_code != NATION:
        blocks.append(Paragraph(text("report.persons_once_a_year", language)))
    notes = (text(f"report.{key}", language) for key in ("caution", "abbreviations"))
    return [*blocks, *(Paragraph(note, "note") for note in notes)]


def _lead(asked: AreaPeriod, language: Language) -> str:
    """Return of what period the figures are, and when they were released."""
    kind = "month" if asked.period.kind is PeriodKind.MONTH else "longer"
    released = day(asked.releases[-1].released_on, language)
    period = asked.period.name(language, "of")
    return text(f"report.lead.{kind}", language, period=period, day=released)


def _once(blocks: list[Block]) -> tuple[Block, ...]:
    """Return the blocks of a section with each sentence once, or once under each heading of it."""
    said: set[str] = set()
    kept: list[Block] = []
    for block in blocks:
        if isinstance(block, Paragraph):
            if block.kind == "minor":
                said.clear()
            elif block.text in said:
                continue
            said.add(block.text)
        kept.append(block)
    return tuple(kept)


def _editions(field: Field) -> list[Block]:
    """Return the protected indicators of a field as the public may see them."""
    if not field.hidden:
        return []
    return edition_blocks(field.asked, field.language, field.hidden, with_caution=False)


def _prevention(field: Field) -> list[Block]:
    blocks = field.blocks()
    if field.asked.county_code == NATION:
        blocks += counties_map(field)
    elif picture := months_grid(field):
        blocks.append(picture)
    return blocks + _editions(field)


class _Typing:
    """What people write: open in the restricted tier, released or left out in the public one."""

    def __init__(
        self,
        asked: AreaPeriod,
        language: Language,
        written: Mapping[str, WrittenText],
        released: bool,
    ) -> None:
        self._asked, self._language = asked, language
        self._written, self._released = written, released

    def articles(self) -> list[Block]:
        names = ("article", "recorded", "solved", "authors", "at_large")
        head = tuple(text(f"report.columns.{name}", self._language) for name in names)
        return self._block("articles", head=head)

    def problems(self) -> list[Block]:
        prompts = open_findings(self._asked, self._language)
        return [*self._block("problems", prompts=prompts), *self._block("tasks")]

    def _block(
        self, key: str, head: tuple[str, ...] = (), prompts: tuple[str, ...] = ()
    ) -> list[Block]:
        title = text(f"report.typed.{key}", self._language)
        is_open = self._asked.tier is Tier.RESTRICTED
        # A table of cases by article counts authors, who are persons.
        if not is_open and (head or not self._released):
            said = text(f"report.typed.{self._of_area('not_released')}", self._language)
            return [Paragraph(title, "minor"), Paragraph(said)]
        found = self._written.get(key, WrittenText())
        rows = found.rows
        if head and is_open:
            rows += (("",) * len(head),) * max(1, _ARTICLES - len(rows))
        empty = text(f"report.typed.{self._of_area('empty')}", self._language)
        return [
            Typed(key, title, found.lines, head, rows, prompts if is_open else (), is_open, empty)
        ]

    def _of_area(self, key: str) -> str:
        """Return the text for the nation, where the national office writes."""
        return f"{key}_nation" if self._asked.county_code == NATION else key
