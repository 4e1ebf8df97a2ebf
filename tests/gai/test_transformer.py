"""Attention and blocks against torch's, positions by hand, masks, the past, losses, files, bad input."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from gdt_tutorial import checkpoints
from gdt_tutorial.gai.generation import generate
from gdt_tutorial.gai.language_model import (
    CausalTransformer,
    load_transformer,
    next_token_loss,
    perplexity,
    save_transformer,
    shifted_positions,
)
from gdt_tutorial.gai.transformer import (
    MultiHeadAttention,
    PostNormBlock,
    PreNormBlock,
    TransformerConfig,
    attend,
    attention_weights,
    causal_mask,
    sinusoidal_positions,
)
from gdt_tutorial.learning import FitConfig, fit_updates
from gdt_tutorial.seeding import torch_seeded, torch_stream

CONFIG = TransformerConfig(n_model=8, n_heads=2, n_layers=2, n_hidden=12)


def normal(*shape, name="x"):
    """Return tokens of independent normal numbers."""
    return torch.randn(*shape, generator=torch_stream(0, name))


def tokens(n_batch=3, n_tokens=7, n_vocabulary=11, seed=0):
    """Return random tokens."""
    return torch.randint(n_vocabulary, (n_batch, n_tokens), generator=torch_stream(seed, "tokens"))


def small(seed=0):
    """Return an untrained language model."""
    return CausalTransformer(11, CONFIG, generator=torch_stream(seed, "model"))


@pytest.mark.parametrize("is_seen", [None, causal_mask(5, 5)])
def test_attention_equals_torchs(is_seen):
    query, key, value = (normal(2, 3, 5, 4, name=name) for name in ("query", "key", "value"))
    expected = functional.scaled_dot_product_attention(query, key, value, attn_mask=is_seen)
    out, weight = attend(query, key, value, is_seen)
    torch.testing.assert_close(out, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(weight.sum(dim=-1), torch.ones(2, 3, 5))


def test_attention_by_hand():
    # Scores (1, 0) * 2 / sqrt(1): weights e^2 / (e^2 + 1) and the rest.
    out, weight = attend(torch.tensor([[2.0]]), torch.tensor([[1.0], [0.0]]), torch.tensor([[10.0], [20.0]]))
    share = math.exp(2) / (math.exp(2) + 1)
    torch.testing.assert_close(weight, torch.tensor([[share, 1 - share]]))
    torch.testing.assert_close(out, torch.tensor([[10 * share + 20 * (1 - share)]]))


def copy_attention(ours, theirs):
    """Give torch's attention our weights."""
    with torch.no_grad():
        parts = (ours.query, ours.key, ours.value)
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        theirs.out_proj.load_state_dict(ours.output.state_dict())


def test_self_and_cross_attention_equal_torchs():
    with torch_seeded(torch_stream(0, "weights")):
        ours, theirs = MultiHeadAttention(8, 2), nn.MultiheadAttention(8, 2, batch_first=True)
    copy_attention(ours, theirs)
    x, other = normal(3, 5, 8), normal(3, 4, 8, name="other")
    for looked_at in (x, other):
        out, weight, _ = ours(x, looked_at)
        expected, expected_weight = theirs(x, looked_at, looked_at, average_attn_weights=False)
        torch.testing.assert_close(out, expected, atol=1e-6, rtol=0)
        torch.testing.assert_close(weight, expected_weight, atol=1e-6, rtol=0)


def test_cross_attention_to_tokens_of_another_width():
    with torch_seeded(torch_stream(0, "weights")):
        ours = MultiHeadAttention(8, 2, n_other=3)
    assert ours(normal(2, 5, 8), normal(2, 4, 3))[0].shape == (2, 5, 8)


