"""Fill a form as an officer would, inside LibreOffice; run by the Python that has its bridge.

Usage: fill.py PIPE IN OUT FILTER CELL=VALUE...; prints the cells that are locked.
"""

import sys

import uno
from bridge import desktop, option


def main(pipe, source, target, output_filter, *cells):
    office = desktop(pipe)
    url = uno.systemPathToFileUrl
    document = office.loadComponentFromURL(url(source), "_blank", 0, (option("Hidden", True),))
    sheet = document.Sheets.getByName("Raporti")
    for assignment in cells:
        name, _, text = assignment.partition("=")
        cell = sheet.getCellRangeByName(name)
        # The bridge writes into locked cells too, which nobody can do at the keyboard.
        if sheet.isProtected() and cell.CellProtection.IsLocked:
            print(name)
        else:
            cell.setFormula(text)
    document.storeToURL(url(target), (option("FilterName", output_filter),))
    document.close(True)
    office.terminate()


main(*sys.argv[1:])
