import re

import pytest

from gdt_tutorial.teaching import quiz, quiz_html

OPTIONS = [("one", False, "Too few: `n < 2`."), ("two", True, "One and one."), ("three <3", False, "Too many.")]


def test_a_quiz_is_a_fieldset_with_radio_buttons(published):
    quiz("How many?", OPTIONS)
    html = published[0]["text/html"]
    assert re.search(r"<fieldset><legend>.*How many\?.*</legend>", html)
    assert html.count('type="radio"') == 3
    assert len(set(re.findall(r' name="([^"]+)"', html))) == 1
    assert set(re.findall(r' id="([^"]+)"', html)) == set(re.findall(r'<label for="([^"]+)"', html))
    assert 'aria-live="polite"' in html
    assert "three &lt;3" in html
    assert published[0]["text/plain"] == "Quiz: How many?\n  a) one\n  b) two\n  c) three <3"


def test_every_option_is_explained_without_a_script():
    answers = quiz_html("How many?", OPTIONS).split("<details>")[1]
    assert answers.count("<li") == 3
    assert answers.count("<strong>Right: ") == 1
    assert "Too few: <code>n &lt; 2</code>." in answers


def test_the_same_quiz_twice_has_two_groups():
    names = [re.search(r' name="([^"]+)"', quiz_html("How many?", OPTIONS))[1] for _ in range(2)]
    assert names[0] != names[1]


@pytest.mark.parametrize(
    ("question", "options", "message"),
    [
        (" ", OPTIONS, "question must not be empty"),
        ("?", OPTIONS[1:2], "options must be two or more with one right, got 1 with 1 right"),
        ("?", [OPTIONS[0], OPTIONS[2]], "options must be two or more with one right, got 2 with 0 right"),
        ("?", [OPTIONS[1], ("deux", True, "As well.")], "got 2 with 2 right"),
        ("?", [OPTIONS[1], OPTIONS[1]], "options must have different, non-empty texts"),
        ("?", [OPTIONS[1], ("", False, "x")], "options must have different, non-empty texts"),
        ("?", [OPTIONS[1], ("four", False, " ")], "options must each have an explanation, got none for 'four'"),
    ],
)
def test_bad_quizzes_are_named(question, options, message):
    with pytest.raises(ValueError, match=message):
        quiz(question, options)
