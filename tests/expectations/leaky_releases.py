"""Leaky releases, prepared: each shows small counts too well in a way of its own.

Belongs here: what each of them publishes, and the cell that leaks. Not here: the gate that must
find it. A line is what a table shows of a cell: a number as printed, the bounds that its
rounding leaves, "suppressed" or "withheld".
"""

from dataclasses import dataclass, field

from expectations.disclosure import Relation, parts_within, same_count, share_of, total_of
from expectations.protection import Additive, CountKey

FIER, VLORE, TIRANE = "AL-04", "AL-12", "AL-11"

Line = tuple[str, int, CountKey, int | str | tuple[int, int]]


@dataclass(frozen=True)
class Leaky:
    """A name as a sentence, the lines, what ties their cells, and the cell that is given away."""

    name: str
    lines: tuple[Line, ...]
    leaks: CountKey
    origins: dict[CountKey, Additive] = field(default_factory=dict)
    ties: tuple[Relation, ...] = ()


def year(county: str, dimension: str = "total", category: str = "total", subject: str = "flagged"):
    return CountKey(subject, county, "2023", dimension, category)


def quarter(number: int, county: str = "AL") -> CountKey:
    return CountKey("flagged", county, f"2023-Q{number}")


def month(number: int, county: str = FIER) -> CountKey:
    return CountKey("flagged", county, f"2023-{number:02d}")


FEMALE, MALE = year(FIER, "sex", "female"), year(FIER, "sex", "male")
MINOR, ADULT = year(FIER, "age_group", "0-17"), year(FIER, "age_group", "18+")
TWO = {year("AL"): Additive((FIER, VLORE))}
THREE = {year("AL"): Additive((FIER, VLORE, TIRANE))}


def _crossed(sex: str, age: str) -> CountKey:
    return year("AL", "sex_and_age_group", f"{sex} {age}")


