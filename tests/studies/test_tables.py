"""A table is read as it was written, or not at all."""

import math

import numpy as np
import pytest

from gdt_tutorial.studies.tables import read_table, values_by_seed, write_table

HEADER = {
    "command": "python -m gdt_tutorial reproduce fig5 --seeds 3",
    "seeds": "0, 1, 2",
    "commit": "abc",
    "version": 1,
}
KINDS = "text number number bool text text"
ROWS = [
    {"name": "proposed, learned", "qoe": 0.1 + 0.2, "n": 3, "is_best": True, "note": None, "tag": "39"},
    {"name": 'the "rule"', "qoe": -1e-17, "n": -1, "is_best": False, "note": "a # sign", "tag": "nan"},
]


@pytest.fixture
def table(tmp_path):
    write_table(ROWS, tmp_path / "fig.csv", HEADER)
    return tmp_path / "fig.csv"


def test_what_is_read_is_what_was_written(table):
    header, rows = read_table(table)
    assert rows == ROWS
    assert [list(map(type, row.values())) for row in rows] == [list(map(type, row.values())) for row in ROWS]
    assert header == {**{name: str(value) for name, value in HEADER.items()}, "kinds": KINDS, "rows": "2"}


def test_the_header_stands_above_the_columns(table):
    lines = table.read_text().splitlines()
    assert lines[0] == "# command: python -m gdt_tutorial reproduce fig5 --seeds 3"
    assert lines[4:6] == [f"# kinds: {KINDS}", "# rows: 2"]
    assert lines[6:8] == ["name,qoe,n,is_best,note,tag", '"proposed, learned",0.30000000000000004,3,True,,39']


def test_numpy_numbers_become_plain_ones(tmp_path):
    write_table([{"a": np.float64(0.1), "b": np.int64(2), "c": math.nan, "d": math.inf}], tmp_path / "t.csv", {})
    ((a, b, c, d),) = (row.values() for row in read_table(tmp_path / "t.csv")[1])
    assert (a, b, d) == (0.1, 2, math.inf)
    assert math.isnan(c)


def test_what_is_empty_is_none_and_the_order_of_columns_is_that_of_the_first_row(tmp_path):
    write_table([{"a": 1, "b": ""}, {"b": "x", "a": None}, {"a": "", "b": None}], tmp_path / "t.csv", {})
    header, rows = read_table(tmp_path / "t.csv")
    assert header["kinds"] == "number text"
    assert rows == [{"a": 1, "b": None}, {"a": None, "b": "x"}, {"a": None, "b": None}]


def test_every_cut_is_found(table):
    content = table.read_bytes()
    for n_byte in range(len(content)):
        table.write_bytes(content[:n_byte])
        with pytest.raises(ValueError, match=r"fig\.csv must (say its number of rows|hold 2 whole rows)"):
            read_table(table)


def test_a_lost_line_is_found(table):
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(lines[:-1]))
    with pytest.raises(ValueError, match="must hold 2 whole rows, got 1; it is cut short"):
        read_table(table)


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([], {}, "rows must hold at least one"),
        ([{"a": 1}, {"b": 1}], {}, r"rows must all have the columns \['a'\], got \['b'\]"),
        ([{"a": "text"}, {"a": 1}], {}, r"column 'a' must hold numbers, bools .*, got \['number', 'text'\]"),
        ([{"a": True}, {"a": 1}], {}, r"column 'a' must hold .*, got \['bool', 'number'\]"),
        ([{"a": "two\nlines"}], {}, r"column 'a' must hold .*, got \['other'\]"),
        ([{"a": [1]}], {}, r"column 'a' must hold .*, got \['other'\]"),
        ([{"a": 1}], {"command": "two\nlines"}, "header must hold single lines"),
        ([{"a": 1}], {"a: b": 1}, "header must hold single lines, and names without a colon"),
    ],
)
def test_bad_input_is_refused(tmp_path, rows, header, message):
    with pytest.raises(ValueError, match=message):
        write_table(rows, tmp_path / "t.csv", header)
    assert not list(tmp_path.iterdir())


def test_values_come_in_the_order_of_the_seeds():
    rows = [
        {"seed": seed, "scheme": scheme, "qoe": seed + shift}
        for seed in (2, 0, 1)
        for scheme, shift in (("a", 0), ("b", 10))
    ]
    found = values_by_seed(rows, {"scheme": "b"}, "qoe", argument="scheme", remedy="take a or b")
    assert found.tolist() == [10.0, 11.0, 12.0]


def test_a_seed_that_is_missing_or_there_twice_is_refused():
    rows = [{"seed": seed, "scheme": "a", "qoe": 0.0} for seed in (0, 1, 1)]
    for wanted in ({"scheme": "a"}, {"scheme": "b"}):
        with pytest.raises(ValueError, match="scheme must have one row for each of 2 seeds, got .*; take a"):
            values_by_seed(rows, wanted, "qoe", argument="scheme", remedy="take a")
