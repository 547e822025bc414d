"""The folders that krat keeps under its home.

Belongs here: where each thing lies. Not here: reading the environment
(orchestration.runtime.settings) or what the files in these folders hold.
"""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Lake:
    """A warehouse in DuckLake: the address of its catalogue, and where its Parquet files lie.

    `s3` holds the parts of DuckDB's secret where that is a store of S3's kind.
    """

    catalog: str = field(repr=False)
    data: str
    s3: dict[str, str] = field(default_factory=dict, repr=False, hash=False)


@dataclass(frozen=True)
class Home:
    """A krat home: `root` holds all data, `keys` the secrets, which must lie outside `root`.

    The warehouse is a file in it, or `lake`.
    """

    root: Path
    keys: Path
    lake: Lake | None = None

    @property
    def version(self) -> Path:
        """The number of the version of what is kept here (sources.custody.version)."""
        return self.root / "version"

    @property
    def inbox(self) -> Path:
        """`<county>/` folders in which files arrive."""
        return self.root / "inbox"

    @property
    def quarantine(self) -> Path:
        """What was refused, sealed, each delivery with its reason."""
        return self.root / "quarantine"

    @property
    def vault(self) -> Path:
        """Sealed originals of what was taken in."""
        return self.root / "vault"

    @property
    def incoming(self) -> Path:
        """Originals of a batch that is not stored yet, sealed."""
        return self.vault / ".incoming"

    @property
    def raw(self) -> Path:
        """Typed Parquet, a folder a raw table, a file a batch."""
        return self.root / "raw"

    @property
    def warehouse(self) -> Path:
        """The working DuckDB file, where there is no lake; one process writes it."""
        return self.root / "warehouse.duckdb"

    @property
    def marts(self) -> Path:
        """The reading copy, replaced whole."""
        return self.root / "marts.duckdb"

    @property
    def last_good(self) -> Path:
        """Settings files as they were when they were last correct."""
        return self.root / "last_good_settings"

    @property
    def known(self) -> Path:
        """What new reports are checked against, replaced whole; it holds no record of a person."""
        return self.root / "known.duckdb"

    @property
    def fates(self) -> Path:
        """What became of the files that institutions sent, as Parquet, replaced whole."""
        return self.root / "fates.parquet"

    @property
    def releases(self) -> Path:
        """`<tier>/<county>/<month>/r<N>/`, never changed once written."""
        return self.root / "releases"

    @property
    def audit(self) -> Path:
        """Who opened an original or changed a key; entries are only appended."""
        return self.root / "audit.jsonl"

    @property
    def decisions(self) -> Path:
        """Journals of what people decided, one `<kind>.jsonl` a kind."""
        return self.root / "decisions"

    @property
    def earlier_findings(self) -> Path:
        """Every finding that a refresh ever made, as Parquet: what is found no more was mended."""
        return self.root / "findings.parquet"

    @property
    def obligations(self) -> Path:
        """The register of obligations with the days on which its rows were noticed, as Parquet."""
        return self.root / "obligations.parquet"

    @property
    def registers(self) -> Path:
        """The office's own registers, `<register>.csv`, which people write (docs/registers.md)."""
        return self.root / "registers"

    @property
    def registers_in_use(self) -> Path:
        """krat's registers with the office's over them, a folder a set, and which one is in use."""
        return self.root / "registers_in_use"

    @property
    def slips(self) -> Path:
        """Return slips, `<county>/<month>/<institution>.docx` and `.txt`."""
        return self.root / "slips"

    @property
    def reports(self) -> Path:
        """Periodic reports, into which people write their part."""
        return self.root / "reports"

    @property
    def access_log(self) -> Path:
        """What was asked of `krat serve`: no token, query or header; a file a day."""
        return self.root / "access.log"

    @property
    def site(self) -> Path:
        """The sites of the tiers, a folder each, made anew when something is released."""
        return self.root / "site"

    @property
    def pulled(self) -> Path:
        """What `krat pull` fetched: a tree of releases and `national.duckdb`."""
        return self.root / "pulled"

    @property
    def backed_up(self) -> Path:
        """Which contents the last backup has, so that the next one reads only what is new."""
        return self.root / "backed_up.json"

    @property
    def gate(self) -> Path:
        """Gate records, `<county>/<month>.json`."""
        return self.root / "gate"

    @property
    def alerts(self) -> Path:
        """What was noticed for alerts and what was sent to whom: counts, codes and hashes."""
        return self.root / "alerts"

    @property
    def dagster(self) -> Path:
        """Dagster's own storage of runs and events."""
        return self.root / "dagster"

    @property
    def dbt(self) -> Path:
        """What dbt read of its project and made of it: it may be removed at any time."""
        return self.root / "dbt"
