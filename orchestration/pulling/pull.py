"""A pull: what is new on a server of releases, fetched, verified and put in a local tree.

Belongs here: which releases are new or were altered here, and how each appears whole and verified
or not at all. Not here: requests (remote), what makes a release ours
(orchestration.publication.verify), or uniting the counties (national).
"""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from filelock import FileLock, Timeout

from orchestration.products.declaration import Tier
from orchestration.products.tree import (
    MANIFEST,
    PERSONS,
    SIGNATURE,
    ReleaseFolder,
    file_hash,
    folder_of,
    letter_of,
)
from orchestration.publication.verify import releases_under, verify_release
from orchestration.publication.writing.signing import (
    PUBLIC_KEYS,
    NoKey,
    fingerprint,
    is_signed_by,
    public_keys_in,
    publish_key,
    read_public_keys,
)
from orchestration.pulling.national import National
from orchestration.pulling.remote import CHUNK, PullFailed, Remote, body, pull_failures
from sources.atomic import rename_folder, write_bytes, write_json

#: Releases fetched at once.
CONNECTIONS = 4

#: How often the rest of a file is asked for when the connection breaks off, in one pull.
ATTEMPTS = 3

#: No catalogue, manifest or key file is as large.
_LARGEST_TEXT = 64 << 20

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}")
_NATIONAL = "national.duckdb"


@dataclass(frozen=True, order=True)
class Wanted:
    """A release to have: where it lies on the server and here.

    Of an edition of counts of persons the county is PERSONS and the month its year.
    """

    tier: str
    county_code: str
    month: str
    number: int
    is_latest: bool = field(default=True, compare=False)

    @property
    def is_edition(self) -> bool:
        """Whether it is an edition of counts of persons, which is for anyone."""
        return self.county_code == PERSONS

    @property
    def name(self) -> str:
        """The name of its folder, as r2 or e4."""
        return f"{letter_of(self.county_code)}{self.number}"

    @property
    def path(self) -> str:
        """The release's folder, on the server and under the folder of the pull."""
        return f"releases/{self.tier}/{self.county_code}/{self.month}/{self.name}"


@dataclass(frozen=True)
class Pulled:
    """What a pull did: `new` of the `here` releases were fetched; `national` is None if unchanged.

    `editions` counts those of counts of persons here, `new_editions` names the ones fetched.
    `key` is the fingerprint of a key that was trusted on first use, or of the one that was given.
    `mended` were altered on disk and fetched again; of `empty` counties the server has nothing.
    """

    new: int
    here: int
    new_editions: tuple[str, ...]
    editions: int
    size: int
    key: str | None
    mended: tuple[str, ...]
    empty: tuple[str, ...]
    national: tuple[int, int, int] | None


