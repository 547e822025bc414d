"""The report as a Word file, filled into a template by docxtpl.

Belongs here: how a block looks in Word, and bytes that are the same for the same report. Not here:
what a report says (content), or the template's fields (template).
"""

import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from orchestration.presentation.blocks import Paragraph, ReportTable
from orchestration.report.blocks import Block, PeriodicReport, Picture, Typed
from orchestration.report.template import CELL_STYLE, NOTE_STYLE, write_template
from orchestration.report.written import BOOKMARK, END, PROMPT_STYLE, STYLE
from sources.atomic import write_bytes
from sources.texts import text

#: The width of what stands on an A4 page between its margins, in centimetres.
_WIDTH = 17.0
_HIGHEST = 19.0
#: The width of a table, in twentieths of a point.
_TABLE_WIDTH = round(_WIDTH / 2.54 * 1440)
_SCALE = 2
#: A table of so many rows stays on a page; of a longer one so many stay with the next.
_SMALL, _WITH_HEAD = 8, 3
#: What a zip file's entries and properties are dated: the beginning of zip's own time.
_ZIP_DAY = (1980, 1, 1, 0, 0, 0)
_DAY = datetime(1980, 1, 1)


def write_word(report: PeriodicReport, path: Path, template: Path | None = None) -> None:
    """Write the report into a copy of the template, krat's own where none is given.

    The template must be without mistakes (template.check_template).
    """
    import docx
    from docxtpl import DocxTemplate
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from markupsafe import Markup

    source: Any = io.BytesIO()
    if template is None:
        write_template(source)
        source.seek(0)
    else:
        source = str(template)
    filled = DocxTemplate(source)
    filled.init_docx()
    writer = _Writer(filled.docx, report)
    values: dict[str, Any] = {
        "title": report.title,
        "subtitle": report.subtitle,
        "running": report.running,
        "page": text("report.page", report.language),
        "marks": Markup(writer.marks()),
        "facts": Markup(writer.facts()),
    }
    for section in report.sections:
        values[f"{section.key}_heading"] = section.heading
        values[section.key] = Markup(writer.blocks(section.blocks))
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
    filled.render(values, environment)
    document: docx.document.Document = filled.docx
    _set_language(document, report)
    properties = document.core_properties
    properties.title, properties.author, properties.language = report.title, "krat", report.language
    properties.subject, properties.comments, properties.keywords = report.subtitle, "", ""
    properties.last_modified_by, properties.revision = "krat", 1
    properties.created = properties.modified = _DAY
    made = io.BytesIO()
    document.save(made)
    write_bytes(path, _same_bytes(made.getvalue()))


