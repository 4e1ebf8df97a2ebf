"""Figures for a light and for a dark page, drawn by the same few lines.

`figure(draw, alt=...)` calls `draw(fig)` twice, under light and under dark settings, and shows the picture that fits
the page. The colors follow Okabe and Ito (2008), moved in lightness until each has a contrast of 4.5 on its background,
so that labels may carry the color of their line. Curves differ in dash pattern too.

A phone shrinks a picture to its own width, and the text with it: text of f points in a figure of w inches has 5 f / w pixels
on a page of 360. `figure` refuses what is too small to be read there.
"""

import base64
import html
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from gdt_tutorial.configuration import require
from gdt_tutorial.files import write_atomically
from gdt_tutorial.teaching.page import THEME, inline, publish, style

__all__ = [
    "COLOR_SCHEMES",
    "FIGURE_SIZE",
    "MIN_TEXT_PX",
    "PALETTE",
    "Size",
    "checked_text",
    "color",
    "color_scheme",
    "figure",
    "figure_format",
    "pictures_html",
    "render",
    "save_figure",
    "settings",
]

COLOR_SCHEMES = ("light", "dark")

PALETTE: dict[str, dict[str, str]] = {
    "light": {
        "blue": "#0067a5",
        "orange": "#b84a00",
        "green": "#00755a",
        "purple": "#a03d7b",
        "gold": "#7d5f00",
        "sky": "#2a7aa8",
        "gray": "#5c6773",
    },
    "dark": {
        "blue": "#5fb3ee",
        "orange": "#ff9355",
        "green": "#3fcf9f",
        "purple": "#e79ac8",
        "gold": "#f0cf52",
        "sky": "#a5d8f5",
        "gray": "#c6cfd9",
    },
}

# Width and height of a figure in inches.
Size = tuple[float | int, float | int]

FIGURE_SIZE: Size = (5.8, 4.1)
"""Width and height of a figure in inches, on which every text of the default sizes has 11 pixels and more on a phone."""

MIN_TEXT_PX = 8.5
"""The least height of text, in CSS pixels, on a page of the width of a phone; 11 points in a figure of 6.4 inches have 8.6."""
_PHONE_PX = 360

_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)))
# 100 CSS pixels per inch, twice as many on the picture.
_CSS_DPI, _DENSITY = 100, 2

_active = "light"


def settings(name: str) -> dict[str, Any]:
    """Return matplotlib's settings (rcParams) for the scheme "light" or "dark"."""
    ink, palette = THEME[_checked_scheme(name)], PALETTE[name]
    dashes = cycler(linestyle=list(_DASHES))
    return {
        "axes.prop_cycle": cycler(color=list(palette.values())[: len(_DASHES)]) + dashes,
        "figure.facecolor": ink["background"],
        "axes.facecolor": ink["background"],
        "savefig.facecolor": ink["background"],
        "text.color": ink["text"],
        "axes.labelcolor": ink["text"],
        "axes.titlecolor": ink["text"],
        "axes.edgecolor": ink["control"],
        "xtick.color": ink["control"],
        "ytick.color": ink["control"],
        "xtick.labelcolor": ink["muted"],
        "ytick.labelcolor": ink["muted"],
        "grid.color": ink["border"],
        "patch.edgecolor": ink["background"],
        "boxplot.flierprops.markeredgecolor": ink["text"],
        "hatch.color": ink["background"],
        "legend.frameon": False,
        "legend.labelcolor": ink["text"],
        "font.family": "DejaVu Sans",
        # A phone shows the picture at half its width; these sizes stay legible there.
        "font.size": 14.0,
        "axes.titlesize": 15.0,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.labelsize": 14.0,
        "xtick.labelsize": 13.0,
        "ytick.labelsize": 13.0,
        "legend.fontsize": 13.0,
        "lines.linewidth": 2.4,
        "lines.markersize": 7.0,
        "axes.linewidth": 1.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.linewidth": 0.8,
        "image.cmap": "cividis",
        "figure.dpi": _CSS_DPI * _DENSITY,
    }


@contextmanager
def color_scheme(name: str) -> Iterator[None]:
    """Draw with the settings of "light" or "dark" inside the block; `color` answers accordingly."""
    global _active
    before = _active
    with mpl.rc_context(settings(name)):
        _active = name
        try:
            yield
        finally:
            _active = before


def color(name: str) -> str:
    """Return a color of the scheme that is being drawn: blue, orange, green, purple, gold, sky, gray, text, muted, ...

    Raises:
        ValueError: If no color has that name.
    """
    known = {**THEME[_active], **PALETTE[_active]}
    if name not in known:
        raise ValueError(f"name must be a color of the palette, got {name!r}; take one of {', '.join(known)}.")
    return known[name]


