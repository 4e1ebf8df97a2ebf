"""The book on a reader's own log: refused in a sentence, built without what cannot be shown, and its pages say so."""

import dataclasses
from inspect import signature

import pytest

from book import build, generate, heads
from book import logs as book_logs
from book.chapters import BOOK, Plan, read_plan
from book.execute import execute
from book.logs import log_facts
from gdt_tutorial.case_study.figures.fig4 import logged_views
from gdt_tutorial.case_study.groups.trained_grouping import pretrained_grouper
from gdt_tutorial.physical.logs.crowd_needs import CrowdNeeds, shortfall
from gdt_tutorial.physical.logs.watch_logs import find_watch_log
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.pretrained import pretrained_allocator
from tests.physical.logs.log_files import write_views
from tests.test_execute import record

PLAN = read_plan()
COLUMNS = "user_id,video_id,play_time_ms,duration_ms"


ENOUGH = range(0, 20_000, 1_000)


def test_a_log_that_is_enough_leads_to_no_note(tmp_path, capsys):
    path = write_views(tmp_path / "log.csv", ENOUGH, n_users=12)
    assert book_logs.ask_log(path, PLAN) == (path, {})
    said = capsys.readouterr().out
    assert "kept 240 of 240 rows" in said
    assert "no claim is held to one" in said


