import numpy as np
import pytest
import torch
from torch import nn

from gdt_tutorial.learning import FitConfig, fit, mean_loss
from gdt_tutorial.seeding import torch_seeded, torch_stream

CONFIG = FitConfig(n_epochs=60, batch_size=32, learning_rate=0.02)


def squared_error(model, x, y):
    return nn.functional.mse_loss(model(x), y)


def line(seed=0, n=256):
    x = torch.randn(n, 3, generator=torch_stream(seed, "x"))
    noise = 0.1 * torch.randn(n, 1, generator=torch_stream(seed, "noise"))
    return x, x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3.0 + noise


def model_of(seed=0, dropout=0.0):
    with torch_seeded(torch_stream(seed, "weights")):
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(3, 1))


def fitted(seed=0, dropout=0.0, config=CONFIG, **options):
    model = model_of(dropout=dropout)
    history = fit(model, line(), squared_error, config, generator=torch_stream(seed, "order"), **options)
    return model, history


def test_fit_agrees_with_least_squares():
    x, y = line()
    model, _ = fitted()
    with_one = torch.cat([x, torch.ones(len(x), 1)], dim=1)
    best = torch.linalg.lstsq(with_one, y).solution.flatten()
    found = torch.cat([model[1].weight.flatten(), model[1].bias]).detach()
    torch.testing.assert_close(found, best, atol=0.02, rtol=0)


def test_last_partial_batch_counts_by_its_size():
    # One batch of 3 and one of 1, without learning: the epoch's loss is the mean over samples.
    config = FitConfig(n_epochs=1, batch_size=3, learning_rate=1e-12)
    tensors = line(n=4)
    model = model_of()
    history = fit(model, tensors, squared_error, config, generator=torch_stream(0))
    assert history.train_loss[0] == pytest.approx(squared_error(model, *tensors).item(), rel=1e-5)
    assert mean_loss(model, tensors, squared_error, batch_size=3) == pytest.approx(history.train_loss[0], rel=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_same_generator_same_result_other_generator_other_result(dropout):
    losses = [fitted(seed, dropout)[1].train_loss for seed in (0, 0, 1)]
    np.testing.assert_array_equal(losses[0], losses[1])
    assert not np.array_equal(losses[0], losses[2])


def test_validation_set_is_measured_and_not_learned_from():
    plain, _ = fitted()
    model, history = fitted(validation=line(seed=9))
    torch.testing.assert_close(model[1].weight, plain[1].weight, rtol=0, atol=0)
    assert history.validation_loss.shape == history.train_loss.shape == (60,)
    assert history.validation_loss[-1] < 0.1 * history.validation_loss[0]


def test_model_ends_in_evaluation_mode_and_progress_is_reported():
    epochs = []
    model, history = fitted(on_epoch=lambda epoch, loss: epochs.append((epoch, loss)))
    assert not model.training
    assert [epoch for epoch, _ in epochs] == list(range(60))
    np.testing.assert_array_equal([loss for _, loss in epochs], history.train_loss)
    assert history.validation_loss.size == 0


def test_gradients_are_shortened():
    config = FitConfig(n_epochs=1, batch_size=256, max_gradient_norm=1e-3)
    model, _ = fitted(config=config)
    norm = torch.stack([parameter.grad.norm() for parameter in model.parameters()]).norm()
    assert norm.item() == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("tensors", [(), (torch.ones(0, 3),), (torch.ones(2, 3), torch.ones(3, 1))])
def test_tensors_must_have_one_length(tensors):
    with pytest.raises(ValueError, match=r"lengths of tensors must be equal and above 0"):
        fit(model_of(), tensors, squared_error, CONFIG, generator=torch_stream(0))


def test_a_loss_that_explodes_is_reported():
    x, y = line()
    with pytest.raises(ValueError, match=r"loss must be finite in epoch 0, got nan; lower learning_rate"):
        fit(model_of(), (x, y * torch.nan), squared_error, CONFIG, generator=torch_stream(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_epochs": 0}, "n_epochs must be above 0, got 0"),
        ({"batch_size": 0}, "batch_size must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0, got nan"),
        ({"max_gradient_norm": -1.0}, "max_gradient_norm must be above 0"),
        ({"weight_decay": -0.1}, "weight_decay must be at least 0, got -0.1"),
    ],
)
def test_config_is_checked(change, message):
    with pytest.raises(ValueError, match=message):
        FitConfig(**change)
