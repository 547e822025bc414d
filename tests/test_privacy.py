"""No identifier gets in: what the example plants in identifying fields is nowhere in the clear."""

import hashlib
import re
from pathlib import Path

import pandas as pd
from conftest import Refreshed
from deliveries import delivery_of
from leaks import texts

from orchestration.runtime.settings import SEEDS
from sources.custody.vault import IDENTITY
from sources.example.counties import KNOWN_TO_POLICE
from sources.example.generate import identity_of, write_example
from sources.identities import PIECES, pieces


def written_and_compared(person: int) -> set[str]:
    """Return how a person of the example is identified, as written and as compared."""
    found = set()
    for age_group in ("0-17", "18+"):
        identity = identity_of(person, age_group)
        kinds = {
            identity.given_name: "name",
            identity.family_name: "name",
            identity.personal_number: "personal_number",
            identity.birth_date: "birth_date",
        }
        for text, kind in kinds.items():
            kept = zip(PIECES[kind], pieces(kind, text) or (), strict=True)
            found |= {text, *(piece for name, piece in kept if piece and "year" not in name)}
    return found


#: The fillers of the dropped columns, the beginnings of the references that are keyed, and some of
#: the persons who are known to two institutions.
PLANTED = (
    "EMËR I TRILLUAR",
    "Z0000",
    *sorted(text for known in KNOWN_TO_POLICE[::3] for text in written_and_compared(known.person)),
    "NUMËR I TRILLUAR",
    "SHËNIM I TRILLUAR",
    "ADRESË E TRILLUAR",
    "POSTË E TRILLUAR",
    "RR-2023-",
    "RL-2023-",
    "P-2023-",
    "K-2023-",
)


def test_nothing_planted_in_an_identifying_field_is_found_outside_the_sealed_originals(
    refreshed: Refreshed,
) -> None:
    files = [path for path in refreshed.home.root.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".age", ".parquet", ".duckdb", ".json", ".xlsx"}
    found = {
        (path.relative_to(refreshed.home.root).as_posix(), planted)
        for path in files
        for text in texts(path)
        for planted in PLANTED
        if planted in text
    }
    assert not found


def test_no_plain_hash_of_an_original_is_anywhere(refreshed: Refreshed, tmp_path: Path) -> None:
    originals = [path.read_bytes() for path in write_example(tmp_path, SEEDS)]
    hashes = {hashlib.sha256(content).hexdigest()[:16] for content in originals}
    keyed = {delivery_of(refreshed.home, content) for content in originals}
    names = {path.name for path in refreshed.home.root.rglob("*")}
    everything = [
        text for path in refreshed.home.root.rglob("*") if path.is_file() for text in texts(path)
    ]
    found = {word for text in everything for word in re.findall(r"[0-9a-f]{16}", text)} | names
    # The first digits of a hash are found wherever it is, and so are ids of deliveries.
    assert keyed & found
    assert not hashes & found


def test_the_search_would_find_what_is_planted(tmp_path: Path) -> None:
    leak = tmp_path / "leak.parquet"
    pd.DataFrame({"note": ["NUMËR I TRILLUAR 5"] * 3}).to_parquet(leak, compression="zstd")
    assert any("NUMËR I TRILLUAR" in text for text in texts(leak))


def test_keys_and_the_private_key_lie_outside_the_home(refreshed: Refreshed) -> None:
    names = {path.name for path in refreshed.home.keys.iterdir()}
    assert IDENTITY in names
    assert all(path.stat().st_mode & 0o077 == 0 for path in refreshed.home.keys.iterdir())
    assert not {path.name for path in refreshed.home.root.rglob("*")} & names
