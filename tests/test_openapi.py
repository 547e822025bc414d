"""What describes the server to programs has what the server has."""

import re
from pathlib import Path
from typing import Any

import pytest
import requests
from served import Served
from starlette.routing import Match

from orchestration.runtime.office import serve_settings
from orchestration.serving.access import AccessLog
from orchestration.serving.app import build_app
from sources.custody.home import Home

#: A value of each parameter.
VALUES = {
    "language": "sq", "tier": "public", "county": "AL-04", "month": "2023-05", "release": "r1",
    "year": "2023", "edition": "e4", "file": "page.js", "page": "index.html",
}  # fmt: skip

#: Of a page no program reads: what it looks like.
LOOKS = {"/style.css", "/icon.svg"}


@pytest.fixture
def description(served: Served) -> dict[str, Any]:
    told = requests.get(f"{served.url}openapi.json")
    assert told.headers["content-type"] == "application/json"
    content: dict[str, Any] = told.json()
    return content


def test_each_route_is_described_and_nothing_else(
    description: dict[str, Any], tmp_path: Path
) -> None:
    home = Home(root=tmp_path / "home", keys=tmp_path / "keys")
    settings, _ = serve_settings(home)

    def never(*_: Any) -> Any:
        raise AssertionError

    guard: Any = build_app(home, settings, AccessLog(home.access_log, 1), never, never)
    routes = {route.path: route for route in guard._app.routes}
    found = set()
    for path in description["paths"]:
        asked = re.sub(r"\{(\w+)\}", lambda name: VALUES[name[1]], path)
        scope = {"type": "http", "method": "GET", "path": asked, "headers": []}
        matching = [name for name, route in routes.items() if route.matches(scope)[0] is Match.FULL]
        assert matching, path
        found.add(matching[0])
    assert found == routes.keys() - LOOKS


def test_what_is_described_is_answered_as_described(
    description: dict[str, Any], served: Served
) -> None:
    for path, methods in description["paths"].items():
        asked = re.sub(r"\{(\w+)\}", lambda name: VALUES[name[1]], path)
        for headers in ({}, served.bearer("all"), {"Authorization": "Bearer nothing"}):
            told = requests.get(f"{served.url}{asked.lstrip('/')}", headers=headers)
            assert str(told.status_code) in methods["get"]["responses"], path
