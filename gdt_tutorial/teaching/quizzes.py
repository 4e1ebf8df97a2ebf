"""Multiple-choice questions that work in a static page: no kernel, no network, keyboard and screen reader included.

Without scripts the explanations of all answers wait in a collapsed list. With scripts the reader picks an answer,
presses a button, and reads why it is right or wrong.
"""

import json
from collections.abc import Sequence

from gdt_tutorial.teaching.page import element_id, inline, load_script, publish, style

__all__ = ["quiz", "quiz_html"]

Option = tuple[str, bool, str]


def quiz(question: str, options: Sequence[Option]) -> None:
    """Show a question with one right answer.

    Args:
        question: The question; `code` and $math$ are allowed here and below.
        options: Per answer its text, whether it is right, and why; for a wrong one, what leads there and what is wrong.

    Raises:
        ValueError: If a text is empty, an option repeats, or not exactly one option is right.
    """
    letters = "".join(f"\n  {letter}) {text}" for letter, (text, _, _) in zip("abcdefghij", options, strict=False))
    publish(quiz_html(question, options), f"Quiz: {question}{letters}")


def quiz_html(question: str, options: Sequence[Option]) -> str:
    """Return the question as HTML, for a page that no notebook makes; arguments as for `quiz`."""
    _check(question, options)
    name = element_id("quiz", json.dumps([question, *options]))
    choices = "".join(
        f'<div class="gdt-option"><input type="radio" name="{name}" id="{name}-{i}" value="{i}" autocomplete="off">'
        f'<label for="{name}-{i}">{inline(text)}</label></div>'
        for i, (text, _, _) in enumerate(options)
    )
    answers = "".join(
        f'<li data-right="{int(is_right)}"><strong>{"Right" if is_right else "Not right"}: {inline(text)}</strong>'
        f'<span class="gdt-why">{inline(explanation)}</span></li>'
        for text, is_right, explanation in options
    )
    return (
        f'<div class="gdt gdt-quiz">{style("quiz")}<fieldset><legend><span class="gdt-badge">Quiz</span>'
        f'<span class="gdt-question">{inline(question)}</span></legend>{choices}</fieldset>'
        '<button type="button" class="gdt-button" hidden>Check my answer</button>'
        '<div class="gdt-result" role="status" aria-live="polite"></div>'
        f"<details><summary>All answers, explained</summary><ul>{answers}</ul></details>{load_script('quiz')}</div>"
    )


def _check(question: str, options: Sequence[Option]) -> None:
    if not question.strip():
        raise ValueError(f"question must not be empty, got {question!r}; ask something.")
    texts = [text.strip() for text, _, _ in options]
    if len(set(texts)) != len(texts) or not all(texts):
        raise ValueError(f"options must have different, non-empty texts, got {texts}; reword them.")
    n_right = sum(is_right for _, is_right, _ in options)
    if n_right != 1 or len(options) < 2:
        raise ValueError(
            f"options must be two or more with one right, got {len(options)} with {n_right} right; mend the flags."
        )
    for text, _, explanation in options:
        if not explanation.strip():
            raise ValueError(
                f"options must each have an explanation, got none for {text!r}; say why it is right or wrong."
            )
