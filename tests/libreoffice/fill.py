"""Fill a form as an officer would, inside LibreOffice; run by the Python that has its bridge.

Usage: fill.py PIPE IN OUT FILTER CELL=VALUE...; prints the cells that are locked.
"""

import sys
import time

import uno
from com.sun.star.beans import PropertyValue


def _option(name, value):
    option = PropertyValue()
    option.Name, option.Value = name, value
    return option


def _connected(pipe):
    resolver = uno.getComponentContext().ServiceManager.createInstance(
        "com.sun.star.bridge.UnoUrlResolver"
    )
    for _ in range(300):
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except Exception:
            time.sleep(0.1)
    raise SystemExit("LibreOffice did not start")


def main(pipe, source, target, output_filter, *cells):
    context = _connected(pipe)
    desktop = context.ServiceManager.createInstanceWithContext(
        "com.sun.star.frame.Desktop", context
    )
    url = uno.systemPathToFileUrl
    document = desktop.loadComponentFromURL(url(source), "_blank", 0, (_option("Hidden", True),))
    sheet = document.Sheets.getByName("Raporti")
    for assignment in cells:
        name, _, text = assignment.partition("=")
        cell = sheet.getCellRangeByName(name)
        # The bridge writes into locked cells too, which nobody can do at the keyboard.
        if sheet.isProtected() and cell.CellProtection.IsLocked:
            print(name)
        else:
            cell.setFormula(text)
    document.storeToURL(url(target), (_option("FilterName", output_filter),))
    document.close(True)
    desktop.terminate()


main(*sys.argv[1:])
