import base64
import io
import itertools

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from test_page import contrast

from gdt_tutorial.teaching import PALETTE, color, color_scheme, figure
from gdt_tutorial.teaching.page import THEME
from gdt_tutorial.teaching.plots import FIGURE_SIZE, render, settings

# Viénot, Brettel and Mollon (1999): how a linear sRGB color looks to readers without one kind of cone.
DEFICIENCY = {
    "protan": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deutan": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
}


def draw_line(fig):
    fig.subplots().plot([0, 1], [0, 1])


def picture(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/webp;base64,"))))


def lab(color_name, deficiency=None):
    """CIE L*a*b* of a hex color, as a reader with this deficiency sees it."""
    srgb = np.array([int(color_name[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    if deficiency:
        linear = np.clip(np.array(DEFICIENCY[deficiency]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(np.maximum(xyz / [0.9505, 1.0, 1.089], 0.008856))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_color_may_carry_text(name):
    ratios = {key: contrast(value, THEME[name]["background"]) for key, value in PALETTE[name].items()}
    assert min(ratios.values()) >= 4.5, ratios


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("deficiency", [None, "protan", "deutan"])
def test_the_first_four_colors_are_told_apart(name, deficiency):
    points = [lab(value, deficiency) for value in list(PALETTE[name].values())[:4]]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(points, 2)) > 8


def test_curves_differ_in_dashes_too():
    cycle = list(settings("light")["axes.prop_cycle"])
    assert len({str(entry["linestyle"]) for entry in cycle}) == len(cycle)


def test_a_figure_is_drawn_in_both_schemes(published):
    figure(draw_line, alt='A "rising" line', caption="It rises: $y=x$.")
    html = published[0]["text/html"]
    assert html.count("<img") == 2
    assert html.count('alt="A &quot;rising&quot; line"') == 2
    assert "<figcaption>It rises: " in html
    assert published[0]["text/plain"] == '[Figure: A "rising" line]'


def test_pictures_have_two_pixels_per_css_pixel_and_the_background_of_the_page():
    pictures = render(draw_line, (4.0, 2.0))
    for name, uri in pictures.items():
        image = picture(uri)
        assert image.size == (800, 400)
        assert "#{:02x}{:02x}{:02x}".format(*image.getpixel((0, 0))) == THEME[name]["background"]


def test_the_same_figure_gives_the_same_bytes():
    assert render(draw_line, (3, 2)) == render(draw_line, (3, 2))


def test_only_the_light_picture_shows_without_a_style_sheet(published):
    figure(draw_line, alt="A line")
    light, dark = published[0]["text/html"].split("<img")[1:]
    assert "gdt-light" in light
    assert " hidden>" not in light
    assert "gdt-dark" in dark
    assert " hidden>" in dark


@pytest.mark.parametrize("alt", ["", "  "])
def test_a_figure_needs_an_alternative_text(alt):
    with pytest.raises(ValueError, match="alt must describe the picture in words"):
        figure(draw_line, alt=alt)


def test_named_colors_follow_the_scheme():
    seen = []
    for name in ("light", "dark"):
        with color_scheme(name):
            seen.append((color("blue"), color("text")))
    assert seen == [(PALETTE[name]["blue"], THEME[name]["text"]) for name in ("light", "dark")]
    assert color("blue") == PALETTE["light"]["blue"]


def test_settings_end_with_the_block_even_after_an_error():
    before = mpl.rcParams["font.size"], mpl.rcParams["axes.facecolor"]
    with pytest.raises(RuntimeError, match="inside"), color_scheme("dark"):
        raise RuntimeError("inside")
    assert (mpl.rcParams["font.size"], mpl.rcParams["axes.facecolor"]) == before
    assert color("blue") == PALETTE["light"]["blue"]


def test_an_unknown_color_or_scheme_is_named():
    with pytest.raises(ValueError, match="must be a color of the palette, got 'mauve'"):
        color("mauve")
    with pytest.raises(ValueError, match="must be one of light, dark, got 'sepia'"), color_scheme("sepia"):
        pass


def draw_small(fig, fontsize=9):
    draw_line(fig)
    fig.text(0.5, 0.5, "a legend", fontsize=fontsize)


@pytest.mark.parametrize(("fontsize", "width_in"), [(11, 6.4), (13, 7.2), (9, 5.2)])
def test_text_that_a_phone_can_show_is_accepted(fontsize, width_in):
    render(lambda fig: draw_small(fig, fontsize), (width_in, 3))


@pytest.mark.parametrize(
    ("fontsize", "width_in", "remedy"),
    [(11, 6.6, "6.4 inches at most, or fontsize=11.5"), (9, 5.8, "5.2 inches at most, or fontsize=10")],
)
def test_text_too_small_for_a_phone_is_refused(fontsize, width_in, remedy):
    message = rf"size must leave 'a legend' \({fontsize} points\) 8.5 pixels .*, got '{width_in} inches.*; {remedy}"
    with pytest.raises(ValueError, match=message):
        figure(lambda fig: draw_small(fig, fontsize), alt="A line", size=(width_in, 3))


def test_hidden_and_empty_texts_may_have_any_size():
    def draw(fig):
        draw_line(fig)
        fig.text(0, 0, " ", fontsize=1)
        fig.text(0, 0, "hidden", fontsize=1, visible=False)

    render(draw, (7.2, 3))
    render(lambda fig: None, (7.2, 3))


def test_a_figure_of_the_default_size_leaves_the_default_text_11_pixels_on_a_phone():
    sizes = [value for key, value in settings("light").items() if key.endswith(("labelsize", "titlesize", "fontsize"))]
    assert min(sizes) * 360 / (72 * FIGURE_SIZE[0]) >= 11
