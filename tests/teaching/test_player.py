import json
import re
import sys

import ipywidgets
import nbformat
import numpy as np
import pytest

from book.watch import run_watched
from gdt_tutorial.teaching import Slider, live_figure, player, slider_figure, slider_html, two_slider_figure
from gdt_tutorial.teaching.player import two_slider_html


def draw_height(fig, height):
    fig.subplots().plot([0, 1], [0, height])


def arguments(**changes):
    return {"label": "Height", "alt": lambda value: f"A line to {value}.", "size": (3, 2)} | changes


def frames_of(html):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)[1])


def test_every_value_has_a_frame_a_text_and_an_alternative_text(published):
    slider_figure(draw_height, [1, 2, 3], **arguments(value_text=lambda value: f"{value} m", caption="A <line>."))
    html = published[0]["text/html"]
    frames = frames_of(html)
    assert frames["text"] == ["1 m", "2 m", "3 m"]
    assert frames["alt"] == ["A line to 1.", "A line to 2.", "A line to 3."]
    assert len(set(frames["light"])) == len(set(frames["dark"])) == 3
    assert '<input type="range"' in html
    assert 'max="2"' in html
    assert 'aria-valuetext="1 m"' in html
    assert "A &lt;line&gt;." in html
    assert published[0]["text/plain"] == "[Slider figure: Height, 1 m to 3 m]"


def test_the_first_frame_shows_without_a_script():
    html = slider_html(draw_height, [1, 2], **arguments())
    frames = frames_of(html)
    assert f'src="{frames["light"][0]}"' in html
    assert '<div class="gdt-controls" hidden>' in html
    assert "First of 2 pictures" in html


def test_values_may_be_an_array_and_texts_a_list():
    html = slider_html(draw_height, np.array([1.0, 2.0]), **arguments(alt=["low", "high"]))
    assert frames_of(html)["alt"] == ["low", "high"]


def test_two_sliders_have_two_ids():
    pages = [slider_html(draw_height, [1, 2], **arguments()) for _ in range(2)]
    ids = [re.search(r'id="([^"]+)"', html)[1] for html in pages]
    assert ids[0] != ids[1]
    assert all(html.count(f'for="{name}"') == 2 for html, name in zip(pages, ids, strict=True))


def test_text_cannot_leave_the_script():
    html = slider_html(draw_height, [1, 2], **arguments(alt=["</script><b>", "x"]))
    assert frames_of(html)["alt"][0] == "</script><b>"
    assert "<b>" not in html


@pytest.mark.parametrize(
    ("values", "changes", "message"),
    [
        ([1], {}, "values must hold two values or more, got 1; use figure"),
        ([1, 2], {"label": " "}, "label must describe"),
        ([1, 2], {"alt": ["one"]}, r"alt must give one text per value \(2\)"),
        ([1, 2], {"alt": "one text"}, r"alt must give one text per value \(2\)"),
        ([1, 2], {"alt": ["one", ""]}, "alt must describe the picture in words"),
        ([1, 2, 3], {"max_megabyte": 0.01}, r"values must give frames of at most 0.01 MB .* pass about 2 values"),
    ],
)
def test_bad_arguments_are_named(values, changes, message):
    with pytest.raises(ValueError, match=message):
        slider_figure(draw_height, values, **arguments(**changes))


def draw_slope(fig, start, slope):
    fig.subplots().plot([0, 1], [start, start + slope])


START = Slider(values=[0, 1, 2], label="Start", start=1, value_text=lambda value: f"{value} m")
SLOPE = Slider(values=[1, 2], label="Slope")


def two(**changes):
    return {"alt": lambda start, slope: f"A line from {start}, slope {slope}.", "size": (3, 2)} | changes


