"""The audit log: every action has its place in it, and whatever is done to it later is found."""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.cli import cli
from orchestration.ingestion.emptied_reports import confirm_sent
from orchestration.ingestion.receipts import enter_receipt
from orchestration.linkage import decisions as links
from orchestration.products.declaration import Tier
from orchestration.registers.in_use import take_registers
from orchestration.report.make import release_text
from orchestration.runtime.settings import PROJECT
from orchestration.serving.tokens import make_token, revoke_token
from sources.custody import audit, decisions, journal, rekeying
from sources.custody.home import Home
from sources.custody.pseudonyms import Pseudonyms
from sources.custody.version import write_version
from sources.texts import keys

FINDING = "f" * 64
DAY = date(2023, 6, 1)
BY, REASON = "KRAT Fier", "the office was closed"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    monkeypatch.setenv("KRAT_HOME", str(home.root))
    monkeypatch.setenv("KRAT_KEYS", str(home.keys))
    write_version(home)
    Pseudonyms(home.keys).key("case", "")
    return home


def _decide(home: Home) -> Iterator[str]:
    """Do each thing that people decide; yield the action that the log should have for it."""
    decisions.tell_sent(home, [FINDING])
    yield "findings.sent"
    decisions.answer(home, FINDING, BY, REASON)
    yield "findings.answered"
    decisions.waive(home, FINDING, BY, REASON, DAY, DAY)
    yield "findings.waived"
    decisions.withdraw_waiver(home, FINDING, BY, REASON, DAY)
    yield "findings.waiver_withdrawn"
    made = decisions.correct(
        home,
        county_code="AL-04",
        institution_code="AL-04-SHSSH",
        indicator_code="2.1.18.1",
        reporting_month=DAY,
        category="total",
        expected=(5.0, "number"),
        corrected=(6.0, "number"),
        by=BY,
        reason=REASON,
    )
    yield "corrections.corrected"
    decisions.withdraw_correction(home, made, BY, REASON)
    yield "corrections.withdrawn"
    decisions.reopen(home, "AL-04", DAY, BY, REASON)
    yield "reopened.reopened"
    home.registers.mkdir()
    (home.registers / "institution_aliases.csv").write_text(
        "alias,institution_code\nZyra e re,AL-04-SHSSH\n", encoding="utf-8"
    )
    take_registers(home)
    yield "registers.registers_taken"
    token_id, _ = make_token(home, "ZKKA", Tier.RESTRICTED, None, DAY)
    yield "tokens.make"
    revoke_token(home, token_id, REASON)
    yield "tokens.revoke"
    rows = (("1" * 16, 2), ("2" * 16, 3))
    links.decide(home, "pair", rows, is_same=True, why=REASON)
    yield "links.same"
    links.decide(home, "pair", rows, is_same=False, why=REASON)
    yield "links.different"
    links.undo(home, "pair", REASON)
    yield "links.undone"
    confirm_sent(home, "K-1", BY)
    yield "confirmations.confirm"
    facts: dict[str, str | int | None] = {"county_code": "AL-04", "institution_code": "AL-04-SHSSH"}
    facts |= {"layout_id": None, "reporting_month": None, "row_count": 0, "read_count": 0}
    enter_receipt(home, "K-1", **facts)
    yield "receipts.entered"
    release_text(home, {}, BY)
    yield "report_texts.released"
    rekeying.rotate(home, "case", REASON)
    yield "keys.rotated"
    rekeying.destroy(home, "case", REASON)
    yield "keys.destroyed"


def _krat(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["audit", *arguments])


def test_what_people_decide_is_in_the_log_with_who_when_and_why(home: Home) -> None:
    expected = list(_decide(home))
    entries = journal.read(home.audit)
    assert [entry["action"] for entry in entries] == expected
    assert {entry["user"] for entry in entries} == {journal.user_name()}
    assert [entry["subject"] for entry in entries[:2]] == [FINDING[:16]] * 2
    waived = entries[2]
    assert (waived["by"], waived["reason"]) == (BY, REASON)
    assert audit.faults(home) == []
    told = _krat("list", "--english")
    assert told.exit_code == 0, told.output
    assert f"{BY}  Finding waived  {FINDING[:16]}  {REASON}" in told.output
    assert len(json.loads(_krat("list", "--json").output)) == len(expected)


@pytest.mark.data
def test_each_refresh_and_release_is_in_the_log(own_home: Home) -> None:
    entries = journal.read(own_home.audit)
    released = [each["subject"] for each in entries if each["action"] == "release.released"]
    made = own_home.releases.glob("*/*/*/[re]*")
    assert sorted(released) == sorted(
        path.relative_to(own_home.releases).as_posix() for path in made
    )
    assert [each["action"] for each in entries][:2] == ["refresh.taken_in", "refresh.judged"]
    assert entries[1]["subject"] == "2023-05 (AL AL-04)"
    assert audit.faults(own_home) == []


def test_nothing_but_the_log_appends_to_a_journal() -> None:
    writers = [
        path.relative_to(PROJECT).as_posix()
        for folder in ("orchestration", "sources", "expectations")
        for path in (PROJECT / folder).rglob("*.py")
        if re.search(r"journal\.append(_after)?\(", path.read_text(encoding="utf-8"))
    ]
    assert writers == ["sources/custody/audit.py"]


def test_each_action_has_a_text(home: Home) -> None:
    known = {key.removeprefix("audit_log.actions.") for key in keys("audit_log.actions")}
    assert known >= set(_decide(home))
    assert known >= {"refresh.taken_in", "refresh.judged", "release.released", "vault.opened"}


