"""The comparison of readers: every reader on every split, of the same sentences."""

from gdt_tutorial.twin.abstraction.intents.training import IntentTraining
from gdt_tutorial.twin.recipes.intent_study import study
from gdt_tutorial.worlds.intents.sentences import SPLITS


def test_rows_hold_every_reader_and_split():
    rows = study(IntentTraining(n_updates=1, n_verdicts=2), 120, 20, seed=3)
    assert {row["reader"] for row in rows} == {
        "hand parser",
        "nearest neighbor",
        "bag of words",
        "1-2-grams",
        "untrained",
        "transformer",
    }
    assert [row["split"] for row in rows[:4]] == list(SPLITS)
    assert all(row["exact"] == row["matthews"] == 1 for row in rows if row["reader"] == "hand parser")
    assert all((row["perplexity"] is None) == (row["reader"] not in ("untrained", "transformer")) for row in rows)
