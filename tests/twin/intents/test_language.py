"""The intent model: what it is scored on, perplexity by hand, learning in small, what it writes is checked, bad input."""

import math

import pytest
import torch

from gdt_tutorial.gai.language_model import (
    CausalTransformer,
)
from gdt_tutorial.gai.transformer import (
    TransformerConfig,
)
from gdt_tutorial.learning import FitConfig
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.intents.language import IntentLanguage, padded, says
from gdt_tutorial.twin.abstraction.intents.reader import IntentReader, score_reading
from gdt_tutorial.twin.abstraction.intents.training import IntentTraining, train_language, training_sequences
from gdt_tutorial.worlds.intents.parser import parse
from gdt_tutorial.worlds.intents.sentences import draw_examples
from gdt_tutorial.worlds.intents.verdicts import draw_verdicts, say_verdict
from gdt_tutorial.worlds.intents.vocabulary import TOKENS, reading, telling

TINY = TransformerConfig(n_model=16, n_heads=2, n_layers=1, n_hidden=32)
EXAMPLES = draw_examples("train", 40, rng=stream(0, "examples"))
UNTRAINED = IntentLanguage.untrained(TINY, generator=torch_stream(0))


def test_answers_alone_are_scored():
    token, is_scored = padded([reading(*EXAMPLES[0]), reading(*EXAMPLES[1])])
    for row, (_, intent) in enumerate(EXAMPLES[:2]):
        written = [TOKENS[number] for number in token[row][is_scored[row]]]
        assert written == intent.tokens()


def test_perplexity_by_hand():
    """Over the seven tokens of one clause, each given all before it."""
    example = next(each for each in EXAMPLES if len(each.intent.clauses) == 1)
    given, answer = reading(*example)
    token = torch.tensor([[TOKENS.index(each) for each in given + answer]])
    with torch.no_grad():
        chance = UNTRAINED.model(token).log_softmax(dim=-1)
    places = range(len(given) - 1, len(given) + len(answer) - 1)
    nats = -sum(chance[0, place, token[0, place + 1]].item() for place in places)
    assert UNTRAINED.perplexity([example]) == pytest.approx(math.exp(nats / len(answer)), rel=1e-4)


def test_reading_in_a_batch_is_reading_alone():
    sentences = [sentence for sentence, _ in EXAMPLES[:6]]
    together = UNTRAINED._answers([reading(each)[0] for each in sentences], 20, lambda score: score.argmax(dim=-1))
    alone = [UNTRAINED._answers([reading(each)[0]], 20, lambda score: score.argmax(dim=-1))[0] for each in sentences]
    for one, other in zip(together, alone, strict=True):  # the longest prompt of a batch gives the others room for more
        assert one[:20] == other[:20]
    assert UNTRAINED.read([]) == []


def test_an_untrained_model_finds_no_intent():
    assert isinstance(UNTRAINED, IntentReader)
    assert UNTRAINED.read([sentence for sentence, _ in EXAMPLES]) == [None] * len(EXAMPLES)


def test_a_small_model_learns_a_few_sentences_by_heart_in_both_directions():
    few = [each for each in EXAMPLES if len(each.intent.clauses) == 1][:3]
    config = IntentTraining(
        n_verdicts=1,
        n_updates=300,
        transformer=TINY,
        fit=FitConfig(batch_size=16, learning_rate=1e-2),
    )
    language = train_language(few, config, generator=torch_stream(0))
    assert score_reading(language.read([sentence for sentence, _ in few]), few).exact == 1
    assert language.perplexity(few) < 1.2 < UNTRAINED.perplexity(few)


def test_training_has_a_seed_pair():
    config = IntentTraining(n_verdicts=4, n_updates=2, transformer=TINY)

    def weights(seed):
        return train_language(EXAMPLES[:4], config, generator=torch_stream(seed)).model.embedding.weight

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_sequences_hold_both_directions():
    token, is_scored = training_sequences(EXAMPLES, 5, rng=stream(0))
    firsts = [TOKENS[number] for number in token[:, 0]]
    assert firsts == ["<read>"] * 40 + ["<tell>"] * 5
    assert is_scored.any(dim=1).all()


def test_a_sentence_says_its_verdict_alone():
    rng = stream(1, "verdicts")
    one, other = draw_verdicts(2, rng=rng)
    sentence = say_verdict(one, rng=rng)
    assert says(sentence, one)
    assert not says(sentence, other)
    assert not says("video at the castle", one)


def test_a_model_that_cannot_tell_says_so():
    verdict = draw_verdicts(1, rng=stream(0))[0]
    with pytest.raises(ValueError, match="n_draws must suffice for a sentence that says the verdict, got .2, "):
        UNTRAINED.tell(verdict, generator=torch_stream(0), n_draws=2)
    with pytest.raises(ValueError, match="n_draws must be above 0, got 0"):
        UNTRAINED.tell(verdict, generator=torch_stream(0), n_draws=0)
    assert telling(verdict)[0][0] == "<tell>"


def test_bad_input_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"sentence must hold words of the grammar alone, got \['castle'\]"):
        UNTRAINED.read(["stop video at the castle"])
    other = CausalTransformer(7, TINY, generator=torch_stream(0))
    with pytest.raises(ValueError, match=f"model must know {len(TOKENS)} tokens, got 7"):
        IntentLanguage(other)
    with pytest.raises(ValueError, match="pairs must hold one at least"):
        padded([])
    UNTRAINED.save(tmp_path / "tiny.safetensors")
    again = IntentLanguage.load(tmp_path / "tiny.safetensors")
    assert torch.equal(again.model.embedding.weight, UNTRAINED.model.embedding.weight)


def test_no_verb_is_told_by_the_parser():
    with pytest.raises(ValueError, match="sentence must hold a verb"):
        parse("video around the library")
