import functools
import re
from dataclasses import dataclass

import numpy as np
import pytest
from beartype import beartype
from jaxtyping import Float, jaxtyped

from gdt_tutorial import units
from gdt_tutorial.teaching import show
from gdt_tutorial.teaching import show as show_function
from gdt_tutorial.teaching.show import source_lines


def noted(x):
    """Return what it takes.

    More words.
    """

    # why
    return "<b>" + x


@jaxtyped(typechecker=beartype)
def checked(x: Float[np.ndarray, " user"]) -> Float[np.ndarray, " user"]:
    """Double."""
    return 2 * x


@dataclass
class Pair:
    """Two numbers."""

    first: int = 1

    @property
    def double(self):
        """Twice the first."""
        return 2 * self.first

    @classmethod
    def make(cls):
        return cls()

    @functools.cached_property
    def triple(self):
        return 3 * self.first


def test_the_source_is_the_live_one(published):
    show(noted)
    (bundle,) = published
    assert bundle["text/plain"].startswith(f"# test_show.py, line {noted.__code__.co_firstlineno}\ndef noted(x):\n")
    text = re.sub("<[^>]+>", "", bundle["text/html"].split("<pre", 1)[1].split(">", 1)[1])
    assert "def noted(x):" in text
    assert "More words." in text
    assert "&lt;b&gt;" in text
    assert bundle["text/html"].startswith('<details class="gdt gdt-code" open>')


def test_a_body_leaves_out_only_the_docstring(published):
    show(noted, body_only=True)
    assert published[0]["text/plain"].split("\n", 1)[1] == 'def noted(x):\n    # why\n    return "<b>" + x\n'


def test_a_function_without_docstring_is_shown_whole(published):
    show(Pair.make, body_only=True)
    assert published[0]["text/plain"].endswith("@classmethod\ndef make(cls):\n    return cls()\n")


def test_wrappers_are_taken_off():
    source, _, _ = source_lines(checked)
    assert source.startswith("@jaxtyped(typechecker=beartype)\ndef checked(")


@pytest.mark.parametrize(
    ("thing", "start"),
    [
        (Pair, "@dataclass\nclass Pair:"),
        (Pair.double, "@property\ndef double(self):"),
        (Pair().make, "@classmethod\ndef make(cls):"),
        (units, '"""Decibels'),
        (show_function, "def show("),
    ],
)
def test_methods_properties_classes_and_modules_are_found(thing, start):
    assert source_lines(thing)[0].startswith(start)


def test_a_closed_listing_waits_for_the_reader(published):
    show(noted, is_open=False)
    assert published[0]["text/html"].startswith('<details class="gdt gdt-code">')


def test_library_code_names_file_and_line_and_links_to_the_release(published):
    show(units.w_to_dbm)
    html = published[0]["text/html"]
    first = source_lines(units.w_to_dbm)[1]
    assert f"gdt_tutorial/units.py, line {first}" in html
    address = re.search(r'href="([^"]+)"', html)[1]
    assert re.fullmatch(rf"https://[^#]+/blob/v[^/]+/gdt_tutorial/units\.py#L{first}-L\d+", address)


def test_other_code_has_no_link(published):
    show(noted)
    assert "href" not in published[0]["text/html"]


@pytest.mark.parametrize("thing", [3, np.add, len])
def test_what_has_no_source_is_refused(thing):
    with pytest.raises(ValueError, match="thing must be a Python function, class or module"):
        show(thing)
