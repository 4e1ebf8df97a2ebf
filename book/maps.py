"""The paper's Figs. 1 to 3 as maps: our own drawings, whose boxes lead to a chapter and to the source.

`architecture.toml` holds every box with its place; this module only draws it. Colors are CSS classes, so that a map follows
the page into the dark.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from book.chapters import BOOK, Chapter, Plan

MAP_SIZES = {"1": (760, 588), "2": (760, 424), "3": (760, 500)}
FIGURE_NAMES = {
    "1": "Fig. 1: the architecture",
    "2": "Fig. 2: the modules of the twin",
    "3": "Fig. 3: the two closed loops",
    "4": "Fig. 4: cumulative swipe probability",
    "5": "Fig. 5: QoE over computing capacity",
    "T1": "Table 1: the generative models",
}
_LINE_PX = 17


@dataclass(frozen=True, kw_only=True)
class Box:
    """One entry of the index: a box of a figure, the code behind it, and its chapters.

    Attributes:
        planned: Whether file and names are still to come.
        stand_in: What stands where the paper has generative AI, as long as that is planned; "" where nothing does.
        awaits: Keys of the boxes of Fig. 1, or numbers of the chapters, that are to take the place of the stand-in.
    """

    figure: str
    key: str
    label: str
    paper: str
    file: str
    names: tuple[str, ...]
    chapters: tuple[str, ...]
    note: str = ""
    planned: bool = False
    stand_in: str = ""
    awaits: tuple[str, ...] = ()
    at: tuple[int, ...] = ()

    @property
    def title(self) -> str:
        """Label and note on one line."""
        name = self.label.replace("-\n", "-").replace("\n", " ")
        return f"{name} ({self.note})" if self.note else name

    @property
    def state(self) -> str:
        """What a reader must know of a box that is not, or not wholly, written."""
        return "planned" if self.planned else f"planned; now {self.stand_in}" if self.stand_in else ""

    @property
    def source_page(self) -> str:
        """The page of the site that shows the source."""
        return f"_modules/{self.file.removesuffix('.py')}.html"

    def lead(self, plan: Plan) -> Chapter | None:
        """Return the first of the box's chapters that is written."""
        chapters = (plan.chapter(number) for number in self.chapters)
        return next((chapter for chapter in chapters if chapter.is_written), None)


