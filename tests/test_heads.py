"""What the build adds to an executed chapter."""

from book import heads
from book.chapters import Plan, read_plan
from tests.test_execute import record

_FIRST = "# A title\n\n*A question?*\n\n> **What you will learn.** This.\n> **Before this:** nothing. {}\n\nText.\n"


def test_head_has_number_time_and_data():
    text = heads.headed(_FIRST.format("**Minutes:** the build writes what it measured."), "07", "All synthetic.", 12)
    assert text.startswith("# 07 A title\n")
    assert "> **Before this:** nothing. **Reading time:** about 12 minutes.\n\nAll synthetic.\n\nText." in text
    assert "Minutes:" not in text


def test_head_without_a_box_still_says_both():
    assert heads.headed("# A title", "07", "All synthetic.", 3).endswith(
        "**Reading time:** about 3 minutes. All synthetic."
    )


def test_claims_of_a_cell_have_their_range_and_a_link():
    entries = [{"name": name, "value": 0.2} for name in ("gain", "loss")]
    table = {"00": {"gain": {"text": "Gain", "unit": "s", "book_generator": [0.1, 0.3]}}}
    plan, run = Plan(chapters=(), claim_table=table), record(claims=entries)
    page = heads._claims_output({"claims": entries, "shown": ["gain"]}, plan, "00", run)
    assert "Gain" in page
    assert "0.20\u00a0s" in page
    assert "accepted 0.1 to 0.3" in page
    assert 'href="../pages/claims.html#claim-00-gain"' in page
    assert "1 more number<" in page


def test_numbers_of_other_written_chapters_become_links():
    plan = read_plan()
    planned = next(chapter.number for chapter in plan.chapters if not chapter.is_written)
    html = "".join(f'<span class="gdt-chapter">{number}</span>' for number in ("16", "17", planned, "no"))
    linked = heads.chapters_linked(html, plan, "16")
    assert linked.count("<a href") == 1
    assert '<a href="17_grouping.html">17</a>' in linked
    assert heads.chapters_linked("<p>16</p>", plan, "01") == "<p>16</p>"
