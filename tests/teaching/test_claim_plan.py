"""What a claim needs can fail: a number is moved on purpose, and the check names the sentence."""

import nbformat
import pytest

from gdt_tutorial.teaching import check_claims, find_sentences, read_claim_plans
from gdt_tutorial.teaching.claim_plan import Claim, ClaimPlan, Condition, names_in_prose, plans_of


def claim(value, low=None, high=None, name="n"):
    return Claim(name=name, value=value, low=low, high=high)


@pytest.mark.parametrize(
    ("text", "one", "others", "holds"),
    [
        ("> 0", claim(0.1), {}, True),
        ("> 0", claim(0.0), {}, False),
        (">= 0", claim(0.0), {}, True),
        ("low > 0", claim(0.1, -0.1, 0.3), {}, False),
        ("high < 0.5", claim(0.1, -0.1, 0.3), {}, True),
        ("low > 0", claim(0.1), {}, None),
        ("< other", claim(1.0), {"other": claim(2.0)}, True),
        ("< 0.4 * other", claim(1.0), {"other": claim(2.0)}, False),
        ("< other", claim(1.0), {}, None),
        ("> -0.02", claim(-0.01), {}, True),
    ],
)
def test_a_condition_holds_or_not(text, one, others, holds):
    assert Condition.parse(text).holds(one, others) is holds


@pytest.mark.parametrize("text", ["0", "> ", ">0", "mean > 0", "== 3", "< 2 x other"])
def test_a_malformed_condition_is_refused(text):
    with pytest.raises(ValueError, match="must must hold conditions like"):
        Condition.parse(text)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"txet": "x"}, "must have known keys, got \\['txet'\\]"),
        ({"name": "x"}, "must have known keys"),
        ({"digits": 0}, "digits must be at least 1"),
        ({"within": [1, 0]}, "within must be \\[least, most\\]"),
    ],
)
def test_a_malformed_plan_is_refused(entry, message):
    with pytest.raises(ValueError, match=message):
        plans_of({"claims": {"00": {"n": entry}}})


def test_a_name_belongs_to_one_chapter():
    with pytest.raises(ValueError, match="claims must have names that are unique in the book, got 'n'"):
        plans_of({"claims": {"00": {"n": {}}, "01": {"n": {}}}})


def test_plans_are_read_by_chapter_and_source(tmp_path):
    path = tmp_path / "chapters.toml"
    path.write_text(
        '[claims."00".gain]\ntext = "Gain"\nwithin = [0, 5]\nmust = ["> 0"]\nbook_generator = [1, 2]\nbook_logs = [3, 4]\n'
        '[claims."01".other]\nbook_logs = [5, 6]\n'
    )
    plans = read_claim_plans(path)
    gain = plans["00"]["gain"]
    assert (gain.text, gain.within, gain.must[0].bound()) == ("Gain", (0, 5), 0)
    assert (gain.accepted("generator"), gain.accepted("logs"), gain.accepted("logs", "full")) == ((1, 2), (3, 4), None)
    assert plans["01"]["other"].accepted("generator") is None


def test_violations_are_sentences():
    values = {"low": 0.5, "high": 9.0, "fine": 2.0, "new": 1.0}
    claims = {name: claim(value, name=name) for name, value in values.items()}
    plans = {name: ClaimPlan(name=name, ranges={"book_logs": (1.0, 2.0)}) for name in ("low", "high", "fine", "lost")}
    sentences = {"low": "It is {claim}`low` and no less."}
    violations = check_claims(claims, plans, source="logs", sentences=sentences)
    assert len(violations) == 4
    assert violations[0].startswith("Claim 'lost' is missing")
    below = "Claim 'low' is outside its range: 0.5 is below what is accepted, [1, 2]."
    assert f'{below} The text says: "It is {{claim}}`low` and no less."' in violations
    assert "Claim 'high' is outside its range: 9 is above what is accepted, [1, 2]." in violations
    assert violations[-1].startswith("Claim 'new' has no range")


def test_what_the_text_needs_is_checked_beside_the_range():
    plan = ClaimPlan(
        name="n", must=(Condition.parse("low > 0"), Condition.parse("< m")), ranges={"book_generator": (-9.0, 9.0)}
    )
    other = ClaimPlan(name="m", ranges={"book_generator": (-9.0, 9.0)})
    claims = {"n": claim(3.0, -1.0, 7.0), "m": claim(2.0, name="m")}
    found = check_claims(claims, {"n": plan, "m": other}, source="generator", sentences={"n": "S."})
    assert found == [
        "Claim 'n' must be low > 0, got -1. The text says: \"S.\"",
        "Claim 'n' must be < m, got 3 against 2. The text says: \"S.\"",
    ]


def test_rounding_of_another_machine_is_no_violation():
    plan = ClaimPlan(name="n", exact=True, ranges={"book_logs": (1 / 3, 1 / 3)})
    assert check_claims({"n": claim(1 / 3 + 1e-13)}, {"n": plan}, source="logs") == []


def test_sentences_are_found_by_their_claims():
    text = (
        "One loop gains {claim}`first`. The other loses {claim}`second.size`, and {claim}`first` again.\n\n"
        "- A point: {claim}`third`."
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    assert names_in_prose(text) == ["first", "second", "first", "third"]
    assert find_sentences(notebook) == {
        "first": "One loop gains {claim}`first`.",
        "second": "The other loses {claim}`second.size`, and {claim}`first` again.",
        "third": "A point: {claim}`third`.",
    }