def read_index() -> dict[str, Any]:
    """Read `architecture.toml`: boxes as `Box`, areas and arrows as tables."""
    table = tomllib.loads((BOOK / "architecture.toml").read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = [
        {key: tuple(v) if isinstance(v, list) else v for key, v in row.items()} for row in table["box"]
    ]
    return {"box": [Box(**row) for row in rows], "area": table["area"], "arrow": table["arrow"]}


def draw_map(
    figure: str, plan: Plan, index: dict[str, Any] | None = None, sources: frozenset[str] | None = None
) -> str:
    """Draw one figure as inline SVG.

    Args:
        figure: "1", "2" or "3".
        plan: Says which chapters are written.
        index: What `read_index` returns; read when None.
        sources: Files whose source has a page of the site; all that are not planned when None.
    """
    index = index or read_index()
    width, height = MAP_SIZES[figure]
    name = FIGURE_NAMES[figure]
    parts = [
        f'<svg class="book-map" viewBox="0 0 {width} {height}" role="group" aria-label="Map of the paper\'s {name}" '
        'xmlns="http://www.w3.org/2000/svg">',
        f'<defs><marker id="book-head-{figure}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path class="book-map-head" d="M0 0L10 5L0 10z"/></marker></defs>',
    ]
    boxes = [box for box in index["box"] if box.figure == figure]
    parts += [_area(area, boxes) for area in index["area"] if area["figure"] == figure]
    parts += [_arrow(arrow) for arrow in index["arrow"] if arrow["figure"] == figure]
    parts += [_box(box, plan, sources) for box in boxes]
    return "\n".join([*parts, "</svg>"])


def list_map(figure: str, plan: Plan, index: dict[str, Any], sources: frozenset[str]) -> str:
    """Write the boxes of one figure as lists, panel by panel, for a screen on which the drawing does not fit."""
    areas = [area for area in index["area"] if area["figure"] == figure]
    members: dict[str, list[str]] = {area["label"]: [] for area in areas}
    for box in (box for box in index["box"] if box.figure == figure):
        holding = [area for area in areas if _holds(area["at"], box.at)]
        innermost = min(holding, key=lambda area: area["at"][2] * area["at"][3])
        members[innermost["label"]].append(_item(box, plan, sources))
    panels = (f"<p>{escape(label)}</p><ul>{''.join(items)}</ul>" for label, items in members.items() if items)
    return f'<div class="book-map-list">{"".join(panels)}</div>'


def _holds(outer: Sequence[int], inner: Sequence[int]) -> bool:
    x, y, width, height = outer
    return x <= inner[0] and y <= inner[1] and inner[0] + inner[2] <= x + width and inner[1] + inner[3] <= y + height


def _item(box: Box, plan: Plan, sources: frozenset[str]) -> str:
    lead = box.lead(plan)
    if lead is None or box.planned:
        return f'<li>{escape(box.title)}: <span class="book-planned">planned, chapter {", ".join(box.chapters)}</span></li>'
    source = f', <a href="{box.source_page}">source</a>' if box.file in sources else ""
    state = f' <span class="book-planned">{escape(box.state)}</span>,' if box.state else ""
    return f'<li>{escape(box.title)}:{state} <a href="{lead.docname}.html">chapter {lead.number}</a>{source}</li>'


def legend() -> str:
    """Return what the three looks of a box mean."""
    looks = (
        ("book-map-box", "written: leads to its chapter and to its source"),
        ("book-map-stand-in", "the generative part is planned; the simpler part that is named stands in for now"),
        ("book-map-planned", "planned: leads nowhere yet"),
    )
    items = "".join(
        f'<li><svg class="book-map" viewBox="0 0 34 18" width="34" height="18" aria-hidden="true"><g class="{look}">'
        f'<rect x="2" y="2" width="30" height="14" rx="4"/></g></svg>{words}</li>'
        for look, words in looks
    )
    return f'<ul class="book-map-legend">{items}</ul>'


def _area(area: dict[str, Any], boxes: Sequence[Box]) -> str:
    """Draw a panel; one of which every box is planned says so itself."""
    x, y, width, height = area["at"]
    is_planned = all(box.planned for box in boxes if _holds(area["at"], box.at))
    look, note = (" planned", " (planned)") if is_planned else ("", "")
    return (
        f'<rect class="book-map-area{look}" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"/>'
        f'<text class="book-map-area-name" x="{x + 14}" y="{y + 22}">{escape(area["label"])}{note}</text>'
    )


def _arrow(arrow: dict[str, Any]) -> str:
    points = " ".join(f"{x},{y}" for x, y in arrow["points"])
    head = f"url(#book-head-{arrow['figure']})"
    start = f' marker-start="{head}"' if arrow.get("both") else ""
    line = f'<polyline class="book-map-arrow" points="{points}" marker-end="{head}"{start}/>'
    if "label" not in arrow:
        return line
    (x0, y0), (x1, y1) = arrow["points"][:2]
    return (
        line
        + f'<text class="book-map-note" x="{(x0 + x1) / 2 + 8}" y="{(y0 + y1) / 2 + 5}">{escape(arrow["label"])}</text>'
    )


def _box(box: Box, plan: Plan, sources: frozenset[str] | None) -> str:
    """Draw a box: one link to its chapter, one to its source; a planned one is text alone, a stand-in looks planned too."""
    x, y, width, height = box.at
    lead = box.lead(plan)
    notes = [(box.note, "")] if box.note else []
    notes += [(box.state, " state")] if box.stand_in else []
    lines = [*((line, " name") for line in box.label.split("\n")), *notes]
    top = y + (height - _LINE_PX * (len(lines) + 1)) / 2 + 13
    text = "".join(
        f'<text class="book-map-label{kind}" x="{x + width / 2}" y="{top + _LINE_PX * row:.0f}">{escape(line)}</text>'
        for row, (line, kind) in enumerate(lines)
    )
    rect = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="7"/>'
    foot = y + height - 8
    if lead is None or box.planned:
        note = f'<text class="book-map-foot" x="{x + width / 2}" y="{foot}">planned: {", ".join(box.chapters)}</text>'
        return f'<g class="book-map-planned"><title>{escape(box.title)}: planned</title>{rect}{text}{note}</g>'
    has_source = sources is None or box.file in sources
    place = x + width / 2 - (24 if has_source else 0)
    look, said = ("book-map-stand-in", f"{box.state}, ") if box.stand_in else ("book-map-box", "")
    chapter = (
        f'<a class="{look}" href="{lead.docname}.html" aria-label="{escape(box.title)}: {said}chapter {lead.number}">'
        f"<title>{escape(box.paper)}</title>{rect}{text}"
        f'<text class="book-map-foot" x="{place}" y="{foot}">ch. {lead.number}</text></a>'
    )
    if not has_source:
        return chapter
    return chapter + (
        f'<a class="book-map-source" href="{box.source_page}" aria-label="{escape(box.title)}: source">'
        f'<title>{escape(box.file)}</title><text class="book-map-foot" x="{place + 50}" y="{foot}">source</text></a>'
    )
