"""The page that asks a tier's database in SQL, within the browser: its files, and who gets them.

Belongs here: what is sent, and its policy. Not here: what asks (sql/page.js; `make sql-page` builds
it), or how the database is put together (pulling.national).
"""

from dataclasses import dataclass
from pathlib import Path

from orchestration.products.declaration import Tier
from orchestration.serving.paths import plain_file
from orchestration.serving.tokens import Reader

_BUILT = Path(__file__).with_name("sql") / "built"


@dataclass(frozen=True)
class Part:
    """A file that the page loads: its type, and whether it lies here compressed by gzip."""

    media_type: str
    is_compressed: bool = False


_PARTS = {
    "page.js": Part("text/javascript"),
    "duckdb-browser-eh.worker.js": Part("text/javascript"),
    "duckdb-eh.wasm": Part("application/wasm", is_compressed=True),
}

#: DuckDB is compiled in the browser; page and worker ask this server alone.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "connect-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def is_built() -> bool:
    """Return whether the page can be served here: krat was built with what it loads."""
    return all(_path(name).is_file() for name in _PARTS)


def page_part(name: str) -> tuple[Path, Part] | None:
    """Return a file of the page, None for any other name and where the page was not built."""
    part = _PARTS.get(name)
    return (_path(name), part) if part and is_built() else None


def database_file(sites: Path, tier: Tier) -> Path:
    """Return where a tier's database lies, which is made with its site."""
    return sites / f"{tier}.duckdb"


def offered_database(sites: Path, reader: Reader, tier: Tier) -> Path | None:
    """Return the database that a reader may ask, None unless there is one and the page for it.

    That of the restricted tier has every county: it is for those who may see all.
    """
    if tier is not Tier.PUBLIC and not (
        reader.tier is Tier.RESTRICTED and reader.county_code is None
    ):
        return None
    found = plain_file(sites, database_file(sites, tier))
    return found if is_built() else None


def _path(name: str) -> Path:
    return _BUILT / (f"{name}.gz" if _PARTS[name].is_compressed else name)
