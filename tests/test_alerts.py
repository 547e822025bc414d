"""Alerts: caught by servers of our own, and read."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from click.testing import CliRunner
from cryptography import x509
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    TickData,
    TickStatus,
)
from dagster_shared.error import SerializableErrorInfo

from expectations.gate import GateRecord, write_record
from orchestration.alerts.channels import OWN, Alerts, read_alerts
from orchestration.alerts.conditions import SILENCE, leave_trace, look
from orchestration.alerts.events import EventKind, Occurrence, message
from orchestration.alerts.outbox import (
    deliveries,
    due,
    failing_channels,
    notice,
    read_log,
    send_due,
)
from orchestration.cli import cli
from orchestration.defs.alerts import alerts_sensor, failed_runs_sensor
from orchestration.defs.resources import HomeResource
from orchestration.gate.judge import Scope
from orchestration.products.declaration import Tier
from orchestration.publication.public import NotPublic
from orchestration.publication.writing.release import Release
from orchestration.refresh import steps
from orchestration.refresh.plan import note_held
from orchestration.runtime.settings import secret
from orchestration.runtime.settings_files import WrongSetting
from orchestration.serving.tokens import last_days, make_token
from sources.custody.home import Home
from sources.custody.landing import SCHEMAS
from sources.custody.version import VERSION

APRIL = date(2023, 4, 1)
#: A Friday; the deadline of April, the 10th of May, is a Wednesday.
NOW = datetime(2023, 5, 5, 9, 0, tzinfo=UTC)
OWN_TEXT = OWN.read_text(encoding="utf-8")
CANARY = "Kanarina"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    home.root.mkdir()
    home.version.write_text(f"{VERSION}\n")
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    monkeypatch.delenv("KRAT_SECRETS", raising=False)
    return home


class Post:
    """A mail server that keeps what it is sent, or refuses it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses = False

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        if self.refuses:
            return f"550 no {CANARY}"
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"

    def texts(self) -> list[str]:
        return [f"{mail['Subject']}\n{_body(mail)}" for mail in self.mails]


def _body(mail: EmailMessage) -> str:
    return "\n".join(
        part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"
    )


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    handler = Post()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    monkeypatch.setenv(
        "KRAT_ALERT_POST",
        f"mailto://127.0.0.1:{port}?from=krat@example.al&to=analyst@example.al&mode=insecure",
    )
    yield handler
    controller.stop()


@dataclass
class Hook:
    """A webhook that keeps what it is sent, or answers with an error."""

    received: list[dict[str, Any]] = field(default_factory=list)
    answers: int = 200


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    kept = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if kept.answers == 200:
                kept.received.append(json.loads(content))
            self.send_response(kept.answers)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("KRAT_ALERT_HOOK", f"json://127.0.0.1:{server.server_port}/alerts")
    yield kept
    server.shutdown()
    server.server_close()


def settings(home: Home, *channels: str, **changed: object) -> Alerts:
    """Write the office's alerts.yml: krat's own with these channels; the disk is never full."""
    lines = OWN_TEXT.replace("channels: []\n", "channels:\n" + "".join(channels))
    for name, value in {"disk_free_gigabytes": 0, **changed}.items():
        [before] = [line for line in OWN_TEXT.splitlines() if line.startswith(f"{name}:")]
        lines = lines.replace(before, f"{name}: {value}")
    (home.root / "alerts.yml").write_text(lines, encoding="utf-8")
    alerts, wrong = read_alerts(home)
    assert wrong is None
    return alerts


def channel(name: str, **more: object) -> str:
    lines = [f"  - name: {name}", f"    url: ${{KRAT_ALERT_{name.upper()}}}"]
    return "\n".join([*lines, *(f"    {key}: {value}" for key, value in more.items())]) + "\n"


def store(home: Home, *rows: dict[str, object], name: str = "1") -> None:
    folder = home.raw / "deliveries"
    folder.mkdir(parents=True, exist_ok=True)
    empty = dict.fromkeys(SCHEMAS["deliveries"].names)
    table = pa.Table.from_pylist([empty | row for row in rows], schema=SCHEMAS["deliveries"])
    pq.write_table(table, folder / f"{name}.parquet")


