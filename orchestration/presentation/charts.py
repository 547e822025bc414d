"""Charts by Altair, drawn by vl-convert: without network or browser, and readable without colour.

Belongs here: how a figure is drawn, so that a number, zero, no data, a withheld number and a bound
look different in black and white. Not here: which figures a page shows.

A chart holds what its signs say and nothing more: of a figure that is withheld it has no number.
The same chart gives the same bytes.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from orchestration.presentation.formats import chart_locale, number
from orchestration.presentation.sentences import Figure, sign
from sources.texts import Language, text

#: The one font that vl-convert brings along: another that is absent would draw no text at all.
_FONT = "Liberation Sans"
_FONTS = f"{_FONT}, Arial, Helvetica, sans-serif"

#: Vega knows no patterns. What is filled with one of these is filled with the pattern afterwards.
_HATCHED, _CROSSED, _STRIPED = "#010203", "#010204", "#010205"
_PATTERNS = {
    _HATCHED: '<path d="M0,8 L8,0" stroke="#aaa" stroke-width="1"/>',
    _CROSSED: '<path d="M0,8 L8,0 M0,0 L8,8" stroke="#aaa" stroke-width="1"/>',
    _STRIPED: '<path d="M0,4 L8,4" stroke="#444" stroke-width="2"/>',
}

#: A bar that may be longer fades at its end.
_OPEN_TOP, _OPEN_RIGHT = "#010206", "#010207"
_FADES = {_OPEN_TOP: 'x1="0" y1="1" x2="0" y2="0"', _OPEN_RIGHT: 'x1="0" y1="0" x2="1" y2="0"'}

#: How an axis writes its numbers: "," alone turns 50 into 5e+1.
_AMOUNTS = ",.2~f"

#: What Vega says of each part of a chart, which has one label as a whole.
_INNER_ROLES = re.compile(r' (?:role|aria-roledescription|aria-label|aria-hidden)="[^"]*"')

_DARK, _EDGE, _PALE = "#444444", "#777777", "#ffffff"

#: The four greys of the map, from few to many.
GREYS = ("#e6e6e6", "#bdbdbd", "#8a8a8a", "#555555")

#: States without a number that nobody could have given: drawn empty, others hatched.
_EMPTY = ("not_due", "not_owed", "not_of_period", "not_applicable", "not_covered")

#: Where a bar that is longer than its axis is cut, as a share of the axis.
_CUT = 0.79

#: What is white behind letters, in the one layer of them: drawn before their ink.
_HALO = "#fffffe"

#: Of a county that nothing is known of.
_NOT_REPORTED = Figure(None, "", "not_reported")

#: The height of a box that stands for a withheld number, as a share of the axis.
_BOX = 0.25


@dataclass(frozen=True)
class Bar:
    """A figure under its label; `is_break` where the figures before it don't compare with it."""

    label: str
    figure: Figure
    is_break: bool = False


@dataclass(frozen=True)
class TargetLine:
    """A line across the bars, with its name."""

    label: str
    value: float


