"""What a person sees of a cell is what is read of it, or the cell is refused."""

import io
import re
import struct
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from openpyxl import load_workbook
from openpyxl.comments import Comment
from programs import LibreOffice

from orchestration.runtime.settings import SEEDS
from sources.custody.pseudonyms import Pseudonyms
from sources.reading import Reading, read_content
from sources.reading.features.xls import _rich_strings
from sources.registers import load_registers

REGISTERS = load_registers(SEEDS)
HEAD = [
    ("Formulari", "krat-raport-1"), ("Qarku", "AL-04"), ("Institucioni", "AL-04-POLICIA"),
    ("Muaji", "2023-05"), ("Të dhënat", "SHEMBULL - TË TRILLUARA"),
    ("Kodi i treguesit", "Treguesi", "Njësia", "Ndarja", "Vlera", "Gjendja"),
    ("2.1.18.1", "", "", "", 1, ""), ("2.1.9.1", "", "", "", 3, ""),
    ("2.1.15.1", "", "", "", 1, ""),
]  # fmt: skip
#: The cell of the value in the row of 2.1.9.1.
VALUE = (7, 4)
SHEET = "xl/worksheets/sheet1.xml"

#: Fonts of the parts of "57", and the sentence on it in English; None where it is read.
Parts = list[tuple[dict[str, Any], str]]
PARTS: dict[str, tuple[Parts, str | None]] = {
    "struck": ([({"font_strikeout": True}, "5"), ({}, "7")], "struck through"),
    "struck at the end": ([({}, "5"), ({"font_strikeout": True}, "7")], "struck through"),
    "raised": ([({}, "5"), ({"font_script": 1}, "2")], "raised"),
    "lowered": ([({}, "5"), ({"font_script": 2}, "2")], "raised"),
    "red": ([({}, "5"), ({"font_color": "#C00000"}, "7")], "look alike"),
    "white": ([({}, "5"), ({"font_color": "#FFFFFF"}, "7")], "can't be seen"),
    "small": ([({}, "5"), ({"font_size": 7}, "7")], "look alike"),
    "bold": ([({}, "5"), ({"bold": True}, "7")], "look alike"),
    "underlined": ([({}, "5"), ({"underline": 1}, "7")], "look alike"),
    "another font": ([({}, "5"), ({"font_name": "Arial"}, "7")], None),
    "bold words": ([({}, "asnjë "), ({"bold": True}, "rast")], None),
    "struck words": ([({"font_strikeout": True}, "asnjë "), ({}, "rast")], "struck through"),
}


def book_of(
    parts: Parts | None = None, change: Callable[[Any, Any], None] = lambda _book, _sheet: None
) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("Raporti")
        for number, line in enumerate(HEAD):
            sheet.write_row(number, 0, line)
        if parts:
            pieces = [
                part
                for font, text in parts
                for part in (
                    (book.add_format({"font_size": 11, **font}), text) if font else (text,)
                )
            ]
            assert sheet.write_rich_string(*VALUE, *pieces) == 0
        change(book, sheet)
    return buffer.getvalue()


def read(content: bytes, tmp_path: Path) -> Reading:
    key = Pseudonyms(tmp_path / "keys").key
    return read_content(content, "AL-04", REGISTERS, key, datetime(2023, 6, 5, 9, 0))


