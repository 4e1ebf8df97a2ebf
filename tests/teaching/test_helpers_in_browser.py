"""The helpers in a real browser, opened from disk: what moves, what a screen reader gets, what axe finds."""

import json

import pytest

from gdt_tutorial.teaching import (
    Slider,
    case_study_chain,
    claims,
    figure,
    hints,
    quiz,
    show,
    slider_figure,
    two_slider_figure,
)
from gdt_tutorial.teaching.page import inline
from gdt_tutorial.units import linear_to_db

pytestmark = pytest.mark.browser

# What decides the colors: the book (whose Bootstrap hides [hidden] with force), JupyterLab, or the reader's system.
PAGES = {
    "book": ('<html lang="en" data-theme="{scheme}">', "<body>"),
    "lab": ('<html lang="en">', '<body data-jp-theme-light="{light}">'),
    "system": ('<html lang="en">', "<body>"),
}


def draw_height(fig, height=1, start=0):
    ax = fig.subplots()
    ax.plot([0, 1], [start, height])
    ax.set_ylim(0, 4)


@pytest.fixture(scope="module")
def body():
    """One output of each helper."""
    from gdt_tutorial.teaching import page

    bundles, original = [], page.display
    page.display = lambda bundle, raw: bundles.append(bundle)
    try:
        claims(gain=0.5, loss=0.1)
        figure(draw_height, alt="A line", caption="A caption with `code`.", size=(4, 2))
        slider_figure(
            draw_height,
            [1, 2, 3],
            label="Height",
            alt=lambda v: f"A line to {v}.",
            value_text=lambda v: f"{v} m",
            size=(4, 2),
        )
        two_slider_figure(
            draw_height,
            Slider(values=[1, 2, 3], label="Height", start=2, value_text=lambda v: f"{v} m"),
            Slider(values=[0, 1], label="Start"),
            alt=lambda height, start: f"A line from {start} to {height}.",
            size=(4, 2),
        )
        case_study_chain(["walk", "qoe"])
        show(linear_to_db)
        quiz("How many?", [("one", False, "Too few."), ("two", True, "One and one."), ("three", False, "Too many.")])
        hints("first", "second")
        show_verdicts()
    finally:
        page.display = original
    return "".join(bundle["text/html"] for bundle in bundles)


def show_verdicts():
    from gdt_tutorial.teaching import check

    check.ex99_1.card()
    for answer in (..., lambda first, second: first + second, lambda first, second: linear_to_db(10 + 10**0.7)):
        check.ex99_1(answer)


