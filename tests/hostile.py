"""Files made to harm whoever reads them, generated: name and bytes of each."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from random import Random

import xlsxwriter

CONTENT_TYPES = (
    '<?xml version="1.0"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    "</Types>"
)
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    'relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/'
    '2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def parts(sheet: str, sheets: int = 1, strings: str = "") -> dict[str, bytes]:
    """Return the parts of a small workbook with the given XML as its first sheet."""
    listed = "".join(
        f'<sheet name="s{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(1, sheets + 1)
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        for n in range(1, sheets + 1)
    )
    return {
        "[Content_Types].xml": CONTENT_TYPES.encode(),
        "_rels/.rels": RELATIONS.encode(),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'
        ).encode(),
        "xl/_rels/workbook.xml.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'{related}<Relationship Id="rIdS" Type="{OFFICE}/sharedStrings" '
            'Target="sharedStrings.xml"/></Relationships>'
        ).encode(),
        "xl/sharedStrings.xml": (strings or f'<sst xmlns="{MAIN}"/>').encode(),
        "xl/worksheets/sheet1.xml": sheet.encode(),
    }


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def sheet(cells: str, extra: str = "", dimension: str = "") -> str:
    sized = f'<dimension ref="{dimension}"/>' if dimension else ""
    return f'<worksheet xmlns="{MAIN}">{sized}<sheetData>{cells}</sheetData>{extra}</worksheet>'


def cell(address: str, value: str = "1") -> str:
    row = "".join(filter(str.isdigit, address))
    return f'<row r="{row}"><c r="{address}"><v>{value}</v></c></row>'


def plain() -> bytes:
    """Return a whole, harmless workbook of no known form."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        book.add_worksheet("a").write(0, 0, "tekst")
    return buffer.getvalue()


REPORT = (
    ("Formulari", "krat-raport-1"), ("Qarku", "AL-04"), ("Institucioni", "AL-04-POLICIA"),
    ("Muaji", "2023-05"), ("Të dhënat", "REALE"),
    ("Kodi i treguesit", "Treguesi", "Njësia", "Ndarja", "Vlera", "Gjendja"),
    ("2.1.9.1", "", "", "", 3, ""),
)  # fmt: skip


def report(value: object = 3, formula: str | None = None) -> bytes:
    """Return a true report, which is taken in; with a formula for its value it isn't."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("Raporti")
        for number, row in enumerate(REPORT):
            sheet.write_row(number, 0, row)
        if formula:
            sheet.write_formula("E7", formula, None, 3)
        else:
            sheet.write("E7", value)
    return buffer.getvalue()


def with_parts(content: bytes, more: dict[str, bytes]) -> bytes:
    """Return a workbook with parts put into it."""
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, part in more.items():
            archive.writestr(name, part)
    return buffer.getvalue()


def with_sheet(content: bytes, old: bytes, new: bytes) -> bytes:
    """Return a workbook in whose first sheet `old` is replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            target.writestr(name, part.replace(old, new) if name.endswith("sheet1.xml") else part)
    return buffer.getvalue()


def _entities(count: int) -> str:
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, count))
    return f'<!DOCTYPE x [<!ENTITY e0 "ha">{lines}]>'


def _changed(content: bytes, at: int, by: bytes) -> bytes:
    return content[:at] + by + content[at + len(by) :]


