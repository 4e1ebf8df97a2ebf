"""The closed loop as a picture that moves: drawn once here, shown wide or tall on the front page, and kept as an SVG file.

Run `python -m book.loop_picture` to write `book/_static/closed_loop.svg` anew; a test holds the file against this drawing.
The motion is CSS alone: a class pauses it, and it stands still where the reader asked for reduced motion.
"""

from dataclasses import dataclass

from book import maps
from book.chapters import BOOK

SVG_PATH = BOOK / "_static" / "closed_loop.svg"
_TITLE = "The closed loop of a network and its digital twin"
_TEXT = (
    "Users move on a campus. Their status flows to the digital twin, whose users follow in jumps, one for each collection. "
    "The twin answers with how often to collect: the external loop. The twin hands features to generative AI, gets "
    "candidate decisions back, tries each of them in itself, and sends the better one to the network: the internal loop."
)
# What generative AI does for the twin: the word, and the box of Fig. 3 that says whether it is written.
_TASKS = (("emulate", "gai_emulation"), ("abstract", "abstracted"), ("decide", "gai_based"))
# Where each user walks, as (x, y) corners in a 170 x 110 field.
_WALKS = (
    ((20, 84), (52, 60), (88, 74), (70, 96)),
    ((36, 26), (66, 36), (60, 14), (28, 20)),
    ((104, 30), (132, 18), (150, 44), (120, 54)),
    ((112, 92), (140, 78), (152, 98), (126, 102)),
    ((84, 44), (96, 64), (76, 66), (70, 50)),
)
_STYLE = """
.closed-loop{--ink:#1f2a37;--soft:#5b6675;--panel:#f3f6f9;--line:#c3ccd6;--ext:#0b7285;--int:#b3500b;--user:#24548f;max-width:100%;
height:auto;font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
DARK
.closed-loop .panel{fill:var(--panel);stroke:var(--line);stroke-width:1.5}
.closed-loop text{fill:var(--ink);font-size:15px;text-anchor:middle}
.closed-loop .name{font-weight:650;font-size:17px}
.closed-loop .ext{fill:var(--ext);font-weight:600}.closed-loop .int{fill:var(--int);font-weight:600}
.closed-loop .soft{fill:var(--soft);font-size:13.5px}
.closed-loop .way{fill:none;stroke-width:2.5;stroke-linecap:round}
.closed-loop .way.ext{stroke:var(--ext);fill:none}.closed-loop .way.int{stroke:var(--int);fill:none}
.closed-loop .head.ext{fill:var(--ext)}.closed-loop .head.int{fill:var(--int)}
.closed-loop .packet{offset-distance:50%;animation:cl-go 4.8s linear infinite}
.closed-loop .packet.ext{fill:var(--ext)}.closed-loop .packet.int{fill:var(--int)}
.closed-loop .user{fill:var(--user)}
.closed-loop .ghost{fill:none;stroke:var(--user);stroke-width:2;stroke-dasharray:3 2}
.closed-loop .ap{fill:none;stroke:var(--soft);stroke-width:2;stroke-linecap:round}
.closed-loop .wave{fill:none;stroke:var(--soft);stroke-width:1.5;opacity:.55;animation:cl-wave 2.4s ease-out infinite}
.closed-loop .aside{fill:var(--soft);font-size:12px;font-weight:400}
.closed-loop .task{fill:none;stroke:var(--int);stroke-width:1.5}
.closed-loop .planned{fill:none;stroke:var(--soft);stroke-width:1.5;stroke-dasharray:5 4}
@keyframes cl-go{0%{offset-distance:0%;opacity:0}8%,92%{opacity:1}100%{offset-distance:100%;opacity:0}}
@keyframes cl-wave{0%{opacity:.8}100%{opacity:.1}}
WALKS
.closed-loop.is-paused *{animation-play-state:paused!important}
@media (prefers-reduced-motion:reduce){.closed-loop *{animation:none!important}}
"""
_DARK = "--ink:#e6ebf1;--soft:#a3b0be;--panel:#1d2530;--line:#414d5b;--ext:#4fc3d9;--int:#f2a65e;--user:#8ab8f2"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the pieces of the picture stand.

    Attributes:
        size: Width and height of the drawing.
        panels: Upper left corner of network, twin and AI; each is 210 x 190.
        ways: For each arrow: kind, path, label, place of the label.
    """

    name: str
    size: tuple[int, int]
    panels: tuple[tuple[int, int], ...]
    ways: tuple[tuple[str, str, str, tuple[int, int]], ...]
    loops: tuple[tuple[str, str, tuple[int, int]], ...]


WIDE = Layout(
    name="wide",
    size=(860, 372),
    panels=((10, 92), (325, 92), (640, 92)),
    ways=(
        ("ext", "M115 86C115 30 395 30 395 82", "collected status", (255, 34)),
        ("ext", "M395 288C395 340 115 340 115 292", "how often to collect", (255, 346)),
        ("int", "M465 86C465 30 745 30 745 82", "features", (605, 34)),
        ("int", "M745 288C745 340 465 340 465 292", "candidate decisions", (605, 346)),
        ("int", "M320 187L228 187", "the better", (273, 176)),
    ),
    loops=(("ext", "External loop", (255, 72)), ("int", "Internal loop", (605, 72)), ("int", "decision", (273, 207))),
)
TALL = Layout(
    name="tall",
    size=(380, 694),
    panels=((20, 6), (20, 252), (20, 498)),
    ways=(
        ("ext", "M75 200L75 244", "status", (43, 228)),
        ("ext", "M175 248L175 204", "how often to collect", (252, 228)),
        ("int", "M75 446L75 490", "features", (38, 474)),
        ("int", "M175 494L175 450", "candidates", (224, 474)),
        ("int", "M232 330C368 310 368 110 238 92", "the better", (300, 352)),
    ),
    loops=(
        ("ext", "External", (125, 220)),
        ("ext", "loop", (125, 238)),
        ("int", "Internal", (125, 466)),
        ("int", "loop", (125, 484)),
        ("int", "decision", (300, 371)),
    ),
)


def stand_ins() -> dict[str, str]:
    """Return what stands in for each task of generative AI, "" for one that is written."""
    of_box = {box.key: box.stand_in for box in maps.read_index()["box"] if box.figure == "3"}
    return {task: of_box[key] for task, key in _TASKS}


def draw(layout: Layout = WIDE, now: dict[str, str] | None = None) -> str:
    """Draw the picture as a complete SVG; its style is scoped to the class `closed-loop`.

    Args:
        layout: Wide or tall.
        now: What stands in for each task of generative AI; what the index of the figures says when None.
    """
    width, height = layout.size
    now = stand_ins() if now is None else now
    identity = f"cl-{layout.name}"
    heads = "".join(
        f'<marker id="{identity}-{kind}" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="5.5" markerHeight="5.5" '
        f'orient="auto"><path class="head {kind}" d="M0 0L10 5L0 10z"/></marker>'
        for kind in ("ext", "int")
    )
    return "\n".join(
        [
            f'<svg class="closed-loop {layout.name}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-labelledby="{identity}-title {identity}-text" xmlns="http://www.w3.org/2000/svg">',
            f'<title id="{identity}-title">{_TITLE}</title><desc id="{identity}-text">{_text(now)}</desc>',
            f"<style>{_style()}</style><defs>{heads}</defs>",
            _network(*layout.panels[0]),
            _twin(*layout.panels[1]),
            _ai(*layout.panels[2], now),
            *(_way(identity, *way) for way in layout.ways),
            *(f'<text class="{kind}" x="{x}" y="{y}">{text}</text>' for kind, text, (x, y) in layout.loops),
            "</svg>",
            "",
        ]
    )


def _style() -> str:
    dark = (
        f"html[data-theme=dark] .closed-loop{{{_DARK}}}\n"
        f"@media (prefers-color-scheme:dark){{svg.closed-loop:root{{{_DARK}}}}}"
    )
    walks = "".join(_walk_rule(user, walk) for user, walk in enumerate(_WALKS))
    return _STYLE.replace("DARK", dark).replace("WALKS", walks)


def _walk_rule(user: int, corners: tuple[tuple[int, int], ...]) -> str:
    """One user's walk: smooth in the network, in jumps in the twin, which knows only what was collected."""
    (x0, y0), n = corners[0], len(corners)
    frames = "".join(
        f"{100 * step / n:.0f}%{{transform:translate({corners[step % n][0] - x0}px,{corners[step % n][1] - y0}px)}}"
        for step in range(n + 1)
    )
    seconds = 14 + 2 * user
    return (
        f"@keyframes cl-w{user}{{{frames}}}"
        f".closed-loop .w{user}{{animation:cl-w{user} {seconds}s linear infinite}}"
        f".closed-loop .ghost.w{user}{{animation-timing-function:steps(3)}}\n"
    )


