from copy import deepcopy
from dataclasses import replace
from math import cos, pi

import numpy as np
import pytest
import torch
from torch import nn

from gdt_tutorial.learning import FitConfig, constant, cosine, fit, fit_updates, mean_loss
from gdt_tutorial.seeding import torch_seeded, torch_stream

CONFIG = FitConfig(n_epochs=60, batch_size=32, learning_rate=0.02)


def squared_error(model, x, y):
    return nn.functional.mse_loss(model(x), y)


def noisy_error(model, x, y):
    """Draw from torch's global random state, as the loss of a denoiser does."""
    return nn.functional.mse_loss(model(x + 0.3 * torch.rand(x.shape)), y)


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


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("loss", [squared_error, noisy_error])
def test_nothing_but_model_and_generator_matters(loss, dropout):
    def result(global_seed, seed=0, **options):
        torch.manual_seed(global_seed)
        model, generator = model_of(dropout=dropout), torch_stream(seed, "order")
        config = FitConfig(n_epochs=3, batch_size=32, learning_rate=0.02)
        history = fit(model, line(), loss, config, generator=generator, **options)
        return torch.cat([model[1].weight.detach().flatten(), torch.from_numpy(history.train_loss)]), generator, history

    with torch.random.fork_rng():
        plain, generator, _ = result(1)
        for options in ({}, {"validation": line(seed=9)}, {"on_epoch": lambda epoch, loss: torch.rand(5)}):
            again, its_generator, _ = result(2, **options)
            assert torch.equal(plain, again)
            assert torch.equal(generator.get_state(), its_generator.get_state())
        # Validation follows the generator too, and draws the same in every epoch.
        one, two, other = (
            result(k, s, validation=line(seed=9))[2].validation_loss for k, s in ((1, 0), (2, 0), (1, 1))
        )
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, other)
        still = replace(CONFIG, n_epochs=3, learning_rate=1e-30)
        model = model_of()
        history = fit(model, line(), noisy_error, still, generator=torch_stream(0), validation=line(seed=9))
        assert len(set(history.validation_loss.tolist())) == 1


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


