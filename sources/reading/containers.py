"""What holds files, a message or an archive: the files in it that may be forms.

Belongs here: opening e-mails and zip archives within limits. Not here: what the files in them say
(sources.reading.file).

The text of a message and the names of files are not kept: they can name people.
"""

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import MessageError

from sources.reading.features import UnreadableFile
from sources.reading.tables import file_format

#: Limits far above what an office sends at once, and far below what harms a small machine.
MAX_FILES = 100
MAX_UNPACKED_BYTES = 64 * 2**20
#: An archive in a message in a message is as deep as offices go.
MAX_DEPTH = 3

#: How a message begins: with a header, and another or the rest of the first behind it.
_HEADER = re.compile(
    rb"(?:Received|From|Return-Path|Delivered-To|MIME-Version|Message-ID|Date|Subject|To|Reply-To|"
    rb"DKIM-Signature|ARC-[a-z-]+|Authentication-Results|Content-Type|X-[a-z-]+):[^\r\n]*\r?\n"
    rb"(?:[ \t]|[a-z-]+: )",
    re.IGNORECASE,
)
#: What the first part of a workbook or document is called.
_OF_DOCUMENTS = (b"[Content_Types].xml", b"_rels/", b"xl/", b"docProps/", b"mimetype")


def container_kind(content: bytes) -> str | None:
    """Return eml or zip for what holds files, None for what doesn't. A workbook holds none."""
    if _HEADER.match(content):
        return "eml"
    if not content.startswith(b"PK\x03\x04") or content[30:50].startswith(_OF_DOCUMENTS):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = {name.replace("\\", "/").casefold() for name in archive.namelist()}
    # A damaged workbook is told as one.
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    is_document = "[content_types].xml" in names or {"mimetype", "content.xml"} & names
    return None if is_document or any(name.startswith("xl/") for name in names) else "zip"


def files_in(content: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield the files in a message or archive, in the order of their names, those deeper too.

    Pictures and texts of a message are left out. Raises UnreadableFile beyond the limits, for a
    locked archive and for a damaged one.
    """
    if depth >= MAX_DEPTH:
        raise UnreadableFile("too_many_parts")
    kind = container_kind(content)
    for each in (_attached if kind == "eml" else _packed)(content):
        if container_kind(each):
            yield from files_in(each, depth + 1)
        elif file_format(each) in ("xlsx", "xls", "ods", "csv"):
            yield each


def _attached(content: bytes) -> list[bytes]:
    try:
        message = message_from_bytes(content, policy=policy.default)
        found: list[tuple[str, bytes]] = []
        for part in message.walk():
            name = part.get_filename()
            if name and not part.is_multipart():
                payload = part.get_payload(decode=True)
                found.append((name, payload if isinstance(payload, bytes) else b""))
                if len(found) > MAX_FILES:
                    raise UnreadableFile("too_many_parts")
    except UnreadableFile:
        raise
    # A header that is no header makes the library fail in ways that it doesn't name.
    except (MessageError, LookupError, ValueError, TypeError, AttributeError):
        raise UnreadableFile("damaged") from None
    return [payload for _, payload in sorted(found, key=lambda each: each[0])]


def _packed(content: bytes) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [
                member
                for member in archive.infolist()
                if not member.is_dir() and not _is_of_a_system(member.filename)
            ]
            if len(members) > MAX_FILES:
                raise UnreadableFile("too_many_parts")
            if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
                raise UnreadableFile("unpacks_to_too_much")
            for member in sorted(members, key=lambda each: each.filename):
                if member.flag_bits & 1:
                    raise UnreadableFile("locked")
                # A link leads elsewhere, and holds nothing.
                if not stat.S_ISLNK(member.external_attr >> 16):
                    yield archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
        raise UnreadableFile("damaged") from None
    except RuntimeError:
        raise UnreadableFile("locked") from None


def _is_of_a_system(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith((".", "~$"))