@pytest.mark.parametrize(("block", "norm_first"), [(PreNormBlock, True), (PostNormBlock, False)])
def test_block_equals_torchs_encoder_layer(block, norm_first):
    with torch_seeded(torch_stream(0, "weights")):
        ours = block(CONFIG)
        theirs = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True, norm_first=norm_first)
        for norm in ours.norms:  # so that a swapped norm would show
            nn.init.normal_(norm.weight)
    copy_attention(ours.attention, theirs.self_attn)
    for part, layer in (("linear1", ours.perceptron[0]), ("linear2", ours.perceptron[2])):
        getattr(theirs, part).load_state_dict(layer.state_dict())
    for part, layer in zip(("norm1", "norm2"), ours.norms, strict=True):
        getattr(theirs, part).load_state_dict(layer.state_dict())
    x, is_seen = normal(3, 5, 8), causal_mask(5, 5)
    torch.testing.assert_close(ours(x)[0], theirs(x), atol=1e-6, rtol=0)
    torch.testing.assert_close(ours(x, is_seen)[0], theirs(x, src_mask=~is_seen), atol=1e-6, rtol=0)


def test_positions_by_hand():
    code = sinusoidal_positions(torch.tensor([0, 3]), 4)
    expected = [[0, 1, 0, 1], [math.sin(3), math.cos(3), math.sin(0.03), math.cos(0.03)]]
    torch.testing.assert_close(code, torch.tensor(expected))


def test_product_of_positions_tells_their_distance_alone():
    code = sinusoidal_positions(torch.arange(40), 16)
    product = code @ code.T
    torch.testing.assert_close(product[:30, :30], product[10:, 10:], atol=1e-4, rtol=0)


def test_shifted_positions_go_on_one_by_one():
    position = shifted_positions(200, 5, 9, generator=torch_stream(0))
    assert (position.diff(dim=1) == 1).all()
    assert sorted(set(position[:, 0].tolist())) == [0, 1, 2, 3, 4]


def test_without_positions_order_is_not_seen():
    # Every token at the same place, everything seen: a block is the same for any order.
    with torch_seeded(torch_stream(0, "weights")):
        block = PreNormBlock(CONFIG)
    x, order = normal(1, 5, 8), torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(block(x[:, order])[0], block(x)[0][:, order])


def test_nothing_sees_the_future():
    model, token = small(), tokens()
    changed = token.clone()
    changed[:, 4:] = (changed[:, 4:] + 1) % 11
    with torch.no_grad():
        torch.testing.assert_close(model(token)[:, :4], model(changed)[:, :4], atol=0, rtol=0)
        assert not torch.allclose(model(token)[:, 4:], model(changed)[:, 4:])
        _, _, weights = model.read(token)
    for weight in weights:
        assert (weight.triu(1) == 0).all()


def test_reading_on_equals_reading_at_once():
    model, token = small(), tokens()
    with torch.no_grad():
        whole, past = model(token), None
        parts = []
        for piece in token.split([3, 1, 2, 1], dim=1):
            score, past, _ = model.read(piece, past)
            parts.append(score)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=0)


def test_loss_of_scored_tokens_by_hand():
    model, token = small(), tokens()
    is_scored = torch.zeros(token.shape, dtype=torch.bool)
    is_scored[:, 3] = True
    log_share = model(token).log_softmax(dim=-1)[:, 2].gather(1, token[:, 3:4])
    torch.testing.assert_close(next_token_loss(model, token, is_scored), -log_share.mean())
    assert perplexity(model, token, is_scored) == pytest.approx(math.exp(-log_share.mean().item()))


def test_it_learns_to_copy():
    # The second half repeats the first: a bag of words cannot know the order.
    first = tokens(256, 4, 10)
    token = torch.cat([first, torch.full((256, 1), 10), first], dim=1)
    is_scored = torch.arange(9).expand(256, 9) > 4
    model = CausalTransformer(11, TransformerConfig(), generator=torch_stream(0, "model"))
    before = perplexity(model, token, is_scored)
    config = FitConfig(batch_size=64, learning_rate=3e-3)
    fit_updates(model, (token, is_scored), next_token_loss, config, 250, generator=torch_stream(0, "fit"))
    assert perplexity(model, token, is_scored) < 1.5 < 5 < before