def _text(now: dict[str, str]) -> str:
    listed = ", ".join(f"{part} to {task}" for task, part in now.items() if part)
    return f"{_TEXT} Where generative AI is planned, another part stands in: {listed}." if listed else _TEXT


def _panel(x: int, y: int, name: str, inside: str, look: str = "panel") -> str:
    return (
        f'<g transform="translate({x} {y})"><rect class="{look}" width="210" height="190" rx="12"/>'
        f'<text class="name" x="105" y="28">{name}</text>{inside}</g>'
    )


def _network(x: int, y: int) -> str:
    towers = "".join(
        f'<path class="ap" d="M{ax} {ay + 26}L{ax} {ay}M{ax - 8} {ay + 26}L{ax + 8} {ay + 26}"/>'
        f'<path class="wave" d="M{ax - 9} {ay + 4}A11 11 0 0 1 {ax + 9} {ay + 4}"/>'
        f'<path class="wave" style="animation-delay:.5s" d="M{ax - 16} {ay}A19 19 0 0 1 {ax + 16} {ay}"/>'
        for ax, ay in ((60, 78), (152, 96))
    )
    return _panel(x, y, "Physical network", f'<g transform="translate(20 52)">{_users("user")}</g>{towers}')


def _twin(x: int, y: int) -> str:
    return _panel(x, y, "Digital twin", f'<g transform="translate(20 52)">{_users("ghost")}</g>')


