"""Tables of a chapter."""

import pytest

from gdt_tutorial.teaching import markdown_table, table


def test_a_table_is_markdown_with_one_line_per_row(monkeypatch):
    shown = []
    monkeypatch.setattr(markdown_table, "display", shown.append)
    table(["what", "how many"], [("users", 60), ("a|b", "two")])
    assert shown[0].data.split("\n") == ["| what | how many |", "|---|---|", "| users | 60 |", "| a\\|b | two |"]
    table(["what"], [("users",)], below="Counted by hand.")
    assert shown[1].data == "| what |\n|---|\n| users |\n\nCounted by hand."


def test_a_short_row_is_refused():
    with pytest.raises(ValueError, match="rows must have 2 cells each"):
        table(["what", "how many"], [("users",)])
