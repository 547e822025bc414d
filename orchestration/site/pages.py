"""Every page of the site in a language: its place, its template, and what that shows.

Belongs here: which pages there are, and what each tells. Not here: words (sources/texts/site.yml),
looks (templates), or the sentences of a figure (told).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from orchestration.presentation.charts import Chart, county_map
from orchestration.presentation.editions import edition_figure
from orchestration.presentation.formats import day, join, number, plural
from orchestration.presentation.periods import month_name, parse_period
from orchestration.presentation.sentences import Figure, amount, coverage, legend, sign
from orchestration.products.tree import PERSONS, ListedRelease
from orchestration.publication.editions.calendar import edition_holds
from orchestration.site.facts import (
    EDITIONS,
    NATION,
    NEWEST_COUNTS,
    Facts,
    Key,
    Observation,
    Row,
    code_order,
)
from orchestration.site.told import (
    NOTHING_DUE,
    chart_legend,
    is_judged,
    is_reached,
    lead,
    light,
    month_legend,
    months_chart,
    readings,
    readings_chart,
    shown_months,
    target_rows,
    unit_name,
    year_period,
)
from sources.texts import Language, text

#: Where the greys of the map change, in per cent of the reports expected.
_MAP_BOUNDS = (50, 80, 95)

#: How many of the newest releases the front page names, and of the next dates.
_NEWS = 8

#: What the front page tells of persons, as editions and periods call it.
_PERSONS = ("initially_identified", "formally_identified", "assisted")

#: Measures of the marts whose restatements a page tells.
_RESTATED = ("actual_month", "actual_year_to_date", "actual_cumulative")


@dataclass(frozen=True)
class Drawn:
    """A chart with the place of its files, without their suffix."""

    stem: str
    chart: Chart


@dataclass(frozen=True)
class Page:
    """A page below the folder of its language; `values` are its template's."""

    path: str
    template: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    trail: tuple[tuple[str, str], ...] = ()
    #: Words that a search finds it by beside its title; a page without any isn't found.
    found_by: str = ""
    kind: str = ""


