"""The same forecasts on loads that were recorded from the library's own network, one slot ahead.

    last value      as it was
    time of day     the mean of that slot over other days
    autoregression  of what differs from that mean, over the last 6 slots
    attention by hand, trained    over events, of the same differences in standard deviations

People walk there by their own preferences and one by one, so that a departure hardly tells where somebody goes. All rules learn
on other days. Root mean square errors are in users.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from gdt_tutorial.gai.autoregression import fit_autoregression
from gdt_tutorial.gai.event_attention import EventAttention, EventRule, train_event_attention
from gdt_tutorial.learning import FitConfig, cosine
from gdt_tutorial.seeding import torch_stream

__all__ = ["RecordedScores", "recorded_scores"]

_FIRST = 24  # slots that are not scored, as in the worlds
_RULE = EventRule(walk_slots=8, persistence=0.97, gain=0.1)


class RecordedScores(NamedTuple):
    """Error of each forecast on each day, and the mean gates of trained attention late in the day."""

    rmse: dict[str, Float[np.ndarray, " day"]]
    gate: Float[np.ndarray, "ap ap"]


def recorded_scores(
    train: Float[np.ndarray, "day slot ap"], test: Float[np.ndarray, "_ slot ap"], n_epochs: int = 8, *, seed: int
) -> RecordedScores:
    """Fit on recorded days, and score on others."""
    usual = train.mean(axis=0)
    known, fresh = train - usual, test - usual
    scale = float(known.std())
    tensors = [torch.from_numpy(each / scale).float() for each in (known, fresh)]
    step = float(np.diff(known, axis=1).std()) / scale
    rule = replace(_RULE, threshold=2 * step)
    config = FitConfig(n_epochs=n_epochs, batch_size=20, learning_rate=0.02, max_gradient_norm=1.0, schedule=cosine)
    attention = train_event_attention(tensors[0], rule, config, generator=torch_stream(seed, "recorded"))[0]
    with torch.no_grad():
        by_hand, trained = (
            usual + scale * each(tensors[1]).double().numpy() for each in (EventAttention(rule), attention)
        )
        gate = attention.gates(tensors[1])[:, 70].mean(dim=0).double().numpy()
    made = {
        "last value": np.concatenate([test[:, :1], test[:, :-1]], axis=1),
        "time of day": np.broadcast_to(usual, test.shape),
        "autoregression": usual + fit_autoregression(known, known, 6).forecast(fresh),
        "attention by hand": by_hand,
        "attention, trained": trained,
    }
    rmse = {name: np.sqrt(((each - test)[:, _FIRST:] ** 2).mean(axis=(1, 2))) for name, each in made.items()}
    return RecordedScores(rmse, gate)
