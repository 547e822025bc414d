"""What krat is made of, pinned and listed; what is unsafe of it; and that it tells nobody."""

import json
import os
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from known_vulnerabilities import (
    UNKNOWN,
    NoAdvisories,
    main,
    pinned,
    read_advisories,
    vulnerable,
)

from orchestration.runtime.settings import PROJECT
from sources.custody.home import Home

NOW = datetime(2026, 11, 30, tzinfo=UTC)

#: Writes where a process and what it starts want to connect to, or whose address they ask for.
LISTENER = """
import os, sys

def hear(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        told = arguments[1][0]
    elif event == "socket.getaddrinfo":
        told = arguments[0]
    else:
        return
    if told not in (None, "localhost", "127.0.0.1", "::1"):
        with open(os.environ["HEARD"], "a") as heard:
            print(told, file=heard)

sys.addaudithook(hear)
"""


@pytest.fixture
def without_network(tmp_path: Path) -> Any:
    """Runs a program of Python where there is no network; returns what it wanted to reach."""
    namespace = ["unshare", "--user", "--map-root-user", "--net"]
    try:
        refused = subprocess.run([*namespace, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare (util-linux)")
    if refused.returncode:
        pytest.skip(f"the kernel gives no namespace without a network: {refused.stderr.strip()}")
    listening = tmp_path / "listening"
    listening.mkdir()
    (listening / "sitecustomize.py").write_text(LISTENER, encoding="utf-8")

    def run(*arguments: str, **more: str) -> tuple[subprocess.CompletedProcess[str], set[str]]:
        heard = tmp_path / "heard"
        heard.write_text("")
        done = subprocess.run(
            [*namespace, sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(listening), "HEARD": str(heard), **more},
            capture_output=True,
            text=True,
            check=False,
        )
        return done, set(heard.read_text().split())

    return run


def test_every_package_is_pinned_with_hashes() -> None:
    for name in ("build", "runtime", "dev", "spark", "sbom", "schemathesis"):
        text = (PROJECT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
        loose = [
            block.splitlines()[0]
            for block in blocks
            if not re.fullmatch(
                r"[\w.-]+==\S+(?: ; [^\\\n]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n", block
            )
        ]
        assert blocks
        assert not loose, f"requirements/{name}.txt: CONTRIBUTING.md tells how it is written"


@pytest.mark.parametrize("folder", ["orchestration/serving/sql", "tests/clients"])
def test_packages_of_npm_are_locked_with_hashes_and_name_no_registry(folder: str) -> None:
    lock = json.loads((PROJECT / folder / "package-lock.json").read_text(encoding="utf-8"))
    named = json.loads((PROJECT / folder / "package.json").read_text(encoding="utf-8"))
    assert lock["packages"].pop("")["dependencies"] == named["dependencies"]
    assert lock["packages"]
    assert all(one["integrity"].startswith("sha512-") for one in lock["packages"].values())
    assert not any("resolved" in one for one in lock["packages"].values())


def test_the_list_of_parts_names_each_package_that_an_office_installs(tmp_path: Path) -> None:
    made = tmp_path / "krat.cdx.json"
    subprocess.run(
        ["make", "--silent", "sbom", f"SBOM={made}", f"VENV={tmp_path}",
         f"PYTHON={sys.executable}"],
        cwd=PROJECT, check=True, capture_output=True,
    )  # fmt: skip
    parts = json.loads(made.read_text(encoding="utf-8"))
    assert parts["bomFormat"] == "CycloneDX"
    assert parts["metadata"]["component"]["name"] == "krat"
    listed = {one["name"].replace("_", "-"): one["version"] for one in parts["components"]}
    text = (PROJECT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    assert listed == dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))
    hashes = [
        one["hashes"]
        for part in parts["components"]
        for one in part["externalReferences"]
        if "hashes" in one
    ]
    assert len(hashes) >= len(listed)


def advisory(
    package: str, events: list[dict[str, str]], modified: datetime = NOW, **more: Any
) -> dict[str, Any]:
    return {
        "id": "MADE-UP-1",
        "modified": modified.isoformat(),
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
                "versions": more.pop("versions", []),
            }
        ],
        **more,
    }


