"""The Word template of the report: its fields and styles, krat's own, and an office's checked.

Belongs here: which fields a template has, and what is wrong with one. Not here: filling it in
(document).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

from orchestration.report.content import SECTIONS
from orchestration.report.written import PROMPT_STYLE, STYLE
from sources.texts import Language, text

#: Styles by which krat sets a table's cell and a note.
CELL_STYLE, NOTE_STYLE = "KRAT Tabela", "KRAT Sqarim"
STYLES = ("Heading 2", "Heading 3", "Caption", CELL_STYLE, NOTE_STYLE, STYLE, PROMPT_STYLE)

#: Fields that a template must have, and those that it may leave out.
REQUIRED = ("title", "running", *SECTIONS)
OPTIONAL = ("subtitle", "marks", "facts", "page", *(f"{key}_heading" for key in SECTIONS))

#: Fields that stand for whole paragraphs: written {{p field }}, alone in their paragraph.
BLOCKS = ("marks", "facts", *SECTIONS)

_FIELD = re.compile(r"{{-?(?:(?:p|r|tr|tc)\s)?\s*([A-Za-z_]\w*)")
_FONT = "Arial"


@dataclass(frozen=True)
class WrongTemplate(ValueError):
    """What is wrong with a template: a key of report.template, and its values."""

    problem: str
    values: tuple[tuple[str, str], ...] = ()

    def sentence(self, language: Language) -> str:
        """Return it in words."""
        values: dict[str, str] = dict(self.values)
        if place := values.get("place"):
            kind, _, rest = place.partition("|")
            if kind == "header":
                place = text("report.template.header_place", language, text=rest)
            else:
                place = text("report.template.place", language, number=kind, text=rest)
            values["place"] = place
        return text(f"report.template.{self.problem}", language, **values)


def check_template(path: Path) -> list[WrongTemplate]:
    """Return what is wrong with a template, in its order; nothing where it can be filled in."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from jinja2 import Environment, TemplateSyntaxError

    try:
        document = docx.Document(str(path))
    except (PackageNotFoundError, BadZipFile, KeyError, ValueError):
        return [WrongTemplate("no_file")]
    wrong: list[WrongTemplate] = []
    found: set[str] = set()
    for place, said in _paragraphs(document):
        if "{" not in said:
            continue
        names = _FIELD.findall(said)
        found.update(names)
        shown = (("place", place),)
        wrong += [
            WrongTemplate("unknown", (("field", name), *shown))
            for name in names
            if name not in (*REQUIRED, *OPTIONAL)
        ]
        plain = re.sub(r"({{|{%)-?(?:p|r|tr|tc)\s", r"\1 ", said)
        if said.count("{{") != said.count("}}") or said.count("{%") != said.count("%}"):
            wrong.append(WrongTemplate("broken", (*shown, ("detail", "{{ … }}"))))
        elif "{%" not in said:
            try:
                Environment(autoescape=True).parse(plain)
            except TemplateSyntaxError as mistake:
                wrong.append(WrongTemplate("broken", (*shown, ("detail", str(mistake)))))
        for name in names:
            if name in BLOCKS and not re.fullmatch(rf"\s*{{{{p\s+{name}\s*}}}}\s*", said):
                wrong.append(WrongTemplate("broken", (*shown, ("detail", f"{{{{p {name} }}}}"))))
    wrong += [WrongTemplate("missing", (("field", one),)) for one in REQUIRED if one not in found]
    styles = {style.name for style in document.styles}
    return wrong + [
        WrongTemplate("style", (("style", one),)) for one in STYLES if one not in styles
    ]


def _paragraphs(document: Any) -> Iterator[tuple[str, str]]:
    """Return the place and text of each paragraph, also in tables, heads and feet of pages."""
    from docx.oxml.ns import qn

    for number, element in enumerate(document.element.body.iter(qn("w:p")), 1):
        said = "".join(part.text or "" for part in element.iter(qn("w:t")))
        yield f"{number}|{said[:60]}", said
    for section in document.sections:
        for part in (section.header, section.footer):
            for paragraph in part.paragraphs:
                yield f"header|{paragraph.text[:60]}", paragraph.text


def write_template(target: Path | IO[bytes]) -> None:
    """Write krat's own template: A4, a heading and a field a section."""
    import docx
    from docx.enum.style import WD_STYLE_TYPE
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm, Pt, RGBColor

    document = docx.Document()
    # The library's own template has a picture of another document.
    package = document.part.package
    for name, relation in list(package.rels.items() if package else ()):
        if relation.reltype.endswith("/thumbnail"):
            del package.rels[name]
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2)
    page.top_margin, page.bottom_margin = Cm(2.2), Cm(2)

    def style(name: str, size: float, *, bold: bool = False, after: float = 4) -> Any:
        if name in [one.name for one in document.styles]:
            made: Any = document.styles[name]
        else:
            made = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
            made.base_style = document.styles["Normal"]
        made.font.name, made.font.size, made.font.bold = _FONT, Pt(size), bold
        made.font.color.rgb = RGBColor(0, 0, 0)
        _one_font(made)
        made.paragraph_format.space_after = Pt(after)
        return made

    style("Normal", 10)
    style("Title", 20, bold=True, after=2)
    style("Subtitle", 14, after=10)
    for name, size, before in (
        ("Heading 1", 14, 18),
        ("Heading 2", 12, 12),
        ("Heading 3", 10.5, 10),
    ):
        made = style(name, size, bold=True)
        made.paragraph_format.space_before = Pt(before)
        made.paragraph_format.keep_with_next = True
    caption = style("Caption", 9, bold=True)
    caption.paragraph_format.keep_with_next = True
    caption.paragraph_format.space_before = Pt(8)
    style(CELL_STYLE, 8, after=0)
    style(NOTE_STYLE, 8.5, after=6)
    style(PROMPT_STYLE, 9)
    style(STYLE, 10)

    head = page.header.paragraphs[0]
    head.text, head.style = "{{ running }}", document.styles[NOTE_STYLE]
    foot = page.footer.paragraphs[0]
    foot.style, foot.alignment = document.styles[NOTE_STYLE], WD_ALIGN_PARAGRAPH.RIGHT
    foot.add_run("{{ page }} ")
    _page_number(foot)

    document.add_paragraph("{{p marks }}")
    document.add_paragraph("{{ title }}", style="Title")
    document.add_paragraph("{{ subtitle }}", style="Subtitle")
    document.add_paragraph("{{p facts }}")
    for key in SECTIONS:
        document.add_paragraph(f"{{{{ {key}_heading }}}}", style="Heading 1")
        document.add_paragraph(f"{{{{p {key} }}}}")
    document.save(str(target) if isinstance(target, Path) else target)


def _one_font(style: Any) -> None:
    """Give a style one font for all scripts, and none of the theme, which goes before it."""
    from docx.oxml.ns import qn

    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for name in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(name), _FONT)


def _page_number(paragraph: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)
