"""Which counties the example has: how large each is, who keeps what, and what goes wrong there.

Belongs here: the declaration of each county, as data. Not here: how its files are made (generate),
or who owes which indicator: that is in the registers, krat's own for Fier and registers/ here for
the others, which krat doesn't know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

YEAR = 2023

#: Rows for the registers of the counties that krat's own registers don't have.
REGISTERS = Path(__file__).parent / "registers"


@dataclass(frozen=True)
class PlannedMistake:
    """One thing that goes wrong, on purpose, in one institution's report of one month.

    With a county in place of the institution, missing and late strike all its reports of the month
    and its hotline's log.

    kind: late_entry (in SIVET), missing, late, early, corrected, disagrees, wrong_code,
    wrong_month, blank, zero, unknown, not_applicable, refused, breakdown, unreadable or duplicate.
    `indicator_code` is the row it strikes; None means the report's first row, or the whole report.
    """

    institution_code: str
    month: str  # YYYY-MM, the month that the file's name says
    kind: str
    why: str
    indicator_code: str | None = None
    days: int = 0  # late: days after the deadline; corrected, duplicate: days after the first file


@dataclass(frozen=True)
class KnownToPolice:
    """A person whose case another institution keeps and whom the police know too.

    written: how the police wrote the person down: same, accents, sound, swapped, number_only,
    no_birth_date, year_only, other_day or other_family_name. Without enough to go by the pair is
    doubtful, for a person to decide.
    """

    person: int
    written: str
    why: str
    is_doubtful: bool = False


# One row an institution and month. May 2023 holds one of most kinds: it is the month to train on.
PLANNED_MISTAKES: tuple[PlannedMistake, ...] = (
    PlannedMistake("AL-04-B-PATOS", "2023-05", "missing", "Nobody sent the report of May."),
    PlannedMistake("AL-04-ISHPSHSH", "2023-09", "missing", "The person who reports was away."),
    PlannedMistake(
        "AL-04-B-LUSHNJE", "2023-05", "late", "Sent after a reminder by the committee.", days=9
    ),
    PlannedMistake(
        "AL-04-SHENDETI", "2023-02", "late", "The figures of one health centre came late.", days=4
    ),
    PlannedMistake(
        "AL-04-KESHILLI", "2023-10", "late", "Sent only before the quarterly meeting.", days=21
    ),
    PlannedMistake(
        "AL-04-B-FIER", "2023-07", "early", "Sent on the 28th: the month had not ended yet."
    ),
    PlannedMistake(
        "AL-04-ARSIMI", "2023-05", "corrected", "One school was counted twice at first.", days=12
    ),
    PlannedMistake(
        "AL-04-PUNESIMI", "2023-07", "corrected", "Figures of August slipped into July.", days=20
    ),
    PlannedMistake(
        "AL-04-POLICIA",
        "2023-05",
        "disagrees",
        "The police count two new cases more than the referral records hold.",
        "2.1.9.1",
    ),
    PlannedMistake(
        "AL-04-POLICIA",
        "2023-08",
        "disagrees",
        "Two repeated contacts were counted as cases of their own.",
        "3.1.2.1",
    ),
    PlannedMistake(
        "AL-04-B-FIER", "2023-06", "wrong_code", "The code 9.9.9.9 is in no plan; never mended."
    ),
    PlannedMistake(
        "AL-04-B-DIVJAKE", "2023-05", "wrong_month", "The form says 2024-05: a mistyped year."
    ),
    PlannedMistake(
        "AL-04-SHENDETI", "2023-05", "blank", "The cell was left empty, which is not a zero."
    ),
    PlannedMistake(
        "AL-04-B-ROSKOVEC",
        "2023-05",
        "zero",
        "No mistake: every row says 0, and says that it means it.",
    ),
    PlannedMistake(
        "AL-04-FORMIMI", "2023-06", "unknown", "They had 'disa' (some): unknown, not zero."
    ),
    PlannedMistake(
        "AL-04-PREFEKTI", "2023-03", "not_applicable", "Nothing of the kind was planned yet."
    ),
    PlannedMistake("AL-04-SHISH", "2023-11", "refused", "The service declines to give the figure."),
    PlannedMistake(
        "AL-04-POLICIA",
        "2023-10",
        "breakdown",
        "Hotline and app together give one more than the total.",
        "3.1.2.1",
    ),
    PlannedMistake(
        "AL-04-B-LUSHNJE", "2023-08", "unreadable", "A text was saved under a workbook's name."
    ),
    PlannedMistake(
        "AL-AP",
        "2023-09",
        "late_entry",
        "One new case of September was entered in SIVET in October.",
        "2.1.9.1",
    ),
    PlannedMistake(
        "AL-04-KESHILLI", "2023-05", "duplicate", "The same file was sent a second time.", days=2
    ),
)


KNOWN_TO_POLICE: tuple[KnownToPolice, ...] = (
    KnownToPolice(12, "accents", "The police's keyboard has no ë; the date has points."),
    KnownToPolice(17, "same", "Both offices copied the identity card."),
    KnownToPolice(19, "number_only", "The police kept only the number of the card."),
    KnownToPolice(21, "no_birth_date", "A child without papers: a name and nothing else.", True),
    KnownToPolice(29, "year_only", "Of the birth date only the year was known.", True),
    KnownToPolice(32, "other_day", "The day of birth is another one: a slip, or a namesake.", True),
    KnownToPolice(36, "sound", "The officer wrote the name as he heard it."),
    KnownToPolice(39, "swapped", "Given and family name stand in each other's place."),
    KnownToPolice(47, "same", "Both offices copied the identity card."),
    KnownToPolice(51, "other_family_name", "Married since, or somebody else.", True),
)


@dataclass(frozen=True)
class ExampleCounty:
    """A county of the example.

    `size` is how much is counted there beside Fier, `joins` the number of its first month. Its
    persons have the numbers after `persons_after`: nobody's number is given twice. The weights of
    `municipalities` (as offices write them: the register of their other names knows which is
    meant), `event_counties` and `referred_to` are of 100. `cases_of_channel` is how many referral
    cases each channel opens: those of hotline and app continue a case of the hotline's log.
    `keepers` says who keeps the cases of a channel, else the police; a case is referred to one of
    `receivers`, or to `receiver_instead` where that one referred it. `csv_institutions` keep their
    reports as text, the others as workbooks.
    """

    code: str
    size: float
    persons_after: int
    municipalities: Mapping[str, int]
    event_counties: Mapping[str, int]
    referred_to: Mapping[str, int]
    cases_of_channel: Mapping[str, int]
    keepers: Mapping[str, str]
    receivers: tuple[str, ...]
    receiver_instead: str
    border_points: tuple[str, ...] = ()
    csv_institutions: frozenset[str] = frozenset()
    mistakes: tuple[PlannedMistake, ...] = ()
    known_to_police: tuple[KnownToPolice, ...] = ()
    joins: int = 1

    @property
    def police(self) -> str:
        """The code of the county's police, which keep the hotline's log."""
        return f"{self.code}-POLICIA"

    @property
    def months(self) -> range:
        """The numbers of the months of which the county reports."""
        return range(self.joins, 13)


FIER = ExampleCounty(
    code="AL-04",
    size=1,
    persons_after=0,
    municipalities={
        "Fier": 40,
        "Bashkia Lushnje": 22,
        "Mallakaster": 10,
        "Patosi": 10,
        "Roskovec": 8,
        "Bashkia Divjakë": 10,
    },
    event_counties={"AL-04": 92, "AL-01": 4, "AL-12": 4},
    referred_to={
        "AL-04-POLICIA": 60,
        "AL-04-SHSSH": 25,
        "AL-04-B-FIER": 10,
        "AL-04-B-LUSHNJE": 5,
    },
    cases_of_channel={
        "hotline": 8,
        "app": 4,
        "mobile_unit": 15,
        "police": 11,
        "border": 9,
        "child_protection_unit": 5,
        "labour_inspection": 4,
        "self": 4,
    },
    keepers={
        "mobile_unit": "AL-04-SHSSH",
        "border": "AL-04-DVKM",
        "child_protection_unit": "AL-04-B-FIER",
        "labour_inspection": "AL-04-ISHPSHSH",
    },
    receivers=("AL-04-SHSSH", "AL-04-B-FIER", "AL-04-B-LUSHNJE"),
    receiver_instead="AL-04-B-PATOS",
    border_points=("vlore_port", "qafe_bote"),
    csv_institutions=frozenset(
        {"AL-04-B-MALLAKASTER", "AL-04-B-ROSKOVEC", "AL-04-ISHPSHSH", "AL-04-FORMIMI"}
    ),
    mistakes=PLANNED_MISTAKES,
    known_to_police=KNOWN_TO_POLICE,
)

#: Large, without a border: a reception centre, an organisation with the mobile unit, a university.
TIRANE = ExampleCounty(
    code="AL-11",
    size=2.5,
    persons_after=100,
    municipalities={
        "Tiranë": 60,
        "Kamëz": 18,
        "Bashkia Kavajë": 12,
        "Vora": 6,
        "Rrogozhina": 4,
    },
    event_counties={"AL-11": 90, "AL-02": 6, "AL-03": 4},
    referred_to={
        "AL-11-POLICIA": 50,
        "AL-11-SHSSH": 20,
        "AL-11-QENDRA": 20,
        "AL-11-B-TIRANE": 10,
    },
    cases_of_channel={
        "hotline": 20,
        "app": 10,
        "mobile_unit": 36,
        "police": 30,
        "child_protection_unit": 16,
        "labour_inspection": 12,
        "self": 12,
    },
    keepers={
        "mobile_unit": "AL-11-OJF",
        "child_protection_unit": "AL-11-B-TIRANE",
        "labour_inspection": "AL-11-ISHPSHSH",
    },
    receivers=("AL-11-QENDRA", "AL-11-SHSSH", "AL-11-B-TIRANE"),
    receiver_instead="AL-11-QENDRA",
    csv_institutions=frozenset({"AL-11-OJF", "AL-11-UNIVERSITETI"}),
    mistakes=(
        PlannedMistake(
            "AL-11", "2023-08", "missing", "The office moved: nothing came of August, no log."
        ),
        PlannedMistake(
            "AL-11-QENDRA", "2023-03", "unknown", "They had 'disa' (some): unknown, not zero."
        ),
        PlannedMistake(
            "AL-11-B-KAMEZ", "2023-11", "corrected", "A campaign was counted twice.", days=15
        ),
    ),
)

#: Small, at the border, without a labour inspectorate or vocational training; joins in May.
KUKES = ExampleCounty(
    code="AL-07",
    size=0.4,
    persons_after=300,
    municipalities={"Kukës": 60, "Bashkia Has": 20, "Tropoja": 20},
    event_counties={"AL-07": 95, "AL-10": 5},
    referred_to={"AL-07-POLICIA": 70, "AL-07-SHSSH": 30},
    cases_of_channel={
        "hotline": 2,
        "app": 1,
        "mobile_unit": 5,
        "police": 5,
        "border": 7,
        "self": 1,
    },
    keepers={"mobile_unit": "AL-07-SHSSH", "border": "AL-07-DVKM"},
    receivers=("AL-07-SHSSH", "AL-07-B-KUKES"),
    receiver_instead="AL-07-B-KUKES",
    border_points=("morine",),
    csv_institutions=frozenset({"AL-07-B-HAS"}),
    mistakes=(
        PlannedMistake(
            "AL-07", "2023-10", "late", "Snow closed the road, and the line was down.", days=6
        ),
        PlannedMistake(
            "AL-07-B-TROPOJE", "2023-07", "missing", "Nobody there knew that a report was due."
        ),
    ),
    joins=5,
)

#: The counties of the example, in the order of their codes.
COUNTIES = (FIER, KUKES, TIRANE)
