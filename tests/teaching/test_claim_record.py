import json

import nbformat
import numpy as np
import pytest
import torch

from gdt_tutorial.teaching import Claim, claims, read_claims
from gdt_tutorial.teaching.claim_plan import ClaimPlan, Condition
from gdt_tutorial.teaching.claim_record import CLAIM_MIME, claims_html, words


def notebook_of(bundles):
    outputs = [nbformat.v4.new_output("display_data", data=bundle) for bundle in bundles]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)])


@pytest.fixture
def plans(monkeypatch):
    """Claims of a chapter that only this file has."""
    own = {
        "qoe_gain": ClaimPlan(name="qoe_gain", text="QoE gained <by> both loops", unit="points", signed=True),
        "waited": ClaimPlan(name="waited", text="Waiting", unit="s", must=(Condition.parse("< may_wait"),)),
        "kept": ClaimPlan(name="kept", text="Share kept", unit="%", stored="fig5"),
    }
    monkeypatch.setattr("gdt_tutorial.teaching.claim_record.claim_plans", lambda: own)
    return own


def test_claims_show_the_first_and_fold_the_others(published, plans, monkeypatch):
    monkeypatch.delenv("GDT_DATA", raising=False)
    claims(qoe_gain=np.float32(0.25), kept=(80.0, 2.0), waited=1)
    (bundle,) = published
    page = bundle["text/html"]
    seen, folded = page.split("<details>")
    assert "QoE gained &lt;by&gt; both loops" in seen
    assert "+0.25\u00a0points" in seen
    assert "2 more numbers" in folded
    assert "80\u00a0±\u00a02\u00a0%" in folded
    assert "stored" in folded
    assert bundle["text/plain"].startswith("QoE gained <by> both loops: 0.25\u00a0points\n")
    payload = bundle[CLAIM_MIME]
    assert payload["shown"] == ["qoe_gain"]
    assert payload["claims"][0] == {
        "name": "qoe_gain",
        "value": 0.25,
        "low": None,
        "high": None,
        "unit": "points",
        "text": "QoE gained <by> both loops",
        "source": "generator",
    }
    json.dumps(payload)


def test_the_caller_says_what_stays_in_sight(published, plans):
    claims(shown=("waited", "kept"), qoe_gain=0.1, waited=2.0, kept=3.0)
    seen, folded = published[0]["text/html"].split("<details>")
    assert "Waiting" in seen
    assert "Share kept" in seen
    assert "1 more number<" in folded


def test_a_number_that_breaks_its_sentence_says_so_and_is_not_folded(published, plans):
    claims(may_wait=1.0, waited=0.5)
    assert "the text needs" not in published[0]["text/html"]
    claims(qoe_gain=0.1, waited=1.5)
    seen = published[1]["text/html"].split("<details>")[0]
    assert "the text needs: &lt; may_wait" in seen


def test_a_claim_without_a_plan_has_its_name_for_a_text(published):
    claims(own_number=3.0)
    assert "own number" in published[0]["text/html"]


def test_a_claim_says_when_real_logs_made_it(published, monkeypatch):
    monkeypatch.setenv("GDT_DATA", "my_logs.csv")
    claims(fit=1)
    assert published[0][CLAIM_MIME]["claims"][0]["source"] == "logs"


@pytest.mark.parametrize("value", [1, 2.0, np.float64(3), np.array(4.0), torch.tensor(5.0), True])
def test_a_claim_takes_any_single_number(published, value):
    claims(n=value)
    assert published[0][CLAIM_MIME]["claims"][0]["value"] == float(value)


@pytest.mark.parametrize(("value", "ends"), [((1.0, 0.5), (0.5, 1.5)), ((1.0, 0.8, 1.5), (0.8, 1.5))])
def test_a_claim_takes_an_interval(published, value, ends):
    claims(n=value)
    entry = published[0][CLAIM_MIME]["claims"][0]
    assert (entry["low"], entry["high"]) == ends


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("-inf"), (1.0, float("nan"))])
def test_a_claim_refuses_what_is_not_finite(published, value):
    with pytest.raises(ValueError, match="value of claim 'n' must be finite"):
        claims(n=value)
    assert published == []


@pytest.mark.parametrize("value", ["many", None, np.array([1.0, 2.0]), torch.ones(2)])
def test_a_claim_refuses_what_is_not_one_number(value):
    with pytest.raises(ValueError, match="value of claim 'n' must be one number"):
        claims(n=value)


def test_a_claim_refuses_four_numbers_and_an_interval_beside_its_value():
    with pytest.raises(ValueError, match="value of claim 'n' must be one to three numbers"):
        claims(n=(1, 2, 3, 4))
    with pytest.raises(ValueError, match="interval of claim 'n' must hold its value"):
        claims(n=(1.0, 2.0, 3.0))


@pytest.mark.parametrize("name", ["", "Gain", "qoe gain", "1st", "_x", "x_", "a__b", "a-b"])
def test_a_claim_refuses_a_malformed_name(name):
    with pytest.raises(ValueError, match="name must be lower_case_with_underscores"):
        claims(**{name: 1})


def test_claims_refuse_nothing_and_a_shown_name_that_is_not_there():
    with pytest.raises(ValueError, match="values must hold a claim or more"):
        claims()
    with pytest.raises(ValueError, match="shown must name claims of the same call"):
        claims(shown="other", n=1)


def test_words_of_a_claim_for_a_sentence():
    plan = ClaimPlan(name="loss", unit="m", signed=True)
    claim = Claim(name="loss", value=-1.26, low=-1.4, high=-1.12)
    assert words(claim, plan) == "\u22121.26\u00a0±\u00a00.14\u00a0m"
    assert words(claim, plan, "value") == "\u22121.3"
    assert words(claim, plan, "size") == "1.26\u00a0±\u00a00.14\u00a0m"


def test_a_page_may_write_names_as_links():
    record = Claim(name="n", value=1.0)
    page = claims_html({"n": record}, ["n"], {}, name_html=lambda name: f'<a href="#{name}">{name}</a>')
    assert '<a href="#n">n</a>' in page


def test_claims_are_read_from_content_and_from_a_file(published, tmp_path):
    claims(first=1, second=(2, 0.5))
    notebook = notebook_of(published)
    nbformat.write(notebook, tmp_path / "chapter.ipynb")
    for source in (notebook, tmp_path / "chapter.ipynb", str(tmp_path / "chapter.ipynb")):
        found = read_claims(source)
        assert {name: record.value for name, record in found.items()} == {"first": 1, "second": 2}
        assert found["second"].low == 1.5


def test_a_name_may_be_claimed_once(published):
    claims(first=1)
    claims(first=2)
    with pytest.raises(ValueError, match="name of a claim must be unique in a chapter, got 'first'"):
        read_claims(notebook_of(published))
