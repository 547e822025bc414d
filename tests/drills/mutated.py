"""Sends files that were in order until something in them was changed, with canaries in them.

Of each format so many are sent at once. Each must be answered, whatever became of it; the refresh
must end as it does without them; and no canary may be in any byte that is written.
"""

import io
import os
import random
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import canaries
import killed

from orchestration.runtime.settings import SEEDS
from sources.custody.home import Home
from sources.example.generate import write_example

#: What LibreOffice converts a workbook into.
CONVERTED = ("ods", "xls")

#: What the command says of the inbox.
_INBOX = re.compile(r"Inbox +(\d+) files taken in, (\d+) refused, (\d+) known already")


@dataclass
class Mutated:
    """How many changed files were sent, what became of them, and what was wrong."""

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    known: int = 0
    wrong: list[str] = field(default_factory=list)


def good_files(
    planted: canaries.Canaries, convert: Callable[[Path, Path], object] | None
) -> dict[str, list[bytes]]:
    """Return by format files that are in order, full of canaries, of each source.

    `convert` writes a workbook in another format; without it those of CONVERTED are left out.
    """
    found: dict[str, list[bytes]] = {name: [] for name in ("xlsx", "csv", *CONVERTED)}
    with tempfile.TemporaryDirectory() as name:
        inbox = Path(name) / "AL-04"
        write_example(Path(name), SEEDS)
        for source, (pattern, key, _) in canaries.SOURCES.items():
            for true in sorted(inbox.glob(pattern))[:4]:
                path = canaries.plant(planted, true, source, key, None)
                found[path.suffix[1:]].append(path.read_bytes())
                for kind in CONVERTED if convert and path.suffix == ".xlsx" else ():
                    convert(path, target := path.with_suffix(f".{kind}"))
                    found[kind].append(target.read_bytes())
    return {name: contents for name, contents in found.items() if contents}


def _message(contents: Sequence[bytes]) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"] = "Raporti", "zyra@example.org"
    message.set_content("Ju lutem gjeni bashkëlidhur raportin.")
    for number, content in enumerate(contents):
        message.add_attachment(
            content, maintype="application", subtype="octet-stream", filename=f"{number}.xlsx"
        )
    return message.as_bytes()


def _archive(contents: Sequence[bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.xlsx", content)
    return packed.getvalue()


#: What holds files, by how it is made of some.
CONTAINERS: dict[str, Callable[[Sequence[bytes]], bytes]] = {"eml": _message, "zip": _archive}


def changed_files(
    good: Mapping[str, Sequence[bytes]], times: int, rng: random.Random
) -> Iterator[tuple[str, bytes]]:
    """Yield the format and content of so many changed files of each format, and in each container.

    In a container some of the files are changed, and now and then the container itself.
    """
    every = [content for contents in good.values() for content in contents]
    for _ in range(times):
        for kind, contents in good.items():
            yield kind, changed(rng.choice(contents), rng)
        for kind, packed in CONTAINERS.items():
            some = [changed(each, rng) for each in rng.sample(every, rng.randint(1, 3))]
            content = packed(some)
            yield kind, _changed(content, rng) if rng.random() < 0.3 else content


def changed(content: bytes, rng: random.Random) -> bytes:
    """Return a content with a change or a few; of an archive mostly within one of its parts."""
    if content.startswith(b"PK") and rng.random() < 0.8:
        packed = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(content)) as archive,
            zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
        ):
            names = archive.namelist()
            spoiled = rng.choice(names)
            for name in names:
                part = archive.read(name)
                target.writestr(name, _changed(part, rng) if name == spoiled else part)
        return packed.getvalue()
    return _changed(content, rng)


def _changed(content: bytes, rng: random.Random) -> bytes:
    spoiled = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        start = rng.randint(0, len(spoiled))
        end = min(len(spoiled), start + rng.choice((1, 1, 1, 2, 8, 64, 4096)))
        spoiled[start:end] = rng.choice(
            (
                b"",
                rng.randbytes(end - start),
                spoiled[start:end] * 2,
                bytes(end - start),
                rng.choice((b";", b'"', b"\n", b"\xff\xfe", b"</", b"9" * 400, "ë".encode())),
            )
        )
    return bytes(spoiled)


def send(
    original: Home,
    folder: Path,
    good: Mapping[str, Sequence[bytes]],
    planted: Mapping[str, str],
    times: int,
    rng: random.Random,
) -> Mutated:
    """Send so many changed files of each format to a copy of a home, and refresh it."""
    home = killed.copy_of(original, folder / "mutated")
    inbox = home.inbox / "AL-04"
    inbox.mkdir(parents=True, exist_ok=True)
    sent = list(changed_files(good, times, rng))
    for number, (kind, content) in enumerate(sent):
        (inbox / f"{number}.{kind}").write_bytes(content)
    temporary = folder / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [*killed.COMMAND, *killed.REFRESH.arguments(home)],
        env=os.environ
        | {"KRAT_HOME": str(home.root), "KRAT_KEYS": str(home.keys), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    seen = Mutated(sent=len(sent))
    if said := _INBOX.search(done.stdout):
        seen.accepted, seen.refused, seen.known = map(int, said.groups())
    else:
        seen.wrong.append(f"the refresh fails: {done.stderr[-400:]}")
    # One message or archive may hold several.
    if seen.accepted + seen.refused + seen.known < seen.sent:
        seen.wrong.append("not every file is answered")
    if left := sum(path.is_file() for path in home.inbox.rglob("*")):
        seen.wrong.append(f"{left} files stay in the inbox")
    seen.wrong += [f"after it, {what}" for what in killed.broken(home)]
    written = [
        path
        for root in (home.root, temporary)
        for path in root.rglob("*")
        if path.is_file() and not path.is_relative_to(home.inbox)
    ]
    seen.wrong += [
        f"{where} is found in {Path(path).relative_to(folder)}"
        for path, where in sorted(canaries.found_in(written, planted))
    ]
    seen.wrong += [
        f"{where} is said" for value, where in planted.items() if value in done.stderr + done.stdout
    ]
    return seen
