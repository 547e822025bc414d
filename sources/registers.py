"""The registers as the door needs them: which codes exist, and how grave each rule is.

Belongs here: reading the register seeds. Not here: the registers themselves (dbt_project/seeds)
or anything computed from them (dbt_project/models).
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

from sources.datafiles import read_yaml
from sources.values import code_key

#: The county code of the nation, the sum of its counties: what is false in one is false in it.
NATION = "AL"

#: How many months a frequency's period has.
PERIODS_IN_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}


@dataclass(frozen=True, eq=False)
class Registers:
    """What the registers allow in a file.

    `institutions` maps a code to the county it reports for, `indicators` a code to its unit,
    `categories` an indicator's code to the written names (code_key) of its breakdowns' categories
    and the category of each, `rules` a rule to its severity (blocks, warns, informs). `months` are
    first days of months. `indicator_names` maps a printed name to the codes of the indicators that
    have it. `institution_aliases` maps a name to the codes of the institutions that have it, one a
    county: which is meant depends on `county`, in whose folder the file is. `county_names` maps a
    county to its names, `municipalities` a code to its county, `municipality_names` to its Albanian
    name, and `municipality_aliases` other names to the code, `largest` an indicator to the largest
    count that a report can plausibly hold of it, `category_names` an indicator to its categories
    and the Albanian name of each. Codes of indicators are those of every national plan; `of_plan`
    holds the registers of each plan by its code, where there are several, and `plans` are the plans
    in the order of their days. `institution_places` maps the code of a county's institution to its
    type and the places that it may be called after. Of published figures `figure_labels` and
    `figure_remarks` hold each code with its names, and `publications` each publication with the
    first year that it can give, if that is known. `added_codes` are the office's own, by their
    list, as they may be written.
    """

    counties: set[str]
    institutions: dict[str, str]
    institution_aliases: dict[str, tuple[str, ...]]
    indicators: dict[str, str]
    categories: dict[str, dict[str, str]]
    months: set[date]
    rules: dict[str, str]
    indicator_names: dict[str, frozenset[str]] = field(default_factory=dict)
    county_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    municipalities: dict[str, str] = field(default_factory=dict)
    municipality_names: dict[str, str] = field(default_factory=dict)
    municipality_aliases: dict[str, str] = field(default_factory=dict)
    largest: dict[str, float] = field(default_factory=dict)
    category_names: dict[str, dict[str, str]] = field(default_factory=dict)
    figure_labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    figure_remarks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    publications: dict[str, int | None] = field(default_factory=dict)
    added_codes: dict[str, dict[str, str]] = field(default_factory=dict)
    plans: tuple["ActionPlan", ...] = ()
    of_plan: dict[str, "Registers"] = field(default_factory=dict)
    institution_places: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    county: str = ""

    @property
    def plan_codes(self) -> set[str]:
        """The codes of the national plans."""
        return {plan.plan_code for plan in self.plans}

    def codes_added_to(self, code_list: str) -> set[str]:
        """Return the office's own codes of a list, whatever its version."""
        return {
            code
            for list_id, written in self.added_codes.items()
            if list_id.rpartition("-")[0] == code_list
            for code in written.values()
        }

    def in_month(self, month: date | None) -> "Registers":
        """Return the registers of the month's plan; those of all plans where no month is known."""
        return self.of_plan.get(plan_in(self.plans, month), self) if month else self

    def in_county(self, county_code: str) -> "Registers":
        """Return the registers as a file in the folder of a county is read by them."""
        if county_code not in self.counties:
            return self
        found = self._of_county.get(county_code)
        if found is None:
            of_plan = {
                code: replace(each, county=county_code) for code, each in self.of_plan.items()
            }
            found = replace(self, county=county_code, of_plan=of_plan)
            self._of_county[county_code] = found
        return found

    @cached_property
    def _of_county(self) -> dict[str, "Registers"]:
        return {}

    def county_of(self, folder: str) -> str | None:
        """Return the county whose folder of the inbox has this name, or None."""
        return folder if folder in self.counties else None

    @cached_property
    def written(self) -> dict[str, dict[str, str]]:
        """How what the registers hold may be written (code_key), with its code."""
        indicators = {
            name: next(iter(codes)) for name, codes in self.codes_by_name.items() if len(codes) == 1
        }
        for code in self.indicators:
            plain = code_key(code)
            indicators |= {plain: code, plain.replace(".", ","): code}
        institutions = {
            code_key(alias): meant
            for alias, codes in self.institution_aliases.items()
            if (meant := self._meant(codes)) is not None
        }
        institutions |= {
            written: code
            for written, code in self._called().items()
            if self.institutions.get(institutions.get(written, "")) != self.county
        }
        return {
            "counties": {
                code_key(text): code
                for code in self.counties
                for text in (code, *self.county_names.get(code, ()))
            },
            "municipalities": {
                code_key(text): code
                for names in (self.municipality_aliases.items(), _swapped(self.municipality_names))
                for text, code in names
            }
            | {code_key(code): code for code in self.municipalities},
            "institutions": institutions | {code_key(code): code for code in self.institutions},
            "indicators": indicators,
            "publications": {code_key(code): code for code in self.publications},
            **{
                register: {
                    code_key(text): code for code, names in codes.items() for text in (code, *names)
                }
                for register, codes in (
                    ("figure_labels", self.figure_labels),
                    ("figure_remarks", self.figure_remarks),
                )
            },
        }

    def _called(self) -> dict[str, str]:
        """Return what the county's institutions are called there (code_key), each one of them."""
        codes: dict[str, set[str]] = {}
        for code, (kind, places) in self.institution_places.items():
            if self.institutions[code] == self.county:
                for name in _spellings(kind, places):
                    codes.setdefault(name, set()).add(code)
        return {name: code for name, (code, *others) in codes.items() if not others}

    def types_written(self, written: str, county_code: str) -> set[str]:
        """Return the types of institutions that are written so (code_key) in a county."""
        places = self.county_names.get(county_code, ())[:1]
        return {kind for kind in _spelling_rules()["types"] if written in _spellings(kind, places)}

    def _meant(self, codes: tuple[str, ...]) -> str | None:
        """Return the institution of the county, else the nation's, else the only one, or None."""
        for county in (self.county, NATION):
            for code in codes:
                if self.institutions.get(code) == county:
                    return code
        return codes[0] if len(codes) == 1 else None

    @cached_property
    def codes_by_name(self) -> dict[str, frozenset[str]]:
        """The codes of the indicators that have a printed name (code_key)."""
        found: dict[str, frozenset[str]] = {}
        for name, codes in self.indicator_names.items():
            found[code_key(name)] = found.get(code_key(name), frozenset()) | codes
        return found