@dataclass(frozen=True)
class Chart:
    """A chart as Vega-Lite describes it, with the words for who can't see it."""

    spec: Mapping[str, Any]
    alt: str
    language: Language

    def svg(self) -> str:
        """Return it as SVG, with its text as text and `alt` as its label."""
        import vl_convert

        drawn = vl_convert.vegalite_to_svg(
            dict(self.spec), format_locale=chart_locale(self.language), allowed_base_urls=[]
        )
        return (
            self._labelled(_patterned(drawn))
            .replace(f'font-family="{_FONT}"', f'font-family="{_FONTS}"')
            .replace(f'stroke="{_HALO}"', f'stroke="{_HALO}" paint-order="stroke"')
        )

    def png(self, scale: float = 2) -> bytes:
        """Return it as PNG, `scale` pixels for each of its points."""
        import vl_convert

        return bytes(vl_convert.svg_to_png(self.svg(), scale=scale))

    def _labelled(self, svg: str) -> str:
        label = escape(self.alt, quote=True)
        svg = _INNER_ROLES.sub("", svg)
        return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def bar_chart(
    bars: Sequence[Bar],
    language: Language,
    alt: str,
    *,
    targets: Sequence[TargetLine] = (),
    axis: str = "",
    width: int = 560,
    height: int = 220,
) -> Chart:
    """Return upright bars in the order given, with a line for each target.

    The axis begins at 0. A bound is open at the top with an arrow; of an interval the part that is
    not certain is striped; zero is a thick tick; what is not known is hatched over the full height;
    a withheld number is a crossed box of one size.
    """
    import altair

    top = _top(bars, targets)
    rows = [_row(position, bar, top, language) for position, bar in enumerate(bars)]
    place = altair.X(
        "place:N",
        sort=[row["place"] for row in rows],
        title=None,
        axis=altair.Axis(
            labelExpr=_label_expression(rows),
            labelAngle=0 if len(bars) <= 12 else -45,
            labelLimit=140,
            ticks=False,
        ),
    )
    scale = altair.Scale(domain=[0, top], nice=False)
    # What is counted in whole numbers has no half on its axis.
    ends = (end for bar in bars for end in (bar.figure.value, bar.figure.most) if end is not None)
    is_whole = all(float(end).is_integer() for end in ends)
    least_step = 1 if is_whole else altair.Undefined
    amounts = altair.Axis(format=_AMOUNTS, tickCount=5, tickMinStep=least_step)

    def encode(start: str, end: str | None = None) -> dict[str, Any]:
        shown = altair.Y(start, scale=scale, title=axis or None, axis=amounts)
        return {"x": place, "y": shown} | ({"y2": altair.Y2(end)} if end else {})

    layers = _bar_layers(rows, encode, {"shape": "triangle-up", "yOffset": -3}, is_lying=False)
    layers.append(
        _layer(rows).mark_text(dy=-10, fontSize=11).encode(**encode("text_at:Q"), text="sign:N")
    )
    for target in targets:
        line = _layer([{"value": target.value, "label": target.label}])
        y = altair.Y("value:Q", scale=scale)
        layers.append(line.mark_rule(strokeDash=[6, 3], stroke="#000").encode(y=y))
        layers.append(
            line.mark_text(align="right", baseline="bottom", dy=-2, fontSize=10).encode(
                x=altair.value(width), y=y, text="label:N"
            )
        )
    breaks = [row for row in rows if row["is_break"]]
    if breaks:
        half = width / len(bars) / 2
        rule = _layer(breaks).mark_rule(strokeDash=[2, 2], xOffset=-half, stroke="#000")
        layers.append(rule.encode(x=place))
    return Chart(_spec(altair.layer(*layers).properties(width=width, height=height)), alt, language)


def lying_bars(
    bars: Sequence[Bar],
    language: Language,
    alt: str,
    *,
    most: float | None = None,
    target: float | None = None,
    axis: str = "",
    width: int = 360,
) -> Chart:
    """Return bars that lie, one below the other, for names too long to stand under a bar.

    The axis ends at `most` where it is given, and a longer bar is cut by two strokes; the sign
    beside a bar has its whole number. A line stands at the target.
    """
    import altair

    top = most or _top(bars, [TargetLine("", target)] if target is not None else [])
    rows = [_row(position, bar, top, language) for position, bar in enumerate(bars)]
    place = altair.Y(
        "place:N",
        sort=[row["place"] for row in rows],
        title=None,
        axis=altair.Axis(labelExpr=_label_expression(rows), labelLimit=320, ticks=False),
    )
    # The signs stand to the right of the longest bar.
    scale = altair.Scale(domain=[0, top * 1.15], nice=False)
    amounts = altair.Axis(format=_AMOUNTS, tickCount=5)

    def encode(start: str, end: str | None = None) -> dict[str, Any]:
        shown = altair.X(start, scale=scale, title=axis or None, axis=amounts)
        return {"y": place, "x": shown} | ({"x2": altair.X2(end)} if end else {})

    layers = _bar_layers(rows, encode, {"shape": "triangle-right", "xOffset": 3}, is_lying=True)
    text = _layer(rows).mark_text(align="left", dx=9, fontSize=11)
    layers.append(text.encode(**encode("text_at:Q"), text="sign:N"))
    if target is not None:
        # On a dark bar the line is seen by the white beside it.
        for look in (
            {"stroke": "#fff", "strokeWidth": 3},
            {"stroke": "#000", "strokeDash": [6, 3]},
        ):
            line = _layer([{"value": target}]).mark_rule(**look)
            layers.append(line.encode(x=altair.X("value:Q", scale=scale)))
    beyond = [row | {"cut": top * _CUT} for row in rows if row["is_beyond"]]
    if beyond:
        cut = _layer(beyond).mark_text(text="//", fontSize=18, fontWeight="bold", color="#fff")
        layers.append(cut.encode(**encode("cut:Q")))
    chart = altair.layer(*layers).properties(width=width, height=altair.Step(24))
    return Chart(_spec(chart), alt, language)


