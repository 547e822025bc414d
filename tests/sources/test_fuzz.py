"""A short, repeatable run of what the fuzzer holds the readers to."""

import io
import zipfile

import pytest
from answering import SECRET, must_be_answered, seeds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CELLS = [
    SECRET,
    f"={SECRET}",
    "",
    ";",
    "\t",
    '"',
    "\n",
    "\x00",
    "Ã«",
    "ë",
    "-1",
    "9" * 400,
    "1e999",
]


@pytest.fixture(scope="module")
def true_files() -> list[bytes]:
    return seeds()


@settings(
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_a_true_file_with_changes_is_answered_and_never_quoted(
    true_files: list[bytes], data: st.DataObject
) -> None:
    content = data.draw(st.sampled_from(true_files))
    if content.startswith(b"PK") and data.draw(st.booleans()):
        # Inside the archive: outside of it most changes only break it.
        must_be_answered(_with_changed_part(content, data))
    else:
        must_be_answered(_changed(content, data))


def _changed(content: bytes, data: st.DataObject) -> bytes:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(changed)))
        length = data.draw(st.integers(0, 40))
        by = data.draw(st.one_of(st.binary(max_size=8), st.sampled_from(CELLS).map(str.encode)))
        changed[at : at + length] = by
    return bytes(changed)


def _with_changed_part(content: bytes, data: st.DataObject) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        chosen = data.draw(st.sampled_from(old.namelist()))
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, _changed(part, data) if name == chosen else part)
    return target.getvalue()