def figure(draw: Callable[[Figure], Any], *, alt: str, caption: str = "", size: Size = FIGURE_SIZE) -> None:
    """Show a figure in the colors of the page.

    Args:
        draw: Draws on an empty figure; it is called once per scheme and must draw the same both times.
        alt: What the picture shows, in words, for readers who do not see it.
        caption: The sentence under the picture; `code` and $math$ are allowed.
        size: Width and height in inches; 7.2 inches fill the column of the book, and leave little of a text on a phone.

    Raises:
        ValueError: If `alt` is empty, or a text would be below `MIN_TEXT_PX` on a phone.
    """
    alt = checked_text("alt", alt)
    below = f"<figcaption>{inline(caption)}</figcaption>" if caption else ""
    body = pictures_html(render(draw, size), alt, size)
    publish(f'<figure class="gdt gdt-figure">{style("figure")}{body}{below}</figure>', f"[Figure: {alt}]")


def save_figure(
    draw: Callable[[Figure], Any], path: str | Path, *, size: Size = (7.2, 4.2), name: str = "light"
) -> None:
    """Draw in the scheme `name` and save as the format that the ending of `path` says, whole or not at all.

    Raises:
        ValueError: What `figure_format` refuses; nothing has been drawn then.
        WriteError: The disk is full, or the folder cannot be made or written.
    """
    picture, file_format = io.BytesIO(), figure_format(path)
    with color_scheme(name):
        fig = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(fig)
        draw(fig)
        fig.savefig(picture, format=file_format, dpi=_DENSITY * _CSS_DPI)
    write_atomically(Path(path), picture.getvalue())


def figure_format(path: str | Path) -> str:
    """Return the format that the ending of `path` says, such as "png".

    Raises:
        ValueError: No ending, or one of a format that matplotlib does not write.
    """
    known = sorted(FigureCanvasAgg.get_supported_filetypes())
    ending = Path(path).suffix.removeprefix(".").lower()
    if ending not in known:
        raise ValueError(f"path must end in a format of pictures, got {str(path)!r}; take one of {', '.join(known)}.")
    return ending


def render(draw: Callable[[Figure], Any], size: Size) -> dict[str, str]:
    """Draw once per scheme and return each picture as a data URI (WebP without loss, two pixels per CSS pixel).

    Raises:
        ValueError: If a text would be below `MIN_TEXT_PX` on a phone.
    """
    pictures = {}
    for name in COLOR_SCHEMES:
        with color_scheme(name):
            fig = Figure(figsize=size, layout="constrained")
            canvas = FigureCanvasAgg(fig)
            draw(fig)
            canvas.draw()
            _check_texts(fig)
            pictures[name] = _data_uri(canvas)
    return pictures


def pictures_html(pictures: Mapping[str, str], alt: str, size: Size) -> str:
    """Return the `<img>` of each scheme; without a style sheet only the light one shows."""
    width, height = (round(inches * _CSS_DPI) for inches in size)
    common = f'width="{width}" height="{height}" alt="{html.escape(alt)}"'
    # The class dark-light keeps the book's theme from filtering the picture.
    return "".join(
        f'<img class="gdt-{name} dark-light" {common} src="{pictures[name]}"{" hidden" if name == "dark" else ""}>'
        for name in COLOR_SCHEMES
    )


def checked_text(name: str, value: str) -> str:
    """Return `value` without outer white space; it must say something."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must describe the picture in words, got {value!r}; say what a reader should see.")
    return value.strip()


def _check_texts(fig: Figure) -> None:
    """Refuse a drawn figure that has a text too small to be read on a phone."""
    texts = [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip()]
    smallest = min(texts, key=lambda text: float(text.get_fontsize()), default=None)
    if smallest is None:
        return
    width_in, point = fig.get_figwidth(), float(smallest.get_fontsize())
    least = MIN_TEXT_PX * 72 / _PHONE_PX  # points per inch of width
    rule = f"leave {smallest.get_text()!r} ({point:g} points) {MIN_TEXT_PX} pixels or more on a phone"
    remedy = f"{np.floor(10 * point / least) / 10:g} inches at most, or fontsize={np.ceil(2 * least * width_in) / 2:g}"
    require(point >= least * width_in, "size", rule, f"{width_in:g} inches of width", remedy)


def _data_uri(canvas: FigureCanvasAgg) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").save(buffer, "webp", lossless=True, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _checked_scheme(name: str) -> str:
    if name not in COLOR_SCHEMES:
        raise ValueError(f"name must be one of {', '.join(COLOR_SCHEMES)}, got {name!r}; choose one of them.")
    return name
