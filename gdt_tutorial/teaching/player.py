"""Figures that a reader moves: a slider that needs no kernel, and free parameters where there is one.

`slider_figure` draws one frame per value beforehand and puts all of them into the page. The slider is the browser's own
range input, so keyboard, touch and screen readers work as everywhere. Without scripts the first frame stays; on paper
there are the first, the middle and the last one. `two_slider_figure` does the same with a frame per pair of values.
`live_figure` draws on demand, which takes a running kernel.
"""

import html
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from gdt_tutorial.teaching.page import is_static, publish, style
from gdt_tutorial.teaching.player_html import Slider, drawn_frames, player_html
from gdt_tutorial.teaching.plots import FIGURE_SIZE, Size, checked_text, figure

__all__ = ["live_figure", "slider_figure", "slider_html", "two_slider_figure", "two_slider_html"]


def slider_figure(
    draw: Callable[[Figure, Any], Any],
    values: Iterable[Any],
    *,
    label: str,
    alt: Callable[[Any], str] | Sequence[str],
    caption: str = "",
    value_text: Callable[[Any], str] = str,
    size: Size = FIGURE_SIZE,
    max_megabyte: float | int = 2.5,
) -> None:
    """Show one frame per value, and a slider that moves through them without a kernel.

    Args:
        draw: Draws one frame on an empty figure; called as `draw(fig, value)`, once per value and scheme. Fix the axes'
            limits in it, or the frames jump.
        values: What the slider moves through, two values or more; the first frame is the one that shows at first.
        label: What the slider changes, as a reader sees it.
        alt: What a frame shows, in words: a function of the value, or one text per value.
        caption: The sentence under the figure; `code` and $math$ are allowed.
        value_text: How a value is written beside the slider, with its unit.
        size: Width and height in inches.
        max_megabyte: The most that all frames together may take in the page, in 1e6 bytes.

    Raises:
        ValueError: If there are fewer than two values, a text is missing, or the frames take too much.
    """
    values = list(values)
    page = slider_html(
        draw, values, label=label, alt=alt, caption=caption, value_text=value_text, size=size, max_megabyte=max_megabyte
    )
    publish(page, f"[Slider figure: {label}, {value_text(values[0])} to {value_text(values[-1])}]")


def slider_html(
    draw: Callable[[Figure, Any], Any],
    values: Iterable[Any],
    *,
    label: str,
    alt: Callable[[Any], str] | Sequence[str],
    caption: str = "",
    value_text: Callable[[Any], str] = str,
    size: Size = FIGURE_SIZE,
    max_megabyte: float | int = 2.5,
) -> str:
    """Return the slider figure as HTML, for a page that no notebook makes; arguments as for `slider_figure`."""
    values = list(values)
    if len(values) < 2:
        raise ValueError(f"values must hold two values or more, got {len(values)}; use figure() for a single picture.")
    slider = Slider(values=values, label=checked_text("label", label), value_text=value_text)
    alts = _alts(alt, values)
    frames = drawn_frames(draw, [(value,) for value in values], size, max_megabyte)
    return player_html((slider,), frames, alts, caption=caption, size=size)


def two_slider_figure(
    draw: Callable[[Figure, Any, Any], Any],
    first: Slider,
    second: Slider,
    *,
    alt: Callable[[Any, Any], str],
    caption: str = "",
    size: Size = FIGURE_SIZE,
    max_megabyte: float | int = 2.5,
) -> None:
    """Show one frame per pair of values, and two sliders that move through them without a kernel.

    Every pair is drawn beforehand, so few values do: 5 x 4 frames of two curves take 1.6 MB, and five seconds to draw.

    Args:
        draw: Draws one frame on an empty figure; called as `draw(fig, first_value, second_value)`. Fix the axes' limits in it.
        first: The upper slider.
        second: The lower slider.
        alt: What a frame shows, in words: a function of both values.
        caption: The sentence under the figure; `code` and $math$ are allowed.
        size: Width and height in inches.
        max_megabyte: The most that all frames together may take in the page, in 1e6 bytes.

    Raises:
        ValueError: If a text is missing, or the frames take too much.
    """
    page = two_slider_html(draw, first, second, alt=alt, caption=caption, size=size, max_megabyte=max_megabyte)
    spans = (f"{each.label}, {each.texts[0]} to {each.texts[-1]}" for each in (first, second))
    publish(page, f"[Slider figure: {'; '.join(spans)}]")


def two_slider_html(
    draw: Callable[[Figure, Any, Any], Any],
    first: Slider,
    second: Slider,
    *,
    alt: Callable[[Any, Any], str],
    caption: str = "",
    size: Size = FIGURE_SIZE,
    max_megabyte: float | int = 2.5,
) -> str:
    """Return the figure with two sliders as HTML; arguments as for `two_slider_figure`."""
    pairs = list(product(first.values, second.values))
    alts = [checked_text("alt", alt(*pair)) for pair in pairs]
    frames = drawn_frames(draw, pairs, size, max_megabyte)
    return player_html((first, second), frames, alts, caption=caption, size=size)


def live_figure(
    draw: Callable[..., Any],
    *,
    alt: str,
    caption: str = "",
    size: Size = FIGURE_SIZE,
    **controls: ipywidgets.Widget,
) -> None:
    """Show a figure that is drawn anew whenever a control moves; on a page without a kernel, one picture and a note.

    Args:
        draw: Draws on an empty figure; called as `draw(fig, **values)` with one value per control.
        alt: What the picture shows, in words.
        caption: The sentence under the picture.
        size: Width and height in inches.
        **controls: One widget of ipywidgets per parameter of `draw`, such as `n_users=IntSlider(...)`.

    Raises:
        ValueError: If there is no control, or `alt` is empty.
    """
    if not controls:
        raise ValueError("controls must hold one widget or more, got none; pass e.g. n_users=ipywidgets.IntSlider().")

    def show_figure(**values: Any) -> None:
        figure(lambda fig: draw(fig, **values), alt=alt, caption=caption, size=size)

    if is_static():
        show_figure(**{name: control.value for name, control in controls.items()})
        publish(_note(controls), "[In a running notebook this figure has controls.]")
        return
    checked_text("alt", alt)
    display(ipywidgets.VBox([*controls.values(), ipywidgets.interactive_output(show_figure, controls)]))


def _alts(alt: Callable[[Any], str] | Sequence[str], values: Sequence[Any]) -> list[str]:
    texts = [alt(value) for value in values] if callable(alt) else list(alt)
    if isinstance(alt, str) or len(texts) != len(values):
        raise ValueError(
            f"alt must give one text per value ({len(values)}), got {alt!r}; pass a function of the value."
        )
    return [checked_text("alt", text) for text in texts]


def _note(controls: dict[str, ipywidgets.Widget]) -> str:
    names = ", ".join(html.escape(getattr(control, "description", "") or name) for name, control in controls.items())
    return (
        f'<div class="gdt gdt-note">{style("player")}<p>In a running notebook this figure has controls: {names}. '
        "Open the chapter with one of the launch buttons to move them.</p></div>"
    )
