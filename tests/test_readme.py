"""README: its numbers lie within the accepted ranges of the claims that it names, and its citation is that of CITATION.cff."""

import re

import pytest

from book import about
from book.chapters import ROOT, read_plan

README = (ROOT / "README.md").read_text(encoding="utf-8")
# A number with its unit, if any, then the comment that names the claim.
_CLAIMED = re.compile(r"(-?\d+(?:\.\d+)?)(?:\s(?:%|[A-Za-z/]+))?\s<!-- claim: (\w+) -->")
_COMMENT = re.compile(r"<!-- claim: (\w+) -->")
CLAIMED = _CLAIMED.findall(README)


def ranges(name):
    """Return the accepted ranges, for the generator, of all claims with this name."""
    found = [plans[name].accepted("generator") for plans in read_plan().claims.values() if name in plans]
    return [bounds for bounds in found if bounds is not None]


def lies_within(text, low, high):
    """Say whether a printed number lies within a range, up to half of its last digit."""
    half = 0.5 * 10 ** -len(text.partition(".")[2])
    return low - half <= float(text) <= high + half


def test_every_comment_follows_a_number():
    assert [name for _, name in CLAIMED] == _COMMENT.findall(README)
    assert len(CLAIMED) >= 10


@pytest.mark.parametrize(("text", "name"), CLAIMED, ids=[name for _, name in CLAIMED])
def test_number_lies_within_the_range_of_its_claim(text, name):
    (bounds,) = ranges(name)
    assert lies_within(text, *bounds), f"README says {text}, claim {name} accepts {bounds}: write what is so"


def test_every_number_of_what_we_find_names_its_claim():
    section = README.split("## What we find")[1].split("\n## ")[0]
    # Left are names (Figs. 4 and 5) and the number of capacities.
    rest = re.sub(r"Fig\. \d|of 8 capacities", "", _CLAIMED.sub("", section))
    assert re.findall(r"\d+(?:\.\d+)?", rest) == []


def test_a_number_outside_of_its_range_is_found():
    assert lies_within("2.8", 1.3, 4.9)
    assert lies_within("6", 5.7, 6.3)
    assert lies_within("0.05", 0.054, 0.2)
    assert not lies_within("0.050", 0.054, 0.2)
    assert not lies_within("7", 5.7, 6.3)


def test_citation_is_generated_in_one_form():
    assert about.cite() in README