class _Writer:
    """Makes blocks as XML, by the styles of a document, which takes their pictures."""

    def __init__(self, document: Any, report: PeriodicReport) -> None:
        self._document, self._report = document, report
        self._styles = {style.name: style.style_id for style in document.styles}
        self._marks = 1000

    def marks(self) -> str:
        return "".join(self._paragraph(mark, None, bold=True) for mark in self._report.marks) or (
            self._paragraph("", NOTE_STYLE)
        )

    def facts(self) -> str:
        rows = tuple(self._report.facts)
        return self._table(ReportTable("", (), rows, (0.28, 0.72))) + self._paragraph(
            "", NOTE_STYLE
        )

    def blocks(self, blocks: tuple[Block, ...]) -> str:
        return "".join(self._block(block) for block in blocks)

    def _block(self, block: Block) -> str:
        if isinstance(block, Paragraph):
            style = {"note": NOTE_STYLE, "minor": "Heading 3"}.get(block.kind)
            return self._paragraph(block.text, style)
        if isinstance(block, ReportTable):
            notes = "".join(self._paragraph(note, NOTE_STYLE) for note in block.notes if note)
            caption = self._paragraph(block.caption, "Caption")
            return caption + self._table(block) + (notes or self._paragraph("", NOTE_STYLE))
        if isinstance(block, Picture):
            notes = "".join(self._paragraph(note, NOTE_STYLE) for note in block.notes if note)
            return self._paragraph(block.caption, "Caption") + self._picture(block) + notes
        return self._typed(block)

    def _typed(self, block: Typed) -> str:
        title = self._paragraph(block.title, "Heading 3", mark=f"{BOOKMARK}{block.key}")
        said = "".join(self._paragraph(prompt, PROMPT_STYLE) for prompt in block.prompts)
        language = self._report.language
        if block.head:
            widths = (0.32, *(0.68 / (len(block.head) - 1),) * (len(block.head) - 1))
            said += self._table(ReportTable("", block.head, block.rows, widths))
        elif not block.lines:
            empty = block.empty if block.is_open else text("report.typed.not_written", language)
            said += self._paragraph(empty, STYLE)
        said += "".join(self._paragraph(line, STYLE) for line in block.lines)
        return title + said + self._paragraph("", NOTE_STYLE, mark=f"{END}{block.key}")

    def _paragraph(
        self, said: str, style: str | None, *, bold: bool = False, mark: str = ""
    ) -> str:
        return _paragraph(self._styles.get(style or "", ""), said, bold=bold, mark=self._mark(mark))

    def _mark(self, name: str) -> tuple[int, str] | None:
        if not name:
            return None
        self._marks += 1
        return self._marks, name

    def _table(self, table: ReportTable) -> str:
        style = self._styles[CELL_STYLE]
        widths = [round(_TABLE_WIDTH * share / sum(table.widths)) for share in table.widths]
        rows = []
        lines = [table.head, *table.rows] if table.head else list(table.rows)
        # A small table stays together; of a long one the first rows stay with its head.
        kept_places = range(len(lines) - 1) if len(lines) <= _SMALL else range(_WITH_HEAD)
        for place, line in enumerate(lines):
            is_head = bool(table.head) and place == 0
            cells = []
            for column, (said, width) in enumerate(zip(line, widths, strict=True)):
                bold = is_head or (not table.head and column == 0)
                to_the_right = column in table.numeric
                paragraph = _paragraph(
                    style,
                    said,
                    bold=bold,
                    to_the_right=to_the_right,
                    with_next=place in kept_places,
                )
                shade = '<w:shd w:val="clear" w:color="auto" w:fill="E6E6E6"/>' if is_head else ""
                size = f'<w:tcW w:w="{width}" w:type="dxa"/>'
                cells.append(f"<w:tc><w:tcPr>{size}{shade}</w:tcPr>{paragraph}</w:tc>")
            # A row stays on one page; a row of headings is on each.
            repeated = "<w:tblHeader/>" if is_head else ""
            kept = f"<w:trPr><w:cantSplit/>{repeated}</w:trPr>"
            rows.append(f"<w:tr>{kept}{''.join(cells)}</w:tr>")
        borders = "".join(
            f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="999999"/>'
            for side in ("top", "bottom", "insideH")
        )
        columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
        caption = f"<w:tblCaption w:val={quoteattr(table.caption)}/>" if table.caption else ""
        return (
            f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
            f"<w:tblBorders>{borders}</w:tblBorders>"
            f'<w:tblLayout w:type="fixed"/>{caption}</w:tblPr>'
            f"<w:tblGrid>{columns}</w:tblGrid>{''.join(rows)}</w:tbl>"
        )

    def _picture(self, picture: Picture) -> str:
        from docx.shared import Cm

        made = self._document.add_paragraph()
        shape = made.add_run().add_picture(io.BytesIO(picture.chart.png(_SCALE)))
        # Drawn twice as fine as it is shown; never larger than the page.
        share = min(1 / _SCALE, Cm(_WIDTH) / shape.width, Cm(_HIGHEST) / shape.height)
        shape.width, shape.height = int(shape.width * share), int(shape.height * share)
        shape._inline.docPr.set("descr", picture.chart.alt)
        shape._inline.docPr.set("title", picture.caption)
        return _taken(made._p)


def _taken(element: Any) -> str:
    """Take an element out of its document, and return its XML."""
    element.getparent().remove(element)
    return str(element.xml)


def _paragraph(
    style: str,
    said: str,
    *,
    bold: bool = False,
    to_the_right: bool = False,
    with_next: bool = False,
    mark: tuple[int, str] | None = None,
) -> str:
    """Return a paragraph's XML; `mark` is the number and name of a bookmark around it."""
    properties = f'<w:pStyle w:val="{style}"/>' if style else ""
    properties += "<w:keepNext/>" if with_next else ""
    properties += '<w:jc w:val="right"/>' if to_the_right else ""
    weight = "<w:rPr><w:b/></w:rPr>" if bold else ""
    begin = end = ""
    if mark:
        begin = f'<w:bookmarkStart w:id="{mark[0]}" w:name="{mark[1]}"/>'
        end = f'<w:bookmarkEnd w:id="{mark[0]}"/>'
    text = f'<w:t xml:space="preserve">{escape(said)}</w:t>'
    return f"<w:p><w:pPr>{properties}</w:pPr>{begin}<w:r>{weight}{text}</w:r>{end}</w:p>"


def _set_language(document: Any, report: PeriodicReport) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    properties = document.styles["Normal"].element.get_or_add_rPr()
    for old in properties.findall(qn("w:lang")):
        properties.remove(old)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), {"sq": "sq-AL", "en": "en-GB"}[report.language])
    properties.append(language)


def _same_bytes(content: bytes) -> bytes:
    """Return a zip file with its entries in order and without the day of its making."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as before,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        # The list of contents goes first, as Word writes it.
        for name in sorted(before.namelist(), key=lambda one: (one != "[Content_Types].xml", one)):
            entry = zipfile.ZipInfo(name, _ZIP_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            after.writestr(entry, before.read(name))
    return made.getvalue()
