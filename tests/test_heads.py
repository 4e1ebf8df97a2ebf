"""What the build adds to an executed chapter."""

from book import heads

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


def test_only_names_of_claims_become_links():
    text = heads._linked("`gain` and `other` and `gain()`", "00", {"gain"})
    assert text.count("<a href") == 1
    assert "`other` and `gain()`" in text
    assert "claims.html#claim-00-gain" in text