def test_what_an_older_krat_entered_is_listed_and_whole(home: Home) -> None:
    entry = {"subject": "1" * 16, "reason": REASON, "outcome": "opened"}
    journal.append(home.audit, action="open original", **entry)
    journal.append(home.decisions / "findings.jsonl", decision="sent", finding_ids=[FINDING])
    assert "open original" in _krat("list").output
    audit.append(home, "vault", "opened", "2" * 16, REASON)
    # Journals that were there before have their place in the log from then on.
    assert audit.faults(home) == []
    assert [each["action"] for each in journal.read(home.audit)] == [
        "open original", "findings.sent", "vault.opened",
    ]  # fmt: skip


def test_a_reason_that_names_somebody_is_refused_before_anything_is_done(home: Home) -> None:
    for reason in ("call 069 123 4567", "ask ana@example.al", " "):
        with pytest.raises(ValueError, match=r"without|blank"):
            rekeying.rotate(home, "case", reason)
    assert not home.audit.exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a log and two journals, as they were entered."""
    folder = tmp_path_factory.mktemp("whole")
    home = Home(root=folder / "home", keys=folder / "keys")
    home.keys.mkdir()
    for number in range(3):
        decisions.answer(home, FINDING, BY, f"the reason no. {number}")
        links.decide(home, "pair", (("1" * 16, 2), ("2" * 16, 3)), is_same=True, why="sepse është")
    audit.append(home, "vault", "opened", "1" * 16, REASON)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.json*")
    }


FILES = ("home/audit.jsonl", "home/decisions/findings.jsonl", "home/decisions/links.jsonl")


@st.composite
def tampered(draw: st.DrawFn) -> tuple[str, str, int, int]:
    """A file, what is done to it, and where."""
    done = draw(st.sampled_from(["byte", "cut", "take out", "repeat", "swap", "remove"]))
    places = st.integers(0, 10**6)
    return draw(st.sampled_from(FILES)), done, draw(places), draw(places)


def _tamper(content: bytes, done: str, one: int, other: int) -> bytes:
    lines = content.splitlines(keepends=True)
    first, second = one % len(lines), other % len(lines)
    if done == "byte":
        place = one % len(content)
        return content[:place] + bytes([other % 256]) + content[place + 1 :]
    if done == "cut":
        return content[: one % len(content)]
    if done == "take out":
        return b"".join(lines[:first] + lines[first + 1 :])
    if done == "repeat":
        return b"".join([*lines[:first], lines[second], *lines[first:]])
    if done == "swap":
        lines[first], lines[second] = lines[second], lines[first]
        return b"".join(lines)
    return b""


@settings(
    max_examples=200,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tampered())
def test_whatever_is_changed_taken_out_moved_or_cut_off_is_found(
    whole: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    change: tuple[str, str, int, int],
) -> None:
    name, *how = change
    content = _tamper(whole[name], *how)
    folder = tmp_path_factory.mktemp("tampered")
    for path, original in whole.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if path == name else original)
    home = Home(root=folder / "home", keys=folder / "keys")
    assert bool(audit.faults(home)) == (content != whole[name])


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_what_is_entered_after_a_log_was_cut_off_does_not_hide_it(kept: int, home: Home) -> None:
    for number in range(3):
        audit.append(home, "backup", "made", str(number))
    lines = home.audit.read_bytes().splitlines(keepends=True)
    home.audit.write_bytes(b"".join(lines[:kept]))
    for number in range(3, 8):
        audit.append(home, "backup", "made", str(number))
        assert audit.faults(home) != []


def test_a_line_without_its_end_is_no_entry_and_gives_way_to_the_next(home: Home) -> None:
    decisions.answer(home, FINDING, BY, REASON)
    for path in (home.audit, home.decisions / "findings.jsonl"):
        with path.open("ab") as file:
            file.write(b'{"at": "2023-')
    assert audit.faults(home) == []
    decisions.answer(home, FINDING, BY, REASON)
    assert audit.faults(home) == []
    assert len(journal.read(home.audit)) == 2


def test_an_entry_that_a_killed_process_left_without_its_place_gets_it_with_the_next(
    home: Home,
) -> None:
    decisions.answer(home, FINDING, BY, REASON)
    journal.append(home.decisions / "findings.jsonl", decision="sent", finding_ids=[FINDING])
    assert [fault.kind for fault in audit.faults(home)] == ["not_in_log"]
    decisions.answer(home, FINDING, BY, REASON)
    assert audit.faults(home) == []
    assert [entry["action"] for entry in journal.read(home.audit)] == [
        "findings.answered", "findings.sent", "findings.answered",
    ]  # fmt: skip


def test_the_command_finds_a_log_that_was_cut_off_or_written_anew_by_a_note(home: Home) -> None:
    for _ in range(3):
        decisions.answer(home, FINDING, BY, REASON)
    whole = _krat("verify")
    assert whole.exit_code == 0
    [note] = set(re.findall(r"3:[0-9a-f]{64}", whole.output))
    # Who can write both folders can leave shorter files that are whole in themselves.
    for path in (home.audit, home.decisions / "findings.jsonl"):
        path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:2]), "utf-8")
    assert _krat("verify").exit_code == 1
    (home.keys / audit.HEAD).unlink()
    assert _krat("verify").exit_code == 0
    cut = _krat("verify", "--head", note)
    assert cut.exit_code == 1
    assert "has 2 entries" in cut.output
    decisions.answer(home, FINDING, BY, "another reason")
    assert "written anew" in _krat("verify", "--head", note).output
    assert _krat("verify", "--head", "three").exit_code == 2
