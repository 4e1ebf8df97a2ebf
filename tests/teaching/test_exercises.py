"""The machinery of exercises, and every exercise of every written chapter.

Stubs count as not answered, solutions pass, and the commonest mistakes get the message that helps. Stub, check and
solution run with the chapter's imports alone, so that a student who opens one exercise needs nothing else.
"""

import re
from importlib import import_module
from importlib.util import find_spec

import nbformat
import numpy as np
import pytest

from book.chapters import NOTEBOOKS, read_plan
from gdt_tutorial.teaching import (
    Exercise,
    Feedback,
    Mistake,
    Wrong,
    check,
    check_verdicts,
    exercise,
    expect,
    expect_close,
    hints,
    read_feedback,
)
from gdt_tutorial.teaching.exercises import VERDICT_MIME, hints_html

WRITTEN = {"99": NOTEBOOKS / "_template.ipynb"} | {
    chapter.number: chapter.path for chapter in read_plan().written if chapter.path.exists()
}
PROMISED = {"title": "T", "difficulty": "easy", "minutes": 2, "hints": ["h"], "mistakes": []}


def exercises_of(number):
    name = f"gdt_tutorial.teaching.checks.chapter_{number}"
    return (
        [value for value in vars(import_module(name)).values() if isinstance(value, Exercise)]
        if find_spec(name)
        else []
    )


def cells_of(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            yield set(cell.metadata.get("tags", [])), cell.source


def named_in(source):
    return set(re.findall(r"check\.(ex\d+_\d+)\(", source))


EVERY = [pytest.param(item, id=item.name) for number in WRITTEN for item in exercises_of(number)]


@pytest.mark.parametrize("item", EVERY)
def test_common_mistakes_get_the_message_that_helps(item):
    assert len(item.mistakes) >= 2, "name the two commonest wrong answers"
    for mistake in item.mistakes:
        feedback = item.judge(mistake.answer)
        assert feedback.state == "wrong"
        assert mistake.says in feedback.message


@pytest.mark.parametrize("item", EVERY)
def test_no_answer_is_no_error(item):
    assert item.judge(...).state == "unanswered"


@pytest.mark.parametrize("number", WRITTEN)
def test_stubs_are_open_and_solutions_right(number, published):
    known = {item.name for item in exercises_of(number)}
    assert known, f"chapter {number} has no exercise in gdt_tutorial/teaching/checks/chapter_{number}.py"
    seen = {"exercise-check": set(), "solution": set()}
    namespace = {"__name__": "exercise_cells"}
    wanted_tags = {"parameters", "imports", "exercise-stub", "exercise-check", "solution"}
    for tags, source in cells_of(WRITTEN[number]):
        if not tags & wanted_tags:
            continue
        if "parameters" in tags:
            source += '\nprofile = "smoke"'
        published.clear()
        exec(compile(source, f"chapter {number}", "exec"), namespace)
        for tag, state in (("exercise-check", "unanswered"), ("solution", "right")):
            if tag in tags:
                feedback = [bundle[VERDICT_MIME] for bundle in published if VERDICT_MIME in bundle]
                assert feedback, f"a cell tagged {tag} runs no check:\n{source}"
                assert {feedback["state"] for feedback in feedback} == {state}, feedback
                seen[tag] |= {feedback["exercise"] for feedback in feedback}
    assert seen == {"exercise-check": known, "solution": known}


@pytest.mark.parametrize("number", WRITTEN)
def test_solutions_and_checks_are_tagged(number):
    for tags, source in cells_of(WRITTEN[number]):
        if named_in(source):
            assert tags & {"exercise-check", "solution"}, f"tag this cell exercise-check or solution:\n{source}"
        if "solution" in tags:
            assert "hide-cell" in tags, f"a solution is collapsed by the tag hide-cell:\n{source}"


@pytest.mark.parametrize("number", WRITTEN)
def test_every_exercise_has_its_card(number):
    text = "\n".join(source for _, source in cells_of(WRITTEN[number]))
    assert set(re.findall(r"check\.(ex\d+_\d+)\.card\(\)", text)) == {item.name for item in exercises_of(number)}


@exercise(title="Three <3", difficulty="hard", minutes=1, hints=["a", "b"], mistakes=[Mistake(4, says="too large")])
def ex7_1(answer):
    expect_close(answer() if callable(answer) else answer, 3.0)


def raises(error):
    def answer():
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "state", "message"),
    [
        (..., "unanswered", "replace the placeholder"),
        (None, "unanswered", "replace the placeholder"),
        (raises(NotImplementedError("write it.")), "unanswered", "write it."),
        (raises(NotImplementedError()), "unanswered", "write the body"),
        (raises(TypeError("no & no")), "wrong", "your answer raised `TypeError`: no & no"),
        (lambda: None, "wrong", "does your function end with `return`?"),
        (4, "wrong", "the result is 4, which is too large."),
        (3, "right", "well done."),
    ],
)
def test_a_verdict_is_shown_and_recorded(published, capsys, answer, state, message):
    ex7_1(answer)
    (bundle,) = published
    assert bundle[VERDICT_MIME]["exercise"] == "ex7_1"
    assert bundle[VERDICT_MIME]["state"] == state
    assert message in bundle[VERDICT_MIME]["message"]
    assert f"is-{state}" in bundle["text/html"]
    assert capsys.readouterr() == ("", "")