def test_two_sliders_have_a_frame_for_each_pair(published):
    two_slider_figure(draw_slope, START, SLOPE, **two(caption="Lines."))
    html = published[0]["text/html"]
    frames = frames_of(html)
    assert frames["sliders"] == [["0 m", "1 m", "2 m"], ["1", "2"]]
    assert frames["text"] == ["0 m, 1", "0 m, 2", "1 m, 1", "1 m, 2", "2 m, 1", "2 m, 2"]
    assert frames["alt"][3] == "A line from 1, slope 2."
    assert len(set(frames["light"])) == len(set(frames["dark"])) == 6
    assert html.count('<input type="range"') == html.count('<div class="gdt-controls" hidden>') == 2
    assert "gdt-play" not in html.split("<script")[0].split("</style>")[1]
    assert published[0]["text/plain"] == "[Slider figure: Start, 0 m to 2 m; Slope, 1 to 2]"


def test_two_sliders_begin_where_they_are_told():
    html = two_slider_html(draw_slope, START, SLOPE, **two())
    frames = frames_of(html)
    assert f'src="{frames["light"][2]}"' in html
    assert f'alt="{frames["alt"][2]}"' in html
    assert 'value="1" autocomplete="off" aria-valuetext="1 m"' in html
    assert "One of 6 pictures (Start: 1 m; Slope: 1). Two sliders move" in html
    assert frames["print"] == [0, 2, 5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Slider(values=[1], label="x"), r"values must hold two values or more, got \[1\]"),
        (lambda: Slider(values=[1, 2], label=" "), "label must describe"),
        (lambda: Slider(values=[1, 2], label="x", start=3), r"start must be one of the values \[1, 2\], got 3"),
        (lambda: two_slider_figure(draw_slope, START, SLOPE, **two(alt=lambda *pair: "")), "alt must describe"),
        (
            lambda: two_slider_figure(draw_slope, START, SLOPE, **two(max_megabyte=0.001)),
            "values must give frames of at most 0.001 MB together, got 6 frames",
        ),
    ],
)
def test_bad_arguments_of_two_sliders_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_live_figure_redraws_when_a_control_moves(published, monkeypatch):
    monkeypatch.delenv("GDT_STATIC", raising=False)
    shown, drawn = [], []
    monkeypatch.setattr(player, "display", shown.append)
    slope = ipywidgets.FloatSlider(1.0, min=0.0, max=5.0, description="Slope")
    live_figure(lambda fig, slope: drawn.append(slope), alt="A line", slope=slope)
    assert isinstance(shown[0], ipywidgets.VBox)
    slope.value = 4.0
    assert drawn == [1.0, 1.0, 4.0, 4.0]


def test_a_static_live_figure_is_a_picture_and_a_note(published, monkeypatch):
    monkeypatch.setenv("GDT_STATIC", "1")
    monkeypatch.setattr(player, "display", pytest.fail)
    drawn = []
    slope = ipywidgets.FloatSlider(1.5, description="Slope <m>")
    live_figure(lambda fig, slope: drawn.append(slope), alt="A line", slope=slope)
    assert drawn == [1.5, 1.5]
    picture, note = published
    assert picture["text/html"].count("<img") == 2
    assert "In a running notebook this figure has controls: Slope &lt;m&gt;." in note["text/html"]


def test_a_live_figure_needs_a_control_and_a_text():
    with pytest.raises(ValueError, match="controls must hold one widget or more"):
        live_figure(lambda fig: None, alt="A line")
    with pytest.raises(ValueError, match="alt must describe"):
        live_figure(lambda fig, n: None, alt="", n=ipywidgets.IntSlider())


@pytest.mark.parametrize("static", ["0", "1"])
def test_a_kernel_shows_widgets_exactly_where_there_is_a_reader(tmp_path, static):
    code = (
        f"import os; os.environ['GDT_STATIC'] = '{static}'\n"
        "import ipywidgets\nfrom gdt_tutorial.teaching import live_figure\n"
        "live_figure(lambda fig, n: fig.subplots().plot([0, n]), alt='A line', n=ipywidgets.IntSlider(3))"
    )
    source, target = tmp_path / "source.ipynb", tmp_path / "target.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)], metadata=kernel), source)
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(source), str(target)]
    done = run_watched(command)
    assert done.returncode == 0, done.stderr
    outputs = nbformat.read(target, as_version=4).cells[-1].outputs
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    assert ("application/vnd.jupyter.widget-view+json" in kinds) is (static == "0")
    assert any("<img" in output.get("data", {}).get("text/html", "") for output in outputs) is (static == "1")
