"""The report as one HTML file that needs no other: drawings, style and all.

Belongs here: how a report becomes a page. Not here: what it says (content).
"""

import re
from itertools import count
from pathlib import Path

from orchestration.report.blocks import PeriodicReport, Picture
from sources.atomic import write_text
from sources.texts import text

_FOLDER = Path(__file__).with_name("templates")
_WORDS = {"skip": "skip", "contents": "contents", "not_written": "typed.not_written"}


def write_page(report: PeriodicReport, path: Path) -> None:
    """Write the report as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = count(1)

    def drawing(picture: Picture) -> Markup:
        return Markup(_own_names(picture.chart.svg(), f"figure{next(numbers)}-"))

    style = Markup((_FOLDER / "report.css").read_text(encoding="utf-8"))
    words = {name: text(f"report.{key}", report.language) for name, key in _WORDS.items()}
    page = environment.get_template("report.html")
    write_text(path, page.render(report=report, style=style, words=words, drawing=drawing))


def _own_names(svg: str, prefix: str) -> str:
    """Return a drawing with names of its own: those of two drawings on a page would be mixed up."""
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}", svg)
    return re.sub(r'href="#', f'href="#{prefix}', svg)