@pytest.fixture
def opened(browser, body, tmp_path):
    """Open a page that holds all helpers, from disk, and fail on what the console says."""

    def open_page(kind="book", scheme="light", width=1000, *, script=True):
        head, start = (part.format(scheme=scheme, light=json.dumps(scheme == "light")) for part in PAGES[kind])
        style = f"background:{'#ffffff' if scheme == 'light' else '#121212'};margin:1rem"
        path = tmp_path / "page.html"
        path.write_text(
            f'<!doctype html>{head}<head><meta charset="utf-8"><title>Helpers</title>'
            '<meta name="viewport" content="width=device-width"><style>[hidden]{display:none!important}</style></head>'
            f'{start.replace("<body", f"""<body style="{style}" """)}<main>{body}</main></body></html>',
            encoding="utf-8",
        )
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
        features = [{"name": "prefers-color-scheme", "value": scheme if kind == "system" else "light"}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(path.as_uri())
        return browser

    yield open_page
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def find(driver, selector):
    return driver.find_element("css selector", selector)


def is_shown(driver, selector):
    return find(driver, selector).is_displayed()


@pytest.mark.parametrize("width", [1000, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", PAGES)
def test_axe_finds_nothing(opened, axe_findings, kind, scheme, width):
    driver = opened(kind, scheme, width)
    driver.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    find(driver, ".gdt-quiz input").click()
    find(driver, ".gdt-quiz button").click()
    assert axe_findings(driver) == []
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", PAGES)
def test_the_picture_fits_the_page(opened, kind, scheme):
    driver = opened(kind, scheme)
    for figure_class in (".gdt-figure:not(.gdt-player)", ".gdt-player"):
        shown = {name: is_shown(driver, f"{figure_class} img.gdt-{name}") for name in ("light", "dark")}
        assert shown == {"light": scheme == "light", "dark": scheme == "dark"}


def test_the_keyboard_moves_the_slider_and_the_picture(opened):
    driver = opened()
    slider, picture = find(driver, ".gdt-player input"), find(driver, ".gdt-player img.gdt-light")
    first = picture.get_attribute("src")
    slider.send_keys("\ue014")  # arrow right
    assert picture.get_attribute("src") != first
    assert picture.get_attribute("alt") == "A line to 2."
    assert slider.get_attribute("aria-valuetext") == find(driver, ".gdt-player output").text == "2 m"
    slider.send_keys("\ue010")  # end
    assert slider.get_attribute("aria-valuetext") == "3 m"
    slider.send_keys("\ue011")  # home
    assert picture.get_attribute("src") == first


def test_each_of_two_sliders_moves_the_picture(opened):
    driver = opened()
    figure_of_two = driver.find_elements("css selector", ".gdt-player")[1]
    first, second = figure_of_two.find_elements("css selector", "input")
    picture = figure_of_two.find_element("css selector", "img.gdt-light")
    assert picture.get_attribute("alt") == "A line from 0 to 2."
    first.send_keys("\ue014")  # arrow right
    assert picture.get_attribute("alt") == "A line from 0 to 3."
    assert first.get_attribute("aria-valuetext") == "3 m"
    source = picture.get_attribute("src")
    second.send_keys("\ue014")
    assert picture.get_attribute("alt") == "A line from 1 to 3."
    assert picture.get_attribute("src") != source
    assert [each.text for each in figure_of_two.find_elements("css selector", "output")] == ["3 m", "1"]
    assert not figure_of_two.find_elements("css selector", "button")


def test_nothing_moves_until_play_is_pressed_and_pause_stops_it(opened):
    driver = opened()
    slider, play = find(driver, ".gdt-player input"), find(driver, ".gdt-play")
    driver.execute_async_script("setTimeout(arguments[0], 1200)")
    assert slider.get_property("value") == "0"
    play.click()
    assert play.get_attribute("aria-label") == "Pause: Height"
    driver.execute_async_script("setTimeout(arguments[0], 1100)")
    assert slider.get_property("value") == "1"
    play.click()
    assert play.get_attribute("aria-label") == "Play: Height"
    driver.execute_async_script("setTimeout(arguments[0], 1100)")
    assert slider.get_property("value") == "1"


def test_playing_is_not_offered_where_motion_is_unwelcome(opened):
    driver = opened()
    assert is_shown(driver, ".gdt-play")
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    assert not is_shown(driver, ".gdt-play")
    assert is_shown(driver, ".gdt-player input")


def test_the_script_may_run_again(opened):
    driver = opened()
    driver.execute_script(
        "document.querySelectorAll('.gdt script:not([type])').forEach(old => {"
        "const again = document.createElement('script'); again.textContent = old.textContent; old.replaceWith(again); })"
    )
    slider = find(driver, ".gdt-player input")
    slider.send_keys("\ue014")
    assert slider.get_property("value") == "1"
    assert len(driver.find_elements("css selector", ".gdt-print")) == len(
        driver.find_elements("css selector", ".gdt-player")
    )


def test_without_scripts_the_first_frame_and_all_explanations_are_there(opened):
    driver = opened(script=False)
    assert is_shown(driver, ".gdt-player img.gdt-light")
    assert not is_shown(driver, ".gdt-controls")
    assert find(driver, ".gdt-still").text.startswith("First of 3 pictures (Height: 1 m)")
    assert not is_shown(driver, ".gdt-quiz button")
    find(driver, ".gdt-quiz summary").click()
    assert "One and one." in find(driver, ".gdt-quiz details").text


def test_paper_shows_three_frames(opened):
    driver = opened("book", "dark")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    for strip in driver.find_elements("css selector", ".gdt-print"):
        assert [image.is_displayed() for image in strip.find_elements("css selector", "img")] == [True] * 3
    assert not is_shown(driver, ".gdt-controls")
    assert not is_shown(driver, ".gdt-player > img.gdt-light")
    assert is_shown(driver, ".gdt-figure:not(.gdt-player) img.gdt-light")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_quiz_is_answered_by_keyboard(opened):
    driver = opened()
    button, result = find(driver, ".gdt-quiz button"), find(driver, ".gdt-result")
    assert not is_shown(driver, ".gdt-quiz details")
    button.send_keys("\ue007")
    assert result.text == "Choose an answer first."
    find(driver, ".gdt-quiz input").send_keys(" ")
    button.send_keys("\ue007")
    assert result.text == "Not right; try another one.\nToo few."
    assert not is_shown(driver, ".gdt-quiz details")
    find(driver, ".gdt-quiz input:checked").send_keys("\ue015")  # arrow down
    assert result.text == ""
    button.send_keys("\ue007")
    assert result.text == "Right.\nOne and one."
    assert is_shown(driver, ".gdt-quiz details")


def test_a_hint_shows_only_after_the_one_before(opened):
    driver = opened()
    inner = ".gdt-hint .gdt-hint > summary"
    assert not is_shown(driver, inner)
    find(driver, ".gdt-hint > summary").send_keys("\ue007")
    assert is_shown(driver, inner)


def test_text_of_authors_is_no_html():
    assert "<img" not in inline('<img src=x onerror="alert(1)">')
