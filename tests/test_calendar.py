"""The calendar: its days, what is asked for on them, and what a slip in the file does."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from orchestration.defs.attempts import MOST, TAG
from orchestration.defs.partitions import month_partitions
from orchestration.defs.reminders import reminders
from orchestration.defs.resources import HomeResource, WriterResource
from orchestration.defs.schedules import schedules
from orchestration.registers.calendar import OWN, Kind, read_calendar, upcoming
from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home

OWN_TEXT = OWN.read_text(encoding="utf-8")
OTHER_DAYS = "counties:\n  AL-05: {release: {day: 20, at: '06:00'}}"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    home.root.mkdir()
    return home


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def write(home: Home, content: str) -> None:
    (home.root / "calendar.yml").write_text(content, encoding="utf-8")


def in_tirana(home: Home, *moment: int) -> datetime:
    return datetime(*moment, tzinfo=read_calendar(home)[0].zone)  # type: ignore[arg-type, misc]


def test_days_without_work_are_moved_to_the_next_and_reminders_to_the_last(home: Home) -> None:
    coming = upcoming(home, in_tirana(home, 2023, 4, 1), days=30)
    assert [(event.kind, f"{event.at:%m-%d %H:%M}", event.month) for event in coming] == [
        (Kind.REMINDER, "04-07 08:00", date(2023, 3, 1)),
        (Kind.REFRESH, "04-11 06:00", date(2023, 3, 1)),
        # The 15th is a Saturday; Monday is Easter Monday of the Orthodox.
        (Kind.RELEASE, "04-18 06:00", date(2023, 3, 1)),
        (Kind.LATE_REFRESH, "04-25 06:00", date(2023, 3, 1)),
    ]


def test_a_county_may_have_other_days(home: Home) -> None:
    write(home, OWN_TEXT.replace("counties: {}", OTHER_DAYS))
    releases = [
        (f"{event.at:%m-%d}", event.counties, event.without)
        for event in upcoming(home, in_tirana(home, 2023, 6, 1), days=25)
        if event.kind is Kind.RELEASE
    ]
    assert releases == [("06-15", (), ("AL-05",)), ("06-20", ("AL-05",), ())]


def test_nothing_comes_next_where_it_is_switched_off(home: Home) -> None:
    write(home, OWN_TEXT.replace("is_on: true", "is_on: false"))
    assert upcoming(home, in_tirana(home, 2023, 6, 1)) == []
    calendar, _ = read_calendar(home)
    assert {each.default_status.value for each in schedules(calendar, None)} == {"STOPPED"}


@pytest.mark.parametrize(
    ("spoil", "line", "advice"),
    [
        (lambda text: text.replace("timezone: Europe/Tirane\n", ""), 5, "timezone: Europe/Tirane"),
        (lambda text: text.replace("Europe/Tirane", "Tirana"), 6, "timezone: Europe/Tirane"),
        (lambda _: "", 1, "is_on: true"),
        (lambda text: text.replace("country: AL", "country: XX"), 7, "country: AL"),
        (lambda text: text.replace("{day: 15,", "{day: 35,"), 14, "day: 15"),
        (lambda text: text.replace("{day: 15,", "{day: 15 "), 14, "day: 15"),
        (lambda text: text + "colour: red\n", 19, "colour"),
    ],
)
def test_a_slip_names_file_line_and_what_to_write_and_the_last_good_file_is_used(
    home: Home, spoil: Callable[[str], str], line: int, advice: str
) -> None:
    write(home, OWN_TEXT.replace("{day: 11", "{day: 12"))
    assert read_calendar(home)[1] is None
    write(home, spoil(OWN_TEXT))
    calendar, wrong = read_calendar(home)
    assert calendar.refresh.day == 12
    assert wrong is not None
    for language in ("sq", "en"):
        sentence = wrong.sentence(language)
        assert f"calendar.yml, {'rreshti' if language == 'sq' else 'line'} {line}:" in sentence
        assert advice in sentence
    assert all(str(wrong) in (each.description or "") for each in schedules(calendar, wrong))


def tick(home: Home, instance: dg.DagsterInstance, kind: Kind, at: datetime) -> Any:
    calendar, wrong = read_calendar(home)
    schedule = next(each for each in schedules(calendar, wrong) if each.name == f"{kind}_schedule")
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=at,
        resources={"home": HomeResource(root=str(home.root), keys_folder=str(home.keys))},
    )
    return schedule(context)


def asked(requests: object) -> list[tuple[str | None, str | None]]:
    assert isinstance(requests, list)
    return [(request.partition_key, request.run_key) for request in requests]


def test_a_machine_that_was_off_catches_up(home: Home, instance: dg.DagsterInstance) -> None:
    late = in_tirana(home, 2023, 6, 21, 6)
    assert asked(tick(home, instance, Kind.RELEASE, late)) == [
        ("2023-04", "release:2023-04:1"),
        ("2023-05", "release:2023-05:1"),
    ]


def test_what_failed_is_asked_for_again_and_what_succeeded_is_not(
    home: Home, instance: dg.DagsterInstance
) -> None:
    at = in_tirana(home, 2023, 6, 15, 6)
    key = "release:2023-05"
    instance.create_run_for_job(
        dg.GraphDefinition("empty").to_job(),
        tags={TAG: "release:2023-04"},
        status=dg.DagsterRunStatus.SUCCESS,
    )
    for attempt in range(1, MOST + 1):
        assert asked(tick(home, instance, Kind.RELEASE, at)) == [("2023-05", f"{key}:{attempt}")]
        instance.create_run_for_job(
            dg.GraphDefinition("empty").to_job(),
            tags={TAG: key},
            status=dg.DagsterRunStatus.FAILURE,
        )
    skipped = tick(home, instance, Kind.RELEASE, at + timedelta(days=1))
    assert isinstance(skipped, dg.SkipReason)
    assert f"Failed {MOST} times, see its runs: {key}." in str(skipped.skip_message)


def test_a_tick_without_work_says_when_the_next_is(
    home: Home, instance: dg.DagsterInstance
) -> None:
    tick_of_may = tick(home, instance, Kind.REMINDER, in_tirana(home, 2021, 2, 1, 8))
    assert isinstance(tick_of_may, dg.SkipReason)
    assert tick_of_may.skip_message == "Next: 2021-01 on 2021-02-05 at 08:00."


def test_a_month_that_no_plan_covers_is_skipped_in_words(
    home: Home, instance: dg.DagsterInstance
) -> None:
    skipped = tick(home, instance, Kind.RELEASE, datetime(2026, 11, 15, 5, tzinfo=UTC))
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "No action plan covers 2026-10: the registers end in 2023-12."


def test_counties_with_another_day_are_left_out_of_the_run_and_have_their_own(
    home: Home, instance: dg.DagsterInstance
) -> None:
    write(home, OWN_TEXT.replace("counties: {}", OTHER_DAYS))
    requests = tick(home, instance, Kind.RELEASE, in_tirana(home, 2023, 6, 20, 6))
    of_may = [request for request in requests if request.partition_key == "2023-05"]
    assert [request.run_config["ops"]["publish"]["config"] for request in of_may] == [
        {"counties": [], "without": ["AL-05"]},
        {"counties": ["AL-05"], "without": []},
    ]


def test_reminders_are_letters_to_those_whose_report_is_awaited(own_home: Home) -> None:
    calendar, _ = read_calendar(own_home)
    months = month_partitions(SEEDS, calendar.timezone)
    folder = HomeResource(root=str(own_home.root), keys_folder=str(own_home.keys))
    with duckdb.connect(str(own_home.marts), read_only=True) as connection:
        awaited = {
            (county, institution)
            for county, institution in connection.execute(
                "select county_code, institution_code from reporting_status "
                "where reporting_month = '2023-05-01' and expected > received"
            ).fetchall()
        }
    assert awaited
    result = reminders(months).execute_in_process(
        partition_key="2023-05", resources={"writer": WriterResource(home=folder)}
    )
    assert result.success
    letters = own_home.slips.glob("*/2023-05/reminders/*.docx")
    assert {(path.parts[-4], path.stem) for path in letters} >= awaited
