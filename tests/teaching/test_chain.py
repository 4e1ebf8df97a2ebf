"""The picture of the case study: what it lights, what it says to those who do not see it, and that its numbers are true."""

import re

import pytest

from book.chapters import read_plan
from gdt_tutorial.case_study.scenario import CaseStudyConfig
from gdt_tutorial.teaching import case_study_chain
from gdt_tutorial.teaching.chain import CHAIN, NOTE, chain_html
from gdt_tutorial.teaching.page import inline

KEYS = [box.key for lane in CHAIN for box in lane.boxes]


def lit_nouns(html):
    return re.findall(r'<li class="gdt-box is-lit"><strong>([^<]+)', html)


def test_asked_boxes_are_lit_and_named_in_words(published):
    case_study_chain(["groups", "curves", "views"], caption="With `code`.")
    html = published[0]["text/html"]
    assert lit_nouns(html) == ["Earlier views", "Groups", "Swipe curves"]
    assert html.count("<li") == len(KEYS) == len(set(KEYS))
    label = re.search(r'aria-label="([^"]+)"', html)[1]
    assert label == "The case study in 11 steps. This chapter: Earlier views, Groups, Swipe curves."
    assert "This chapter: Earlier views, Groups, Swipe curves. With <code>code</code>." in html
    assert "<script" not in html
    assert published[0]["text/plain"].startswith("[The case study: Walk > Report > LSTM")
    assert "This chapter: Earlier views" in published[0]["text/plain"]


def test_without_a_lit_box_it_is_the_whole_case_study():
    html = chain_html()
    assert lit_nouns(html) == []
    assert "This chapter" not in html


def test_a_chapter_may_say_on_which_status_its_own_sessions_decide(published):
    assert inline(NOTE) in chain_html()
    case_study_chain(["list"], caption="A caption.", note="Here sessions decide on the true status.")
    html = published[0]["text/html"]
    assert "This chapter: List. A caption. Here sessions decide on the true status.</figcaption>" in html
    assert inline(NOTE) not in html


def test_unknown_boxes_are_refused_and_known_ones_listed():
    message = r"lit must hold boxes of the case study, got \['lists'\]; take some of walk, report, lstm, .*, share, qoe"
    with pytest.raises(ValueError, match=message):
        case_study_chain(["walk", "lists"])


def test_what_the_boxes_say_is_what_the_scenario_does():
    config, text = CaseStudyConfig(), chain_html()
    assert f"every {config.period_slots} slots" in text
    assert f"{config.n_earlier_views} per user" in text
    assert f"In every slot of {config.network.slot_s:g} s" in text


def test_every_box_names_a_chapter_of_the_case_study():
    plan = read_plan()
    titles = {plan.chapter(box.chapter).title for lane in CHAIN for box in lane.boxes}
    assert all(title.startswith("Case study") for title in titles), titles