def patched(content: bytes, part: str, change: Callable[[str], str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if re.fullmatch(part, entry.filename):
                data = change(data.decode()).encode()
            new.writestr(entry.filename, data)
    return buffer.getvalue()


def whole(form: dict[str, Any], value: object) -> bytes:
    """Return a workbook whose value has a format of its own."""
    return book_of(None, lambda book, sheet: sheet.write(*VALUE, value, book.add_format(form)))


def must_be_left_out(reading: Reading, sentence: str) -> None:
    """Assert that the value, and only it, is not taken."""
    assert [(found.rule, found.cell) for found in reading.problems] == [("value_left_out", "E8")]
    assert sentence in reading.problems[0].message_en
    assert [(row["value"], row["value_state"]) for row in reading.rows] == [
        (1.0, "number"), (None, "not_reported"), (1.0, "number"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("is_inline", [False, True])
def test_parts_of_a_cell_are_not_joined_into_a_number(
    name: str, tmp_path: Path, *, is_inline: bool
) -> None:
    parts, sentence = PARTS[name]
    content = book_of(parts)
    if is_inline:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            strings = archive.read("xl/sharedStrings.xml").decode()
        (rich,) = re.findall(r"<si>(<r>.*?</r>)</si>", strings)
        cell = f'<c r="E8" t="inlineStr"><is>{rich}</is></c>'
        content = patched(content, SHEET, lambda xml: re.sub(r'<c r="E8".*?</c>', cell, xml))
    reading = read(content, tmp_path)
    if sentence:
        must_be_left_out(reading, sentence)
    else:
        assert reading.problems == []
        said = "".join(text for _, text in parts)
        assert reading.rows[1]["value"] == (57.0 if said == "57" else 0.0)


@pytest.mark.parametrize("suffix", ["ods", "xls"])
def test_nor_are_they_in_other_formats(
    suffix: str, libreoffice: LibreOffice, tmp_path: Path
) -> None:
    for name, (parts, sentence) in PARTS.items():
        source, target = tmp_path / f"{name}.xlsx", tmp_path / f"{name}.{suffix}"
        source.write_bytes(book_of(parts))
        libreoffice.convert(source, target)
        reading = read(target.read_bytes(), tmp_path)
        if sentence:
            must_be_left_out(reading, sentence)
        else:
            assert reading.problems == [], name


#: Formats of a whole cell, and the sentence on it; None where it is read.
WHOLE: dict[str, tuple[dict[str, Any], object, str | None]] = {
    "struck": ({"font_strikeout": True}, 3, "struck through"),
    "white": ({"font_color": "#FFFFFF"}, 3, "can't be seen"),
    "nearly white": ({"font_color": "#FAFAFA"}, 3, "can't be seen"),
    "as its ground": ({"font_color": "#FFF6CC", "bg_color": "#FFF6CC"}, 3, "can't be seen"),
    "white on blue": ({"font_color": "#FFFFFF", "bg_color": "#1F4E79"}, 3, None),
    "tiny": ({"font_size": 1}, 3, "can't be seen"),
    "in pictures": ({"font_name": "Wingdings"}, 3, "can't be seen"),
    "in percent": ({"num_format": '0" %"'}, 3, "format shows another"),
    "in words": ({"num_format": '"disa"'}, 3, "format shows another"),
    "a text that is hidden": ({"num_format": ";;;"}, "3", "format shows another"),
    "a text with more": ({"num_format": '0;0;0;@"0"'}, "3", "format shows another"),
    "a text with its unit": ({"num_format": '0;0;0;@" persona"'}, "3", None),
    "a zero as another number": ({"num_format": '0;0;"5"'}, 0, "does not show it"),
    "a zero as a word": ({"num_format": '0;0;"asnjë"'}, 0, None),
    "red": ({"font_color": "#FF0000", "bold": True, "font_script": 1}, 3, None),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_value_that_is_not_seen_as_it_is_held_is_not_taken(name: str, tmp_path: Path) -> None:
    form, value, sentence = WHOLE[name]
    reading = read(whole(form, value), tmp_path)
    if sentence:
        must_be_left_out(reading, sentence)
    else:
        assert reading.problems == []


@pytest.mark.parametrize("suffix", ["ods", "xls"])
def test_nor_is_one_in_other_formats(suffix: str, libreoffice: LibreOffice, tmp_path: Path) -> None:
    for name, (form, value, sentence) in WHOLE.items():
        source, target = tmp_path / f"{name}.xlsx", tmp_path / f"{name}.{suffix}"
        source.write_bytes(whole(form, value))
        libreoffice.convert(source, target)
        reading = read(target.read_bytes(), tmp_path)
        found = [(each.rule, each.cell) for each in reading.problems]
        assert found == ([("value_left_out", "E8")] if sentence else []), (name, found)


def test_a_row_that_is_crossed_out_is_told_at_its_value_and_a_code_at_itself(
    tmp_path: Path,
) -> None:
    def strike(book: Any, sheet: Any) -> None:
        for column, cell in enumerate(HEAD[VALUE[0]]):
            sheet.write(VALUE[0], column, cell, book.add_format({"font_strikeout": True}))

    must_be_left_out(read(book_of(None, strike), tmp_path), "struck through")
    struck = {"font_strikeout": True}
    reading = read(
        book_of(None, lambda book, sheet: sheet.write(7, 0, "2.1.9.1", book.add_format(struck))),
        tmp_path,
    )
    assert [(found.rule, found.cell) for found in reading.problems] == [("unknown_indicator", "A8")]
    reading = read(
        book_of(None, lambda book, sheet: sheet.write(3, 1, "2023-05", book.add_format(struck))),
        tmp_path,
    )
    assert [(found.rule, found.cell) for found in reading.problems] == [("unknown_code", "B4")]
    assert reading.delivery["status"] == "refused"


@pytest.mark.parametrize(
    ("condition", "is_refused"),
    [
        ({"type": "no_blanks", "format": {"font_strikeout": True}}, True),
        ({"type": "no_blanks", "format": {"font_color": "#FFFFFF"}}, True),
        ({"type": "no_blanks", "format": {"num_format": ";;;"}}, True),
        ({"type": "no_blanks", "format": {"bg_color": "#FFC7CE", "font_color": "#9C0006"}}, False),
        ({"type": "icon_set", "icon_style": "3_arrows", "icons_only": True}, True),
        ({"type": "icon_set", "icon_style": "3_arrows"}, False),
        ({"type": "data_bar", "bar_only": True}, True),
    ],
)
def test_a_condition_that_may_hide_a_value_refuses_it(
    condition: dict[str, Any], tmp_path: Path, *, is_refused: bool
) -> None:
    def write(book: Any, sheet: Any) -> None:
        form = condition.get("format")
        options = {**condition, **({"format": book.add_format(form)} if form else {})}
        sheet.conditional_format("E8:E8", options)

    reading = read(book_of(None, write), tmp_path)
    if is_refused:
        must_be_left_out(reading, "conditional format")
    else:
        assert reading.problems == []


def test_a_column_without_width_and_a_row_without_height_are_told_as_hidden(tmp_path: Path) -> None:
    content = patched(
        book_of(),
        SHEET,
        lambda xml: xml.replace('<row r="8"', '<row ht="0" customHeight="1" r="8"').replace(
            "<sheetData>", '<cols><col min="6" max="6" width="0"/></cols><sheetData>'
        ),
    )
    reading = read(content, tmp_path)
    assert [(found.rule, found.cell, found.row_number) for found in reading.problems] == [
        ("hidden_cells_read", "F6", 6), ("hidden_cells_read", None, 8),
    ]  # fmt: skip


def test_a_comment_at_a_row_is_told_but_for_those_that_krat_wrote(tmp_path: Path) -> None:
    for author, found in (("Zyra", ["comment_not_read"]), ("krat", [])):
        book = load_workbook(io.BytesIO(book_of()))
        book["Raporti"]["E8"].comment = Comment("Kanarina", author)
        buffer = io.BytesIO()
        book.save(buffer)
        reading = read(buffer.getvalue(), tmp_path)
        assert [each.rule for each in reading.problems] == found
        assert "anarina" not in str(reading)


def test_reading_aids_are_no_part_of_a_number(tmp_path: Path) -> None:
    cell = '<c r="E8" t="inlineStr"><is><t>5</t><rPh sb="0" eb="1"><t>9</t></rPh></is></c>'
    content = patched(book_of(), SHEET, lambda xml: re.sub(r'<c r="E8".*?</c>', cell, xml))
    assert read(content, tmp_path).rows[1]["value"] == 5.0


# -- one sheet, written in several ways

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def prefixed(xml: str) -> str:
    xml = re.sub(r"<(/?)(?![?!])([A-Za-z]\w*)(?=[\s/>])", r"<\1ss:\2", xml)
    return xml.replace(f'xmlns="{MAIN}"', f'xmlns:ss="{MAIN}"')


def quoted(xml: str) -> str:
    return re.sub(r' ([\w:]+)="([^"\']*)"', r" \1 =\n'\2'", xml)


def turned(xml: str) -> str:
    def turn(found: re.Match[str]) -> str:
        attributes = re.findall(r' [\w:]+="[^"]*"', found[2])
        return f"<{found[1]}{''.join(reversed(attributes))}{found[3]}"

    return re.sub(r"<([\w:]+)((?: [\w:]+=\"[^\"]*\")+)(/?>)", turn, xml)


def strict(xml: str) -> str:
    return xml.replace(MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main")


@pytest.mark.parametrize("write", [prefixed, quoted, turned, strict])
@pytest.mark.parametrize("part", [SHEET, r"xl/(workbook|sharedStrings|styles|worksheets/\w+)\.xml"])
def test_rules_see_a_sheet_however_its_xml_is_written(
    write: Callable[[str], str], part: str, tmp_path: Path
) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_formula("E7", "=1+2", None, 3)
        sheet.merge_range("E8:E9", 5)
        sheet.write(8, 0, "2.1.15.1", book.add_format({"font_strikeout": True}))
        sheet.set_row(6, None, None, {"hidden": True})

    plain, other = book_of(None, fill), patched(book_of(None, fill), part, write)
    assert plain != other
    told = [
        [(found.rule, found.cell, found.row_number) for found in read(each, tmp_path).problems]
        for each in (plain, other)
    ]
    assert told[0] == told[1]
    assert {rule for rule, _, _ in told[0]} == {
        "formula_in_cell", "invalid_frame", "unknown_indicator", "hidden_cells_read",
    }  # fmt: skip


def test_cells_of_another_namespace_are_not_read(tmp_path: Path) -> None:
    content = patched(
        book_of(),
        SHEET,
        lambda xml: re.sub(
            r'<c r="E8".*?</c>', '<y:c xmlns:y="urn:y" r="E8"><y:v>9</y:v></y:c>', xml
        ),
    )
    reading = read(content, tmp_path)
    assert [found.rule for found in reading.problems] == ["unreadable_file"]


def test_a_workbook_whose_parts_have_backslashes_says_what_to_do(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book_of())) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            entry.filename = entry.filename.replace("/", "\\")
            new.writestr(entry, data)
    (found,) = read(buffer.getvalue(), tmp_path).problems
    assert "open it in Excel and save it again" in found.message_en


# -- an .ods, written by hand

NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"'
)

MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
)


def open_document(cell: str, style: str = "") -> bytes:
    """Return an .ods of the report, with the XML of the value's cell."""
    rows = []
    for number, line in enumerate(HEAD):
        cells = [
            f'<table:table-cell office:value-type="string"><text:p>{each}</text:p>'
            "</table:table-cell>"
            for each in line
        ]
        if number == VALUE[0]:
            cells[VALUE[1]] = cell
        rows.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
    content = (
        f"<office:document-content {NAMES}><office:automatic-styles>{style}"
        '</office:automatic-styles><office:body><office:spreadsheet><table:table table:name="R">'
        f"{''.join(rows)}</table:table></office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", MANIFEST)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        ('style:text-line-through-style="solid"', "struck through"),
        ('style:text-line-through-type="double"', "struck through"),
        ('style:text-line-through-style="none" style:text-line-through-type="single"', None),
        ('style:text-position="super 58%"', "raised"),
        ('style:text-position="0% 100%"', None),
        ('fo:color="#ffffff"', "can't be seen"),
        ('fo:color="#c00000"', "look alike"),
        ('text:display="none"', "can't be seen"),
        ('fo:font-weight="normal"', None),
    ],
)
def test_a_span_of_an_ods_is_looked_at(
    properties: str, sentence: str | None, tmp_path: Path
) -> None:
    style = (
        '<style:style style:name="T1" style:family="text">'
        f"<style:text-properties {properties}/></style:style>"
    )
    cell = (
        '<table:table-cell office:value-type="string"><text:p>'
        '<text:span text:style-name="T1">5</text:span>7</text:p></table:table-cell>'
    )
    reading = read(open_document(cell, style), tmp_path)
    if sentence:
        must_be_left_out(reading, sentence)
    else:
        assert reading.rows[1]["value"] == 57.0


def test_an_ods_that_states_another_text_or_number_than_it_shows_is_not_taken(
    tmp_path: Path,
) -> None:
    for attributes, shown, is_refused in (
        ('office:value-type="string" office:string-value="9"', "3", True),
        ('office:value-type="string" office:string-value="3"', "3", False),
        ('office:value-type="float" office:value="409.99999999999994"', "410", False),
        ('office:value-type="float" office:value="9"', "3", True),
    ):
        cell = f"<table:table-cell {attributes}><text:p>{shown}</text:p></table:table-cell>"
        reading = read(open_document(cell), tmp_path)
        if is_refused:
            must_be_left_out(reading, "format shows another")
        else:
            assert [row["value"] for row in reading.rows] == [1.0, float(shown), 1.0]


def test_an_ods_with_other_prefixes_says_what_to_do(tmp_path: Path) -> None:
    cell = '<table:table-cell office:value-type="float" office:value="3"/>'
    content = patched(
        open_document(cell),
        "content.xml",
        lambda xml: re.sub("(?<=[</ ])table:", "t:", xml).replace("xmlns:table=", "xmlns:t="),
    )
    (found,) = read(content, tmp_path).problems
    assert "save it again" in found.message_en


# -- shared strings of an .xls


def test_the_parts_of_shared_strings_are_found_where_a_record_goes_on_in_another() -> None:
    plain = struct.pack("<HB", 3, 0) + b"abc"
    rich = struct.pack("<HBH", 2, 8, 2) + b"57" + struct.pack("<4H", 0, 5, 1, 6)
    behind = struct.pack("<HBH", 2, 9, 1) + "57".encode("utf-16-le") + struct.pack("<2H", 1, 7)
    spoken = struct.pack("<HBI", 2, 4, 6) + b"xy" + bytes(6)
    whole = struct.pack("<2I", 5, 5) + plain + rich + behind + spoken + plain
    expected = {1: [5, 6], 2: [-1, 7]}
    assert _rich_strings([whole]) == expected
    # A block may end between strings, within runs, and within letters, which then say their width.
    for cut in range(8, len(whole)):
        letters = {len(whole) - 2, len(whole) - 1}
        blocks = [whole[:cut], whole[cut:]]
        if cut in letters:
            blocks[1] = b"\0" + blocks[1]
            assert _rich_strings(blocks) == expected
    wide = struct.pack("<2IHB", 1, 1, 4, 0) + b"ab", b"\1" + "cd".encode("utf-16-le")
    assert _rich_strings(list(wide)) == {}


# -- numbers


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ("409.99999999999994", 410.0), ("7.0000000000000009", 7.0), ("0.4", None),
        ("4.6", None), ("409.9999", None), ("1e-15", None),
    ],
)  # fmt: skip
def test_a_number_is_as_it_shows_at_15_digits(
    stored: str, value: float | None, tmp_path: Path
) -> None:
    cell = f'<c r="E8"><v>{stored}</v></c>'
    content = patched(book_of(), SHEET, lambda xml: re.sub(r'<c r="E8".*?</c>', cell, xml))
    reading = read(content, tmp_path)
    if value is None:
        must_be_left_out(reading, "whole number")
    else:
        assert reading.problems == []
        row = reading.rows[1]
        assert (row["value"], row["reading_note"]) == (value, "equal at 15 digits")


