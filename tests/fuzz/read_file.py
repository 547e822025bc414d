"""A coverage-guided fuzzer of the readers.

Run by `make drill`, or: python tests/fuzz/read_file.py FOLDER [options of libFuzzer]. Seeds are
written into FOLDER first: true forms, reports, logs and records. A short run of what must hold is
part of the tests.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sources"]):
    from answering import must_be_answered, seeds


def main() -> None:
    """Fuzz until stopped, or as long as libFuzzer's options say."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes(content)
    atheris.Setup(sys.argv, must_be_answered)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
