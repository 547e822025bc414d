"""The Word file as PDF, by LibreOffice Writer.

Belongs here: running it with a profile of its own, and whether it did what was asked. Not here:
what stands in the file.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from sources.atomic import replace_file

#: How long one file may take, in seconds.
_PATIENCE = 120
#: A PDF that a screen reader can follow.
_FILTER = 'pdf:writer_pdf_Export:{"UseTaggedPDF":{"type":"boolean","value":"true"}}'


def write_pdf(word: Path, path: Path) -> bool:
    """Write a Word file as PDF; return whether there is one now.

    There is none where LibreOffice or its Writer is missing: it ends with 0 all the same.
    """
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        return False
    with TemporaryDirectory(prefix="krat-") as folder:
        command = [
            program,
            f"-env:UserInstallation={(Path(folder) / 'profile').as_uri()}",
            "--headless",
            "--norestore",
            "--convert-to",
            _FILTER,
            "--outdir",
            folder,
            str(word),
        ]
        # In a session of its own: soffice starts another process, which must end with it.
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as running:
            try:
                running.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGKILL)
        made = Path(folder) / f"{word.stem}.pdf"
        if not made.is_file():
            return False
        with replace_file(path) as fresh:
            shutil.copyfile(made, fresh)
    return True
