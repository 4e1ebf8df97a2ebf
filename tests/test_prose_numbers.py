"""Numbers in the prose of built pages."""

import pytest

from book.chapters import Chapter, Plan
from book.prose_numbers import Numbers
from tests.test_execute import record

TABLE = {
    "00": {"gain": {"text": "Gain <of> it", "unit": "s", "signed": True}, "share": {"stored": "fig5", "unit": "%"}}
}
ENTRIES = [{"name": "gain", "value": 0.25, "low": 0.2, "high": 0.3}, {"name": "share", "value": -12.0}]


@pytest.fixture
def numbers() -> Numbers:
    chapters = (Chapter(number="00", name="first", title="First", status="written"),)
    return Numbers(Plan(chapters=chapters, claim_table=TABLE), {"00": record(claims=ENTRIES)})


def test_a_role_becomes_the_number_with_its_interval_and_a_link(numbers):
    text = numbers.fill("It gains {claim}`gain`, of course.")
    assert text.startswith(
        'It gains <a class="gdt-number" href="../pages/claims.html#claim-00-gain" title="Gain &lt;of&gt; it. '
    )
    assert text.endswith(">+0.25\u00a0±\u00a00.05\u00a0s</a>, of course.")
    assert 'href="pages/claims.html#' in numbers.fill("{claim}`gain`", root="")


def test_a_number_without_interval_or_sign(numbers):
    assert ">+0.25</a>" in numbers.fill("{claim}`gain.value`")
    assert ">12\u00a0%</a>" in numbers.fill("{claim}`share.size`")
    assert numbers.words("share") == "\u221212\u00a0%"
    assert numbers.words("unknown") == ""


def test_a_stored_number_is_marked(numbers):
    text = numbers.fill("{claim}`share`")
    assert "is-stored" in text
    assert "stored runs of fig5" in text


def test_code_stays_code(numbers):
    assert numbers.fill("`gain` and {claim} and `{claim}`") == "`gain` and {claim} and `{claim}`"


def test_an_unknown_claim_is_refused(numbers):
    with pytest.raises(ValueError, match="role claim must name a claim that a written chapter makes, got 'nothing'"):
        numbers.fill("{claim}`nothing`")