class Pages:
    """The pages of a tier in a language."""

    def __init__(self, facts: Facts, language: Language) -> None:
        self.facts = facts
        self.language = language

    def all(self) -> Iterator[Page]:
        """Yield every page; the search comes last, as it knows all others."""
        made = []
        for page in self._each():
            made.append(page)
            yield page
        entries = [
            {"t": page.title, "u": page.path, "w": page.found_by, "k": page.kind}
            for page in made
            if page.kind
        ]
        yield Page(
            "kerko.html", "search.html", self._say("site.search.title"), {"entries": entries}
        )

    def _each(self) -> Iterator[Page]:
        yield self._front()
        yield self._plan()
        for key in self.facts.objectives:
            yield self._objective(key)
        for key in self.facts.measures:
            yield self._measure(key)
        for key in self.facts.indicators:
            yield self._indicator(key)
        yield self._counties()
        for code in self.facts.areas:
            if code != NATION:
                yield self._county(code)
        yield self._releases()
        for release in self.facts.releases:
            yield self._release(release)
        yield self._persons()
        yield self._calendar()
        yield self._quality()
        yield self._data()
        yield self._glossary()

    # The nation

    def _front(self) -> Page:
        year = self.facts.newest_year
        counties = self._reporting(year)
        figures = {code: self._share_of_reports(code, found) for code, found in counties.items()}
        alt = self._map_words(figures, year)
        names = {code: self._area(code) for code in self.facts.areas}
        chart = Drawn(
            "map",
            county_map(figures, names, _MAP_BOUNDS, self.language, alt, width=320, height=500),
        )
        late = self._late(year)
        return Page(
            "index.html",
            "front.html",
            self._say("site.title"),
            {
                "year": year,
                "numbers": self._numbers(year),
                "map": chart,
                "counties": [
                    {"code": code, "figure": figures[code], **counties[code]} for code in counties
                ],
                "legend": legend(figures.values(), self.language),
                "late": late,
                "news": self._news(),
                "dates": self._dates()[:_NEWS],
                "lights": self._lights(),
            },
        )

    def _map_words(self, figures: Mapping[str, Figure], year: int) -> str:
        """Return what the map shows: who reported, who did not, and who need not yet."""
        told = join(
            [
                f"{self._area(code)} {sign(figure, self.language)}"
                for code, figure in figures.items()
                if figure.value is not None
            ],
            self.language,
        )
        words = [
            self._say("site.front.map_alt", year=year, told=told or self._say("site.front.nobody"))
        ]
        for state in ("not_reported", "not_covered"):
            names = [self._area(code) for code, figure in figures.items() if figure.kind == state]
            if names:
                words.append(
                    self._say(f"site.front.others.{state}", counties=join(names, self.language))
                )
        return " ".join(words)

    def _numbers(self, year: int) -> list[dict[str, Any]]:
        """Return the numbers of the front page, each with what it rests on."""
        found = [self._reports_number(year)]
        period = year_period(year).name(self.language)
        if self.facts.is_restricted:
            flow = {
                row["subject"]: row
                for row in self.facts.tables["marts.period_flow"]
                if row["period"] == str(year)
            }
            shown = {name: self._flow_figure(flow[name]) for name in _PERSONS if name in flow}
            cases = self._hotline_cases(year)
            if cases is not None:
                shown["hotline_cases"] = cases
            note = period
        else:
            rows = [
                row
                for row in self.facts.tables[NEWEST_COUNTS]
                if row["county_code"] == NATION
                and row["dimension"] == "total"
                and row["period"] == str(row["counted_year"])
            ]
            newest = max((row["counted_year"] for row in rows), default=None)
            shown = {
                row["subject"]: edition_figure(row)
                for row in rows
                if row["counted_year"] == newest and row["subject"] in (*_PERSONS, "hotline_cases")
            }
            note = (
                self._say("site.front.by_edition", period=year_period(newest).name(self.language))
                if newest
                else ""
            )
        for name in (*_PERSONS, "hotline_cases"):
            if name in shown:
                found.append(self._number(name, shown[name], note))
        found.append(self._reached())
        return found

    def _number(self, name: str, figure: Figure, note: str) -> dict[str, Any]:
        return {
            "name": self._say(f"site.front.numbers.{name}"),
            "sign": sign(figure, self.language),
            "told": amount(figure, self.language) if figure.value is not None else "",
            "coverage": coverage(figure, self.language),
            "note": note,
        }

    def _reports_number(self, year: int) -> dict[str, Any]:
        counties = self._reporting(year)
        received = sum(one["received"] for one in counties.values())
        expected = sum(one["expected"] for one in counties.values())
        came = len([one for one in counties.values() if one["expected"]])
        figure = Figure(received, "reports", came=came, expected=len(counties), rests_on="counties")
        return {
            "name": self._say("site.front.numbers.reports"),
            "sign": self._say(
                "site.front.of", came=number(received, self.language),
                expected=number(expected, self.language),
            ),
            "told": "",
            "coverage": coverage(figure, self.language),
            "note": year_period(year).name(self.language),
        }  # fmt: skip

    def _reached(self) -> dict[str, Any]:
        newest = [
            rows[-1] for key in self.facts.indicators if (rows := self.facts.newest(key, NATION))
        ]
        valued = [one for one in newest if one.of_year.value is not None]
        keys = [(key, self._newest(key)) for key in self.facts.indicators]
        judged = sum(is_judged(self.facts, *one) for one in keys)
        reached = sum(is_reached(self.facts, *one) for one in keys)
        return {
            "name": self._say("site.front.numbers.reached"),
            "sign": self._say("site.front.of", came=reached, expected=judged),
            "told": "",
            "coverage": self._say(
                "site.front.of_indicators", valued=len(valued), all=len(self.facts.indicators)
            ),
            "note": max((one.period for one in newest), key=lambda one: one.code).name(
                self.language
            )
            if newest
            else "",
        }

    def _hotline_cases(self, year: int) -> Figure | None:
        rows = [
            row
            for row in self.facts.tables["marts.hotline_activity"]
            if row["reporting_month"].year == year and row["cases_opened"] is not None
        ]
        if not rows:
            return None
        expected = rows[0]["counties_expected"]
        # A county that gave some of the months is in the number, as with the year's other numbers.
        missing = set.intersection(*(set((row["counties_missing"] or "").split()) for row in rows))
        return Figure(
            sum(row["cases_opened"] for row in rows),
            "cases",
            is_lower_bound=any(row["is_lower_bound"] for row in rows),
            came=expected - len(missing),
            expected=expected,
            rests_on="counties",
        )

    def _flow_figure(self, row: Row) -> Figure:
        return Figure(
            row["value"],
            row["unit"],
            row["value_state"],
            least=row["value_least"],
            most=row["value_most"],
            is_lower_bound=row["is_lower_bound"],
            may_fall=row["may_fall"],
            came=row["counties_reporting"],
            expected=row["counties_expected"],
            rests_on="counties",
        )

    def _reporting(self, year: int) -> dict[str, dict[str, Any]]:
        """Return reports expected, received and on time of each county in a year's releases."""
        found: dict[str, dict[str, Any]] = {
            code: {"expected": 0, "received": 0, "on_time": 0, "months": 0, "newest": ""}
            for code in self.facts.areas
            if code != NATION
        }
        for release in self.facts.releases:
            if (
                release.county_code in found
                and release.is_latest
                and release.month[:4] == str(year)
            ):
                one = found[release.county_code]
                for name in ("expected", "received", "on_time"):
                    one[name] += release.facts["completeness"][name]
                one["months"] += 1
                one["newest"] = max(one["newest"], release.month)
        return found

    def _share_of_reports(self, code: str, found: Mapping[str, Any]) -> Figure:
        if not found["expected"]:
            # Of a county without any release no report was expected.
            is_covered = code in self.facts.reporting_counties
            return Figure(None, "per_cent", "not_reported" if is_covered else "not_covered")
        share = round(100 * found["received"] / found["expected"], 1)
        return Figure(share, "per_cent", came=found["received"], expected=found["expected"],
                      rests_on="reports")  # fmt: skip

    def _late(self, year: int) -> dict[str, Any]:
        """Return who is late: institutions in the restricted tier, else how many reports."""
        rows = [
            row
            for row in self.facts.tables["marts.reporting_status"]
            if row["reporting_month"].year == year and row["expected"]
        ]
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for row in rows:
            one = found.setdefault(
                (row["county_code"], row["institution_code"]),
                {"missing": 0, "late": 0, "expected": 0, "months": []},
            )
            one["expected"] += row["expected"]
            one["late"] += row["received"] - row["on_time"]
            if row["received"] < row["expected"]:
                one["missing"] += row["expected"] - row["received"]
                one["months"].append(row["reporting_month"])
        late = [
            {"county": county, "institution": self._institution(code), **one}
            for (county, code), one in found.items()
            if one["missing"] or one["late"]
        ]
        late.sort(
            key=lambda one: (-one["missing"], -one["late"], one["county"], one["institution"])
        )
        counties = self._reporting(year)
        return {
            "institutions": late if self.facts.is_restricted else [],
            "missing": sum(one["expected"] - one["received"] for one in counties.values()),
            "late": sum(one["received"] - one["on_time"] for one in counties.values()),
            "expected": sum(one["expected"] for one in counties.values()),
        }

    def _lights(self) -> list[dict[str, Any]]:
        """Return how many indicators of each objective have a number, and which targets are met."""
        rows = []
        for key, objective in self.facts.objectives.items():
            inside = self.facts.indicators_of_objective(key)
            if not inside:
                continue
            newest = [self._newest(one) for one in inside]
            rows.append(
                {
                    "path": self._objective_path(key),
                    "code": key[1],
                    "name": objective[self.language],
                    "indicators": len(inside),
                    "valued": sum(
                        one is not None and one.of_year.value is not None for one in newest
                    ),
                    "reached": sum(
                        is_reached(self.facts, *pair) for pair in zip(inside, newest, strict=True)
                    ),
                }
            )
        return rows

    def _news(self) -> list[dict[str, Any]]:
        newest = sorted(
            (one for one in self.facts.releases if one.is_latest),
            key=lambda one: (str(one.facts["released_on"]), one.month, one.name),
        )[::-1]
        return [self._listed(one) for one in newest[:_NEWS]]

    # The plan

    def _plan(self) -> Page:
        rules: dict[str, list[Row]] = defaultdict(list)
        for row in self.facts.tables["core.plan_lint"]:
            rules[row["rule"]].append(row)
        tree = [
            {
                "path": self._objective_path(key),
                "code": key[1],
                "name": objective[self.language],
                "measures": [
                    {
                        "path": self._measure_path(measure),
                        "code": measure[1],
                        "name": self.facts.measures[measure][f"name_{self.language}"],
                        "indicators": [
                            self._linked(one) for one in self.facts.indicators_of_measure(measure)
                        ],
                    }
                    for measure in self.facts.measures_of_objective(key)
                ],
            }
            for key, objective in self.facts.objectives.items()
        ]
        lint = [
            {
                "name": rows[0][f"explanation_{self.language}"],
                "count": self._say(
                    f"site.plan.lint_count.{plural(len(rows), self.language)}", count=len(rows)
                ),
                "rows": rows,
                # A reason that all have stands above them.
                "has_why": len({row[f"explanation_{self.language}"] for row in rows}) > 1,
            }
            for _, rows in sorted(rules.items())
        ]
        return Page(
            "plani.html", "plan.html", self._say("site.plan.title"),
            {"plans": self.facts.plans, "objectives": tree, "lint": lint,
             "loose": [self._linked(key) for key in self.facts.indicators] if not tree else []},
            found_by=self._say("site.plan.lint"), kind=self._say("site.kinds.page"),
        )  # fmt: skip

    def _objective(self, key: Key) -> Page:
        inside = self.facts.indicators_of_objective(key)
        name = self.facts.objectives[key][self.language]
        return Page(
            self._objective_path(key),
            "objective.html",
            f"{key[1]} {name}"
            if name != key[1]
            else self._say("site.objective.title", code=key[1]),
            {
                "indicators": [self._summary(one) for one in inside],
                "measures": [
                    (
                        self._measure_path(one),
                        one[1],
                        self.facts.measures[one][f"name_{self.language}"],
                    )
                    for one in self.facts.measures_of_objective(key)
                ],
            },
            trail=(("plani.html", self._say("site.plan.title")),),
            found_by=key[1],
            kind=self._say("site.kinds.objective"),
        )

    def _measure(self, key: Key) -> Page:
        measure = self.facts.measures[key]
        owners: dict[str, list[str]] = defaultdict(list)
        for row in self.facts.tables["core.bridge_measure_institutions"]:
            if (row["plan_code"], row["measure_code"]) == key:
                owners[row["role"]].append(self._institution(row["institution_code"]))
        cross = [
            row
            for row in self.facts.tables["core.plan_crosswalk"]
            if key in (
                (row["plan_code"], row["prv_code"]),
                (row["national_plan_code"], row["pkv_measure_code"]),
            )
        ]  # fmt: skip
        lint = [
            row
            for row in self.facts.tables["core.plan_lint"]
            if (row["plan_code"], row["measure_code"]) == key
        ]
        return Page(
            self._measure_path(key),
            "measure.html",
            f"{key[1]} {measure[f'name_{self.language}']}",
            {
                "measure": measure,
                "owners": [
                    (self.facts.code_name("role", role, self.language), sorted(set(names)))
                    for role, names in sorted(owners.items())
                ],
                "indicators": [self._summary(one) for one in self.facts.indicators_of_measure(key)],
                "crosswalk": cross,
                "lint": lint,
            },
            trail=(
                ("plani.html", self._say("site.plan.title")),
                (
                    self._objective_path((key[0], measure["objective_code"])),
                    str(measure["objective_code"]),
                ),
            ),
            found_by=f"{key[1]} {key[0]}",
            kind=self._say("site.kinds.measure"),
        )

    def _indicator(self, key: Key) -> Page:
        facts, indicator = self.facts, self.facts.indicators[key]
        nation = facts.newest(key, NATION)
        newest = self._newest(key)
        stem = f"{key[0]}-{key[1]}"
        charts = {
            "months": months_chart(facts, key, nation, self.language),
            "readings": readings_chart(facts, key, newest, self.language),
        }
        shown = readings(facts, key, newest) if newest is not None else []
        trail = [("plani.html", self._say("site.plan.title"))]
        measure = (key[0], indicator["measure_code"])
        if measure in facts.measures:
            objective = (key[0], str(facts.measures[measure]["objective_code"]))
            trail.append((self._objective_path(objective), objective[1]))
            trail.append((self._measure_path(measure), measure[1]))
        return Page(
            self._indicator_path(key),
            "indicator.html",
            indicator["short_name"][self.language],
            {
                "key": key,
                "indicator": indicator,
                "unit": unit_name(facts, key, self.language),
                "lead": lead(facts, key, newest, self.language),
                "light": light(facts, key, newest, self.language),
                "newest": newest,
                "charts": {
                    name: Drawn(f"{stem}-{name}", chart) if chart else None
                    for name, chart in charts.items()
                },
                "months": shown_months(nation),
                "legend": chart_legend(
                    shown_months(nation), [figure for _, figure in shown], self.language
                ),
                "targets": target_rows(facts, key, self.language),
                "readings": [name for name, _ in readings(facts, key, newest)] if newest else [],
                "counties": self._county_matrix(key),
                "institutions": self._institution_matrix(key),
                "sources": facts.comparisons.get(key, []),
                "editions": self._editions_of(key),
                "measure": (
                    self._measure_path(measure),
                    f"{measure[1]} {facts.measures[measure][f'name_{self.language}']}",
                )
                if measure in facts.measures
                else None,
                "observations": facts.observations.get(key, []),
                "changes": [
                    row for row in facts.changes.get(key, []) if row["measure"] in _RESTATED
                ],
                "breaks": [one for one in nation if one.row["break_before"]],
                "missing": self._missing(newest),
                "is_withheld": facts.is_withheld(key),
                "lint": self._unclear(key),
                "basis": facts.code_name("target_basis", indicator["target_basis"], self.language),
                "files": f"{key[0]}/{key[1]}",
                "cite": self._cite(key, newest),
            },
            trail=tuple(trail),
            found_by=f"{key[1]} {indicator['name'][self.language]}",
            kind=self._say("site.kinds.indicator"),
        )

    def _unclear(self, key: Key) -> list[str]:
        """Return what the plan leaves unclear of an indicator, each once with its years."""
        years: dict[str, list[str]] = defaultdict(list)
        for row in self.facts.tables["core.plan_lint"]:
            if (row["plan_code"], row["indicator_code"]) == key:
                found = years[row[f"explanation_{self.language}"]]
                found += [str(row["year"])] if row["year"] else []
        return [
            f"{told} ({', '.join(sorted(found))})" if found else told
            for told, found in years.items()
        ]

    def _cite(self, key: Key, newest: Observation | None) -> str:
        name = self.facts.indicators[key]["short_name"][self.language]
        if newest is None:
            return self._cite_edition(key, name)
        released = self._released_on(NATION, newest.month, newest.release)
        return self._say(
            "site.indicator.cite_text", name=name, code=key[1], plan=key[0],
            release=f"{NATION}/{newest.month:%Y-%m}/r{newest.release}",
            day=day(released, self.language) if released else "–",
        )  # fmt: skip

    def _cite_edition(self, key: Key, name: str) -> str:
        """Return how an indicator without a release is cited: by the newest edition that has it."""
        values = {"name": name, "code": key[1], "plan": key[0]}
        shown = max(((one["year"], one["edition"]) for one in self._editions_of(key)), default=None)
        days = {
            (row["counted_year"], row["edition"]): row["cut_off_on"]
            for row in self.facts.tables[EDITIONS]
        }
        if shown is None or shown not in days:
            until = day(self.facts.latest_day, self.language)
            return self._say("site.indicator.cite_name", day=until, **values)
        return self._say(
            "site.indicator.cite_edition", edition=f"{shown[0]}/e{shown[1]}",
            day=day(days[shown], self.language), **values,
        )  # fmt: skip

    def _missing(self, newest: Observation | None) -> str:
        codes = str((newest.row["counties_missing"] if newest else "") or "").split()
        return join([self._area(code) for code in codes], self.language)

    def _county_matrix(self, key: Key) -> dict[str, Any]:
        """Return the months of each county that reports, as now known."""
        rows = {
            code: {one.month: one for one in self.facts.newest(key, code)}
            for code in self.facts.reporting_counties
        }
        months = sorted({month for row in rows.values() for month in row})[-12:]
        return {"months": months, "rows": {code: row for code, row in rows.items() if row}}

    def _institution_matrix(self, key: Key, county: str | None = None) -> dict[str, Any]:
        rows: dict[str, dict[date, Figure]] = defaultdict(dict)
        for row in self.facts.values.get(key, []):
            if county in (None, row["county_code"]):
                rows[row["institution_code"]][row["reporting_month"]] = Figure(
                    row["value"], row["unit"], row["value_state"]
                )
        months = sorted({month for row in rows.values() for month in row})[-12:]
        named = sorted((self._institution(code), row) for code, row in rows.items())
        return {"months": months, "rows": named}

    def _editions_of(self, key: Key) -> list[dict[str, Any]]:
        """Return what editions show of an indicator, whole years, by year and area."""
        if self.facts.is_restricted:
            return []
        return [
            self._counted(row)
            for row in self.facts.tables[NEWEST_COUNTS]
            if row["subject"] == key[1]
            and row["dimension"] == "total"
            and row["period"] == str(row["counted_year"])
        ]

    def _counted(self, row: Row) -> dict[str, Any]:
        figure, why = edition_figure(row), row[f"why_{self.language}"] or ""
        is_covered = row["county_code"] in (NATION, *self.facts.reporting_counties)
        if figure.kind == "not_reported" and not is_covered:
            # An edition has no word of its own for a county that need not report yet.
            figure = replace(figure, state="not_covered")
            period = year_period(row["counted_year"]).name(self.language, "in")
            why = text("figures.states.not_covered.sentence", self.language, period=period)
            why = f"{why[0].upper()}{why[1:]}."
        return {
            "area": row["county_code"],
            "year": row["counted_year"],
            "edition": row["edition"],
            "figure": figure,
            "why": why,
        }

    # The counties

    def _counties(self) -> Page:
        year = self.facts.newest_year
        rows = [
            {"code": code, "figure": self._share_of_reports(code, found), **found}
            for code, found in self._reporting(year).items()
        ]
        return Page(
            "qarqet.html", "counties.html", self._say("site.counties.title"),
            {"rows": rows, "year": year,
             "legend": legend([one["figure"] for one in rows], self.language)},
            kind=self._say("site.kinds.page"),
        )  # fmt: skip

    def _county(self, code: str) -> Page:
        facts = self.facts
        year = facts.newest_year
        indicators = []
        for key in facts.indicators:
            rows = facts.newest(key, code)
            if rows and any(one.of_month.kind not in NOTHING_DUE for one in rows):
                indicators.append({**self._linked(key), "months": rows[-12:], "newest": rows[-1]})
        counts = self._counts_of_persons(code)
        late = [one for one in self._late(year)["institutions"] if one["county"] == code]
        return Page(
            f"qark/{code}.html",
            "county.html",
            self._area(code),
            {
                "code": code,
                "year": year,
                "reporting": self._reporting(year)[code],
                "figure": self._share_of_reports(code, self._reporting(year)[code]),
                "indicators": indicators,
                "late": late,
                "counts": [] if facts.is_restricted else counts,
                "releases": [
                    self._listed(one)
                    for one in sorted(facts.releases, key=lambda one: one.month, reverse=True)
                    if one.county_code == code and one.is_latest
                ],
                "legend": month_legend(
                    [one for row in indicators for one in row["months"]], self.language
                ),
            },
            trail=(("qarqet.html", self._say("site.counties.title")),),
            found_by=code,
            kind=self._say("site.kinds.county"),
        )

    # Releases

    def _releases(self) -> Page:
        rows = sorted(
            self.facts.releases,
            key=lambda one: (one.month, one.county_code, one.number),
            reverse=True,
        )
        return Page(
            "publikimet.html", "releases.html", self._say("site.releases.title"),
            {"rows": [self._listed(one) for one in rows]}, kind=self._say("site.kinds.page"),
        )  # fmt: skip

    def _release(self, release: ListedRelease) -> Page:
        listed = self._listed(release)
        changes = [
            row
            for row in self.facts.tables["marts.changes"]
            if row["county_code"] == release.county_code
            and f"{row['reporting_month']:%Y-%m}" == release.month
            and row["release_number"] == release.number
        ]
        told = [row for row in changes if row["measure"] in _RESTATED and row["indicator_code"]]
        return Page(
            listed["path"],
            "release.html",
            listed["name"],
            {
                "release": release,
                "listed": listed,
                "changes": [
                    {"row": row, "link": self._linked((row["plan_code"], row["indicator_code"]))}
                    for row in told
                ],
                "others": len(changes) - len(told),
                "known_until": self._day_of(release.facts.get("known_until")),
            },
            trail=(("publikimet.html", self._say("site.releases.title")),),
        )

    def _listed(self, release: ListedRelease) -> dict[str, Any]:
        is_edition = release.county_code == PERSONS
        area = self._say("site.releases.persons") if is_edition else self._area(release.county_code)
        name = f"{release.month}-{release.path.name}"
        came = release.facts.get("completeness") or {}
        return {
            "path": f"publikim/{release.county_code}/{name}.html",
            "name": f"{area}, {self._period(release.month)}, {release.path.name}",
            "area": area,
            "code": release.county_code,
            "month": release.month,
            "number": release.path.name,
            "released_on": date.fromisoformat(str(release.facts["released_on"])[:10]),
            "status": self.facts.code_name("status", release.facts.get("status", ""), self.language)
            if release.facts.get("status")
            else "",
            "is_latest": release.is_latest,
            "is_final": release.facts.get("status") == "final",
            "came": self._say("site.front.of", came=came["received"], expected=came["expected"])
            if "received" in came
            else "",
            "counties": self._say(
                "site.front.of", came=came["counties_reporting"], expected=came["counties_expected"]
            )
            if "counties_reporting" in came
            else "",
        }

    # What else there is

    def _persons(self) -> Page:
        rows = self._counts_of_persons(NATION)
        return Page(
            "personat.html", "persons.html", self._say("site.persons.title"),
            {"rows": rows, "editions": self.facts.tables[EDITIONS]},
            kind=self._say("site.kinds.page"),
        )  # fmt: skip

    def _counts_of_persons(self, area: str) -> list[dict[str, Any]]:
        """Return what editions show of an area, whole years, in the order of the plan."""
        keys = {key[1]: key for key in self.facts.indicators}
        rows = [
            row
            for row in self.facts.tables[NEWEST_COUNTS]
            if row["dimension"] == "total"
            and row["county_code"] == area
            and row["period"] == str(row["counted_year"])
        ]
        rows.sort(key=lambda row: (row["subject"] in keys, code_order(row["subject"])))
        return [
            {
                "subject": row[f"subject_{self.language}"],
                "path": "",
                **(self._named(keys[row["subject"]]) if row["subject"] in keys else {}),
                **self._counted(row),
            }
            for row in rows
        ]

    def _named(self, key: Key) -> dict[str, Any]:
        linked = self._linked(key)
        return {"subject": linked["name"], "path": linked["path"], "code": linked["code"]}

    def _dates(self) -> list[dict[str, Any]]:
        """Return the days after the newest release: deadlines, months made final, editions."""
        rows = []
        for month in self.facts.tables["core.dim_months"]:
            for what in ("reporting_deadline", "final_on"):
                if month[what] is not None and month[what] > self.facts.latest_day:
                    rows.append(
                        {
                            "day": month[what],
                            "about": month_name(month["month"], self.language),
                            "what": self._say(f"site.calendar.{what}"),
                        }
                    )
        for row in self.facts.tables["core.dim_editions"]:
            if row["cut_off_on"] > self.facts.latest_day:
                about = edition_holds(row["counted_year"], row["quarter"], self.language)
                what = self._say("site.calendar.edition")
                rows.append({"day": row["cut_off_on"], "about": about, "what": what})
        # Two editions may have one day: it stands once, with both.
        days: dict[tuple[date, str], list[str]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row["day"]):
            days[row["day"], row["what"]].append(row["about"])
        return [
            {"day": when, "what": what, "about": "; ".join(about)}
            for (when, what), about in days.items()
        ]

    def _last_month(self) -> str:
        """Return the last month with a deadline, where all of them have passed; else nothing."""
        months = self.facts.tables["core.dim_months"]
        if not months or any(
            row["reporting_deadline"] and row["reporting_deadline"] > self.facts.latest_day
            for row in months
        ):
            return ""
        return month_name(max(row["month"] for row in months), self.language)

    def _calendar(self) -> Page:
        return Page(
            "kalendari.html", "calendar.html", self._say("site.calendar.title"),
            {"dates": self._dates(), "last_month": self._last_month()},
            kind=self._say("site.kinds.page"),
        )  # fmt: skip

    def _quality(self) -> Page:
        year = self.facts.newest_year
        counties = self._reporting(year)
        rows = [{"code": code, **found} for code, found in counties.items() if found["expected"]]
        restated: dict[str, int] = defaultdict(int)
        for row in self.facts.tables["marts.changes"]:
            restated[row["reason"]] += 1
        return Page(
            "cilesia.html",
            "quality.html",
            self._say("site.quality.title"),
            {
                "concepts": self.facts.quality[self.language],
                "about": self.facts.quality_area[self.language],
                "period": self.facts.quality_period.name(self.language),
                "year": year,
                "rows": rows,
                "restated": [
                    (self._reasons(reason), count) for reason, count in sorted(restated.items())
                ],
                "breaks": [
                    (self._linked(key), one)
                    for key in self.facts.indicators
                    for one in self.facts.newest(key, NATION)
                    if one.row["break_before"]
                ],
            },
            kind=self._say("site.kinds.page"),
        )

    def _data(self) -> Page:
        rows = [
            self._linked(key) for key in self.facts.indicators if key in self.facts.observations
        ]
        return Page(
            "te-dhenat.html", "data.html", self._say("site.data.title"),
            {"rows": rows}, kind=self._say("site.kinds.page"),
        )  # fmt: skip

    def _glossary(self) -> Page:
        return Page(
            "fjalori.html", "glossary.html", self._say("site.glossary.title"),
            kind=self._say("site.kinds.page"),
        )  # fmt: skip

    # Names and places

    def period(self, code: str) -> str:
        """Return what the period of a code is called."""
        return self._period(code)

    def _day_of(self, moment: object) -> str:
        return day(date.fromisoformat(str(moment)[:10]), self.language) if moment else ""

    def _period(self, code: str) -> str:
        return parse_period(code).name(self.language)

    def _summary(self, key: Key) -> dict[str, Any]:
        newest = self._newest(key)
        return {
            **self._linked(key),
            "lead": lead(self.facts, key, newest, self.language),
            "light": light(self.facts, key, newest, self.language),
        }

    def _linked(self, key: Key) -> dict[str, Any]:
        return {
            "key": key,
            "path": self._indicator_path(key),
            "code": key[1],
            "name": self.facts.indicators[key]["short_name"][self.language],
            "files": f"{key[0]}/{key[1]}",
        }

    def _newest(self, key: Key) -> Observation | None:
        rows = self.facts.newest(key, NATION)
        return rows[-1] if rows else None

    def _released_on(self, area: str, month: date, release: int) -> date | None:
        return self.facts.release_days.get((area, month, release))

    def reasons(self, code: str) -> str:
        """Return why something was restated, in words; a code may name several reasons."""
        return self._reasons(code)

    def _reasons(self, code: str) -> str:
        names = [self.facts.code_name("reason", one, self.language) for one in str(code).split("+")]
        return join(names, self.language)

    def area(self, code: str) -> str:
        """Return the name of a county, or of the nation."""
        return self._area(code)

    def _area(self, code: str) -> str:
        row = self.facts.areas.get(code)
        return str(row[f"name_{self.language}"]) if row else code

    def _institution(self, code: str) -> str:
        row = self.facts.institutions.get(code)
        return str(row[f"name_{self.language}"]) if row else code

    def _indicator_path(self, key: Key) -> str:
        return f"tregues/{key[0]}/{key[1]}.html"

    def _measure_path(self, key: Key) -> str:
        return f"mase/{key[0]}/{key[1]}.html"

    def _objective_path(self, key: Key) -> str:
        return f"objektiv/{key[0]}/{key[1]}.html"

    def _say(self, key: str, **values: object) -> str:
        return text(key, self.language, **values)

    @cached_property
    def made_of(self) -> str:
        """What the pages are made of, for the foot of each."""
        return self._say(
            "site.foot.made_of", day=day(self.facts.latest_day, self.language),
            releases=len(self.facts.releases),
        )  # fmt: skip
