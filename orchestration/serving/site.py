"""The nation's site, as krat site wrote it: which file a path names, and who may see it.

Belongs here: paths below /site/. Not here: the pages (orchestration.site), which lie in a folder a
tier and are sent as they are.
"""

import json
import re
from functools import lru_cache
from pathlib import Path

from orchestration.products.declaration import Tier
from orchestration.serving.paths import plain_file
from orchestration.serving.tokens import Reader

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}"
_PATH = re.compile(rf"(?P<tier>{'|'.join(Tier)})/(?P<file>{_NAME}(?:/{_NAME}){{0,4}})")

#: What tells of one county alone: its page, and those of its releases.
_OF_COUNTY = re.compile(r"(?:sq|en)/(?:qark/(AL-[0-9]{2})\.html|publikim/(AL-[0-9]{2})/.*)")

#: What tells of no county.
_OF_NONE = re.compile(r"site\.css|(?:sq|en)/(?:plani|fjalori|kalendari)\.html|(?:sq|en)/mase/.*")

_MANIFEST = "site.json"


def parse_site_path(path: str) -> tuple[Tier, str] | None:
    """Return the tier and file that a path under /site/ asks for, None when it can name none."""
    match = _PATH.fullmatch(path)
    return (Tier(match["tier"]), match["file"]) if match else None


def may_see(reader: Reader, tier: Tier, file: str) -> bool:
    """Return whether a reader may see a file of a site.

    A page of the restricted site that tells of several counties is for those who may see all.
    """
    if tier is Tier.PUBLIC:
        return True
    if reader.tier is not Tier.RESTRICTED:
        return False
    if reader.county_code is None or _OF_NONE.fullmatch(file):
        return True
    match = _OF_COUNTY.fullmatch(file)
    return match is not None and reader.county_code in match.groups()


def site_file(sites: Path, tier: Tier, file: str) -> Path | None:
    """Return a file of a tier's site, None unless a plain one lies exactly there."""
    return plain_file(sites, sites / tier / file)


def first_pages(sites: Path, reader: Reader) -> list[tuple[Tier, str]]:
    """Return the tier and file that a reader begins with in each site that is there for them.

    The file is below the folder of a language.
    """
    found = []
    for tier in Tier:
        file = "index.html" if reader.county_code is None or tier is Tier.PUBLIC else ""
        file = file or f"qark/{reader.county_code}.html"
        if may_see(reader, tier, f"sq/{file}") and site_file(sites, tier, f"sq/{file}"):
            found.append((tier, file))
    return found


def page_policy(sites: Path, tier: Tier) -> str:
    """Return the policy of a site's pages: its own looks and pictures, and its one script."""
    script = _script(sites / tier / _MANIFEST, (sites / tier / _MANIFEST).stat().st_mtime_ns)
    return (
        f"default-src 'none'; style-src 'self'; img-src 'self' data:; script-src '{script}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@lru_cache(maxsize=8)
def _script(manifest: Path, _changed: int) -> str:
    script = str(json.loads(manifest.read_bytes())["script"])
    return script if re.fullmatch(r"sha256-[A-Za-z0-9+/=]+", script) else "none"