def delivery(number: int, status: str = "refused", **more: object) -> dict[str, object]:
    return {
        "delivery_id": f"{CANARY}{number}",
        "source": "submission",
        "county_code": "AL-04",
        "institution_code": "AL-04-POLICIA",
        "reporting_month": APRIL,
        "status": status,
        "name_key": CANARY,
        "sheet": CANARY,
        "reading_note": CANARY,
        **more,
    }


def block(home: Home, county: str = "AL-04", *rules: str, verdict: str = "blocked") -> None:
    record = GateRecord(
        county_code=county,
        reporting_month=APRIL,
        as_of=date(2023, 5, 11),
        content_hash="",
        suites_hash="",
        verdict=verdict,  # type: ignore[arg-type]
        blocking_rules=list(rules),
        blocking=[{"rule": rule, "mended_by": CANARY, "count": 1} for rule in rules],
        flagged_count=0,
        findings_by_rule={},
        is_made_up=True,
        checks=[],
        failed_tests=[],
        findings=[{"message_en": CANARY}],
        waivers=[{"waiver_reason": CANARY}],
    )
    write_record(home, record)


def found(home: Home, alerts: Alerts, now: datetime = NOW, **more: Any) -> list[Occurrence]:
    return look(home, alerts, now, **more)


def test_one_thing_is_sent_once_to_each_channel_in_both_languages(
    home: Home, post: Post, hook: Hook
) -> None:
    settings(home, channel("post"), channel("hook"))
    store(home, delivery(1), delivery(2, county_code="AL-11"))
    tried = send_due(home, NOW)
    assert [(each.channel, each.event, each.count, each.failure) for each in tried] == [
        ("post", "file_refused", 2, None),
        ("hook", "file_refused", 2, None),
    ]
    [mail], [hooked] = post.texts(), hook.received
    assert "krat: Një skedar nuk u pranua / A file was refused (2)" in mail
    assert hooked["title"] == "krat: Një skedar nuk u pranua / A file was refused (2)"
    for text in (mail, hooked["message"]):
        assert "Skedarë që nuk u pranuan: 2" in text
        assert "Files that were refused: 2" in text
        line = "- AL-04 2023-04: 1 – krat findings list --county AL-04 --month 2023-04"
        assert text.count(line) >= 2
        assert "AL-11 2023-04: 1" in text
    assert send_due(home, NOW + timedelta(days=1)) == []


def test_what_comes_within_the_window_is_one_message_after_it(home: Home, hook: Hook) -> None:
    settings(home, channel("hook"), bundled_minutes=60)
    store(home, delivery(1))
    assert len(send_due(home, NOW)) == 1
    for minute in range(1, 5):
        store(home, delivery(minute + 1), name=str(minute + 1))
        assert send_due(home, NOW + timedelta(minutes=10 * minute)) == []
    # Another event doesn't wait.
    block(home, "AL-04", "rule")
    assert [each.event for each in send_due(home, NOW + timedelta(minutes=50))] == ["month_blocked"]
    [bundled] = send_due(home, NOW + timedelta(minutes=60))
    assert (bundled.event, bundled.count) == ("file_refused", 4)
    assert len(hook.received) == 3


@pytest.mark.usefixtures("hook")
def test_who_hears_what_goes_by_event_and_county(home: Home, post: Post) -> None:
    settings(
        home,
        channel("post", events="[file_refused, no_tick]", counties="[AL-11]"),
        channel("hook", events="[month_blocked]"),
    )
    store(home, delivery(1), delivery(2, county_code="AL-11"), delivery(3, county_code=None))
    block(home, "AL-04", "rule")
    notice(home, Occurrence(EventKind.NO_TICK, "one"), NOW)
    tried = send_due(home, NOW)
    assert {(each.channel, each.event, each.count) for each in tried} == {
        # One of AL-11, and one of which nobody knows the county.
        ("post", "file_refused", 2),
        ("post", "no_tick", 1),
        ("hook", "month_blocked", 1),
    }
    assert not any("AL-04" in text for text in post.texts())


