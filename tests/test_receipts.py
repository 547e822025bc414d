"""What an institution sent before, on its page: what became of each file, and no other's files."""

import re
from collections import Counter
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import requests
from defects.planting import build_from_inbox
from served import Served, make_tokens, serving

from orchestration.ingestion.door import take_in
from orchestration.ingestion.receipts import sent_receipts
from orchestration.runtime.database import read_warehouse
from orchestration.runtime.settings import SEEDS
from orchestration.serving.receipts import sent_by
from sources.custody.home import Home
from sources.registers import load_registers
from sources.texts import text

HEAD = "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Ndarja;Vlera;Gjendja\n"
ROW = "krat-raport-1;AL-04;AL-04-SHSSH;2023-0{};SHEMBULL - TË TRILLUARA;2.1.18.1;;{};\n"


def _report(month: int, *values: object) -> bytes:
    return (HEAD + "".join(ROW.format(month, value) for value in values)).encode()


def _page(desk: Served, holder: str = "shssh", language: str = "en") -> str:
    return requests.get(f"{desk.url}{language}/send/", headers=desk.bearer(holder)).text


def _send(desk: Served, content: bytes, holder: str = "shssh") -> str:
    """Send a form by the page; return the number of its receipt."""
    page = re.findall(r'name="page" value="([0-9a-f]+)"', _page(desk, holder))[0]
    shown = requests.post(
        f"{desk.url}en/send/",
        files={"page": (None, page), "do": (None, "send"), "file": ("x.csv", content)},
        headers=desk.bearer(holder),
    ).text
    return re.findall(r"<code>([0-9a-f]{16})</code>", shown)[0]


def _rows(page: str) -> dict[str, str]:
    """Return the text of each row of the list, by its number."""
    listed = page.partition('id="earlier"')[2]
    rows = re.findall(r"<th[^>]*><code>([0-9a-f]{16})</code></th>(.*?)</tr>", listed, re.DOTALL)
    return {number: unescape(re.sub(r"<[^>]+>", " ", row)) for number, row in rows}


def _arrive(home: Home, name: str, content: bytes) -> None:
    path = home.inbox / "AL-04" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _deliveries(home: Home, institution: str) -> dict[str, str]:
    """Return the numbers of an institution's deliveries, with their month and number of rows."""
    with read_warehouse(home) as connection:
        rows = connection.execute(
            "select delivery_id, coalesce(strftime(d.reporting_month, '%Y-%m'), '') "
            "from core.dim_deliveries as d where sender_code = ?",
            [institution],
        ).fetchall()
    return dict(rows)


def test_an_institution_finds_what_it_sent_and_what_became_of_it(own_home: Home) -> None:
    tokens = make_tokens(own_home)
    for path in own_home.inbox.rglob("*.*"):
        path.unlink()
    own = _deliveries(own_home, "AL-04-SHSSH")
    others = _deliveries(own_home, "AL-04-POLICIA")
    assert len(own) > 5
    assert len(others) > 5
    with serving(own_home) as url:
        desk = Served(url, own_home, tokens)
        # What came by e-mail has the number of its delivery.
        assert set(_rows(_page(desk))) == set(own)
        assert set(_rows(_page(desk, "police"))) == set(others)
        for number, row in _rows(_page(desk, language="sq")).items():
            assert text("desk.states.counts.name", "sq") in row
            if own[number] == "2023-05":
                assert "maj 2023" in row

        first = _send(desk, _report(5, 41))
        second = _send(desk, _report(5, 42))
        waiting = _rows(_page(desk))
        assert list(waiting)[:2] == [second, first] or list(waiting)[:2] == [first, second]
        for number in (first, second):
            assert "waiting" in waiting[number]
            assert "Monthly report" in waiting[number]
            assert "May 2023" in waiting[number]
            assert "1 of 1" in waiting[number]
        assert set(_rows(_page(desk, "police"))) == set(others)

        # By e-mail: one that is refused, and one that answers for nothing of the report before it.
        _arrive(own_home, "refused.csv", _report(6, "tre ose katër"))
        _arrive(own_home, "empty.csv", _report(5, ""))
        take_in(own_home, load_registers(SEEDS))
        taken = _rows(_page(desk))
        assert "being read" in taken[first]
        # The same file again is the same delivery.
        again = _send(desk, _report(5, 42))
        build_from_inbox(own_home)
        known = _rows(_page(desk))
        assert "replaced" in known[first]
        assert "counts" in known[second]
        assert "counts" in known[again]
        new = known.keys() - own.keys() - {first, second, again}
        states = Counter(
            next(
                state for state in ("refused", "waits for your confirmation") if state in known[one]
            )
            for one in new
        )
        assert states == {"refused": 1, "waits for your confirmation": 1}
        [report] = [one for one, month in own.items() if month == "2023-05"]
        assert "replaced" in known[report]
        assert set(_rows(_page(desk, "police"))) == set(others)


def test_a_number_that_is_no_receipt_is_not_taken_for_one(tmp_path: Path) -> None:
    """A file in the folder that is named like one, and one of another institution."""
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    _arrive(home, f"{'0' * 16}.csv", _report(5, 3))
    assert sent_receipts(home) == []
    assert sent_by(home, "AL-04", "AL-04-SHSSH") == []
    take_in(home, load_registers(SEEDS))
    assert not (home.raw / "receipts").exists()


def test_times_are_shown_as_clocks_in_albania_show_them() -> None:
    from orchestration.serving.pages import _clock

    assert _clock(datetime(2023, 6, 30, 22, 5, tzinfo=UTC)) == "1.7.2023 00:05"
    assert _clock(datetime(2023, 1, 5, 8, 0, tzinfo=UTC)) == "5.1.2023 09:00"