def grid(
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Mapping[tuple[str, str], Figure],
    language: Language,
    alt: str,
    *,
    step: int = 44,
) -> Chart:
    """Return a grid with each figure's sign in its cell; a pair without a figure is left blank."""
    import altair

    values = [
        {
            "row": row,
            "column": column,
            "sign": sign(figure, language),
            "fill": _fill(figure),
        }
        for (row, column), figure in cells.items()
    ]
    base = _layer(values).encode(
        x=altair.X(
            "column:N", sort=list(columns), title=None, axis=altair.Axis(orient="top", labelAngle=0)
        ),
        y=altair.Y("row:N", sort=list(rows), title=None, axis=altair.Axis(labelLimit=320)),
    )
    boxes = base.mark_rect(stroke=_EDGE).encode(fill=altair.Fill("fill:N", scale=None))
    # A sign is read on hatching by the white around it.
    texts = [
        base.mark_text(fontSize=11, **look).encode(text="sign:N")
        for look in ({"stroke": "#fff", "strokeWidth": 5, "color": "#fff"}, {"color": "#000"})
    ]
    chart = altair.layer(boxes, *texts).properties(width=altair.Step(step), height=altair.Step(24))
    return Chart(_spec(chart), alt, language)


def county_map(
    figures: Mapping[str, Figure],
    names: Mapping[str, str],
    bounds: Sequence[float],
    language: Language,
    alt: str,
    *,
    width: int = 300,
    height: int = 480,
) -> Chart:
    """Return the 12 counties with name and sign, in a grey by the three bounds between greys.

    Who gave no number is hatched, whose number is withheld crossed; neither is a grey. Both maps
    hold the county's code: `figures` and `names`.
    """
    import altair

    shapes = []
    for shape in county_shapes():
        code = shape["properties"]["county_code"]
        figure = figures.get(code, _NOT_REPORTED)
        properties = {
            "code": code,
            "name": names.get(code, code),
            "sign": sign(figure, language),
            "fill": _map_fill(figure, bounds),
            "has_number": figure.value is not None,
        }
        longitude, latitude = _middle(shape)
        shapes.append({**shape, "properties": properties | {"lon": longitude, "lat": latitude}})
    layers = [
        # A layer a fill: Vega-Lite draws a shape without a number in the colour of 0.
        _layer([one for one in shapes if one["properties"]["fill"] == fill]).mark_geoshape(
            fill=fill, stroke="#333333", strokeWidth=0.7
        )
        for fill in dict.fromkeys(one["properties"]["fill"] for one in shapes)
    ]
    every = [one["properties"] for one in shapes]
    # A reason is longer than a number, and some counties are narrow.
    for words, size, lower, here in (
        ("name", 10, -6, every),
        ("sign", 12, 7, [one for one in every if one["has_number"]]),
        ("sign", 9, 5, [one for one in every if not one["has_number"]]),
    ):
        layers.append(
            _layer(here)
            .mark_text(fontSize=size, dy=lower, color="#000", stroke=_HALO, strokeWidth=3)
            .encode(longitude="lon:Q", latitude="lat:Q", text=f"{words}:N")
        )
    chart = altair.layer(*layers).project(type="mercator").properties(width=width, height=height)
    key = _map_key(shapes, figures, bounds, language)
    return Chart(_spec(altair.vconcat(chart, key, spacing=8)), alt, language)


