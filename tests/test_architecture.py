"""The index figure box -> file and name -> chapter: every entry resolves, and the maps draw every box."""

import ast
import re
from functools import cache

import pytest

from book import generate, loop_picture, maps
from book.chapters import ROOT, read_plan

PLAN = read_plan()
INDEX = maps.read_index()
BOXES = INDEX["box"]
IDS = [f"{box.figure}-{box.key}" for box in BOXES]


@cache
def defined_names(file: str) -> frozenset[str]:
    """List what a file of the library defines at its top level."""
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return frozenset(names)


@pytest.mark.parametrize("box", BOXES, ids=IDS)
def test_file_and_names_resolve(box):
    missing = set(box.names) - defined_names(box.file)
    if box.planned:
        assert missing, f"{box.file} defines {', '.join(box.names)} now: take the mark `planned` off {box.key}"
    else:
        assert not missing, f"{box.file} does not define {', '.join(sorted(missing))}"


@pytest.mark.parametrize("box", BOXES, ids=IDS)
def test_chapters_resolve(box):
    assert box.chapters
    for number in box.chapters:
        chapter = PLAN.chapter(number)
        assert chapter.path.is_file() or not chapter.is_written, f"chapter {number} is marked written, but is not there"


@pytest.mark.parametrize("box", [box for box in BOXES if box.stand_in], ids=lambda box: box.key)
def test_a_stand_in_awaits_what_is_planned(box):
    models = {other.key: other for other in BOXES if other.figure == "1"}
    assert box.awaits
    for key in box.awaits:
        is_planned = models[key].planned if key in models else not PLAN.chapter(key).is_written
        assert is_planned, f"{key} is written now: say in `stand_in` and `awaits` what {box.key} runs on"


def test_no_box_of_the_loops_looks_written_whose_generative_part_is_not():
    for box in BOXES:
        speaks_of_gai = re.search(r"\bGAI\b", f"{box.label} {box.paper}") and box.figure == "3"
        if speaks_of_gai and not box.planned and box.key not in ("twin_status",):
            is_there = any(PLAN.chapter(number).is_written for number in box.chapters if number != "00")
            assert box.stand_in or is_there, f"{box.key} is generative in the paper"
    drawing = maps.draw_map("3", PLAN, INDEX)
    for box in (box for box in BOXES if box.figure == "3" and box.stand_in):
        assert f'aria-label="{box.title}: planned; now' in drawing
        assert f"planned; now {box.stand_in}</text>" in drawing
        assert f"planned; now {box.stand_in}" in maps.list_map("3", PLAN, INDEX, frozenset())


def test_a_panel_of_planned_boxes_says_so_and_the_legend_has_every_look():
    drawing = "".join(maps.draw_map(figure, PLAN, INDEX) for figure in maps.MAP_SIZES)
    assert ("Generative AI (planned)" in drawing) == all(
        box.planned for box in BOXES if box.key in ("gan", "gail", "vae", "transformer", "diffusion")
    )
    for look in set(re.findall(r'class="(book-map-(?:box|stand-in|planned))"', drawing)):
        assert f'class="{look}"' in maps.legend()


def test_index_covers_the_figures_and_the_table():
    assert {box.figure for box in BOXES} == set(maps.FIGURE_NAMES)
    assert len(set(IDS)) == len(IDS)
    numbered = {number for box in BOXES if box.figure == "2" for number in re.findall(r"\((\d)\)", box.label)}
    assert numbered == set("123456"), "the paper numbers six boxes in Fig. 2"


def test_every_planned_or_written_chapter_of_the_models_is_in_the_index():
    named = {number for box in BOXES for number in box.chapters}
    assert {"00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "17", "18"} <= named


@pytest.mark.parametrize("figure", list(maps.MAP_SIZES))
def test_map_draws_every_box_within_its_frame(figure):
    drawing = maps.draw_map(figure, PLAN, INDEX)
    width, height = maps.MAP_SIZES[figure]
    for box in (box for box in BOXES if box.figure == figure):
        x, y, box_width, box_height = box.at
        assert 0 <= x < x + box_width <= width, box.key
        assert 0 <= y < y + box_height <= height, box.key
        assert f'x="{x}" y="{y}" width="{box_width}"' in drawing


@pytest.mark.parametrize("figure", list(maps.MAP_SIZES))
def test_boxes_of_a_map_do_not_overlap(figure):
    boxes = [box for box in BOXES if box.figure == figure]
    for one in boxes:
        for other in boxes:
            if one.key < other.key:
                x, y, width, height = one.at
                u, v, other_width, other_height = other.at
                is_apart = x + width <= u or u + other_width <= x or y + height <= v or v + other_height <= y
                assert is_apart, f"{one.key} and {other.key} overlap"


def test_written_boxes_lead_to_chapter_and_source_and_planned_ones_nowhere():
    drawing = maps.draw_map("1", PLAN, INDEX)
    for box in (box for box in BOXES if box.figure == "1"):
        lead = box.lead(PLAN)
        is_link = f'aria-label="{box.title}: chapter' in drawing
        assert is_link == (lead is not None and not box.planned), box.key
        if is_link:
            assert f'href="{box.source_page}"' in drawing
        else:
            assert f"<title>{box.title}: planned</title>" in drawing


def test_index_page_has_every_box():
    text = generate.index_tables(PLAN, INDEX)
    assert all(box.file in text for box in BOXES)
    assert all(title in text for title in maps.FIGURE_NAMES.values())


def test_kept_picture_is_the_drawn_one():
    kept = loop_picture.SVG_PATH.read_text(encoding="utf-8")
    assert kept == loop_picture.draw(loop_picture.WIDE), "run: python -m book.loop_picture"
