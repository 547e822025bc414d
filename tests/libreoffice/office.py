"""What tests ask of a running LibreOffice; run by the Python that has its bridge.

Usage: office.py PIPE. Reads requests from stdin, a line of JSON each, and prints what came of them:
{"answer": ...}, or {"error": ...} where LibreOffice refuses. It ends when LibreOffice has died.
"""

import json
import sys
import time

import uno
import unohelper
from com.sun.star.beans import PropertyValue
from com.sun.star.lang import DisposedException
from com.sun.star.task import XInteractionHandler


class Login(unohelper.Base, XInteractionHandler):
    """Types any name, and the password, once, where a server wants both of a reader."""

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


def options(**named):
    """Return options of loading or storing."""
    return tuple(PropertyValue(Name=name, Value=value) for name, value in named.items())


def desktop(pipe):
    """Return the desktop of the LibreOffice that listens at the pipe, once it is up."""
    resolver = uno.getComponentContext().ServiceManager.createInstance(
        "com.sun.star.bridge.UnoUrlResolver"
    )
    for _ in range(600):
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except Exception:
            time.sleep(0.1)
        else:
            return context.ServiceManager.createInstanceWithContext(
                "com.sun.star.frame.Desktop", context
            )
    raise SystemExit("LibreOffice did not start")


def save(document, target, output_filter, filter_options=""):
    document.storeToURL(
        uno.systemPathToFileUrl(target),
        options(FilterName=output_filter, FilterOptions=filter_options),
    )


def convert(office, source, target, output_filter, filter_options):
    """Save a file in another format."""
    url = uno.systemPathToFileUrl(source)
    document = office.loadComponentFromURL(url, "_blank", 0, options(Hidden=True))
    save(document, target, output_filter, filter_options)
    document.close(True)


def fill(office, source, target, output_filter, cells):
    """Fill the cells of a form as an officer would; return those that are locked."""
    url = uno.systemPathToFileUrl(source)
    document = office.loadComponentFromURL(url, "_blank", 0, options(Hidden=True))
    sheet = document.Sheets.getByName("Raporti")
    locked = []
    for name, text in cells.items():
        cell = sheet.getCellRangeByName(name)
        # The bridge writes into locked cells too, which nobody can do at the keyboard.
        if sheet.isProtected() and cell.CellProtection.IsLocked:
            locked.append(name)
        else:
            cell.setFormula(text)
    save(document, target, output_filter)
    document.close(True)
    return locked


def show(office, url, password):
    """Open a workbook by its address; return the names of its sheets and the cover's first row."""
    document = office.loadComponentFromURL(
        url, "_blank", 0, options(Hidden=True, ReadOnly=True, InteractionHandler=Login(password))
    )
    sheets = list(document.Sheets.ElementNames)
    cover = document.Sheets.getByIndex(0)
    row = [cover.getCellByPosition(column, 0).String for column in range(2)]
    document.close(True)
    return sheets, row


ACTIONS = {"convert": convert, "fill": fill, "show": show}


def main(pipe):
    office = desktop(pipe)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            told = {"answer": ACTIONS[request.pop("action")](office, **request)}
        except DisposedException:
            raise SystemExit("LibreOffice has died") from None
        except Exception as error:
            told = {"error": str(error)}
        print(json.dumps(told), flush=True)


main(*sys.argv[1:])