LEAKY = (
    Leaky(
        "a total stands beside its parts",
        (("sex", 1, year(FIER), 50), ("sex", 1, FEMALE, 45), ("sex", 1, MALE, "suppressed")),
        MALE,
    ),
    Leaky(
        "the threshold was applied to the parts and not to what is left",
        (("sex", 1, year(FIER), 23), ("sex", 1, FEMALE, 16), ("sex", 1, MALE, "suppressed")),
        MALE,
    ),
    Leaky(
        "both parts are small and their total is not",
        (
            ("sex", 1, year(FIER), 19),
            ("sex", 1, FEMALE, "suppressed"),
            ("sex", 1, MALE, "suppressed"),
        ),
        MALE,
    ),
    Leaky(
        "two vintages differ in one part",
        (
            ("r1", 1, year(FIER), 50),
            ("r1", 1, FEMALE, "withheld"),
            ("r1", 1, MALE, "withheld"),
            ("r2", 2, year(FIER), 50),
            ("r2", 2, FEMALE, 45),
            ("r2", 2, MALE, "withheld"),
        ),
        MALE,
    ),
    Leaky(
        "a cell withheld in the first vintage is shown in the second",
        (("r1", 1, year(FIER), "withheld"), ("r2", 2, year(FIER), 7)),
        year(FIER),
    ),
    Leaky(
        "rounding changes its direction between vintages",
        (
            ("r1", 1, year("AL"), (60, 64)),
            ("r1", 1, year(TIRANE), (20, 24)),
            ("r1", 1, year(VLORE), (30, 34)),
            ("r1", 1, year(FIER), "suppressed"),
            ("r2", 2, year("AL"), (56, 60)),
            ("r2", 2, year(TIRANE), (16, 20)),
            ("r2", 2, year(VLORE), (30, 34)),
            ("r2", 2, year(FIER), "suppressed"),
        ),
        year(FIER),
        THREE,
    ),
    Leaky(
        "a percentage stands beside its base",
        (("sex", 1, year(FIER), 200), ("sex", 1, FEMALE, "suppressed")),
        FEMALE,
        ties=tuple(share_of(str(FEMALE), str(year(FIER)), 3.0, table="rates")),
    ),
    Leaky(
        "a percentage of a target is of the true number",
        (
            ("progress", 1, year(FIER, subject="2.1.9.1"), "suppressed"),
            ("progress", 1, CountKey("target", FIER, "2023"), 40),
        ),
        year(FIER, subject="2.1.9.1"),
        ties=tuple(
            share_of(
                str(year(FIER, subject="2.1.9.1")),
                str(CountKey("target", FIER, "2023")),
                17.5,
                table="progress",
            )
        ),
    ),
    Leaky(
        "a linked table shows the same persons",
        (
            ("flow", 1, year(FIER), "suppressed"),
            ("activity", 1, CountKey("3.9.9.1", FIER, "2023"), 8),
        ),
        year(FIER),
        ties=(same_count(str(year(FIER)), "3.9.9.1 | AL-04 | 2023 | total | total"),),
    ),
    Leaky(
        "a linked table shows a part of the same persons",
        (
            ("flow", 1, year(FIER), "suppressed"),
            ("activity", 1, CountKey("3.9.9.1", FIER, "2023"), 6),
        ),
        year(FIER),
        ties=(parts_within(str(year(FIER)), ["3.9.9.1 | AL-04 | 2023 | total | total"]),),
    ),
    Leaky(
        "the nation less the other county",
        (
            ("AL", 1, year("AL"), 60),
            ("AL-04", 1, year(FIER), "suppressed"),
            ("AL-12", 1, year(VLORE), 55),
        ),
        year(FIER),
        TWO,
    ),
    Leaky(
        "the nation less the other counties, one of which comes out a month later",
        (
            ("AL", 1, year("AL"), 81),
            ("AL-04", 1, year(FIER), "suppressed"),
            ("AL-12", 1, year(VLORE), 37),
            ("AL-11", 2, year(TIRANE), 41),
        ),
        year(FIER),
        THREE,
    ),
    Leaky(
        "the nation less the other counties gives one that was never released",
        (("AL", 1, year("AL"), 44), ("AL-12", 1, year(VLORE), 41)),
        year(FIER),
        TWO,
    ),
    Leaky(
        "the year less three quarters",
        (
            ("year", 1, year("AL"), 63),
            ("quarters", 1, quarter(1), 21),
            ("quarters", 1, quarter(2), 18),
            ("quarters", 1, quarter(3), 22),
            ("quarters", 1, quarter(4), "suppressed"),
        ),
        quarter(4),
    ),
    Leaky(
        "the quarters of a masked year are shown",
        (
            ("year", 1, year("AL"), "suppressed"),
            *(("quarters", 1, quarter(number), 2) for number in (1, 2, 3, 4)),
        ),
        year("AL"),
    ),
    Leaky(
        "a county by month adds up to its masked year",
        (
            ("year", 1, year(FIER), "suppressed"),
            *(("months", 1, month(number), number % 2) for number in range(1, 13)),
        ),
        year(FIER),
        ties=(total_of(str(year(FIER)), [str(month(number)) for number in range(1, 13)]),),
    ),
    Leaky(
        "the table by sex and the table by age show two totals of the same persons",
        (
            ("sex", 1, FEMALE, 27),
            ("sex", 1, MALE, 24),
            ("age", 1, MINOR, "suppressed"),
            ("age", 1, ADULT, 44),
            ("total", 1, year(FIER), "withheld"),
        ),
        MINOR,
    ),
    Leaky(
        "sex by age less its margins",
        (
            ("crossed", 1, _crossed("female", "0-17"), 21),
            ("crossed", 1, _crossed("female", "18+"), 33),
            ("crossed", 1, _crossed("male", "0-17"), 18),
            ("crossed", 1, _crossed("male", "18+"), "suppressed"),
            ("sex", 1, year("AL", "sex", "male"), 24),
            ("sex", 1, year("AL", "sex", "female"), 54),
        ),
        _crossed("male", "18+"),
    ),
    Leaky(
        "the counties' women less the nation's",
        (
            ("AL", 1, year("AL", "sex", "female"), 90),
            ("AL-04", 1, FEMALE, "suppressed"),
            ("AL-12", 1, year(VLORE, "sex", "female"), 85),
        ),
        FEMALE,
        {year("AL", "sex", "female"): Additive((FIER, VLORE))},
    ),
    Leaky(
        "the workbook has the number that the other files mask",
        (
            ("flow.parquet", 1, year(FIER), "suppressed"),
            ("flow.csv", 1, year(FIER), "suppressed"),
            ("marts.xlsx", 1, year(FIER), 7),
        ),
        year(FIER),
    ),
    Leaky(
        "the list of changes has the number that was masked",
        (
            ("r1", 1, year(FIER), "suppressed"),
            ("r2", 2, year(FIER), 30),
            ("CHANGES.md", 1, year(FIER), 4),
        ),
        year(FIER),
    ),
    Leaky(
        "zeros are shown while small numbers are hidden",
        (("sex", 1, FEMALE, "suppressed"), ("sex", 1, MALE, 0)),
        MALE,
    ),
    Leaky(
        "small numbers are rounded and not masked",
        (("flow", 1, year(FIER), 5),),
        year(FIER),
    ),
    Leaky(
        "a small number is shown as it is",
        (("flow", 1, year(FIER), 3),),
        year(FIER),
    ),
    Leaky(
        "the whole has no more than its part",
        (
            ("log", 1, year(FIER, subject="hotline_contacts"), "withheld"),
            ("log", 1, year(FIER, subject="hotline_cases"), 20),
        ),
        year(FIER, subject="hotline_contacts"),
    ),
    Leaky(
        "an earlier release has what the newest withholds",
        (
            ("r1", 1, FEMALE, 37),
            ("r1", 1, MALE, "withheld"),
            ("r2", 2, year(FIER), 41),
            ("r2", 2, FEMALE, "withheld"),
            ("r2", 2, MALE, "withheld"),
        ),
        MALE,
    ),
    Leaky(
        "one indicator of a shared population is shown, another is masked",
        (
            ("a", 1, year(FIER, subject="2.1.9.1"), 20),
            ("b", 1, year(FIER, subject="initially_identified"), "withheld"),
        ),
        year(FIER, subject="initially_identified"),
    ),
)