@pytest.mark.parametrize(
    ("version", "events", "is_found"),
    [
        ("2.0", [{"introduced": "0"}, {"fixed": "2.0"}], False),
        ("1.9.9", [{"introduced": "0"}, {"fixed": "2.0"}], True),
        ("1.10", [{"introduced": "1.9"}, {"last_affected": "1.10"}], True),
        ("1.11", [{"introduced": "1.9"}, {"last_affected": "1.10"}], False),
        ("3.1", [{"introduced": "0"}, {"fixed": "2"}, {"introduced": "3"}], True),
        ("2.5", [{"introduced": "0"}, {"fixed": "2"}, {"introduced": "3"}], False),
    ],
)
def test_a_version_is_vulnerable_from_where_it_began_to_where_it_was_fixed(
    version: str, events: list[dict[str, str]], is_found: bool
) -> None:
    found = vulnerable({"a-package": version}, [advisory("A.Package", events)])
    assert bool(found) is is_found


def test_a_listed_version_is_vulnerable_and_a_withdrawn_advisory_tells_nothing() -> None:
    packages = {"a-package": "1"}
    assert vulnerable(packages, [advisory("a_package", [], versions=["1"])])
    assert not vulnerable(packages, [advisory("a_package", [], versions=["1"], withdrawn="x")])
    assert not vulnerable(packages, [advisory("another", [], versions=["1"])])


def write_copy(path: Path, *advisories: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number, one in enumerate(advisories):
            archive.writestr(f"{number}.json", json.dumps(one))
    return path


def test_what_was_not_looked_up_is_not_safe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == UNKNOWN
    assert main([str(tmp_path / "none.zip")]) == UNKNOWN
    assert main([str(write_copy(tmp_path / "empty.zip"))]) == UNKNOWN
    assert "Nothing was looked up" in capsys.readouterr().err
    events = [{"introduced": "0"}]
    with pytest.raises(NoAdvisories, match="get a new copy"):
        old = advisory("x", events, NOW - timedelta(days=15))
        read_advisories(write_copy(tmp_path / "old.zip", old), NOW)
    other = {"id": "X", "modified": NOW.isoformat(), "affected": []}
    with pytest.raises(NoAdvisories, match="PyPI"):
        read_advisories(write_copy(tmp_path / "other.zip", other), NOW)


def test_a_pinned_package_with_an_advisory_fails_the_audit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    events = [{"introduced": "0"}]
    assert main([str(write_copy(tmp_path / "a.zip", advisory("nobody", events, now)))]) == 0
    assert main([str(write_copy(tmp_path / "b.zip", advisory("DuckDB", events, now)))]) == 1
    assert f"duckdb {pinned()['duckdb']}: MADE-UP-1" in capsys.readouterr().out


def test_who_listens_hears_what_wants_to_be_reached(without_network: Any) -> None:
    asking = "import urllib3; urllib3.request('GET', 'http://a.example/')"
    done, heard = without_network("-c", asking)
    assert done.returncode != 0
    assert heard == {"a.example"}


def test_a_refresh_needs_no_network_and_tells_nobody_anything(
    own_home: Home, without_network: Any
) -> None:
    # A file more, so that dbt and the gate have work.
    folder = own_home.inbox / "AL-04"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.csv").write_text(
        "Formulari;Qarku;Institucioni;Muaji;Të dhënat;Kodi i treguesit;Treguesi;Njësia;Ndarja;"
        "Vlera;Gjendja\n"
        "krat-raport-1;AL-04;AL-04-POLICIA;2023-05;SHEMBULL - TË TRILLUARA;3.1.2.1;;;;3;\n",
        encoding="utf-8",
    )
    done, heard = without_network(
        str(Path(sys.executable).parent / "krat"), "refresh", "--month", "2023-05",
        KRAT_HOME=str(own_home.root), KRAT_KEYS=str(own_home.keys),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 files taken in" in done.stdout
    assert not heard
