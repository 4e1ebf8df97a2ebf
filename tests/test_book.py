"""The built site in a real browser, with every other host unreachable.

The site is the one that `make book` built; when it is missing or stale, it is built first.
"""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from book.build import SITE
from book.chapters import ROOT, project, read_plan
from book.scan import scan

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
ON_A_PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
ON_A_DESK = {"width": 1400, "height": 900, "deviceScaleFactor": 1, "mobile": False}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def site() -> Path:
    """Build the site where it is not there or not of these sources; an unchanged one is left as it is."""
    command = [sys.executable, str(ROOT / "book" / "build.py")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"the book does not build:\n{run.stdout[-2000:]}\n{run.stderr[-4000:]}"
    return SITE


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def driver() -> Iterator[object]:
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    chromedriver = shutil.which("chromedriver")
    if browser is None or chromedriver is None:
        missing = "no Chromium with chromedriver on PATH: the built pages were not opened in a browser"
        if os.environ.get("CI", "").lower() == "true" and sys.platform == "linux":
            pytest.fail(f"{missing}; install Debian's packages chromium and chromium-driver")
        pytest.skip(missing)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(chromedriver))
    opened.set_script_timeout(180)  # axe takes half a minute on a long chapter, more on a busy machine
    yield opened
    opened.quit()


def html_pages(site: Path) -> list[str]:
    """List every page of the site; the themes' templates in _static are none."""
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return [page for page in pages if not page.startswith("_static/")]


