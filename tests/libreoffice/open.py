"""Open a workbook by its address as a reader would; run by the Python with LibreOffice's bridge.

Usage: open.py PIPE URL, the password on stdin; prints the names of the sheets and of the cover's
rows. A reader is asked for a name and a password when the server wants one: so is this.
"""

import sys

import unohelper
from bridge import desktop, option
from com.sun.star.task import XInteractionHandler


class Asked(unohelper.Base, XInteractionHandler):
    """Types any name, and the password, once."""

    def __init__(self, password):
        self._password = password

    def handle(self, request):
        for choice in request.getContinuations():
            if self._password and hasattr(choice, "setPassword"):
                choice.setUserName("reader")
                choice.setPassword(self._password)
                self._password = None
                choice.select()
                return


def main(pipe, url):
    office = desktop(pipe)
    options = (
        option("Hidden", True),
        option("ReadOnly", True),
        option("InteractionHandler", Asked(sys.stdin.readline().strip())),
    )
    document = office.loadComponentFromURL(url, "_blank", 0, options)
    print("|".join(document.Sheets.ElementNames))
    cover = document.Sheets.getByIndex(0)
    print("|".join(cover.getCellByPosition(column, 0).String for column in range(2)))
    document.close(True)
    office.terminate()


main(*sys.argv[1:])