def _map_key(
    shapes: Sequence[Mapping[str, Any]],
    figures: Mapping[str, Figure],
    bounds: Sequence[float],
    language: Language,
) -> Any:
    """Return the key of a map: each fill that it has, with what it stands for."""
    import altair

    ends = [number(bound, language) for bound in bounds]
    spans = pairwise(ends)
    words = [f"< {ends[0]}", *(f"{low} – < {high}" for low, high in spans), f"≥ {ends[-1]}"]
    names = dict(zip(GREYS, words, strict=True))
    for shape in shapes:
        given = shape["properties"]
        state = figures.get(given["code"], _NOT_REPORTED).kind
        if given["fill"] not in GREYS:
            told = text(f"figures.legend.{state}", language)
            known = names.setdefault(given["fill"], told)
            if told not in known.split("; "):
                names[given["fill"]] = f"{known}; {told}"
    rows = [
        {"fill": fill, "name": name, "place": place}
        for place, (fill, name) in enumerate(names.items())
    ]
    at = altair.Y("place:O", axis=None)
    boxes = [
        _layer([row])
        .mark_rect(fill=row["fill"], stroke=_EDGE, width=22, height=12)
        .encode(x=altair.value(12), y=at)
        for row in rows
    ]
    names_beside = (
        _layer(rows)
        .mark_text(align="left", fontSize=11)
        .encode(x=altair.value(30), y=at, text="name:N")
    )
    return altair.layer(*boxes, names_beside).properties(width=280, height=altair.Step(17))


@cache
def county_shapes() -> tuple[dict[str, Any], ...]:
    """Return the outlines of the 12 counties as GeoJSON features, each with its `county_code`.

    Vega wants outer rings clockwise, GeoJSON has them the other way round.
    """
    path = Path(__file__).with_name("counties.geojson")
    shapes = json.loads(path.read_bytes())["features"]
    for shape in shapes:
        geometry = shape["geometry"]
        polygons = geometry["coordinates"]
        for polygon in [polygons] if geometry["type"] == "Polygon" else polygons:
            polygon[:] = [_turned(ring, place == 0) for place, ring in enumerate(polygon)]
    return tuple(shapes)


#: How the parts of a bar look.
_STYLES: dict[str, dict[str, Any]] = {
    "solid": {"fill": _DARK},
    "uncertain": {"fill": _STRIPED, "stroke": _DARK, "strokeDash": [3, 2]},
    "hatched": {"fill": _HATCHED, "stroke": _EDGE, "strokeDash": [3, 2]},
    "crossed": {"fill": _CROSSED, "stroke": _DARK},
}


def _row(position: int, bar: Bar, top: float, language: Language) -> dict[str, Any]:
    """Return a bar as Vega gets it: its parts from–to, its sign and where that stands."""
    figure, kind = bar.figure, bar.figure.kind
    row: dict[str, Any] = {
        "place": f"{position:03}",
        "label": bar.label,
        "sign": sign(figure, language),
        "kind": kind,
        "is_break": bar.is_break,
        "is_beyond": False,
        "part": "",
        "from": 0,
        "to": 0,
        "more": "",
        "more_from": 0,
        "more_to": 0,
        "text_at": 0,
    }
    if figure.value is None:
        if kind == "withheld":
            return row | {"part": "crossed", "to": top * _BOX, "text_at": top * _BOX}
        return row if kind in _EMPTY else row | {"part": "hatched", "to": top, "text_at": 0}
    low = min(figure.value if figure.low is None else figure.low, top)
    high = min(figure.value if figure.high is None else figure.high, top)
    row["is_beyond"] = figure.value > top
    row |= {"part": "open" if kind == "at_least" else "solid", "to": low, "text_at": max(low, high)}
    if high > low:
        row |= {"more": "uncertain", "more_from": low, "more_to": high}
    return row