def set_screen(driver, screen: dict, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def wait(driver, milliseconds: int) -> None:
    driver.execute_async_script("setTimeout(arguments[1], arguments[0])", milliseconds)


def open_page(driver, url: str) -> list[str]:
    """Open a page, wait until it is at rest, and return what went wrong: failed or foreign requests, console errors."""
    for log in ("browser", "performance"):
        driver.get_log(log)
    driver.get(url)
    driver.execute_async_script(
        "const done = arguments[0]; const rest = () => requestAnimationFrame(() => setTimeout(done, 60));"
        "const math = window.MathJax && MathJax.startup && MathJax.startup.promise;"
        "math ? math.then(rest, rest) : rest();"
    )
    return [*_console_errors(driver), *_bad_requests(driver)]


def _console_errors(driver) -> list[str]:
    return [f"console: {entry['message']}" for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def _bad_requests(driver) -> list[str]:
    bad, urls = [], {}
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        params = message["params"]
        if message["method"] == "Network.requestWillBeSent":
            url = urls[params["requestId"]] = params["request"]["url"]
            if not url.startswith(("http://127.0.0.1:", "file://", "data:", "blob:", "about:", "chrome:")):
                bad.append(f"asks another host: {url}")
        elif message["method"] == "Network.loadingFailed" and not params.get("canceled"):
            bad.append(f"failed request: {urls.get(params['requestId'], '?')} {params['errorText']}")
        elif message["method"] == "Network.responseReceived" and params["response"]["status"] >= 400:
            bad.append(f"failed request: {params['response']['url']} {params['response']['status']}")
    return bad


def axe_findings(driver) -> list[str]:
    """Run axe with its rules of WCAG 2.1 A and AA, and return its findings with the first elements of each."""
    if not driver.execute_script("return typeof axe === 'object'"):
        driver.execute_script((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = driver.execute_async_script(
        "const done = arguments[1];"
        "axe.run(document, {runOnly: arguments[0], resultTypes: ['violations'], preload: false})"
        ".then(r => done(r.violations), e => done([{id: 'axe', help: String(e), nodes: []}]));",
        {"type": "tag", "values": WCAG},
    )
    return [f"axe {rule['id']}: {rule['help']}: {[node['html'][:160] for node in rule['nodes'][:3]]}" for rule in found]


def too_wide(driver, width: int) -> list[str]:
    # A phone zooms out of a page that is too wide, so its window grows with the page: compare with the screen.
    excess = driver.execute_script("return document.documentElement.scrollWidth - arguments[0]", width)
    if excess <= 0:
        return []
    widest = driver.execute_script(
        "return [...document.querySelectorAll('.bd-content *')].filter(e => e.getBoundingClientRect().right >"
        " arguments[0] + 1).slice(0, 3).map(e => e.outerHTML.slice(0, 120))",
        width,
    )
    return [f"wider than the screen by {excess} px: {widest}"]


def unrendered_math(driver) -> list[str]:
    n_raw = driver.execute_script(
        "return [...document.querySelectorAll('.math')].filter(e => !e.querySelector('mjx-container')).length"
    )
    return [f"{n_raw} formulas are not rendered"] if n_raw else []


def visit(driver, url: str, *, has_axe: bool) -> dict[str, list[str]]:
    """Open one page, and look at it light on a desk and dark on a phone."""
    set_screen(driver, ON_A_DESK, "light")
    found = {"loading": open_page(driver, url), "math": unrendered_math(driver)}
    if has_axe:
        found["axe, light on a desk"] = axe_findings(driver)
    # A color on its way from light to dark has no contrast to measure.
    driver.execute_script(
        "document.head.insertAdjacentHTML('beforeend', '<style>*{transition:none!important}</style>')"
    )
    set_screen(driver, ON_A_PHONE, "dark")
    found["phone"] = too_wide(driver, ON_A_PHONE["width"])
    if has_axe:
        # The theme looks 300 ms after a change of size which regions scroll.
        wait(driver, 500)
        found["axe, dark on a phone"] = axe_findings(driver)
    found["after"] = _console_errors(driver) + _bad_requests(driver)
    return found


# Folders, and each chapter on its own: a chapter takes as long as a folder, and workers share them better.
FOLDERS = ("", "pages", "api", "_modules")
CHAPTERS = [f"{chapter.docname}.html" for chapter in read_plan().written]
# Made by a template each, from docstrings and from source: axe looks at pages that together hold every kind of element.
GENERATED = ("api", "_modules")
_ELEMENT = re.compile(r'<(\w+)(?:\s[^>]*?\bclass="([^"]*)")?[^>]*>')


def with_every_kind_of_element(site: Path, pages: list[str]) -> list[str]:
    """Choose few of the pages that together hold every tag with every class that any of them has."""
    kinds = {page: set(_ELEMENT.findall((site / page).read_text(encoding="utf-8"))) for page in pages}
    missing, chosen = set.union(*kinds.values()), []
    while missing:
        chosen.append(max(pages, key=lambda page: len(kinds[page] & missing)))
        missing -= kinds[chosen[-1]]
    return chosen


@pytest.mark.parametrize("part", [*FOLDERS, *CHAPTERS])
def test_every_page_in_every_light(site, address, driver, part):
    """No failed or foreign request, no console error, math rendered, no finding of axe, not wider than a phone."""
    pages = [page for page in html_pages(site) if part in (page, page.rpartition("/")[0].split("/")[0])]
    assert pages
    with_axe = with_every_kind_of_element(site, pages) if part in GENERATED else pages
    faults = [
        f"{page}: {kind}: {fault}"
        for page in pages
        for kind, found in visit(driver, address + page, has_axe=page in with_axe).items()
        for fault in found
    ]
    assert not faults, "\n".join(faults)


def test_no_page_is_left_out(site):
    others = {page for page in html_pages(site) if page.rpartition("/")[0].split("/")[0] not in FOLDERS}
    assert others == set(CHAPTERS)


def test_dark_is_dark(address, driver):
    set_screen(driver, ON_A_DESK, "dark")
    open_page(driver, address + "index.html")
    assert driver.execute_script("return document.documentElement.dataset.theme") == "dark"
    set_screen(driver, ON_A_DESK, "light")
    wait(driver, 100)
    assert driver.execute_script("return document.documentElement.dataset.theme") == "light"


def test_there_is_math(site):
    assert 'class="math' in (site / "pages" / "notation.html").read_text(encoding="utf-8")


def test_motion_can_be_paused(address, driver):
    set_screen(driver, ON_A_DESK, "light")
    open_page(driver, address + "index.html")
    state = "return getComputedStyle(document.querySelector('.closed-loop.wide .packet')).animationPlayState"
    button = driver.find_element("css selector", ".book-pause")
    assert button.is_displayed()
    assert driver.execute_script(state) == "running"
    button.send_keys("\n")
    assert driver.execute_script(state) == "paused"
    assert button.text == "Play the motion"
    button.send_keys(" ")
    assert driver.execute_script(state) == "running"


def test_motion_stands_still_for_who_asked(address, driver):
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.get(address + "index.html")
    moving = "return document.getAnimations().filter(a => a.playState === 'running').length"
    assert driver.execute_script(moving) == 0
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_slider_moves_the_picture_by_keyboard(site, address, driver):
    from selenium.webdriver.common.keys import Keys

    pages = [page for page in html_pages(site) if 'type="range"' in (site / page).read_text(encoding="utf-8")]
    assert any(page.startswith("notebooks/") for page in pages), "no chapter has a slider figure"
    set_screen(driver, ON_A_DESK, "light")
    for page in pages:
        open_page(driver, address + page)
        for player in driver.find_elements("css selector", ".gdt-player"):
            for slider in player.find_elements("css selector", "input[type=range]"):
                shown = "return arguments[0].querySelector('img.gdt-light').src"
                before = driver.execute_script(shown, player), slider.get_attribute("aria-valuetext")
                is_last = slider.get_property("value") == slider.get_attribute("max")
                slider.send_keys(Keys.ARROW_LEFT if is_last else Keys.ARROW_RIGHT)
                after = driver.execute_script(shown, player), slider.get_attribute("aria-valuetext")
                assert before[0] != after[0], f"{page}: the picture stays as the slider moves"
                assert before[1] != after[1], f"{page}: the slider does not say its value"


@pytest.mark.parametrize("page", ["index.html", "pages/maps.html", "pages/notation.html", "chapter"])
def test_site_works_from_disk(site, driver, page):
    name = f"{read_plan().written[0].docname}.html" if page == "chapter" else page
    set_screen(driver, ON_A_DESK, "light")
    faults = open_page(driver, (site / name).as_uri()) + unrendered_math(driver)
    assert not faults, "\n".join(faults)


_LINK = re.compile(r'<(?:a|link|area)\b[^>]*?\s(?:href|xlink:href)="([^"]*)"', re.IGNORECASE)
_ANCHOR = re.compile(r'\s(?:id|name)="([^"]+)"')


@pytest.fixture(scope="session")
def anchors(site: Path) -> dict[str, set[str]]:
    return {page: set(_ANCHOR.findall((site / page).read_text(encoding="utf-8"))) for page in html_pages(site)}


def test_every_internal_link_resolves(site, anchors):
    broken = []
    for page in html_pages(site):
        for href in _LINK.findall((site / page).read_text(encoding="utf-8")):
            parts = urlsplit(href.replace("&amp;", "&"))
            if parts.scheme or parts.netloc or href in ("", "#"):
                continue
            target = unquote(urlsplit(urljoin(f"/{page}", parts.path or f"/{page}")).path).lstrip("/")
            fragment = unquote(parts.fragment)
            if not (site / target).is_file():
                broken.append(f"{page}: {href} leads to no file")
            elif fragment and target in anchors and fragment not in anchors[target]:
                broken.append(f"{page}: {href} leads to no place of {target}")
    assert not broken, "\n".join(broken[:40])


def test_site_has_no_traceback_no_name_of_a_claim_and_no_foreign_host(site):
    names = {name for plans in read_plan().claims.values() for name in plans}
    assert len(names) > 100
    assert scan(site, names) == []


def test_launch_buttons_lead_to_tracked_notebooks(site):
    owner = project()["repository"].removeprefix("https://github.com/")
    release = project()["release"]
    for chapter in read_plan().written:
        text = (site / f"{chapter.docname}.html").read_text(encoding="utf-8")
        assert chapter.path.is_file()
        path = chapter.path.relative_to(ROOT).as_posix()
        assert f"https://colab.research.google.com/github/{owner}/blob/{release}/{path}" in text
        assert f"https://mybinder.org/v2/gh/{owner}/{release}?urlpath=lab/tree/{path}" in text


def test_every_chapter_says_how_it_was_made(site):
    for chapter in read_plan().written:
        text = (site / f"{chapter.docname}.html").read_text(encoding="utf-8")
        assert "How this page was made" in text
        assert "Peak memory" in text


def test_a_table_of_a_chapter_is_one_on_its_page(site):
    n_tables = 0
    for chapter in read_plan().written:
        cells = json.loads(chapter.path.read_text(encoding="utf-8"))["cells"]
        code = [line for cell in cells if cell["cell_type"] == "code" for line in cell["source"]]
        n_shown = sum(line.startswith("table(") for line in code)
        text = (site / f"{chapter.docname}.html").read_text(encoding="utf-8")
        assert text.count("<table") >= n_shown, f"{chapter.docname}: a table is shown as text with bars"
        n_tables += n_shown
    assert n_tables > 0