def test_a_failing_channel_is_kept_with_its_time_and_tried_again(
    home: Home, post: Post, hook: Hook
) -> None:
    settings(home, channel("post"), channel("hook"), retry_minutes=15)
    store(home, delivery(1))
    post.refuses, hook.answers = True, 500
    assert [each.failure for each in send_due(home, NOW)] == ["not_taken", "not_taken"]
    assert send_due(home, NOW + timedelta(minutes=14)) == []
    hook.answers = 200
    later = NOW + timedelta(minutes=15)
    assert [(each.channel, each.failure) for each in send_due(home, later)] == [
        ("post", "not_taken"),
        ("hook", None),
    ]
    [failing] = failing_channels(home)
    assert (failing.name, failing.since, failing.last_at) == ("post", NOW, later)
    assert (failing.attempts, failing.reason) == (2, "not_taken")
    post.refuses = False
    assert len(send_due(home, NOW + timedelta(minutes=30))) == 1
    assert failing_channels(home) == []
    assert len(post.mails) == len(hook.received) == 1
    assert CANARY not in (home.alerts / "log.jsonl").read_text()


def test_a_channel_without_its_secret_or_with_a_bad_one_stops_no_other(
    home: Home, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(home, channel("none"), channel("bad"), channel("hook"))
    monkeypatch.setenv("KRAT_ALERT_BAD", f"nonsense://{CANARY}")
    store(home, delivery(1))
    assert [each.failure for each in send_due(home, NOW)] == ["no_secret", "no_address", None]
    assert {each.name: each.reason for each in failing_channels(home)} == {
        "none": "no_secret",
        "bad": "no_address",
    }
    assert len(hook.received) == 1


@pytest.mark.usefixtures("hook")
def test_what_is_mended_and_breaks_again_is_sent_again(home: Home) -> None:
    settings(home, channel("hook"))
    days = [NOW + timedelta(days=day) for day in (0, 1, 2)]
    block(home, "AL-04", "rule", "other_rule")
    [first] = send_due(home, days[0])
    assert first.count == 2
    block(home, "AL-04", verdict="pass")
    assert send_due(home, days[1]) == []
    block(home, "AL-04", "rule", "other_rule")
    assert len(send_due(home, days[2])) == 1


def test_no_identifier_gets_into_a_message_or_the_log(
    home: Home, post: Post, hook: Hook, tmp_path: Path
) -> None:
    """Names are planted in everything that conditions are read from; every event is sent."""
    certificate = tmp_path / f"{CANARY}.pem"
    settings(
        home,
        channel("post"),
        channel("hook"),
        disk_free_gigabytes=10**9,
        certificates=f"[{certificate}]",
        nothing_came_by_day=1,
    )
    now = NOW.replace(day=9)
    (home.inbox / "AL-04").mkdir(parents=True)
    (home.inbox / "AL-04" / f"{CANARY}.xlsx").write_bytes(b"")
    no_original = delivery(3, status="accepted", reporting_month=None)
    store(home, delivery(1), delivery(2, county_code=None, reporting_month=None), no_original)
    block(home, "AL-04", CANARY)
    note_held(home, [], [Scope("AL-04", APRIL)])
    make_token(home, CANARY, Tier.RESTRICTED, None, now.date())
    leave_trace(home, now - timedelta(days=1))
    notice(home, Occurrence(EventKind.RUN_FAILED, CANARY, month=APRIL), now)
    tried = send_due(home, now, last_days(home, now.date()))
    assert {each.event for each in tried} == set(EventKind)
    assert all(each.failure is None for each in tried)
    assert len(post.mails) == len(hook.received) == len(EventKind)
    everything = [str(mail) for mail in post.mails] + post.texts() + list(map(str, hook.received))
    assert not [text for text in everything if CANARY.lower() in text.lower()]
    log = [entry for entry in read_log(home) if "channel" in entry]
    assert CANARY not in json.dumps(log)
    listed = CliRunner().invoke(cli, ["alerts", "list"])
    assert "now  month_blocked: 1" in listed.output
    assert CANARY not in listed.output
    # A log that can't be searched proves nothing.
    assert "month_blocked" in json.dumps(log)


@pytest.mark.parametrize(
    ("now", "came", "expected"),
    [
        # The working day before Wednesday the 10th.
        ("2023-05-08", [], set()),
        ("2023-05-09", [], {"deadline_near", "nothing_came"}),
        ("2023-05-09", ["AL-04-POLICIA"], {"deadline_near"}),
        ("2023-05-10", ["AL-04-POLICIA"], set()),
        ("2023-05-10", [], {"nothing_came"}),
        ("2024-05-09", [], set()),
    ],
)
def test_deadlines_and_silence_go_by_register_and_working_days(
    home: Home, now: str, came: list[str], expected: set[str]
) -> None:
    alerts = settings(home, channel("post"), nothing_came_by_day=9)
    store(home, *(delivery(1, "accepted", institution_code=code) for code in came))
    at = datetime.fromisoformat(f"{now}T09:00").replace(tzinfo=ZoneInfo("Europe/Tirane"))
    fier = [each for each in found(home, alerts, at) if each.county_code == "AL-04"]
    assert {each.event for each in fier} == expected
    assert {each.month for each in fier} <= {APRIL}
    if expected:
        assert fier[0].count == 17 - len(came)


def test_a_deadline_after_a_weekend_is_near_on_friday(home: Home) -> None:
    alerts = settings(home, channel("post"), nothing_came_by_day=28)
    # The 10th of July 2023 is a Monday.
    for day, expected in ((6, False), (7, True), (9, True), (10, False)):
        at = datetime(2023, 7, day, 9, tzinfo=UTC)
        assert (
            any(each.event == EventKind.DEADLINE_NEAR for each in found(home, alerts, at))
            == expected
        )


def test_a_public_release_is_held_until_it_goes_out(home: Home) -> None:
    alerts = settings(home, channel("post"))
    scope = Scope("AL-04", APRIL)
    note_held(home, [], [scope])
    [held] = found(home, alerts)
    assert (held.event, held.county_code, held.month) == (EventKind.PUBLIC_HELD, "AL-04", APRIL)
    note_held(home, [scope], [])
    assert found(home, alerts) == []


def test_certificates_and_tokens_that_end_soon(home: Home, certificate: tuple[Path, Path]) -> None:
    alerts = settings(home, channel("post"), days_before_end=14, certificates=f"[{certificate[0]}]")
    ends = x509.load_pem_x509_certificate(certificate[0].read_bytes()).not_valid_after_utc
    for before, count in ((15, 0), (13, 1)):
        now = ends - timedelta(days=before)
        days = [(now + timedelta(days=14)).date(), (now + timedelta(days=15)).date()]
        soon = [each for each in found(home, alerts, now, token_days=days) if not each.county_code]
        assert [each.event for each in soon] == [EventKind.ENDS_SOON] * (1 + count)


@pytest.mark.usefixtures("hook")
def test_a_full_disk_is_one_event_a_day(home: Home) -> None:
    settings(home, channel("hook"), disk_free_gigabytes=10**9)
    assert [each.event for each in send_due(home, NOW)] == ["disk_full"]
    assert send_due(home, NOW + timedelta(hours=6)) == []
    assert [each.event for each in send_due(home, NOW + timedelta(days=1))] == ["disk_full"]


def test_a_daemon_that_went_silent_is_seen_from_outside(home: Home) -> None:
    alerts = settings(home, channel("post"))
    assert not leave_trace(home, NOW)
    assert leave_trace(home, NOW + SILENCE)
    at = NOW + SILENCE
    assert found(home, alerts, at + SILENCE) == []
    [silent] = found(home, alerts, at + SILENCE + timedelta(minutes=1))
    assert silent.event == EventKind.NO_TICK


@pytest.mark.usefixtures("hook")
def test_half_a_line_of_a_killed_process_costs_no_other(home: Home) -> None:
    settings(home, channel("hook"))
    notice(home, Occurrence(EventKind.RUN_FAILED, "one"), NOW)
    with (home.alerts / "log.jsonl").open("a") as file:
        file.write('{"event": "run_fai')
    notice(home, Occurrence(EventKind.RUN_FAILED, "two"), NOW)
    [sent] = send_due(home, NOW)
    assert sent.count == 2


def test_a_long_list_is_cut_and_counted() -> None:
    many = [
        Occurrence(EventKind.MONTH_BLOCKED, str(number), f"AL-{number:02}", APRIL)
        for number in range(1, 13)
    ]
    title, body = message(
        EventKind.MONTH_BLOCKED, [*many, Occurrence(many[0].event, "x", "AL", APRIL)]
    )
    assert title.endswith("(13)")
    assert body.count("krat gate --county") == 24
    assert "… and 1 more" in body


SLIPS = {
    "a secret in the file": ("    url: mailto://u:Kanarina@example.al", "url: ${KRAT_ALERT_"),
    "an event that is none": ("    events: [file_refused, no_such]", "events: [run_failed, "),
    "a county that is a number": ("    counties: 4", "counties: [AL-04]"),
}


@pytest.mark.usefixtures("hook")
@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_named_by_line_in_both_languages_and_other_things_go_on(
    slip: str, home: Home
) -> None:
    settings(home, channel("hook"))
    written, example = SLIPS[slip]
    name = "    url: ${KRAT_ALERT_HOOK}\n" if "url" not in written else ""
    before = OWN_TEXT[: OWN_TEXT.rindex("channels: []")]
    content = f"{before}channels:\n  - name: hook\n{name}{written}\n"
    (home.root / "alerts.yml").write_text(content, encoding="utf-8")
    expected = content[: content.index(written)].count("\n") + 1
    store(home, delivery(1))
    _, wrong = read_alerts(home)
    assert isinstance(wrong, WrongSetting)
    assert (wrong.file, wrong.line) == ("alerts.yml", expected)
    for language, word in (("sq", "rreshti"), ("en", "line")):
        sentence = wrong.sentence(language)  # type: ignore[arg-type]
        assert f"{word} {expected}" in sentence
        assert example in sentence
        assert CANARY not in sentence
    # The last correct file is used, and holds nothing of the wrong one.
    assert [each.failure for each in send_due(home, NOW)] == [None]
    assert CANARY not in (home.last_good / "alerts.yml").read_text()


def test_secrets_come_from_the_environment_or_a_closed_file_outside(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "KRAT_ALERT_X"
    assert secret(home, name) is None
    outside = tmp_path / "secrets"
    outside.write_text(f"# channels\n{name}=json://a/?b=c\n")
    outside.chmod(0o600)
    monkeypatch.setenv("KRAT_SECRETS", str(outside))
    assert secret(home, name) == "json://a/?b=c"
    monkeypatch.setenv(name, "json://first")
    assert secret(home, name) == "json://first"
    monkeypatch.delenv(name)
    outside.chmod(0o644)
    with pytest.raises(ValueError, match="other users"):
        secret(home, name)
    inside = home.root / "secrets"
    inside.write_text(f"{name}=x\n")
    for path in (inside, tmp_path / "home" / ".." / "home" / "secrets"):
        monkeypatch.setenv("KRAT_SECRETS", str(path))
        with pytest.raises(ValueError, match="inside KRAT_HOME"):
            secret(home, name)


def test_the_commands_try_list_and_send(home: Home, post: Post, hook: Hook) -> None:
    run = CliRunner()
    nothing = run.invoke(cli, ["alerts", "test"])
    assert nothing.exit_code == 1
    assert "No channel is set" in nothing.output
    store(home, delivery(2))
    bare = run.invoke(cli, ["alerts", "list"])
    assert bare.exit_code == 0
    assert "No channel is set" in bare.output
    assert "now  file_refused: 1" in bare.output
    settings(home, channel("post"), channel("hook", events="[file_refused]"))
    hook.answers = 500
    tested = run.invoke(cli, ["alerts", "test"])
    assert tested.exit_code == 1
    assert "post: test" in tested.stdout
    assert "hook: test" in tested.stderr
    assert "This is a test" in post.texts()[0]
    hook.answers = 200
    assert run.invoke(cli, ["alerts", "test"]).exit_code == 0
    store(home, delivery(1))
    assert run.invoke(cli, ["alerts", "send"]).exit_code == 0
    listed = run.invoke(cli, ["alerts", "list"])
    assert listed.exit_code == 0
    assert "hook: file_refused; all counties" in listed.output
    assert "file_refused (1); 2 messages in all" in listed.output
    assert "now  file_refused: 1" in listed.output
    assert {each.event for each in deliveries(home)} == {"test", "file_refused"}


def test_dagster_notices_a_failed_run(home: Home, hook: Hook, tmp_path: Path) -> None:
    settings(home, channel("hook"))

    @dg.op
    def fails() -> None:
        raise dg.Failure(CANARY, allow_retries=False)

    @dg.job(tags={"dagster/partition": "2023-04"})
    def failing() -> None:
        fails()

    resource = HomeResource(root=str(home.root), keys_folder=str(home.keys))
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        result = failing.execute_in_process(instance=instance, raise_on_error=False)
        [event] = [
            each.dagster_event
            for each in instance.all_logs(result.run_id)
            if each.dagster_event
            and each.dagster_event.event_type == dg.DagsterEventType.RUN_FAILURE
        ]
        context = dg.build_run_status_sensor_context(
            sensor_name="failed_runs_sensor",
            dagster_event=event,
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
        failed_runs_sensor(context, home=resource)
        told = alerts_sensor(
            dg.build_sensor_context(instance=instance, resources={"home": resource})
        )
    assert isinstance(told, dg.SkipReason)
    assert told.skip_message == "1 alerts sent, 0 did not arrive."
    [message_] = hook.received
    assert "- 2023-04: 1 – krat ui" in message_["message"]
    assert CANARY not in str(hook.received)


def test_dagster_sees_a_tick_that_failed_and_one_that_did_not_come(
    home: Home, hook: Hook, tmp_path: Path
) -> None:
    settings(home, channel("hook"), bundled_minutes=0)
    resource = HomeResource(root=str(home.root), keys_folder=str(home.keys))
    now = datetime.now(UTC)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        for name, status, age in (
            ("works", TickStatus.SKIPPED, timedelta(minutes=1)),
            ("fails", TickStatus.FAILURE, timedelta(minutes=1)),
            ("is late", TickStatus.SKIPPED, SILENCE * 2),
        ):
            tick(instance, name, status, now - age)
        tick(instance, "is off", TickStatus.FAILURE, now, InstigatorStatus.STOPPED)
        context = dg.build_sensor_context(instance=instance, resources={"home": resource})
        # Dagster was off until now: what is late catches up by itself.
        alerts_sensor(context)
        assert hook.received == []
        alerts_sensor(context)
        [first] = hook.received
        assert "Schedules and sensors that did not tick: 2" in first["message"]
        alerts_sensor(context)
        assert len(hook.received) == 1


def tick(
    instance: dg.DagsterInstance,
    name: str,
    status: TickStatus,
    at: datetime,
    state: InstigatorStatus = InstigatorStatus.RUNNING,
) -> None:
    """Keep that a sensor is in a state, and ticked."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("krat"), "repository")
    kept = InstigatorState(RemoteInstigatorOrigin(repository, name), InstigatorType.SENSOR, state)
    instance.add_instigator_state(kept)
    instance.create_tick(
        TickData(
            kept.instigator_origin_id,
            name,
            InstigatorType.SENSOR,
            status,
            at.timestamp(),
            selector_id=kept.selector_id,
            error=SerializableErrorInfo(CANARY, [], None) if status == TickStatus.FAILURE else None,
        )
    )


def test_what_the_public_tier_refuses_is_kept_as_held(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = settings(home, channel("post"))
    scope = Scope("AL-04", APRIL)
    restricted = steps.Restricted({scope: Release(home.releases, 1, is_new=True)})

    def refuses(*_: object) -> None:
        raise NotPublic(CANARY)

    monkeypatch.setattr(steps, "release_public", refuses)
    steps.publish_public(home, restricted)
    assert [each.event for each in found(home, alerts)] == [EventKind.PUBLIC_HELD]
    monkeypatch.setattr(steps, "release_public", lambda *_: object())
    steps.publish_public(home, restricted)
    assert found(home, alerts) == []


def test_sensors_of_alerts_run_from_the_start() -> None:
    for sensor in (alerts_sensor, failed_runs_sensor):
        assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


def test_what_is_noticed_twice_counts_once(home: Home) -> None:
    alerts = settings(home, channel("post"))
    for _ in range(2):
        notice(home, Occurrence(EventKind.RUN_FAILED, "one"), NOW)
    assert len(due(home, alerts, NOW)) == 1
