"""A new data folder: its keys beside it, and copies of what an office may change.

Belongs here: the first folder. Not here: what krat puts into it later, or where it is (Home).
"""

from pathlib import Path

from orchestration.alerts import channels
from orchestration.publication.writing.signing import signing_key
from orchestration.registers import calendar
from orchestration.runtime import dagster_home, office
from sources.atomic import write_text
from sources.custody.home import Home
from sources.custody.pseudonyms import Pseudonyms
from sources.custody.vault import sealed_text
from sources.custody.version import write_version
from sources.reading.file import CONTENT_PURPOSE

#: krat's own settings files. A copy is not in use until its name loses the suffix.
SETTINGS = (
    channels.OWN,
    calendar.OWN,
    dagster_home.OWN,
    office.OFFICE,
    office.SERVE,
    office.BACKUP,
)
SUFFIX = ".example"


class NotEmpty(ValueError):
    """A folder holds something, and is no data folder of krat."""


def make_folder(home: Home) -> list[Path]:
    """Make the data folder, its keys and the copies of settings; return which copies were written.

    In a data folder of krat only what is missing is added, and copies become those of this krat.
    Raises NotEmpty, or OtherVersion.
    """
    if not home.version.exists():
        for folder in (home.root, home.keys):
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise NotEmpty(f"{folder} is not empty: name a new folder, or empty it first.")
    write_version(home)
    for folder in (home.inbox, home.registers, home.releases):
        folder.mkdir(parents=True, exist_ok=True)
    # What is made on first use otherwise is there to be backed up before the first file comes.
    Pseudonyms(home.keys).key(CONTENT_PURPOSE, "")
    signing_key(home.keys)
    sealed_text(home, "")
    written = []
    for own in SETTINGS:
        copy = home.root / f"{own.name}{SUFFIX}"
        content = own.read_text(encoding="utf-8")
        if not copy.exists() or copy.read_text(encoding="utf-8") != content:
            write_text(copy, content)
            written.append(copy)
    return written
