"""Exercises that answer back: a stub, a self-check that explains what is wrong, hints one by one, a solution.

The exercises of chapter 00 stand in `teaching/checks/chapter_00.py`, one decorated function each, and a notebook
reaches them through `check`:

    check.ex0_1.card()         # difficulty, minutes, and the hints, each behind the one before
    check.ex0_1(my_function)   # "not answered yet", what is wrong, or "right"

An answer is a function or a value. A stub that raises `NotImplementedError` when called, or holds `...`, counts as not
answered: nothing is raised, so a chapter runs from top to bottom before the reader has written a line. The cells are
tagged `exercise-stub`, `exercise-check` and `solution`; `check_verdicts` holds an executed notebook to that.
"""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gdt_tutorial.teaching.page import inline, is_static, publish, published, style

__all__ = [
    "VERDICT_MIME",
    "Exercise",
    "Feedback",
    "Mistake",
    "Wrong",
    "check",
    "check_verdicts",
    "exercise",
    "expect",
    "expect_close",
    "hints",
    "hints_html",
    "read_feedback",
]

VERDICT_MIME = "application/vnd.gdt.verdict+json"
_TITLES = {"unanswered": "Not answered yet", "wrong": "Not right yet", "right": "Right"}
_SYMBOLS = {"unanswered": "\N{WHITE CIRCLE}", "wrong": "\N{MULTIPLICATION SIGN}", "right": "\N{CHECK MARK}"}


class Wrong(Exception):  # noqa: N818 - it is a verdict, not an error of the program
    """What a check raises when an answer is wrong; the message tells the reader what is wrong."""


@dataclass(frozen=True)
class Feedback:
    """What a check says about an answer."""

    state: Literal["unanswered", "wrong", "right"]
    message: str


