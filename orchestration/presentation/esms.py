"""The quality page: what holds for the data of an area and period, under the headings of ESMS.

Belongs here: which table answers which concept. Not here: the texts that hold always
(sources/texts/esms.yml).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from orchestration.presentation.area_period import NATION, SETTLED, AreaPeriod
from orchestration.presentation.blocks import Paragraph, ReportTable
from orchestration.presentation.formats import day, join, number, per_cent
from orchestration.presentation.sentences import count
from orchestration.products.declaration import Tier
from sources.texts import Language, keys, text

_Blocks = list[Paragraph | ReportTable]


@dataclass(frozen=True)
class QualityConcept:
    """A concept of ESMS with what holds for it; `key` is its name in sources/texts/esms.yml."""

    key: str
    heading: str
    blocks: tuple[Paragraph | ReportTable, ...]


def quality_concepts(
    asked: AreaPeriod, language: Language, contact: str | None = None
) -> list[QualityConcept]:
    """Return every concept in its order. Raises area_period.NothingReleased."""
    page = _Quality(asked, language, contact)
    fixed = {key.rpartition(".")[2] for key in keys("esms.fixed")}
    concepts = []
    for key in keys("esms.concepts"):
        concept = key.rpartition(".")[2]
        blocks: _Blocks = []
        if concept in fixed:
            blocks.append(Paragraph(text(f"esms.fixed.{concept}", language)))
        filled = getattr(page, concept, None)
        blocks += filled() if filled else []
        concepts.append(QualityConcept(concept, text(key, language), tuple(blocks)))
    return concepts


class _Quality:
    """What each concept is filled with; a concept without a method has its fixed text alone."""

    def __init__(self, asked: AreaPeriod, language: Language, contact: str | None) -> None:
        self._asked, self._language, self._contact = asked, language, contact
        self._figures = asked.indicators(language)

    def contact(self) -> _Blocks:
        return [self._said("esms.filled.contact", address=self._contact)] if self._contact else []

    def metadata_update(self) -> _Blocks:
        last = self._asked.releases[-1].released_on
        return [self._said("esms.filled.released", day=day(last, self._language))]

    def unit(self) -> _Blocks:
        units = self._asked.codes("unit", self._language)
        counted = Counter(one.unit for one in self._figures)
        rows = [(units.get(unit, unit), self._number(many)) for unit, many in counted.most_common()]
        return [self._table("units", ("unit", "count"), rows)]

    def reference_period(self) -> _Blocks:
        period = self._asked.period.name(self._language)
        if not self._asked.is_restricted:
            return [self._said("esms.filled.period", period=period)]
        area = "true" if self._asked.county_code == NATION else "county_code = $1"
        rows = self._asked.rows(
            "select frequency, count(*) as many from core.reporting_obligations "
            f"where {area} and recorded_to is null and valid_from <= $4 "
            "and coalesce(valid_to, $3) >= $3 group by frequency order by frequency"
        )
        names = self._asked.codes("frequency", self._language)
        told = [f"{names.get(row['frequency'], row['frequency'])} {row['many']}" for row in rows]
        if not told:
            return [self._said("esms.filled.period", period=period)]
        frequencies = join(told, self._language)
        return [self._said("esms.filled.reference_period", period=period, frequencies=frequencies)]

    def confidentiality(self) -> _Blocks:
        rows = self._asked.rows(
            "select shown_as, count(*) as many, max(cut_off_on) as cut_off_on "
            "from editions.newest_counts inner join editions.editions "
            "using (counted_year, edition) where county_code = $1 and period = $2 "
            "group by shown_as order by many desc, shown_as"
        )
        if not rows:
            return []
        names = self._asked.codes("shown_as", self._language)
        lines = [
            (names.get(row["shown_as"], row["shown_as"]), self._number(row["many"])) for row in rows
        ]
        cut_off = max(row["cut_off_on"] for row in rows)
        return [
            self._said("esms.filled.editions", day=day(cut_off, self._language)),
            self._table("editions", ("shown", "count"), lines),
        ]

    def release_policy(self) -> _Blocks:
        released = self._asked.releases
        return [
            self._said(
                "esms.filled.releases",
                came=len(released),
                expected=len(self._asked.period.months),
                final=sum(one.is_final for one in released),
            )
        ]

    def management(self) -> _Blocks:
        if self._asked.tier is Tier.PUBLIC:
            return []
        found = self._asked.findings
        settled = [row for row in found if row["state"] in SETTLED]
        days = [
            (row["mended_at"] - row["found_at"]).days
            for row in found
            if row["mended_at"] is not None and row["mended_at"] >= row["found_at"]
        ]
        blocks: _Blocks = [
            self._said(
                "esms.filled.findings",
                all=self._number(len(found)),
                settled=self._number(len(settled)),
            )
        ]
        if days:
            told = count(median(days), "days", self._language)
            blocks.append(self._said("esms.filled.days_to_mend", days=told))
        return blocks

    def relevance(self) -> _Blocks:
        valued = sum(one.figure.value is not None for one in self._figures)
        blocks: _Blocks = [
            self._said("esms.filled.relevance", valued=valued, all=len(self._figures))
        ]
        if not self._asked.is_restricted:
            return blocks
        rows = self._asked.rows(
            "select breakdown, max(not_asked) as not_asked from marts.identified_persons "
            "where county_code = $1 and period = $2 and step = 'identified' and not_asked > 0 "
            "group by breakdown order by breakdown"
        )
        names = self._asked.codes("breakdown", self._language)
        return blocks + [
            self._said(
                "esms.filled.not_asked",
                breakdown=names.get(row["breakdown"], row["breakdown"]),
                count=self._number(row["not_asked"]),
            )
            for row in rows
        ]

    def accuracy(self) -> _Blocks:
        valued = [one.figure for one in self._figures if one.figure.value is not None]
        bounds = sum(figure.is_lower_bound for figure in valued)
        return [
            *self._share("esms.filled.reports", "received", "expected"),
            *self._share("esms.filled.values", "values_received", "values_expected"),
            self._said(
                "esms.filled.bounds", count=self._number(bounds), all=self._number(len(valued))
            ),
        ]

    def timeliness(self) -> _Blocks:
        blocks = self._share("esms.filled.on_time", "on_time", "expected")
        if not self._asked.is_restricted:
            return blocks
        area = "true" if self._asked.county_code == NATION else "county_code = $1"
        [row] = self._asked.rows(
            "select max(days_late) as days from marts.reporting_completeness "
            f"where {area} and reporting_month between $3 and $4"
        )
        if row["days"] is None:
            return blocks
        return [
            *blocks,
            self._said("esms.filled.late", days=count(row["days"], "days", self._language)),
        ]

    def coherence(self) -> _Blocks:
        found = Counter(
            one.changes[0].comparability.value
            for one in self._figures
            if one.figure.value is not None and one.changes
        )
        states = {name: found[name] for name in ("equal", "partly", "none")}
        blocks: _Blocks = [self._said("esms.filled.comparability", break_=found["break"], **states)]
        if self._asked.rates and self._asked.rates[-1]["counties_expected"]:
            came, expected = (
                self._asked.rates[-1][name] for name in ("counties_reporting", "counties_expected")
            )
            blocks.append(self._said("esms.filled.counties", came=came, expected=expected))
        return blocks

    def burden(self) -> _Blocks:
        asked = sum(row["values_expected"] or 0 for row in self._asked.rates)
        return [self._said("esms.filled.burden", count=self._number(asked))] if asked else []

    def revision(self) -> _Blocks:
        rows = self._asked.rows(
            "select reason, count(*) as many, median(abs(relative_change)) as size "
            "from marts.changes where county_code = $1 and compared = 'previous_release' "
            "and reporting_month between $3 and $4 group by reason order by many desc, reason"
        )
        if not rows:
            return [self._said("esms.filled.no_revision")]
        names = self._asked.codes("reason", self._language)
        lines = [
            (
                join([names.get(one, one) for one in row["reason"].split("+")], self._language),
                self._number(row["many"]),
                "–" if row["size"] is None else per_cent(100 * row["size"], self._language),
            )
            for row in rows
        ]
        many = sum(row["many"] for row in rows)
        return [
            self._said("esms.filled.revised", count=self._number(many)),
            self._table("revisions", ("reason", "count", "median"), lines),
        ]

    def _share(self, key: str, came: str, expected: str) -> _Blocks:
        here = sum(row[came] or 0 for row in self._asked.rates)
        whole = sum(row[expected] or 0 for row in self._asked.rates)
        if not whole:
            return []
        share = per_cent(100 * here / whole, self._language)
        values = {"came": self._number(here), "expected": self._number(whole), "share": share}
        return [self._said(key, **values)]

    def _said(self, key: str, **values: object) -> Paragraph:
        return Paragraph(text(key, self._language, **values))

    def _number(self, value: float) -> str:
        return number(value, self._language)

    def _table(
        self, caption: str, names: tuple[str, ...], rows: Sequence[tuple[str, ...]]
    ) -> ReportTable:
        return ReportTable(
            text(f"esms.captions.{caption}", self._language),
            tuple(text(f"esms.columns.{name}", self._language) for name in names),
            tuple(rows),
            (0.6, *(0.4 / (len(names) - 1),) * (len(names) - 1)),
            numeric=frozenset(range(1, len(names))),
        )
