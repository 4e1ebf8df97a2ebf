"""What figures with sliders are made of: the sliders, the frames, and the HTML that holds both."""

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod
from typing import Any

from matplotlib.figure import Figure

from gdt_tutorial.configuration import require
from gdt_tutorial.teaching.page import element_id, inline, load_script, style
from gdt_tutorial.teaching.plots import Size, checked_text, pictures_html, render

__all__ = ["Slider", "drawn_frames", "player_html"]

# JSON for the character <, so that no text can end the script element.
_ESCAPED = "\\u003c"


@dataclass(frozen=True, kw_only=True)
class Slider:
    """One of the two sliders of `two_slider_figure`.

    Attributes:
        values: What it moves through, two values or more.
        label: What it changes, as a reader sees it.
        start: The value that shows at first; the first one by default.
        value_text: How a value is written beside it, with its unit; as `str` does by default.

    Raises:
        ValueError: Fewer than two values, no label, or a start that is not one of the values.
    """

    values: Sequence[Any]
    label: str
    start: Any = None
    value_text: Callable[[Any], str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", list(self.values))
        require(len(self.values) >= 2, "values", "hold two values or more", self.values, "a single one needs no slider")
        checked_text("label", self.label)
        is_known = self.start is None or self.start in self.values
        require(is_known, "start", f"be one of the values {self.values}", self.start, "leave it out for the first one")

    @property
    def place(self) -> int:
        """Where the start stands among the values."""
        return 0 if self.start is None else self.values.index(self.start)

    @property
    def texts(self) -> list[str]:
        """How each value is written."""
        write = self.value_text or str
        return [write(value) for value in self.values]


def drawn_frames(
    draw: Callable[..., Any], places: Sequence[Sequence[Any]], size: Size, max_megabyte: float | int
) -> list[dict[str, str]]:
    """Draw a frame per place, as `draw(fig, *place)`.

    Raises:
        ValueError: The frames take too much together.
    """
    frames = [render(partial(_draw_frame, draw, place), size) for place in places]
    megabyte = sum(len(uri) for frame in frames for uri in frame.values()) / 1e6
    if megabyte > max_megabyte:
        n_fitting = max(2, int(len(frames) * max_megabyte / megabyte))
        raise ValueError(
            f"values must give frames of at most {max_megabyte} MB together, got {len(frames)} frames of "
            f"{megabyte:.2f} MB; pass about {n_fitting} values, draw fewer points, or raise max_megabyte."
        )
    return frames


def _draw_frame(draw: Callable[..., Any], place: Sequence[Any], fig: Figure) -> None:
    draw(fig, *place)


def player_html(
    sliders: Sequence[Slider], frames: Sequence[dict[str, str]], alts: Sequence[str], *, caption: str, size: Size
) -> str:
    """Write frames and sliders as HTML; the last slider changes from one frame to the next."""
    texts = [", ".join(pair) for pair in product(*(slider.texts for slider in sliders))]
    shown = sum(
        slider.place * prod(len(after.values) for after in sliders[i + 1 :]) for i, slider in enumerate(sliders)
    )
    last = len(frames) - 1
    data: dict[str, Any] = {name: [frame[name] for frame in frames] for name in ("light", "dark")}
    data |= {"alt": list(alts), "text": texts, "sliders": [slider.texts for slider in sliders]}
    data["print"] = sorted({0, last, shown or (last + 1) // 2})
    below = f"<figcaption>{inline(caption)}</figcaption>" if caption else ""
    return (
        f'<figure class="gdt gdt-figure gdt-player">{style("figure", "player")}'
        f"{pictures_html(frames[shown], alts[shown], size)}{_controls(sliders)}{_still(sliders)}{below}"
        f'<script type="application/json">{json.dumps(data).replace("<", _ESCAPED)}</script>'
        f"{load_script('player')}</figure>"
    )


def _controls(sliders: Sequence[Slider]) -> str:
    """Return a row per slider; a single one can play by itself."""
    play = _play(sliders[0]) if len(sliders) == 1 else ""
    return "".join(f'<div class="gdt-controls" hidden>{play}{_row(slider)}</div>' for slider in sliders)


def _play(slider: Slider) -> str:
    label = html.escape(slider.label)
    return (
        f'<button type="button" class="gdt-play" aria-label="Play: {label}"><span aria-hidden="true"></span></button>'
    )


def _row(slider: Slider) -> str:
    texts, place = slider.texts, slider.place
    name, width = element_id("slider", slider.label + "".join(texts)), max(len(text) for text in texts)
    return (
        f'<label for="{name}">{inline(slider.label)}</label>'
        f'<input type="range" id="{name}" min="0" max="{len(texts) - 1}" step="1" value="{place}" autocomplete="off"'
        f' aria-valuetext="{html.escape(texts[place])}">'
        f'<output for="{name}" aria-live="off" style="min-width:min({width}ch,55%)">{html.escape(texts[place])}</output>'
    )


def _still(sliders: Sequence[Slider]) -> str:
    """Say what shows where no script runs."""
    where = "; ".join(f"{inline(slider.label)}: {html.escape(slider.texts[slider.place])}" for slider in sliders)
    n_frames = prod(len(slider.values) for slider in sliders)
    which, mover = ("First", "A slider moves") if len(sliders) == 1 else ("One", "Two sliders move")
    return f'<p class="gdt-still">{which} of {n_frames} pictures ({where}). {mover} through them where scripts run.</p>'