@dataclass(frozen=True)
class Mistake:
    """A common wrong answer, and words that the check's message to it must contain (proven by the tests)."""

    answer: Any
    says: str


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise of a chapter.

    Raises:
        ValueError: If the name, the difficulty, the minutes or the hints are not as they must be.
    """

    # "ex", the chapter without leading zeros, "_", a number: ex0_1.
    name: str
    title: str
    difficulty: Literal["easy", "medium", "hard"]
    minutes: int
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    # Raises Wrong, or returns what to say about a right answer.
    judge_answer: Callable[[Any], str | None]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"ex\d+_\d+", self.name):
            raise ValueError(f"name must be like 'ex3_2' (chapter, number), got {self.name!r}; rename the function.")
        if self.difficulty not in ("easy", "medium", "hard"):
            raise ValueError(f"difficulty must be easy, medium or hard, got {self.difficulty!r}; choose one.")
        if self.minutes < 1:
            raise ValueError(f"minutes must be at least 1, got {self.minutes}; say how long a student takes.")
        if not 1 <= len(self.hints) <= 3 or not all(hint.strip() for hint in self.hints):
            raise ValueError(
                f"hints must be one to three non-empty texts, got {self.hints!r}; the last may be nearly all."
            )

    def judge(self, answer: Any) -> Feedback:
        """Judge an answer without displaying anything; no error of the answer escapes."""
        if answer is None or answer is ...:
            return Feedback("unanswered", "replace the placeholder with your answer and run both cells again.")
        try:
            return Feedback("right", self.judge_answer(answer) or "well done.")
        except NotImplementedError as error:
            return Feedback("unanswered", str(error) or "write the body of the function and run both cells again.")
        except Wrong as wrong:
            return Feedback("wrong", str(wrong))
        except Exception as error:  # whatever a student's function may raise
            return Feedback("wrong", f"your answer raised `{type(error).__name__}`: {error}")

    def __call__(self, answer: Any) -> None:
        """Judge an answer and show the verdict."""
        feedback = self.judge(answer)
        payload = {"exercise": self.name, "state": feedback.state, "message": feedback.message}
        publish(
            _feedback_html(self, feedback), f"{_TITLES[feedback.state]}: {feedback.message}", {VERDICT_MIME: payload}
        )

    def card(self) -> None:
        """Show difficulty, minutes and the ladder of hints; the title is the heading above it in the chapter."""
        facts = f"{self.difficulty}, about {self.minutes} minute{'s' if self.minutes > 1 else ''}"
        body = (
            f'<div class="gdt gdt-exercise">{style("exercise")}<p><span class="gdt-badge">Exercise '
            f"{self.name.removeprefix('ex').replace('_', '.')}</span>"
            f'<span class="gdt-facts">{html.escape(facts)}</span></p>{hints_html(self.hints)}</div>'
        )
        publish(body, f"Exercise {self.name}: {self.title} ({facts}), {len(self.hints)} hints")


def exercise(
    *,
    title: str,
    difficulty: Literal["easy", "medium", "hard"],
    minutes: int,
    hints: Sequence[str],
    mistakes: Iterable[Mistake],
) -> Callable[[Callable[[Any], str | None]], Exercise]:
    """Turn a checking function named like `ex0_1` into the exercise of that name.

    The function takes the answer, raises `Wrong` (mostly through `expect` and `expect_close`) with a sentence that
    helps, and may return what to say about a right answer.
    """

    def decorate(judge_answer: Callable[[Any], str | None]) -> Exercise:
        return Exercise(
            name=judge_answer.__name__,
            title=title,
            difficulty=difficulty,
            minutes=minutes,
            hints=tuple(hints),
            mistakes=tuple(mistakes),
            judge_answer=judge_answer,
        )

    return decorate


class _Check:
    """Finds `check.ex0_1` in `teaching/checks/chapter_00.py`."""

    def __getattr__(self, name: str) -> Exercise:
        match = re.fullmatch(r"ex(\d+)_\d+", name)
        if match is None:
            raise AttributeError(f"Exercises are named like ex0_1 (chapter, number), not {name!r}.")
        module = import_module(f"gdt_tutorial.teaching.checks.chapter_{int(match[1]):02d}")
        found = getattr(module, name, None)
        if not isinstance(found, Exercise):
            known = [key for key, value in vars(module).items() if isinstance(value, Exercise)]
            raise AttributeError(f"Chapter {match[1]} has no exercise {name!r}; it has {', '.join(known)}.")
        return found


check = _Check()


def expect(is_right: Any, message: str) -> None:
    """Raise `Wrong` with a message for the student unless the condition holds."""
    if not is_right:
        raise Wrong(message)


def expect_close(
    answer: Any,
    expected: Any,
    *,
    tolerance: float | int = 1e-6,
    what: str = "the result",
    mistakes: Mapping[str, Any] | None = None,
) -> None:
    """Raise `Wrong` unless a number or an array is the expected one, and say what is wrong with it.

    Args:
        answer: What the student's function returned.
        expected: The right number or array.
        tolerance: The largest relative deviation, and near zero the largest absolute one.
        what: How the message calls the answer.
        mistakes: From a message to the value that the mistake behind it leads to, so that a known one gets its reason.
    """
    if answer is None:
        raise Wrong(f"{what} is None: does your function end with `return`?")
    try:
        got, right = np.asarray(answer, dtype=float), np.asarray(expected, dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"{what} must be numbers, but yours is of type `{type(answer).__name__}`.") from None
    if got.shape != right.shape:
        raise Wrong(f"{what} must have shape {right.shape}, but yours has {got.shape}.")
    if _is_close(got, right, tolerance):
        return
    for message, wrong_value in (mistakes or {}).items():
        wrong = np.asarray(wrong_value, dtype=float)
        if wrong.shape == got.shape and _is_close(got, wrong, tolerance):
            raise Wrong(message)
    if not np.isfinite(got).all():
        raise Wrong(f"{what} holds values that are not finite: look for a division by zero or the logarithm of zero.")
    worst = np.unravel_index(np.argmax(np.abs(got - right)), got.shape)
    place = f" at {tuple(int(i) for i in worst)}" if got.ndim else ""
    raise Wrong(f"{what} is {got[worst]:.6g}{place}, which is too {'small' if got[worst] < right[worst] else 'large'}.")


def hints(*texts: str) -> None:
    """Show a ladder of hints: each opens behind the one before."""
    publish(f'<div class="gdt gdt-exercise">{style("exercise")}{hints_html(texts)}</div>', f"{len(texts)} hints")


def hints_html(texts: Sequence[str]) -> str:
    """Return the ladder of hints as nested `<details>`; it needs no script."""
    ladder = ""
    for number in range(len(texts), 0, -1):
        ladder = (
            f'<details class="gdt-hint"><summary>Hint {number} of {len(texts)}</summary>'
            f"<p>{inline(texts[number - 1])}</p>{ladder}</details>"
        )
    return ladder


def read_feedback(notebook: Mapping[str, Any] | str | Path) -> list[tuple[str, str, Feedback]]:
    """Return (cell tag, exercise, verdict) for each self-check of an executed notebook.

    The tag is "solution", "exercise-check", or "" where the cell has neither.
    """
    feedback = []
    for tags, payload in published(notebook, VERDICT_MIME):
        tag = next((tag for tag in ("solution", "exercise-check") if tag in tags), "")
        feedback.append((tag, payload["exercise"], Feedback(payload["state"], payload["message"])))
    return feedback


def check_verdicts(notebook: Mapping[str, Any] | str | Path) -> list[str]:
    """Return how an executed notebook breaks the rules: stubs are open, solutions are right, and both exist."""
    feedback = read_feedback(notebook)
    wanted = {"exercise-check": "unanswered", "solution": "right"}
    violations = [
        f"{name}: the cell tagged {tag or '(no tag)'} says {feedback.state}: {feedback.message}"
        for tag, name, feedback in feedback
        if wanted.get(tag) != feedback.state
    ]
    for name in sorted({name for _, name, _ in feedback}):
        missing = set(wanted) - {tag for tag, other, _ in feedback if other == name}
        violations += [f"{name}: no cell tagged {tag} runs its check." for tag in sorted(missing)]
    return violations


def _is_close(got: np.ndarray, wanted: np.ndarray, tolerance: float | int) -> bool:
    return bool(np.allclose(got, wanted, rtol=tolerance, atol=tolerance))


def _feedback_html(exercise: Exercise, feedback: Feedback) -> str:
    return (
        f'<div class="gdt gdt-verdict is-{feedback.state}">{style("exercise")}<p><strong>'
        f'<span aria-hidden="true">{_SYMBOLS[feedback.state]}</span> {_TITLES[feedback.state]}:</strong> '
        f"{inline(feedback.message)}</p>{_where_to_answer(feedback)}</div>"
    )


def _where_to_answer(feedback: Feedback) -> str:
    """Say on a page without a kernel where the exercise can be done."""
    if feedback.state != "unanswered" or not is_static():
        return ""
    return "<p>To do it, open this chapter in Colab or Binder (rocket button at the top) or locally.</p>"
