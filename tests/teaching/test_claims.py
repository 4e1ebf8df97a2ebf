import json
import tomllib

import nbformat
import numpy as np
import pytest
import torch

from gdt_tutorial.teaching import Claim, check_claims, claim, read_claims, read_ranges
from gdt_tutorial.teaching.claims import CLAIM_MIME


def notebook_of(bundles):
    outputs = [nbformat.v4.new_output("display_data", data=bundle) for bundle in bundles]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)])


def test_a_claim_shows_a_line_and_records_the_number(published, monkeypatch):
    monkeypatch.delenv("GDT_DATA", raising=False)
    claim("qoe_gain", np.float32(0.25), text="QoE gained <by> both loops", unit="points")
    (bundle,) = published
    assert bundle["text/plain"] == "QoE gained <by> both loops: 0.25 points"
    assert "QoE gained &lt;by&gt; both loops" in bundle["text/html"]
    assert bundle[CLAIM_MIME] == {
        "name": "qoe_gain",
        "value": 0.25,
        "unit": "points",
        "text": "QoE gained <by> both loops",
        "source": "generator",
    }
    json.dumps(bundle[CLAIM_MIME])


def test_a_claim_says_when_real_logs_made_it(published, monkeypatch):
    monkeypatch.setenv("GDT_DATA", "my_logs.csv")
    claim("fit", 1)
    assert published[0][CLAIM_MIME]["source"] == "logs"


@pytest.mark.parametrize("value", [1, 2.0, np.float64(3), np.array(4.0), torch.tensor(5.0), True])
def test_a_claim_takes_any_single_number(published, value):
    claim("n", value)
    assert published[0][CLAIM_MIME]["value"] == float(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("-inf")])
def test_a_claim_refuses_what_is_not_finite(published, value):
    with pytest.raises(ValueError, match="value of claim 'n' must be finite"):
        claim("n", value)
    assert published == []


@pytest.mark.parametrize("value", ["many", None, np.array([1.0, 2.0]), torch.ones(2)])
def test_a_claim_refuses_what_is_not_one_number(value):
    with pytest.raises(ValueError, match="value of claim 'n' must be one number"):
        claim("n", value)


@pytest.mark.parametrize("name", ["", "Gain", "qoe gain", "1st", "_x", "x_", "a__b", "a-b"])
def test_a_claim_refuses_a_malformed_name(name):
    with pytest.raises(ValueError, match="name must be lower_case_with_underscores"):
        claim(name, 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [(60.0, "60"), (0.18342, "0.183"), (1234567.0, "1,234,567"), (-3.2, "\u22123.2"), (0.0, "0"), (2e-5, "2e-05")],
)
def test_numbers_are_readable(value, text):
    assert str(Claim(name="n", value=value)) == f"n = {text}"


def test_claims_are_read_from_content_and_from_a_file(published, tmp_path):
    claim("first", 1, unit="dB")
    claim("second", 2)
    notebook = notebook_of(published)
    nbformat.write(notebook, tmp_path / "chapter.ipynb")
    for source in (notebook, tmp_path / "chapter.ipynb", str(tmp_path / "chapter.ipynb")):
        assert {name: record.value for name, record in read_claims(source).items()} == {"first": 1, "second": 2}
    assert read_claims(notebook)["first"].unit == "dB"


def test_a_name_may_be_claimed_once(published):
    claim("first", 1)
    claim("first", 2)
    with pytest.raises(ValueError, match="must be unique in a chapter, got 'first' twice"):
        read_claims(notebook_of(published))


def test_violations_are_sentences():
    claims = {
        name: Claim(name=name, value=value)
        for name, value in {"low": 0.5, "high": 9.0, "fine": 2.0, "new": 1.0}.items()
    }
    ranges = dict.fromkeys(("low", "high", "fine", "lost"), (1.0, 2.0))
    violations = check_claims(claims, ranges)
    assert len(violations) == 4
    assert violations[0].startswith("Claim 'lost' is missing")
    assert "Claim 'low' is outside its range: 0.5 is below [1, 2]." in violations
    assert "Claim 'high' is outside its range: 9 is above [1, 2]." in violations
    assert violations[-1].startswith("Claim 'new' is unknown")


def test_ranges_are_read_by_source(tmp_path):
    path = tmp_path / "chapters.toml"
    path.write_text(
        '[claims."00".gain]\nbook_generator = [1, 2]\nbook_logs = [3, 4]\n[claims."00".other]\nbook_logs = [5, 6]\n'
    )
    assert tomllib.loads(path.read_text())
    assert read_ranges(path, "00", source="generator") == {"gain": (1, 2)}
    assert read_ranges(path, "00", source="logs") == {"gain": (3, 4), "other": (5, 6)}
    assert read_ranges(path, "01", source="logs") == {}