def load_registers(seeds_dir: Path) -> Registers:
    """Return the registers in `seeds_dir` (one UTF-8 CSV a register).

    Raises FileNotFoundError when a register's file is missing, KeyError when one of the columns
    used here is, ValueError when a month of the reporting calendar is no date, or the first year of
    a publication no number.
    """
    plans = national_plans(seeds_dir)
    of_plan = (
        {plan.plan_code: _load(seeds_dir, plan.plan_code) for plan in plans}
        if len(plans) > 1
        else {}
    )
    return replace(_load(seeds_dir, None), plans=plans, of_plan=of_plan)


def _load(seeds_dir: Path, plan_code: str | None) -> Registers:
    categories: dict[str, dict[str, str]] = {}
    category_names: dict[str, dict[str, str]] = {}
    counties = {row["county_code"]: row["name_sq"] for row in register_rows(seeds_dir, "counties")}
    towns: dict[str, list[str]] = {}
    names = {
        row["municipality_code"]: row["name_sq"]
        for row in register_rows(seeds_dir, "municipalities")
    }
    for row in register_rows(seeds_dir, "municipality_aliases"):
        if row["municipality_code"] in names:
            towns.setdefault(names[row["municipality_code"]], []).append(row["alias"])
    for row in plan_rows(seeds_dir, "breakdown_categories", plan_code):
        category_names.setdefault(row["indicator_code"], {})[row["category"]] = row["name_sq"]
        written = categories.setdefault(row["indicator_code"], {})
        for name in ("category", "name_sq", "name_en"):
            written[code_key(row[name])] = row["category"]
    return Registers(
        counties={row["county_code"] for row in register_rows(seeds_dir, "counties")},
        institutions={
            row["institution_code"]: row["county_code"]
            for row in register_rows(seeds_dir, "institutions")
        },
        institution_aliases=_institution_aliases(seeds_dir),
        indicators={
            row["indicator_code"]: row["unit"]
            for row in plan_rows(seeds_dir, "indicators", plan_code)
        },
        categories=categories,
        months={
            date.fromisoformat(row["month"])
            for row in register_rows(seeds_dir, "reporting_calendar")
        },
        indicator_names=_indicator_names(seeds_dir, plan_code),
        county_names={
            row["county_code"]: (row["name_sq"], row["name_en"], f"Qarku {row['name_sq']}")
            for row in register_rows(seeds_dir, "counties")
            if row["county_code"] != NATION
        },
        municipalities={
            row["municipality_code"]: row["county_code"]
            for row in register_rows(seeds_dir, "municipalities")
        },
        municipality_names=names,
        municipality_aliases={
            row["alias"]: row["municipality_code"]
            for row in register_rows(seeds_dir, "municipality_aliases")
        },
        largest=_largest(seeds_dir, plan_code),
        category_names=category_names,
        figure_labels=_names(seeds_dir, "figure_labels", "figure_label"),
        figure_remarks=_names(seeds_dir, "figure_remarks", "remark"),
        institution_places={
            row["institution_code"]: (row["institution_type"], _places_of(row, counties, towns))
            for row in register_rows(seeds_dir, "institutions")
            if row["county_code"] != NATION
        },
        publications={
            row["publication"]: int(row["first_year"]) if row["first_year"] else None
            for row in register_rows(seeds_dir, "publications")
        },
        added_codes=_added_codes(seeds_dir),
        rules={row["rule"]: row["severity"] for row in register_rows(seeds_dir, "quality_rules")},
    )