def _layer(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return a layer with its own rows: nothing is read from elsewhere."""
    import altair

    return altair.Chart({"values": [dict(row) for row in rows]})


def _bar_layers(
    rows: list[dict[str, Any]],
    encode: Callable[..., dict[str, Any]],
    arrow: Mapping[str, Any],
    *,
    is_lying: bool,
) -> list[Any]:
    """Return the parts of bars, the ticks of zeros and the arrows of lower bounds.

    `encode` gives the channels of a bar from one column to another, or at one.
    """
    layers = []
    open_end = _OPEN_RIGHT if is_lying else _OPEN_TOP
    for part, style in (_STYLES | {"open": {"fill": open_end}}).items():
        part_rows = [row for row in rows if row["part"] == part]
        more = [row for row in rows if row["more"] == part]
        part_rows += [row | {"from": row["more_from"], "to": row["more_to"]} for row in more]
        if part_rows:
            layers.append(_layer(part_rows).mark_bar(**style).encode(**encode("from:Q", "to:Q")))
    zeros = [row for row in rows if row["kind"] == "zero"]
    if zeros:
        tick = _layer(zeros).mark_tick(thickness=4, color=_DARK, opacity=1)
        layers.append(tick.encode(**encode("from:Q")))
    bounds = [row for row in rows if row["kind"] in ("at_least", "uncertain")]
    if bounds:
        mark = _layer(bounds).mark_point(filled=True, color=_DARK, opacity=1, size=70, **arrow)
        layers.append(mark.encode(**encode("text_at:Q")))
    return layers


def _label_expression(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how Vega finds the label of a place: two bars may have the same one."""
    labels = {row["place"]: row["label"] for row in rows}
    return f"({json.dumps(labels)})[datum.value]"


def _top(bars: Sequence[Bar], targets: Sequence[TargetLine]) -> float:
    """Return where the axis ends: beyond the largest number shown, 1 where there is none."""
    shown = [end for bar in bars for end in (bar.figure.value, bar.figure.most) if end is not None]
    return max([*shown, *(target.value for target in targets)], default=0) * 1.12 or 1


def _fill(figure: Figure) -> str:
    if figure.kind == "withheld":
        return _CROSSED
    if figure.value is None:
        return _PALE if figure.kind in _EMPTY else _HATCHED
    return _PALE if figure.kind in ("exact", "zero", "rounded") else "#dddddd"


def _map_fill(figure: Figure, bounds: Sequence[float]) -> str:
    if figure.value is None:
        return _fill(figure)
    return GREYS[sum(figure.value >= bound for bound in bounds)]


def _turned(ring: list[list[float]], clockwise: bool) -> list[list[float]]:
    area = sum(
        (b[0] - a[0]) * (b[1] + a[1]) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
    )
    return ring if (area > 0) == clockwise else ring[::-1]


def _middle(shape: Mapping[str, Any]) -> tuple[float, float]:
    """Return where a county's name stands: the centre of gravity of its largest part."""
    geometry = shape["geometry"]
    polygons = geometry["coordinates"]
    rings = [polygons[0]] if geometry["type"] == "Polygon" else [one[0] for one in polygons]
    ring = max(rings, key=len)
    crosses = [
        (a, b, a[0] * b[1] - b[0] * a[1]) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
    ]
    area = sum(cross for _, _, cross in crosses)
    longitude, latitude = (
        sum((a[axis] + b[axis]) * cross for a, b, cross in crosses) / (3 * area) for axis in (0, 1)
    )
    return longitude, latitude


def _spec(chart: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.configure(
        font=_FONT,
        view={"stroke": None},
        axis={"grid": False, "domainColor": _EDGE, "labelFontSize": 11},
        background="#ffffff",
    ).to_dict()
    return spec


def _patterned(svg: str) -> str:
    used = [colour for colour in (*_PATTERNS, *_FADES) if colour in svg]
    if not used:
        return svg
    patterns = "".join(
        f'<pattern id="{_id(colour)}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" fill="#fff"/>{_PATTERNS[colour]}</pattern>'
        if colour in _PATTERNS
        else f'<linearGradient id="{_id(colour)}" {_FADES[colour]}>'
        f'<stop offset="0.85" stop-color="{_DARK}"/><stop offset="1" stop-color="{_PALE}"/>'
        "</linearGradient>"
        for colour in used
    )
    for colour in used:
        svg = svg.replace(f'"{colour}"', f'"url(#{_id(colour)})"')
    head, _, rest = svg.partition(">")
    return f"{head}><defs>{patterns}</defs>{rest}"


def _id(colour: str) -> str:
    names = {_HATCHED: "hatched", _CROSSED: "crossed", _STRIPED: "striped"}
    return (names | {_OPEN_TOP: "open-top", _OPEN_RIGHT: "open-right"})[colour]
