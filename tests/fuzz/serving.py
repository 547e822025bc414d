"""Asks `krat serve` whatever its description allows, and much that it doesn't: schemathesis.

Run by `make drill`, or: python tests/fuzz/serving.py PROGRAM [options of `schemathesis run`]. It
fails for an answer that the description does not have, or that ends in an error of the server's.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from served import change_settings, make_tokens, serving, write_release

from orchestration.runtime.settings import PROJECT
from sources.custody.home import Home

#: Who asks: nobody in particular, and holders of each kind of token.
HOLDERS = (None, "all", "fier", "expired", "shssh")
#: As many as a run asks; how often somebody may ask has tests of its own.
NO_LIMITS = dict.fromkeys(
    ("per_token", "per_address", "failed_tokens", "checks_per_token"), "1000000/minute"
)

DESCRIPTION = str(PROJECT / "orchestration" / "serving" / "openapi.yml")
#: A form is taken from its own page alone, which no description can say.
UNASKED = ["--exclude-checks", "positive_data_acceptance"]


def main() -> None:
    """Ask as each holder; exit with 1 where schemathesis finds something."""
    program, options = str(Path(sys.argv[1]).absolute()), sys.argv[2:]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        home = Home(root=Path(folder) / "home", keys=Path(folder) / "keys")
        for county in ("AL", "AL-04", "AL-12"):
            write_release(home, county, "2023-05", {"page.js": b"1", "findings.csv": b"a,b\n"})
        change_settings(home, limits=NO_LIMITS)
        tokens = make_tokens(home)
        with serving(home) as url:
            for holder in HOLDERS:
                header = ["--header", f"Authorization: Bearer {tokens[holder]}"] if holder else []
                done = subprocess.run(
                    [program, "run", DESCRIPTION, "--url", url, *header, *UNASKED, *options],
                    # It keeps what it found where it runs.
                    cwd=folder,
                    check=False,
                )
                failed = failed or done.returncode != 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