def test_same_seed_same_weights():
    token = tokens()
    assert (small()(token) == small()(token)).all()
    assert not (small()(token) == small(1)(token)).any()


def test_what_is_loaded_is_what_was_saved(tmp_path):
    model, path = small(), tmp_path / "model.safetensors"
    save_transformer(model, path)
    loaded = load_transformer(path)
    assert (loaded(tokens()) == model(tokens())).all()
    assert loaded.config == CONFIG
    assert not loaded.training


def test_other_files_are_refused(tmp_path):
    model, path = small(), tmp_path / "model.safetensors"
    save_transformer(model, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="path must be a safetensors file"):
        load_transformer(path)
    sizes = {"n_vocabulary": 11, "n_model": 8, "n_heads": 2, "n_layers": 2, "n_hidden": 12}
    checkpoints.save(model, path, sizes | {"n_hidden": 16})
    with pytest.raises(ValueError, match="path must hold the weights of this model"):
        load_transformer(path)
    checkpoints.save(model, path, {"n_model": 8})
    with pytest.raises(ValueError, match="path must hold the config of this model"):
        load_transformer(path)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="n_model must be even, got 7"):
        TransformerConfig(n_model=7, n_heads=1)
    with pytest.raises(ValueError, match="n_heads must divide n_model, 32, got 5"):
        TransformerConfig(n_heads=5)
    with pytest.raises(ValueError, match="n_heads must divide n_model, 8, got 3"):
        MultiHeadAttention(8, 3)
    with pytest.raises(ValueError, match="n_model must be even, got 3"):
        sinusoidal_positions(torch.arange(3), 3)
    with pytest.raises(ValueError, match="n_vocabulary must be above 0, got 0"):
        CausalTransformer(0, CONFIG, generator=torch_stream(0))
    with pytest.raises(ValueError, match="n_positions must be at least 5, got 4"):
        shifted_positions(2, 5, 4, generator=torch_stream(0))


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="key must have the width of query, 4, got 3"):
        attention_weights(normal(5, 4), normal(5, 3))
    with torch_seeded(torch_stream(0, "weights")):
        attention = MultiHeadAttention(8, 2, n_other=3)
    with pytest.raises(ValueError, match="x must have the width 8, got 7"):
        attention(normal(2, 5, 7), normal(2, 5, 3))
    with pytest.raises(ValueError, match="other must have the width 3, got 8"):
        attention(normal(2, 5, 8))


def test_a_query_that_sees_nothing_is_refused():
    with pytest.raises(ValueError, match="is_seen must let every query see a key, got '1 that see none'"):
        attention_weights(normal(2, 4), normal(2, 4), torch.tensor([[True, False], [False, False]]))


def test_tokens_outside_the_vocabulary_are_refused():
    with pytest.raises(ValueError, match=r"token must lie in \[0, 11\), got \(3, 11\)"):
        small()(torch.tensor([[3, 11]]))
    with pytest.raises(ValueError, match=r"token must hold a token in each row, got \(1, 0\)"):
        small()(torch.zeros(1, 0, dtype=torch.int64))


def test_a_past_of_another_model_is_refused():
    _, past, _ = small().read(tokens())
    with pytest.raises(ValueError, match="past must hold 2 layers, got 1"):
        small().read(tokens(), past[:1])


def test_nothing_to_score_is_refused():
    with pytest.raises(ValueError, match="is_scored must mark a token after the first, got 'none'"):
        next_token_loss(small(), tokens(), torch.zeros(3, 7, dtype=torch.bool))


def test_generation_repeats_what_was_learned():
    # One sentence, learned by heart.
    token = torch.arange(9)[None].expand(16, 9)
    model = small()
    is_scored = torch.ones(token.shape, dtype=torch.bool)
    config = FitConfig(batch_size=16, learning_rate=1e-2)
    fit_updates(model, (token, is_scored), next_token_loss, config, 100, generator=torch_stream(0, "fit"))
    assert generate(model, token[:1, :2], 9)[0].tolist() == list(range(9))
