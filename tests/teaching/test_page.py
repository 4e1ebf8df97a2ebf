import re

import pytest

from gdt_tutorial.teaching.page import THEME, element_id, inline, is_static, load_script, style


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_on_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_of_the_theme_has_contrast_aa(scheme):
    theme = THEME[scheme]
    texts = ["text", "muted", "accent", *(name for name in theme if name.startswith("code-"))]
    pairs = [(text, ground) for text in texts for ground in ("background", "surface")]
    pairs += [(kind, f"{kind}-soft") for kind in ("right", "wrong", "open", "accent")]
    pairs += [("text", f"{kind}-soft") for kind in ("right", "wrong", "open", "accent")]
    pairs += [("on-accent", "accent")]
    assert [pair for pair in pairs if contrast(theme[pair[0]], theme[pair[1]]) < 4.5] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_slider_has_contrast_for_controls(scheme):
    theme = THEME[scheme]
    assert contrast(theme["control"], theme["surface"]) >= 3
    assert contrast(theme["accent"], theme["surface"]) >= 3


def test_both_schemes_have_the_same_names():
    assert THEME["light"].keys() == THEME["dark"].keys()


def test_ids_are_the_same_in_every_run_and_never_repeat():
    first, second, other = element_id("quiz", "one"), element_id("quiz", "one"), element_id("quiz", "two")
    assert first == "gdt-quiz-7692c3ad35"
    assert second == "gdt-quiz-7692c3ad35-2"
    assert len({first, second, other}) == 3


def test_inline_escapes_and_keeps_code_and_math():
    assert inline("<b> & `x < y`") == "&lt;b&gt; &amp; <code>x &lt; y</code>"
    assert r"\(a_1 &lt; b\)" in inline("so $a_1 < b$.")
    assert inline("costs 5 $ or 6 $ each") == "costs 5 $ or 6 $ each"


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("0", False), ("", False), (None, False)])
def test_static_follows_the_environment(monkeypatch, value, expected):
    monkeypatch.delenv("GDT_STATIC", raising=False)
    if value is not None:
        monkeypatch.setenv("GDT_STATIC", value)
    assert is_static() is expected


def test_styles_and_scripts_ask_no_other_host():
    for text in (
        style("claim", "figure", "player", "code", "exercise", "quiz"),
        load_script("player"),
        load_script("quiz"),
    ):
        assert not re.search(r"https?:|@import|url\(", text)
        assert "/*" not in text