def corpus() -> Iterator[tuple[str, bytes]]:
    """Yield (what it is, its bytes), no two alike, the same in every run."""
    whole = plain()
    big = b"<row/>" * 4
    # -- archives that unpack to more than they seem
    yield "zip bomb of zeros", packed(parts(sheet("")) | {"xl/media/a.xml": b"0" * 140_000_000})
    yield "zip bomb of spaces", packed(parts(sheet("") + " " * 140_000_000))
    yield "zip bomb in strings", packed(parts(sheet(""), strings=" " * 140_000_000))
    nested = packed({"a.zip": packed({"b": b"0" * 50_000_000})})
    yield "zip in a zip", packed({"inner.xlsx": nested})
    yield (
        "thousands of parts",
        packed(parts(sheet("")) | {f"xl/p{n}.xml": b"<a/>" for n in range(5000)}),
    )
    declared = bytearray(packed(parts(sheet(cell("A1")))))
    directory = declared.rfind(b"PK\x01\x02")
    yield "a size that lies", _changed(bytes(declared), directory + 24, struct.pack("<I", 1))
    yield (
        "a huge size declared",
        _changed(bytes(declared), directory + 24, struct.pack("<I", 2**32 - 2)),
    )
    for number, stop in enumerate((4, 30, len(whole) // 3, len(whole) // 2, len(whole) - 30)):
        yield f"cut off {number}", whole[:stop]
    for number, place in enumerate((14, 60, 200, len(whole) - 60)):
        yield f"overwritten {number}", _changed(whole, place, b"\xff" * 24)
    yield "junk in front", b"x" * 50 + whole
    yield "empty archive", packed({})
    yield "an archive of another kind", packed({"word/document.xml": b"<a/>"})
    yield "encrypted entry", _changed(whole, 6, b"\x01")
    # -- workbooks that spread
    for name, address in {
        "far cell": "XFD1048576", "far row": "A1048576", "far column": "XFD5000",
        "beyond the sheet": "ZZZZ99999999",
    }.items():  # fmt: skip
        yield name, packed(parts(sheet(cell("A1") + cell(address))))
    yield "far dimension", packed(parts(sheet(cell("A1"), dimension="A1:XFD1048576")))
    yield (
        "far row without address",
        packed(
            parts(
                sheet(
                    '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'
                )
            )
        ),
    )
    yield (
        "far merged cells",
        packed(
            parts(sheet(cell("A1"), '<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'))
        ),
    )
    yield "a thousand sheets", packed(parts(sheet(cell("A1")), sheets=1000))
    yield "a hundred thousand sheets", packed(parts(sheet(cell("A1")), sheets=100_000))
    yield (
        "a huge cell",
        packed(
            parts(
                sheet(
                    '<row r="1"><c r="A1" t="inlineStr"><is><t>'
                    f"{'x' * 20_000_000}</t></is></c></row>"
                )
            )
        ),
    )
    yield "many rows", packed(parts(sheet("".join(cell(f"A{n}") for n in range(1, 400_000)))))
    yield (
        "a string index beyond the strings",
        packed(parts(sheet('<row r="1"><c r="A1" t="s"><v>99999999</v></c></row>'))),
    )
    yield (
        "a negative string index",
        packed(parts(sheet('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>'))),
    )
    sheets = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="r1"/>' for n in range(1_000_000))
    listed = f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>'
    yield "a million sheets", packed(parts(sheet("")) | {"xl/workbook.xml": listed.encode()})
    # -- true reports with something in them
    true = report()
    yield "a report with a formula", report(formula="=1+2")
    yield "a report with a DDE formula", report(formula="=cmd|' /c calc'!A0")
    yield "a report that fetches", report(formula='=WEBSERVICE("http://127.0.0.1:9/")')
    for part in (
        "xl/vbaProject.bin", "xl/externalLinks/externalLink1.xml", "xl/embeddings/oleObject1.bin",
        "xl/activeX/activeX1.bin", "xl/macrosheets/sheet1.xml", "xl/connections.xml",
    ):  # fmt: skip
        yield f"a report with {part}", with_parts(true, {part: b"x"})
    for name in ("../../../etc/cron.d/x", "/etc/passwd", "C:\\x", "xl/..\\..\\x"):
        yield f"a report with path {name!r}", with_parts(true, {name: b"x"})
    linked = zipfile.ZipInfo("xl/worksheets/link.xml")
    linked.external_attr = 0o120777 << 16
    buffer = io.BytesIO(true)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(linked, "/etc/passwd")
    yield "a report with a link in the archive", buffer.getvalue()
    yield "a report with a far cell", with_sheet(true, b'r="E7"', b'r="XFD1048576"')
    yield "a report with a far row", with_sheet(true, b'r="7"', b'r="1048576"')
    yield (
        "a report with a far cell, spelt another way",
        with_sheet(true, b'r="E7"', b"r = '&#88;FD1048576'"),
    )
    huge = f'<c r="E7" t="inlineStr"><is><t>{"9" * 20_000_000}</t></is></c>'.encode()
    yield "a report with a number of 20 MB", with_sheet(true, b'<c r="E7"><v>3</v></c>', huge)
    yield "a report with a bomb beside it", with_parts(true, {"xl/media/a": b"0" * 140_000_000})
    yield (
        "a report with an entity",
        with_sheet(true, b"<worksheet ", b'<!DOCTYPE x [<!ENTITY a "3">]><worksheet '),
    )
    yield "a report cut off", true[: len(true) * 3 // 4]
    # -- XML that expands, recurses or reaches out
    yield "billion laughs", packed(parts(_entities(10) + sheet(cell("A1", "&e9;"))))
    yield (
        "quadratic blow-up",
        packed(
            parts(f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>' + sheet(cell("A1", "&a;" * 1000)))
        ),
    )
    yield (
        "external entity",
        packed(
            parts(
                '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + sheet(cell("A1", "&a;"))
            )
        ),
    )
    yield (
        "external document type",
        packed(parts('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + sheet(cell("A1")))),
    )
    yield "deep nesting", packed(parts(sheet("<a>" * 200_000 + "</a>" * 200_000)))
    yield (
        "a thousand attributes",
        packed(parts(sheet("<row " + " ".join(f'a{n}="1"' for n in range(50_000)) + "/>"))),
    )
    yield "unclosed", packed(parts(f'<worksheet xmlns="{MAIN}"><sheetData>' + "<row>" * 1000))
    yield "no XML at all", packed(parts("not xml"))
    yield (
        "XML in UTF-16 with nulls",
        packed(
            parts(sheet("")) | {"xl/worksheets/sheet1.xml": sheet(cell("A1")).encode("utf-16") * 2}
        ),
    )
    # -- workbooks that act
    yield "formula", packed(parts(sheet('<row r="1"><c r="A1"><f>1+1</f><v>2</v></c></row>')))
    yield (
        "DDE formula",
        packed(parts(sheet('<row r="1"><c r="A1"><f>cmd|\' /c calc\'!A0</f><v>0</v></c></row>'))),
    )
    yield (
        "external link",
        packed(
            parts(sheet(cell("A1")))
            | {"xl/externalLinks/externalLink1.xml": b'<externalLink href="http://127.0.0.1:9/"/>'}
        ),
    )
    yield "macros", packed(parts(sheet(cell("A1"))) | {"xl/vbaProject.bin": b"\xd0\xcf" * 900})
    # -- names that escape
    for name in (
        "../../../etc/cron.d/x",
        "/etc/passwd",
        "C:\\x",
        "xl/../../x",
        "a\x00b",
        "x" * 60_000,
    ):
        yield f"path {name[:12]!r}", packed(parts(sheet(cell("A1"))) | {name: b"x"})
    # -- other things under the name
    yield "pdf", b"%PDF-1.7\n" + big
    yield "png", b"\x89PNG\r\n\x1a\n" + bytes(200)
    yield "program", b"\x7fELF" + bytes(500)
    yield "web page", b"<html><body><table><tr><td>1</td></tr></table></body></html>"
    yield "gzip", zlib.compress(b"0" * 10_000_000)
    yield "nothing", b""
    yield "nulls", bytes(100_000)
    yield "noise", Random("noise").randbytes(100_000)
    compound = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    yield "old format, empty", compound + bytes(2000)
    yield "old format, noise", compound + Random("old").randbytes(50_000)
    yield "old format, sectors in a ring", compound + b"\x00\x01" * 4000
    opened = {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}
    yield "open document without content", packed(opened, zipfile.ZIP_STORED)
    yield (
        "open document with a bomb",
        packed(opened | {"content.xml": b"<a>" + b" " * 140_000_000 + b"</a>"}),
    )
    # -- text that is no table
    yield "one line of 20 MB", b"a" * 20_000_000
    yield "a line beyond the largest file", b"a" * 34_000_000
    yield "a million columns", b";".join([b"x"] * 1_000_000)
    yield "a quote never closed", b'a;b\n"' + b"x;" * 3_000_000
    yield "UTF-16 of half a letter", b"\xff\xfe" + b"a" * 1001
    yield "text with nulls", b"a;b\n" * 2000 + b"\x00"
    yield "a million rows", b"a;b\n" * 1_000_000
