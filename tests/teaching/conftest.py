"""What the tests of the teaching helpers share: captured outputs, and a real browser with axe."""

import importlib.util
import shutil
from importlib.resources import files

import pytest

from gdt_tutorial.teaching import page

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_DRIVER = shutil.which("chromedriver")
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


@pytest.fixture
def published(monkeypatch):
    """Everything that the helpers display, as MIME bundles."""
    bundles = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


@pytest.fixture(scope="module")
def browser():
    """Start headless Chromium without a network; skip with one line where there is none."""
    if not (_CHROMIUM and _DRIVER and importlib.util.find_spec("selenium")):
        pytest.skip("no chromium, chromedriver or selenium on this machine: the helpers are not tried in a browser")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = _CHROMIUM
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    for flag in (*flags, "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(_DRIVER))
    driver.set_script_timeout(60)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def axe_findings():
    """Return a function that runs axe (WCAG 2.1 A and AA) on the page that a driver shows and returns its findings."""
    source = _axe_source()

    def run(driver):
        driver.execute_script(source)
        known = driver.execute_script("return axe.getRules().flatMap(rule => rule.tags)")
        result = driver.execute_async_script(
            "const [tags, done] = arguments;"
            "axe.run(document, {runOnly: {type: 'tag', values: tags}}).then(done, e => done({error: String(e)}))",
            [tag for tag in _TAGS if tag in known],
        )
        assert "error" not in result, result["error"]
        assert result["passes"], "axe checked nothing"
        return [(entry["id"], node["html"][:200]) for entry in result["violations"] for node in entry["nodes"]]

    return run


def _axe_source():
    places = {
        "axe_playwright_python": "axe.min.js",
        "axe_core_python": "axe.min.js",
        "axe_selenium_python": "node_modules/axe-core/axe.min.js",
    }
    for package, path in places.items():
        if importlib.util.find_spec(package):
            return files(package).joinpath(path).read_text(encoding="utf-8")
    pytest.skip("no package with axe on this machine: accessibility is not checked")