def _places_of(
    institution: dict[str, str], counties: dict[str, str], towns: dict[str, list[str]]
) -> tuple[str, ...]:
    """Return the names that an institution may be called after.

    A municipality's is its own or another name of it (`towns`), such as its seat's.
    """
    if own := institution["municipality_name"]:
        return tuple(dict.fromkeys((own, *towns.get(own, ()))))
    codes = dict.fromkeys((institution["county_code"], institution["seat_county_code"]))
    return tuple(counties[code] for code in codes if code in counties)


@cache
def _spelling_rules() -> dict[str, dict[str, Any]]:
    rules: dict[str, dict[str, Any]] = read_yaml(
        Path(__file__).with_name("institution_spellings.yml")
    )
    return rules


@lru_cache(maxsize=512)
def _spellings(kind: str, places: tuple[str, ...]) -> tuple[str, ...]:
    """Return how an institution of a type is written (code_key), with and without its places."""
    rules = _spelling_rules()
    of_kind = rules["types"].get(kind, {})
    alone, placed = (_names_and_dotted(of_kind.get(each, ())) for each in ("alone", "placed"))
    found = list(alone)
    for place in places:
        ending = next(end for end in rules["genitives"] if place.endswith(end))
        of_place = place.removesuffix(ending) + rules["genitives"][ending]
        behind = {code_key(form.format(place=place, of_place=of_place)) for form in rules["places"]}
        found += [f"{name}{form}" for name in (*alone, *placed) for form in behind]
    return tuple(found)


def _names_and_dotted(names: Iterable[str]) -> list[str]:
    """Return names (code_key), and those of capitals alone with dots too: D.V.P. is DVP."""
    found = []
    for name in names:
        found.append(code_key(name))
        if name.isalpha() and name.isupper():
            found += [".".join(found[-1]), "".join(f"{letter}." for letter in found[-1])]
    return found


def _institution_aliases(seeds_dir: Path) -> dict[str, tuple[str, ...]]:
    """Return each name of an institution, its own and its aliases, with whose name it is."""
    codes: dict[str, dict[str, None]] = {}
    for register, column in (("institutions", "name_sq"), ("institution_aliases", "alias")):
        for row in register_rows(seeds_dir, register):
            codes.setdefault(row[column], {})[row["institution_code"]] = None
    return {name: tuple(found) for name, found in codes.items()}


def _swapped(names: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, code) for code, name in names.items()]


def _names(seeds_dir: Path, register: str, code: str) -> dict[str, tuple[str, ...]]:
    return {
        row[code]: (row["name_sq"], row["name_en"]) for row in register_rows(seeds_dir, register)
    }