def test_numbers_in_two_lines_are_not_joined(tmp_path: Path) -> None:
    for said in ("1\n900", "5\r\n7", "5 \v 700"):
        must_be_left_out(
            read(
                book_of(None, lambda _, sheet, said=said: sheet.write(*VALUE, said)),
                tmp_path,
            ),
            "several lines",
        )


# -- what is certain is taken


@pytest.mark.parametrize(
    ("values", "is_accepted"),
    [
        (("pesë", 3, 1), True), (("pesë", "gjashtë", 1), False), (("pesë", "", ""), False),
        ((-1, 2.5, 1), False), ((-1, 2, 1), True), (("pesë", "", "disa"), True),
    ],
)  # fmt: skip
def test_an_unreadable_value_leaves_the_others_unless_most_are(
    values: tuple[object, ...], tmp_path: Path, *, is_accepted: bool
) -> None:
    def write(_: Any, sheet: Any) -> None:
        for number, value in enumerate(values, start=6):
            sheet.write(number, 4, value or " ")

    reading = read(book_of(None, write), tmp_path)
    assert (reading.delivery["status"] == "accepted") is is_accepted
    rules = {found.rule for found in reading.problems}
    assert ("value_left_out" in rules) is is_accepted


def test_a_file_that_is_broken_elsewhere_too_is_refused_as_a_whole(tmp_path: Path) -> None:
    def write(_: Any, sheet: Any) -> None:
        sheet.write(7, 4, "pesë")
        sheet.write(6, 0, "2.1.9.9")

    reading = read(book_of(None, write), tmp_path)
    assert {found.rule for found in reading.problems} == {"not_a_number", "unknown_indicator"}
    assert reading.rows == []


PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6364606060000000050001a5f645400000000049454e44ae426082"
)


def _conditional(**form: object) -> Callable[[Any, Any], None]:
    def write(book: Any, sheet: Any) -> None:
        rule = {"type": "cell", "criteria": ">", "value": 0, "format": book.add_format(form)}
        sheet.conditional_format(*VALUE, *VALUE, rule)

    return write


def _drawn(row: int, column: int, text: str | None) -> Callable[[Any, Any], None]:
    size = {"width": 80, "height": 22}

    def write(_book: Any, sheet: Any) -> None:
        if text is not None:
            sheet.insert_textbox(row, column, text, size)
        else:
            scale = {"x_scale": 60, "y_scale": 20}
            sheet.insert_image(row, column, "x.png", {"image_data": io.BytesIO(PICTURE), **scale})

    return write


#: What changes a sheet beside its cells: the value that is read then, the rules and the sentence.
BESIDE: dict[str, tuple[Callable[[Any, Any], None], float | None, set[str], str]] = {
    "a condition strikes": (
        _conditional(font_strikeout=True), None, {"value_left_out"}, "conditional format"
    ),
    "a condition hides": (
        _conditional(font_color="#FFFFFF"), None, {"value_left_out"}, "conditional format"
    ),
    "a condition blackens": (
        _conditional(bg_color="#000000"), None, {"value_left_out"}, "conditional format"
    ),
    "a condition colours": (_conditional(bg_color="#FFC7CE", bold=True), 3.0, set(), ""),
    "a picture on the value": (_drawn(*VALUE, None), None, {"value_left_out"}, "covers the cell"),
    "a picture at the top": (_drawn(0, 8, None), 3.0, set(), ""),
    "a text on the value": (
        _drawn(*VALUE, "9"), None, {"value_left_out", "comment_not_read"}, "covers the cell"
    ),
    "a text beside": (_drawn(20, 8, "Filan"), 3.0, {"comment_not_read"}, "text box"),
    "a comment": (
        lambda _, sheet: sheet.write_comment(*VALUE, "7"), 3.0, {"comment_not_read"}, "comment"
    ),
    "a low row": (
        lambda _, sheet: sheet.set_row(VALUE[0], 2), 3.0, {"hidden_cells_read"}, "hidden"
    ),
    "a narrow column": (
        lambda _, sheet: sheet.set_column(4, 4, 0.3), 3.0, {"hidden_cells_read"}, "hidden"
    ),
    "a white format": (
        lambda book, sheet: sheet.write(*VALUE, 3, book.add_format({"num_format": "[White]0"})),
        None, {"value_left_out"}, "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods"])
def test_what_lies_beside_or_over_a_cell_is_seen_in_each_format(
    suffix: str, libreoffice: LibreOffice, tmp_path: Path
) -> None:
    for name, (write, value, found, sentence) in BESIDE.items():
        path = tmp_path / f"{name}.xlsx"
        path.write_bytes(book_of(None, write))
        if suffix != "xlsx":
            path = path.with_suffix(f".{suffix}")
            libreoffice.convert(path.with_suffix(".xlsx"), path)
        reading = read(path.read_bytes(), tmp_path)
        assert [row["value"] for row in reading.rows] == [1.0, value, 1.0], name
        assert {problem.rule for problem in reading.problems} == found, name
        assert any(sentence in problem.message_en for problem in reading.problems) or not found