def test_a_card_says_difficulty_minutes_and_hints(published):
    ex7_1.card()
    html = published[0]["text/html"]
    for text in ("Exercise 7.1", "hard, about 1 minute<", "Hint 1 of 2", "Hint 2 of 2"):
        assert text in html
    assert "Three <3" in published[0]["text/plain"]


def test_hints_open_one_behind_the_other(published):
    hints("first", "`second`", "third")
    assert re.search(
        r"Hint 1 of 3.*first.*<details.*Hint 2 of 3.*<code>second</code>.*<details.*Hint 3", published[0]["text/html"]
    )
    assert hints_html(["a", "b"]).endswith("</details></details>")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([1.0, 2.0], r"the rate must have shape \(3,\), but yours has \(2,\)"),
        ("many", "the rate must be numbers, but yours is of type `str`"),
        ([1.0, np.nan, 3.0], "the rate holds values that are not finite"),
        ([1.0, 2.0, 2.5], r"the rate is 2.5 at \(2,\), which is too small"),
        ([2.0, 4.0, 6.0], "you doubled it"),
    ],
)
def test_expect_close_explains(answer, message):
    with pytest.raises(Wrong, match=message):
        expect_close(answer, [1.0, 2.0, 3.0], what="the rate", mistakes={"you doubled it": [2, 4, 6], "shape": 1})


def test_expect_close_accepts_what_is_close():
    expect_close(np.array([1.0, 2.001]), [1, 2], tolerance=1e-2)
    expect(np.bool_(True), "never said")
    with pytest.raises(Wrong, match="said"):
        expect(False, "said")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minutes": 0}, "minutes must be at least 1"),
        ({"hints": []}, "hints must be one to three"),
        ({"hints": ["a", " "]}, "hints must be one to three"),
        ({"hints": list("abcd")}, "hints must be one to three"),
    ],
)
def test_a_malformed_exercise_is_refused(changes, message):
    def ex1_1(answer):
        return None

    with pytest.raises(ValueError, match=message):
        exercise(**{**PROMISED, **changes})(ex1_1)


def test_an_exercise_is_named_by_chapter_and_number():
    def first(answer):
        return None

    with pytest.raises(ValueError, match="name must be like 'ex3_2'"):
        exercise(**PROMISED)(first)


def test_check_finds_exercises_and_names_those_there_are():
    assert check.ex99_1.title == "The power of two signals"
    with pytest.raises(AttributeError, match="has no exercise 'ex99_7'; it has ex99_1"):
        _ = check.ex99_7
    with pytest.raises(AttributeError, match="named like ex0_1"):
        _ = check.exercise


def executed(*cells):
    made = []
    for tag, name, state in cells:
        payload = {VERDICT_MIME: {"exercise": name, "state": state, "message": "m"}}
        output = nbformat.v4.new_output("display_data", data=payload)
        made.append(nbformat.v4.new_code_cell("", outputs=[output], metadata={"tags": [tag] if tag else []}))
    return nbformat.v4.new_notebook(cells=made)


def test_an_executed_notebook_is_held_to_the_rules():
    good = executed(("exercise-check", "ex1_1", "unanswered"), ("solution", "ex1_1", "right"))
    assert read_feedback(good)[1] == ("solution", "ex1_1", Feedback("right", "m"))
    assert check_verdicts(good) == []
    bad = executed(("exercise-check", "ex1_1", "right"), ("solution", "ex1_2", "wrong"), ("", "ex1_2", "right"))
    assert check_verdicts(bad) == [
        "ex1_1: the cell tagged exercise-check says right: m",
        "ex1_2: the cell tagged solution says wrong: m",
        "ex1_2: the cell tagged (no tag) says right: m",
        "ex1_1: no cell tagged solution runs its check.",
        "ex1_2: no cell tagged exercise-check runs its check.",
    ]