def _added_codes(seeds_dir: Path) -> dict[str, dict[str, str]]:
    codes: dict[str, dict[str, str]] = {}
    for row in register_rows(seeds_dir, "added_codes"):
        written = codes.setdefault(row["code_list"], {})
        for name in (row["code"], row["name_sq"], row["name_en"], *row["aliases"].split("|")):
            if name.strip():
                written[name.strip()] = row["code"]
    return codes


def _indicator_names(seeds_dir: Path, plan_code: str | None) -> dict[str, frozenset[str]]:
    codes: dict[str, set[str]] = {}
    for register, column in (
        ("indicators", "plan_code"),
        ("regional_indicators", "national_plan_code"),
    ):
        for row in plan_rows(seeds_dir, register, plan_code, column):
            for name in (row["name_sq"], row["name_en"]):
                if row["indicator_code"]:
                    codes.setdefault(name, set()).add(row["indicator_code"])
    return {name: frozenset(found) for name, found in codes.items()}


def _largest(seeds_dir: Path, plan_code: str | None) -> dict[str, float]:
    of_unit = {
        row["unit"]: float(row["largest"])
        for row in register_rows(seeds_dir, "plausible_counts")
        if not row["indicator_code"]
    }
    of_indicator = {
        row["indicator_code"]: of_unit[row["unit"]]
        for row in plan_rows(seeds_dir, "indicators", plan_code)
        if row["unit"] in of_unit
    }
    return of_indicator | {
        row["indicator_code"]: float(row["largest"])
        for row in plan_rows(seeds_dir, "plausible_counts", plan_code)
        if row["indicator_code"]
    }


@dataclass(frozen=True)
class ActionPlan:
    """A plan of action and the months that it covers, from the first to the last day given."""

    plan_code: str
    valid_from: date
    valid_to: date

    def covers(self, month: date) -> bool:
        """Return whether the month, given as its first day, lies within the plan."""
        return self.valid_from <= month <= self.valid_to


def national_plans(seeds_dir: Path) -> tuple[ActionPlan, ...]:
    """Return the national plans of the register `plans`, from the first to the last."""
    plans = [
        ActionPlan(
            row["plan_code"],
            date.fromisoformat(row["valid_from"]),
            date.fromisoformat(row["valid_to"]),
        )
        for row in register_rows(seeds_dir, "plans")
        if row["level"] == "national"
    ]
    return tuple(sorted(plans, key=lambda plan: plan.valid_from))


def register_rows(seeds_dir: Path, name: str) -> Iterator[dict[str, str]]:
    with (seeds_dir / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def plan_rows(
    seeds_dir: Path, name: str, plan_code: str | None, column: str = "plan_code"
) -> Iterator[dict[str, str]]:
    """Yield the rows of a register that belong to a plan, by `column`; all without a plan."""
    for row in register_rows(seeds_dir, name):
        if plan_code is None or row[column] == plan_code:
            yield row


def plan_in(plans: Sequence["ActionPlan"], day: date) -> str:
    """Return the code of the plan of which the codes used on a day are, or "" without plans.

    It is the first that does not end before the day: the one in force or, where none is, the next
    one; after the last plan, the last (as plan_of in dbt_project/macros).
    """
    return next(
        (plan.plan_code for plan in plans if plan.valid_to >= day),
        plans[-1].plan_code if plans else "",
    )


def obligations_in(seeds_dir: Path, month: date) -> Iterator[dict[str, str]]:
    """Yield the rows of reporting_obligations that hold in a month: those of its plan."""
    plan_code = plan_in(national_plans(seeds_dir), month)
    for row in plan_rows(seeds_dir, "reporting_obligations", plan_code):
        if is_in_force(row, month):
            yield row


def is_due(obligation: dict[str, str], month: date) -> bool:
    """Tell whether a row of reporting_obligations asks for a value in the report of `month`.

    A quarterly value is due with the report of the quarter's last month, a yearly one with
    December's. A row that was withdrawn asks for nothing.
    """
    frequency = PERIODS_IN_MONTHS[obligation["frequency"]]
    return is_in_force(obligation, month) and month.month % frequency == 0


def is_in_force(obligation: dict[str, str], month: date) -> bool:
    """Tell whether a row of a register of obligations holds in `month`, whenever it is due."""
    valid_to = obligation["valid_to"]
    return (
        not obligation.get("recorded_to")
        and date.fromisoformat(obligation["valid_from"]) <= month
        and (not valid_to or month <= date.fromisoformat(valid_to))
    )
