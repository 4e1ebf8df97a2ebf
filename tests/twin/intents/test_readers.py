"""Readers: scores by hand, the plain readers on what they can and cannot read, bad input."""

import numpy as np
import pytest
import torch

from gdt_tutorial.learning import FitConfig
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.intents.plain_readers import (
    HandParser,
    LinearTraining,
    NearestNeighbor,
    Terms,
    train_linear_reader,
)
from gdt_tutorial.twin.abstraction.intents.reader import IntentReader, score_reading
from gdt_tutorial.worlds.intents.meaning import NONE, Clause, Intent
from gdt_tutorial.worlds.intents.parser import parse
from gdt_tutorial.worlds.intents.sentences import Example, draw_splits

DRAWN = draw_splits(800, 120, rng=stream(0, "intents"))
QUICK = LinearTraining(fit=FitConfig(n_epochs=15, batch_size=64, learning_rate=3e-2))


def sentences(split):
    return [sentence for sentence, _ in DRAWN[split]]


def test_scores_by_hand():
    stop, two = parse("stop games at the gym"), parse("stop games at the gym and stop games at the gym after six")
    examples = [Example("", stop), Example("", two), Example("", two)]
    wrong = Intent((Clause(action="stop", service="game", place="LIB"),))
    score = score_reading([stop, wrong, None], examples)
    assert score.exact == pytest.approx(1 / 3)
    # Five clauses were meant: the first is right, the second has a wrong place, three are absent.
    assert score.slots["action"].accuracy == pytest.approx(2 / 5)
    assert score.slots["place"].accuracy == pytest.approx(1 / 5)
    assert score.slots["relation"].accuracy == pytest.approx(2 / 5)
    assert score.glue == pytest.approx((4 * 2 + 1 + 2) / 30)


def test_an_extra_clause_counts_as_wrong():
    stop = parse("stop games at the gym")
    score = score_reading([Intent(stop.clauses * 2)], [Example("", stop)])
    assert score.exact == 0
    assert score.slots["action"].accuracy == 0.5


def test_the_hand_parser_has_all():
    assert isinstance(HandParser(), IntentReader)
    score = score_reading(HandParser().read(sentences("clauses")), DRAWN["clauses"])
    assert score.exact == score.glue == score.slots["hour"].matthews == 1


def test_terms_by_hand():
    terms = Terms(["stop games at the gym", "stop the games"], 2)
    # Six words... of which five differ, and the pairs that follow each other.
    assert terms.counts(["stop games at the gym"]).sum() == 9
    assert terms.counts(["stop vlogs at the the"]).sum() == 1 + 1 + 2 + 1


def test_the_nearest_neighbor_knows_what_it_has_seen():
    neighbor = NearestNeighbor(DRAWN["train"])
    assert isinstance(neighbor, IntentReader)
    known = [DRAWN["train"][0].sentence]
    assert neighbor.read(known) == [DRAWN["train"][0].intent]
    assert score_reading(neighbor.read(sentences("same")), DRAWN["same"]).exact < 0.2


def test_a_bag_of_words_reads_single_clauses_and_not_two():
    reader = train_linear_reader(DRAWN["train"], 1, QUICK, generator=torch_stream(0))
    assert isinstance(reader, IntentReader)
    read = reader.read(sentences("same"))
    plain = [len(intent.clauses) == 1 and intent.clauses[0].exception == NONE for _, intent in DRAWN["same"]]
    right = np.array([own == example.intent for own, example in zip(read, DRAWN["same"], strict=True)])
    assert right[plain].mean() > 0.7
    two = np.array([len(intent.clauses) == 2 for _, intent in DRAWN["same"]])
    assert right[two].mean() < 0.2


def test_linear_readers_have_a_seed_pair():
    def weights(seed):
        reader = train_linear_reader(DRAWN["train"][:60], 2, QUICK, generator=torch_stream(seed))
        return reader._layer.weight

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="examples must hold one at least"):
        NearestNeighbor([])
    with pytest.raises(ValueError, match="examples must hold one at least"):
        train_linear_reader([], 1, generator=torch_stream(0))
    with pytest.raises(ValueError, match="examples must hold one at least"):
        score_reading([], [])
    with pytest.raises(ValueError, match="read must hold 120 readings, got 1"):
        score_reading([None], DRAWN["same"])