def _users(kind: str) -> str:
    return "".join(f'<circle class="{kind} w{i}" cx="{w[0][0]}" cy="{w[0][1]}" r="6"/>' for i, w in enumerate(_WALKS))


def _ai(x: int, y: int, now: dict[str, str]) -> str:
    """Draw generative AI; what is planned is dashed, and names what stands in for it."""
    rows = "".join(
        f'<rect class="{"planned" if part else "task"}" x="10" y="{40 + 38 * row}" width="190" height="30" rx="7"/>'
        f'<text class="{"soft" if part else "plain"}" x="105" y="{60 + 38 * row}">{task}{part and f": {part}"}</text>'
        for row, (task, part) in enumerate(now.items())
    )
    rival = '<text class="soft" x="105" y="176">beside a model-based rival</text>'
    if not all(now.values()):
        return _panel(x, y, "Generative AI", rows + rival)
    return _panel(x, y, 'Generative AI <tspan class="aside">(planned)</tspan>', rows + rival, "planned")


def _way(identity: str, kind: str, path: str, label: str, place: tuple[int, int]) -> str:
    packets = "".join(
        f'<circle class="packet {kind}" r="5" style="offset-path:path(\'{path}\');animation-delay:-{delay}s"/>'
        for delay in (0.0, 1.6, 3.2)
    )
    return (
        f'<path class="way {kind}" d="{path}" marker-end="url(#{identity}-{kind})"/>{packets}'
        f'<text class="{"soft" if label != "the better" else kind}" x="{place[0]}" y="{place[1]}">{label}</text>'
    )


if __name__ == "__main__":
    SVG_PATH.write_text(draw(WIDE), encoding="utf-8")