def pull(
    remote: Remote,
    out: Path,
    *,
    counties: Sequence[str],
    since: date,
    tier: str | None,
    trusted: str | None,
    announce: Callable[[Tier], None],
    report: Callable[[str], None],
) -> Pulled:
    """Fetch the newest releases of the months since `since` that are not in `out`, and unite them.

    With them go all editions of counts of persons, whichever tier, counties and months are asked.
    No `counties` means all that the token opens; no `tier`, the restricted one if a token is given,
    else the public one. `announce` gets the tier before anything is fetched. `trusted` is the
    fingerprint of a key to trust. A release appears under its name only when its signature and
    hashes fit; one that was altered on disk since is fetched again. Raises PullFailed.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / ".pull.lock", timeout=0):
            catalogue = _catalogue(remote, out)
            chosen = _chosen_tier(remote, out, catalogue, tier)
            announce(chosen)
            return _pull(remote, out, catalogue, counties, since, chosen, trusted, report)
    except Timeout:
        raise PullFailed("another_pull", path=out) from None
    except OSError as mistake:
        raise PullFailed("disk", path=out, detail=mistake.strerror or mistake) from mistake


def _pull(
    remote: Remote,
    out: Path,
    catalogue: Sequence[Wanted],
    counties: Sequence[str],
    since: date,
    tier: Tier,
    trusted: str | None,
    report: Callable[[str], None],
) -> Pulled:
    editions = [one for one in catalogue if one.is_edition]
    offered = [one for one in catalogue if one.tier == tier and not one.is_edition]
    newest = [one for one in offered if one.is_latest and one.month >= f"{since:%Y-%m}"]
    wanted = [one for one in newest if not counties or one.county_code in counties]
    # Who keeps editions alone has them from a server that has nothing else for anyone.
    if not wanted and (tier is Tier.RESTRICTED or counties or not editions):
        what = f"{', '.join(counties) or 'AL-*'} {since:%Y-%m}– ({tier})"
        raise PullFailed("nothing_there", url=remote.url, what=what)
    tree = out / "releases"
    missing = [one for one in (*wanted, *editions) if not (out / one.path).is_dir()]
    key = None
    if missing or trusted or not (tree / PUBLIC_KEYS).exists():
        key = _pin(remote, tree, trusted)
    keys = read_public_keys(tree / PUBLIC_KEYS)
    altered = _altered(out, tier, [*offered, *editions], keys)
    fetched = sorted({*missing, *altered})
    size = _fetch_all(remote, out, fetched, keys, report) if fetched else 0
    united = None
    national = National(tree, tier, out / _NATIONAL)
    if not national.is_current():
        report(_NATIONAL)
        united = national.write()
    return Pulled(
        new=sum(not one.is_edition for one in missing),
        here=len(wanted),
        new_editions=tuple(f"{one.month}/{one.name}" for one in missing if one.is_edition),
        editions=len(editions),
        size=size,
        key=key,
        mended=tuple(one.path for one in altered),
        empty=tuple(sorted(set(counties) - {one.county_code for one in wanted})),
        national=united,
    )


def _chosen_tier(remote: Remote, out: Path, catalogue: Sequence[Wanted], asked: str | None) -> Tier:
    """Return the tier to fetch; without `asked` never one that is poorer than what is here."""
    if asked:
        return Tier(asked)
    if any(one.tier == Tier.RESTRICTED for one in catalogue):
        return Tier.RESTRICTED
    if remote.has_token:
        raise PullFailed("token_without_effect", url=remote.url)
    if releases_under(out / "releases" / Tier.RESTRICTED):
        raise PullFailed("poorer", path=out / _NATIONAL)
    return Tier.PUBLIC


def _altered(
    out: Path, tier: Tier, offered: Sequence[Wanted], keys: Sequence[Ed25519PublicKey]
) -> list[Wanted]:
    """Return the releases here that are no more as they were signed; point to the newest of each.

    Raises PullFailed for one that the server doesn't offer.
    """
    tree = out / "releases"
    places = [tree / tier, *([] if tier is Tier.PUBLIC else [tree / Tier.PUBLIC / PERSONS])]
    folders = [folder for place in places for folder in releases_under(place)]
    by_path = {one.path: one for one in offered}
    altered = []
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        checked = pool.map(lambda folder: verify_release(folder, keys), folders)
        for folder, faults in zip(folders, checked, strict=True):
            if not faults:
                continue
            path = folder.relative_to(out).as_posix()
            if path not in by_path:
                detail = faults[0].sentence("en")
                raise PullFailed("altered_here", path=folder, detail=detail)
            altered.append(by_path[path])
    for month in {folder.parent: folder_of(folder) for folder in folders}.values():
        if month is not None:
            month.point_latest()
    return altered


def _catalogue(remote: Remote, out: Path) -> list[Wanted]:
    """Return what the catalogue offers; it is fetched only if it isn't the one kept."""
    kept = out / "catalog.json"
    known = out / ".catalog-etag.json"
    etag = _kept_etag(known, kept, remote.url)
    with remote.get("catalog.json", {"If-None-Match": etag} if etag else None) as response:
        if response.status_code == 304:
            return _parsed_catalogue(kept.read_bytes(), remote.url)
        content = body(response, remote.url, _LARGEST_TEXT)
        releases = _parsed_catalogue(content, remote.url)
        known.unlink(missing_ok=True)
        write_bytes(kept, content)
        if "etag" in response.headers:
            etag = response.headers["etag"]
            write_json(known, {"url": remote.url, "etag": etag, "hash": file_hash(kept)})
    return releases