@pytest.mark.parametrize(
    ("play_ms", "n_users", "numbers"), [([20_000] * 12, 8, "01 04 16 17"), (ENOUGH, 8, "04"), (ENOUGH, 5, "04 17")]
)
def test_chapters_for_which_it_is_not_enough_get_the_generator(tmp_path, capsys, play_ms, n_users, numbers):
    path = write_views(tmp_path / "log.csv", play_ms, n_users)
    _, notes = book_logs.ask_log(path, PLAN)
    assert sorted(notes) == numbers.split()
    said = capsys.readouterr().out
    for number, note in notes.items():
        assert f"Chapter {number}: {note}" in said


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "where nothing is"),
        ("a,b\n1,2\n", "path must have the columns"),
        (f"{COLUMNS}\n1,2,x,20000\n", "play_time_ms must be a number, got 'x' in row 1 of log.csv"),
        (f"{COLUMNS}\n1,2,500,20000\n", "watch log must hold enough of what people watched, got only 0 users"),
    ],
)
def test_a_log_that_cannot_be_used_is_one_sentence_and_status_2(tmp_path, monkeypatch, capsys, content, sentence):
    path = tmp_path / "log.csv"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("GDT_DATA", str(path))
    assert build.main([]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1


def test_a_page_of_another_log_than_the_ranges_says_so():
    plan = Plan(chapters=PLAN.chapters, claim_table={"00": {"half": {"book_logs": [1, 2]}}}, logs="known")
    same, other = (record(data_source="logs", attribution="By A.", log=log) for log in ("known", "another"))
    assert generate.accepted_range(plan, "00", "half", same) == (1, 2)
    assert generate.accepted_range(plan, "00", "half", other) is None
    assert generate.ANOTHER_LOG not in heads.data_sentence(plan, same)
    assert generate.ANOTHER_LOG in heads.data_sentence(plan, other)
    assert generate.ANOTHER_LOG in generate.claims_tables(plan, {"00": other})


def test_pages_of_several_chapters_say_so_too():
    plan = Plan(chapters=PLAN.chapters, logs="known")
    same, other = (record(data_source="logs", attribution="Log <x>.", log=log) for log in ("known", "another"))
    assert generate.data_banner(plan, {"00": same}) == ""
    banner = generate.data_banner(plan, {"00": same, "01": other})
    assert "Log &lt;x&gt;." in banner
    assert generate.ANOTHER_LOG in banner
    for page in ("index.md", "pages/paper.md", "pages/claims.md"):
        assert "<!-- book: data_banner -->" in (BOOK / page).read_text()


def test_a_page_that_has_the_generator_in_place_of_a_log_says_why():
    page = record(note="The watch log given is not enough, so this chapter runs on the generator.")
    assert "embedded generator. The watch log given is not enough" in heads.data_sentence(PLAN, page)
    assert "The watch log given is not enough" in generate.panel(page)


def test_the_ranges_know_their_log():
    assert len(PLAN.logs) == 12
    facts = {field.name for field in dataclasses.fields(record())}
    assert {"log", "note"} <= facts


def test_facts_follow_the_file(tmp_path):
    first = log_facts(write_views(tmp_path / "log.csv", ENOUGH))
    assert log_facts(tmp_path / "log.csv") == first
    assert log_facts(write_views(tmp_path / "log.csv", ENOUGH, 7)).fingerprint != first.fingerprint


def test_the_page_on_data_tells_the_needs_of_the_plan():
    text = " ".join((BOOK / "pages" / "data.md").read_text().split())
    needs = {chapter.number: CrowdNeeds(**chapter.needs) for chapter in PLAN.chapters if chapter.needs}
    assert sorted(needs) == ["01", "04", "16", "17"]
    assert needs["01"] == needs["16"] == CrowdNeeds(n_swipes=20)
    assert needs["17"] == CrowdNeeds(n_users=6, n_swipes=40)
    assert needs["04"] == CrowdNeeds(n_users=12, n_swipes=40)
    assert (
        "chapters 01 and 16 need 20 views that ended with a swipe, chapter 17 six users and 40 such views, "
        "and chapter 04 twelve users and 40 such views" in text
    )
    assert CrowdNeeds() == CrowdNeeds(n_users=1, n_videos=2, n_swipes=0)
    assert "one user with ten views and two videos" in text
    assert f"the {signature(VideoCatalog.from_watch_log).parameters['n_videos'].default:,} most viewed videos" in text
    model = schedule_model(PhysicalNetwork.waterloo(1, seed=0))
    crowds = (*pretrained_allocator(model).n_users, *pretrained_grouper().chooser.n_users)
    assert (
        "the allocator {} to {} users of a campus, the one that chooses the number of groups {} to {} users".format(
            *crowds
        )
        in text
    )
    assert f"the first {signature(logged_views).parameters['max_views'].default:,} views of each user" in text


@pytest.mark.slow
@pytest.mark.parametrize("chapter", PLAN.written, ids=lambda chapter: chapter.stem)
def test_a_chapter_runs_on_the_least_that_it_needs(tmp_path, chapter):
    needs = CrowdNeeds(**chapter.needs)
    n_each = max(12, -(-needs.n_swipes // needs.n_users) + 4)
    swiped = [500 + 900 * (view * 7 % 20) for view in range(n_each)]
    n_swipes, rows = 0, []
    for user in range(needs.n_users):
        for view in range(n_each):
            n_swipes += 1
            play_ms = swiped[view] + 37 * user if n_swipes <= needs.n_swipes else 20_000
            rows.append(f"{user},{view % max(needs.n_videos, 2)},{play_ms},{20_000 + view % 2}")
    path = tmp_path / "log.csv"
    path.write_text("\n".join([COLUMNS, *rows]) + "\n")
    assert shortfall(find_watch_log(path), needs) == ""
    ran = execute(chapter.path, profile="smoke", seed=0, out_path=tmp_path / "out.ipynb", data=path)
    assert ran.data_source == "logs"
    assert ran.stderr == []


@pytest.mark.slow
@pytest.mark.parametrize("chapter", PLAN.written, ids=lambda chapter: chapter.stem)
def test_a_chapter_runs_on_a_log_with_topics_and_more_users_than_a_campus_has(tmp_path, chapter):
    rng = stream(0, "log with topics")
    rows = [f"{COLUMNS},video_type"]
    for user in range(130):
        for video in rng.integers(0, 300, 40):
            duration_ms = 8_000 + 100 * video
            play_ms = int(duration_ms * min(1, rng.exponential(0.4 + user / 130)))
            rows.append(f"user {user},{video},{play_ms},{duration_ms},topic {video % 11}")
    path = tmp_path / "log.csv"
    path.write_text("\n".join(rows) + "\n")
    ran = execute(chapter.path, profile="smoke", seed=0, out_path=tmp_path / "out.ipynb", data=path)
    assert ran.stderr == []
    assert len(find_watch_log(path).type_names) == 9
