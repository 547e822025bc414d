"""A folder that is asked like a server: a copy of releases on a disk or a stick.

Belongs here: answers of the same kinds as a server's, made of files. Not here: what is asked for
(pull), or trust: nothing of a folder is believed that its signature doesn't hold.
"""

import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from requests.adapters import BaseAdapter

from orchestration.products.tree import editions_in, releases_in


class FolderAdapter(BaseAdapter):
    """Answers requests for `file:` addresses below a folder that has `releases/`."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def send(  # type: ignore[override]  # the other options are of connections
        self, request: requests.PreparedRequest, **_: Any
    ) -> requests.Response:
        """Return the file that was asked for, or the rest of it, or the catalogue."""
        path = Path(url2pathname(urlsplit(request.url or "").path))
        response = requests.Response()
        response.request, response.url = request, request.url or ""
        response.status_code = 200
        if path == self._folder / "catalog.json":
            response.raw = io.BytesIO(self._catalogue())
        elif path.is_file():
            try:
                response.raw = path.open("rb")
            except OSError as mistake:
                raise requests.exceptions.ConnectionError(mistake) from mistake
            if asked := re.fullmatch(r"bytes=([0-9]+)-", str(request.headers.get("Range", ""))):
                response.raw.seek(int(asked[1]))
                response.status_code = 206
                response.headers["Content-Range"] = f"bytes {asked[1]}-"
        else:
            response.raw, response.status_code = io.BytesIO(), 404
        return response

    def close(self) -> None:
        """Close nothing: there is no connection."""

    def _catalogue(self) -> bytes:
        """Return what a server's catalogue would have of these releases, as far as a pull asks."""
        tree = self._folder / "releases"
        releases = [
            {
                "tier": one.tier,
                "county_code": one.county_code,
                "month": one.month,
                "release": one.number,
                "is_latest": one.is_latest,
            }
            for one in releases_in(tree)
        ]
        editions = [
            {"counted_year": one.month, "edition": one.number, "is_latest": one.is_latest}
            for one in editions_in(tree)
        ]
        return json.dumps({"releases": releases, "editions": editions}).encode()