def by_hand(config, n_updates, draw):
    """Return the weights after each update of a loop written out."""
    x, y = line()
    model, weights = model_of(), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    for update in range(n_updates):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * (1 + cos(pi * update / n_updates)) / 2
        index = draw(len(x))
        loss = squared_error(model, x[index], y[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        weights.append(deepcopy(model.state_dict()))
    return weights


HAND = FitConfig(n_epochs=2, batch_size=64, learning_rate=0.02, weight_decay=0.1, schedule=cosine)


def test_a_schedule_goes_on_with_every_update():
    model, generator = model_of(), torch_stream(0)
    fit(model, line(), squared_error, HAND, generator=generator)
    draws = torch_stream(0)
    with torch_seeded(draws):  # takes one number
        pass
    order = torch.cat([torch.randperm(256, generator=draws) for _ in range(2)]).split(64)
    last = by_hand(HAND, 8, lambda n, index=iter(order): next(index))[-1]
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(weight, last[name], rtol=0, atol=1e-7)


def test_a_constant_step_size_stays_and_a_cosine_ends_at_zero():
    for schedule, last in ((constant, 0.02), (cosine, 0.0)):
        optimizer = torch.optim.AdamW(model_of().parameters(), lr=0.02)
        steps = schedule(optimizer, 7)
        for _ in range(7):
            optimizer.step()
            steps.step()
        assert optimizer.param_groups[0]["lr"] == pytest.approx(last, abs=1e-12)


def test_updates_draw_with_replacement_and_draw_nothing_else():
    model, generator, draws, losses = model_of(), torch_stream(0), torch_stream(0), []
    report = lambda update, loss: losses.append((update, loss))  # noqa: E731
    fit_updates(model, line(), squared_error, HAND, 20, generator=generator, on_update=report)
    last = by_hand(HAND, 20, lambda n: torch.randint(n, (64,), generator=draws))[-1]
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(weight, last[name], rtol=0, atol=1e-7)
    assert torch.equal(generator.get_state(), draws.get_state())
    assert [update for update, _ in losses] == list(range(20))
    assert losses[0][1] > losses[-1][1]
    assert not model.training


def test_updates_with_a_noisy_loss_follow_the_generator_alone():
    def weight(global_seed, seed=0, on_update=None):
        with torch.random.fork_rng():
            torch.manual_seed(global_seed)
            model = model_of(dropout=0.3)
            generator = torch_stream(seed, "order")
            fit_updates(model, line(), noisy_error, HAND, 5, generator=generator, on_update=on_update)
        return model[1].weight

    assert torch.equal(weight(0), weight(1, on_update=lambda update, loss: torch.rand(3)))
    assert not torch.equal(weight(0), weight(0, seed=1))


def test_the_model_ends_with_the_running_average_and_validation_measures_it():
    decay, config = 0.7, replace(HAND, ema_decay=0.7)
    model, draws = model_of(), torch_stream(0)
    fit_updates(model, line(), squared_error, config, 12, generator=torch_stream(0))
    first, *others = by_hand(config, 12, lambda n: torch.randint(n, (64,), generator=draws))
    for weights in others:
        first = {name: decay * first[name] + (1 - decay) * weights[name] for name in first}
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(weight, first[name], rtol=0, atol=1e-6)

    held = line(seed=9)
    model, history = fitted(config=config, validation=held)
    assert history.validation_loss[-1] == pytest.approx(mean_loss(model, held, squared_error, batch_size=64), rel=1e-6)
    plain, _ = fitted(config=replace(config, ema_decay=None))
    assert not torch.equal(model[1].weight, plain[1].weight)
    assert not model.training


def test_an_average_leaves_the_course_as_it_is():
    losses = [fitted(dropout=0.3, config=replace(CONFIG, ema_decay=decay))[1].train_loss for decay in (None, 0.9)]
    np.testing.assert_array_equal(*losses)


def test_an_average_is_less_noisy_than_the_last_weights():
    # A large constant step keeps the weights on the move; their average lies nearer to the optimum.
    x, y = line()
    best = torch.linalg.lstsq(torch.cat([x, torch.ones(len(x), 1)], dim=1), y).solution.flatten()

    def error(seed, decay):
        config = FitConfig(n_epochs=15, batch_size=8, learning_rate=0.1, ema_decay=decay)
        model, _ = fitted(seed, config=config)
        return (torch.cat([model[1].weight.flatten(), model[1].bias]).detach() - best).norm().item()

    last, average = (np.median([error(seed, decay) for seed in range(5)]) for decay in (None, 0.97))
    assert average < 0.5 * last


@pytest.mark.parametrize("tensors", [(), (torch.ones(0, 3),), (torch.ones(2, 3), torch.ones(3, 1))])
def test_tensors_must_have_one_length(tensors):
    with pytest.raises(ValueError, match=r"lengths of tensors must be equal and above 0"):
        fit(model_of(), tensors, squared_error, CONFIG, generator=torch_stream(0))


def test_a_loss_that_explodes_is_reported():
    x, y = line()
    with pytest.raises(ValueError, match=r"loss must be finite in epoch 0, got nan; lower learning_rate"):
        fit(model_of(), (x, y * torch.nan), squared_error, CONFIG, generator=torch_stream(0))


def test_updates_check_what_they_get():
    x, y = line()
    with pytest.raises(ValueError, match=r"n_updates must be above 0, got 0; make one gradient step"):
        fit_updates(model_of(), (x, y), squared_error, CONFIG, 0, generator=torch_stream(0))
    with pytest.raises(ValueError, match=r"lengths of tensors must be equal"):
        fit_updates(model_of(), (x, y[:3]), squared_error, CONFIG, 1, generator=torch_stream(0))
    with pytest.raises(ValueError, match=r"loss must be finite in update 0, got nan; lower learning_rate"):
        fit_updates(model_of(), (x, y * torch.nan), squared_error, CONFIG, 3, generator=torch_stream(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_epochs": 0}, "n_epochs must be above 0, got 0"),
        ({"batch_size": 0}, "batch_size must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0, got nan"),
        ({"max_gradient_norm": -1.0}, "max_gradient_norm must be above 0"),
        ({"weight_decay": -0.1}, "weight_decay must be at least 0, got -0.1"),
        ({"ema_decay": 1.0}, r"ema_decay must lie in \(0, 1\), got 1.0; 0.999 averages over some 1,000 updates"),
    ],
)
def test_config_is_checked(change, message):
    with pytest.raises(ValueError, match=message):
        FitConfig(**change)