def _kept_etag(path: Path, kept: Path, url: str) -> str | None:
    try:
        state = json.loads(path.read_bytes())
        is_kept = (state["url"], state["hash"]) == (url, file_hash(kept))
        return str(state["etag"]) if is_kept else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _parsed_catalogue(content: bytes, url: str) -> list[Wanted]:
    try:
        catalogue = json.loads(content)
        releases = [
            Wanted(
                tier=_matching(entry["tier"], "|".join(Tier)),
                county_code=_matching(entry["county_code"], r"AL(-[0-9]{2})?"),
                month=_matching(entry["month"], r"[0-9]{4}-[0-9]{2}"),
                number=int(entry["release"]),
                is_latest=bool(entry["is_latest"]),
            )
            for entry in catalogue["releases"]
        ]
        editions = [
            Wanted(
                tier=Tier.PUBLIC,
                county_code=PERSONS,
                month=_matching(str(entry["counted_year"]), r"[0-9]{4}"),
                number=int(entry["edition"]),
                is_latest=bool(entry["is_latest"]),
            )
            for entry in catalogue["editions"]
        ]
        return releases + editions
    except (ValueError, KeyError, TypeError):
        raise PullFailed("bad_catalogue", url=url) from None


def _matching(text: Any, pattern: str) -> str:
    if not isinstance(text, str) or re.fullmatch(pattern, text) is None:
        raise ValueError(text)
    return text


def _pin(remote: Remote, tree: Path, trusted: str | None) -> str | None:
    """Keep the server's public keys on first use, or one that `trusted` names; return its name.

    Later only `trusted` adds a key: whoever takes over a server can't bring a key of their own.
    """
    known = read_public_keys(tree / PUBLIC_KEYS) if (tree / PUBLIC_KEYS).exists() else []
    if known and trusted in (None, *map(fingerprint, known)):
        return trusted
    offered = _offered_keys(remote)
    if trusted is not None:
        offered = [key for key in offered if fingerprint(key) == trusted]
        if not offered:
            raise PullFailed("not_that_key", url=remote.url, given=trusted)
    for key in offered:
        publish_key(key, tree)
    return fingerprint(offered[-1])


def _offered_keys(remote: Remote) -> list[Ed25519PublicKey]:
    try:
        return public_keys_in(remote.content(f"releases/{PUBLIC_KEYS}", _LARGEST_TEXT))
    except NoKey:
        raise PullFailed("no_key", url=remote.url) from None


def _fetch_all(
    remote: Remote,
    out: Path,
    missing: list[Wanted],
    keys: Sequence[Ed25519PublicKey],
    report: Callable[[str], None],
) -> int:
    size = 0
    pool = ThreadPoolExecutor(CONNECTIONS)
    try:
        started = {pool.submit(_fetch, remote, out, one, keys): one for one in missing}
        for count, fetching in enumerate(as_completed(started), start=1):
            size += fetching.result()
            one = started[fetching]
            # Here, as the editions of a year share a pointer; and at once, as it is what is read.
            ReleaseFolder(out / "releases", one.tier, one.county_code, one.month).point_latest()
            report(f"{one.path} ({count}/{len(missing)})")
    except BaseException:
        # Nobody waits for a server that has gone silent, certainly not after Ctrl-C.
        remote.stop()
        raise
    finally:
        # The folder is ours only until this returns: nothing may still write there.
        pool.shutdown(cancel_futures=True)
    return size


