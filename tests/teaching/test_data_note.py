from gdt_tutorial.teaching.data_note import data_note
from tests.physical.logs.log_files import log_of


def test_a_live_notebook_says_what_was_read(published, monkeypatch):
    monkeypatch.delenv("GDT_STATIC", raising=False)
    data_note(log_of([1, 1], [0.5, 1]))
    (shown,) = published
    assert "made by a test: kept 2 of 2 rows" in shown["text/plain"]
    assert "believe the number" in shown["text/html"]


def test_a_built_page_and_the_generator_say_nothing(published, monkeypatch):
    monkeypatch.setenv("GDT_STATIC", "1")
    data_note(log_of([1, 1], [0.5, 1]))
    monkeypatch.delenv("GDT_STATIC")
    data_note(None)
    assert published == []
