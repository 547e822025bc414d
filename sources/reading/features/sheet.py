"""What is told of a sheet beside its cells, whatever the format of its workbook.

Belongs here: features, limits, and how an XML part is parsed safely. Not here: finding the features
(the module of each format).
"""

from dataclasses import dataclass, field
from xml.parsers import expat

#: Limits far above any form of the project and far below what harms a small machine.
MAX_SHEETS = 200
MAX_SHEET_CELLS = 4_000_000


#: Points of a row below which nothing in it is seen.
LEAST_HEIGHT = 4.0


class UnreadableFile(Exception):
    """The bytes are no table that is read; `sentence` says why (sources.problems)."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass
class SheetFeatures:
    """What a sheet's cells don't say themselves; rows and columns count from 0.

    `merged` are areas as (first row, first column, last row, last column). The number format of
    a disguised cell shows another number than the cell holds: 500 % for 5; that of one in
    `disguised_texts` another text. Cells at `hidden_zeros`, and all of a sheet that `hides_zeros`,
    show nothing for zero. `unclear` are cells of which a person sees another text than they hold,
    with the sentence that says why, and `conditional` areas where a condition may make it so.
    `covered` are areas below pictures and text boxes, of which one `has_drawn_text`.
    """

    formulas: set[tuple[int, int]] = field(default_factory=set)
    disguised: set[tuple[int, int]] = field(default_factory=set)
    hidden_zeros: set[tuple[int, int]] = field(default_factory=set)
    disguised_texts: set[tuple[int, int]] = field(default_factory=set)
    errors: set[tuple[int, int]] = field(default_factory=set)
    comments: set[tuple[int, int]] = field(default_factory=set)
    unclear: dict[tuple[int, int], str] = field(default_factory=dict)
    conditional: list[tuple[int, int, int, int]] = field(default_factory=list)
    covered: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    is_hidden: bool = False
    hides_zeros: bool = False
    has_drawn_text: bool = False


def xml_parser() -> expat.XMLParserType:
    """Return a parser that refuses a declaration of types: entities of entities are bombs.

    Names come as their namespace and their own, with a space between them: which prefix stands for
    a namespace says nothing.
    """

    def on_doctype(*_: object) -> None:
        raise UnreadableFile("declares_a_type")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = on_doctype
    return parser