def _fetch(remote: Remote, out: Path, wanted: Wanted, keys: Sequence[Ed25519PublicKey]) -> int:
    """Fetch one release into a draft, verify it, and give it its name; return its bytes."""
    target = out / wanted.path
    draft = target.with_name(f".{wanted.name}.pulling")
    if target.exists():
        shutil.rmtree(target)
    draft.mkdir(parents=True, exist_ok=True)
    content = remote.content(f"{wanted.path}/{MANIFEST}", _LARGEST_TEXT)
    signature = remote.content(f"{wanted.path}/{SIGNATURE}", _LARGEST_TEXT)
    try:
        files = _signed_files(wanted, content, signature, keys)
        (draft / MANIFEST).write_bytes(content)
        (draft / SIGNATURE).write_bytes(signature)
        for name, (digest, size) in files.items():
            _fetch_file(remote, f"{wanted.path}/{name}", draft / name, digest, size)
        # What a pull that broke off left of an earlier try is no part of the release.
        for path in draft.iterdir():
            if path.name not in (*files, MANIFEST, SIGNATURE):
                path.unlink()
        faults = verify_release(draft, keys)
        if faults:
            raise PullFailed("unverified", path=wanted.path, detail=faults[0].sentence("en"))
    except PullFailed as failure:
        if failure.kind in ("unverified", "other_key", "too_large"):
            shutil.rmtree(draft)
        raise
    for path in draft.iterdir():
        path.chmod(0o400)
    rename_folder(draft, target)
    return len(content) + len(signature) + sum(size for _, size in files.values())


def _signed_files(
    wanted: Wanted, content: bytes, signature: bytes, keys: Sequence[Ed25519PublicKey]
) -> dict[str, tuple[str, int]]:
    """Return hash and size of each file of a manifest that is ours and of the release wanted."""
    signed = any(is_signed_by(key, content, signature) for key in keys)
    try:
        manifest = json.loads(content)
        facts = manifest["release"]
        named = Wanted(
            facts["tier"], facts["county_code"], facts["reporting_month"], facts["number"]
        )
        files = {
            _matching(entry["path"], _FILE_NAME.pattern): (str(entry["hash"]), int(entry["bytes"]))
            for entry in manifest["files"]
        }
        signer = str(facts["signed_by"])
    except (ValueError, KeyError, TypeError):
        raise PullFailed("unverified", path=wanted.path, detail=MANIFEST) from None
    if not signed and signer not in map(fingerprint, keys):
        raise PullFailed("other_key", path=wanted.path, given=signer[:64])
    if not signed:
        raise PullFailed("unverified", path=wanted.path, detail=SIGNATURE)
    if named != wanted:
        raise PullFailed("unverified", path=wanted.path, detail=named.path)
    return files


def _fetch_file(remote: Remote, path: str, target: Path, digest: str, size: int) -> None:
    """Fetch a file, or the rest of it; it gets its name only when its hash fits.

    What is there of it is believed until the hash tells: then it is fetched once more, whole.
    """
    if target.exists() and file_hash(target) == digest:
        return
    part = target.with_name(f"{target.name}.part")
    resumed = part.exists()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch_rest(remote, path, part, size)
        except PullFailed as failure:
            if failure.kind != "broken_off" or attempt == ATTEMPTS:
                raise
        else:
            break
    if file_hash(part) != digest:
        part.unlink()
        if not resumed:
            raise PullFailed("unverified", path=path, detail="SHA-256")
        _fetch_file(remote, path, target, digest, size)
        return
    part.replace(target)


def _fetch_rest(remote: Remote, path: str, part: Path, size: int) -> None:
    """Append what is missing of a file of `size` bytes."""
    start = part.stat().st_size if part.exists() else 0
    if start >= size > 0 or (size == 0 and part.exists()):
        return
    with remote.get(path, {"Range": f"bytes={start}-"} if start else None) as response:
        goes_on = response.status_code == 206 and response.headers.get(
            "content-range", ""
        ).startswith(f"bytes {start}-")
        written = start if goes_on else 0
        with part.open("ab" if goes_on else "wb") as file, pull_failures(remote.url, "broken_off"):
            if response.status_code != 416:
                for chunk in response.iter_content(CHUNK):
                    written += len(chunk)
                    if written > size:
                        raise PullFailed("too_large", path=path)
                    file.write(chunk)
