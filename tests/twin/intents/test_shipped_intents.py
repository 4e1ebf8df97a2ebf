"""The shipped intent model: better than its untrained start and every plain reader, in both directions; files refused."""

import numpy as np
import pytest
import torch

from gdt_tutorial.checkpoints import verified, write_sums
from gdt_tutorial.gai.language_model import (
    CausalTransformer,
    save_transformer,
)
from gdt_tutorial.gai.transformer import (
    TransformerConfig,
)
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.intents.language import IntentLanguage
from gdt_tutorial.twin.abstraction.intents.reader import score_reading
from gdt_tutorial.twin.pretrained import FOLDER, pretrained_intents
from gdt_tutorial.twin.recipes import intent_study
from gdt_tutorial.twin.recipes.shipped_intents import N_SENTENCES
from gdt_tutorial.worlds.intents.sentences import draw_splits
from gdt_tutorial.worlds.intents.verdicts import draw_verdicts, parse_verdict

FILE = FOLDER / "intents.safetensors"
DRAWN = draw_splits(N_SENTENCES, 100, rng=stream(910_000, "intents"))


def exact(reader, split):
    return score_reading(reader.read([sentence for sentence, _ in DRAWN[split]]), DRAWN[split]).exact


def test_it_reads_new_combinations_and_orders_better_than_plain_readers_and_its_start():
    shipped = pretrained_intents()
    rivals = intent_study.plain_readers(DRAWN["train"], seed=910_000)
    del rivals["hand parser"]
    rivals["untrained"] = IntentLanguage.untrained(generator=torch_stream(910_000))
    for split, least in (("combinations", 0.85), ("orders", 0.5)):
        own = exact(shipped, split)
        assert own > least
        assert all(own > exact(rival, split) + 0.2 for rival in rivals.values())
    untrained = rivals["untrained"]
    assert shipped.perplexity(DRAWN["combinations"]) < 1.1 < 50 < untrained.perplexity(DRAWN["combinations"])


def test_it_tells_verdicts_that_the_parser_reads():
    shipped, generator = pretrained_intents(), torch_stream(910_000, "tell")
    verdicts = draw_verdicts(20, rng=stream(910_000, "verdicts"))
    told = [shipped.tell(verdict, generator=generator) for verdict in verdicts]
    assert [parse_verdict(each.sentence) for each in told] == verdicts
    assert np.mean([each.n_draws for each in told]) < 3
    again = [shipped.tell(verdicts[0], generator=torch_stream(seed, "one")).sentence for seed in range(6)]
    assert len(set(again)) > 1, "several sentences say the same"


def test_it_has_about_the_size_that_the_chapter_says():
    n_parameters = sum(weight.numel() for weight in pretrained_intents().model.parameters())
    assert 30_000 < n_parameters < 35_000


def test_a_truncated_file_is_refused(tmp_path):
    (tmp_path / FILE.name).write_bytes(FILE.read_bytes()[:-100])
    with pytest.raises(ValueError, match="path must be a safetensors file, got 'intents.safetensors"):
        IntentLanguage.load(tmp_path / FILE.name)


def test_an_altered_file_is_refused(tmp_path):
    copy = tmp_path / FILE.name
    copy.write_bytes(FILE.read_bytes())
    write_sums(tmp_path)
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="path must have the hash in SHA256SUMS"):
        verified(copy)


def test_a_model_of_other_sizes_is_refused(tmp_path):
    other = CausalTransformer(9, TransformerConfig(n_layers=1), generator=torch.Generator())
    save_transformer(other, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="model must know .* tokens, got 9"):
        IntentLanguage.load(tmp_path / "other.safetensors")


@pytest.mark.slow
def test_trained_anew_it_reads_as_well_as_the_shipped_one():
    remade, shipped = pretrained_intents(retrain=True), pretrained_intents()
    for split in ("same", "combinations", "orders"):
        assert exact(remade, split) == pytest.approx(exact(shipped, split), abs=0.1)
