"""Workbooks that are zip archives, .xlsx and .ods: the archive itself, before a part is opened.

Belongs here: limits on parts, and parts that must not be there. Not here: what the parts say
(sources.reading.features.xlsx, sources.reading.features.ods).
"""

import io
import re
import stat
import zipfile
import zlib
from xml.parsers import expat

from sources.reading.features.ods import open_document_features
from sources.reading.features.sheet import SheetFeatures, UnreadableFile
from sources.reading.features.xlsx import office_open_marks

#: Limits far above any form of the project and far below what harms a small machine.
MAX_UNPACKED_BYTES = 128 * 2**20
MAX_WORKBOOK_PARTS = 500

#: Parts that run, or fetch something from elsewhere.
_ACTIVE = re.compile(
    r"vbaproject|macrosheets/|activex/|embeddings/|externallinks/|connections\.xml|querytables/"
    r"|customui/|^basic/|^scripts/|^object ",
    re.MULTILINE,
)
#: Names that would lead out of the folder into which somebody unpacks them.
_ESCAPING = re.compile(r"^/|\.\.|[\\:\0]", re.MULTILINE)


def archive_features(kind: str, content: bytes) -> dict[str, SheetFeatures]:
    """Return the features of the sheets that have any, by the sheet's name.

    Refuses a workbook that would unpack, or spread, beyond the limits, that acts or reaches out. A
    file of 1.4 KB whose one value stands in the last cell makes the reader ask for 549 GB: a sheet
    that mentions a far cell is measured first. What gets past that is ended by the limits of the
    process (sources.custody.isolation).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {part.filename.lower(): part for part in archive.infolist()}
            _check_directory(archive.infolist(), parts)
            needed = "content.xml" if kind == "ods" else "xl/workbook.xml"
            if needed not in parts:
                is_document = any(name.startswith(("word/", "ppt/")) for name in parts)
                raise UnreadableFile("document_file" if is_document else "no_table")
            if kind == "ods":
                beside = [
                    archive.read(parts[name]) if name in parts else None
                    for name in ("styles.xml", "settings.xml")
                ]
                return open_document_features(archive.read(parts[needed]), *beside)
            return office_open_marks(archive, parts)
    except (
        zipfile.BadZipFile,
        zlib.error,
        expat.ExpatError,
        EOFError,
        RuntimeError,
        NotImplementedError,
        OSError,
        ValueError,
        KeyError,
    ):
        raise UnreadableFile("damaged") from None


def _check_directory(listed: list[zipfile.ZipInfo], parts: dict[str, zipfile.ZipInfo]) -> None:
    if len(listed) > MAX_WORKBOOK_PARTS:
        raise UnreadableFile("too_many_parts")
    if len(parts) != len(listed):
        raise UnreadableFile("damaged")
    if sum(part.file_size for part in listed) > MAX_UNPACKED_BYTES:
        raise UnreadableFile("unpacks_to_too_much")
    names = "\n".join(parts)
    # Excel opens it, and writes it anew as it should be.
    if "\\" in names and not _ESCAPING.search(names.replace("\\", "/")):
        raise UnreadableFile("written_otherwise")
    if _ESCAPING.search(names) or any(map(stat.S_ISLNK, {p.external_attr >> 16 for p in listed})):
        raise UnreadableFile("names_elsewhere")
    if any(flags & 1 for flags in {part.flag_bits for part in listed}):
        raise UnreadableFile("locked")
    if _ACTIVE.search(names):
        raise UnreadableFile("active_content")
