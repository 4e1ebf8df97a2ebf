"""Attention over the events of several series: what left here comes back there, and attention finds out where.

"GT can accurately analyze spatiotemporal correlations from DT status through its advanced attention mechanism" (the paper,
GAI-Based Feature Abstraction). Written by hand, it needs five scalars. A token is a pair (series, slot). Its key says how
much left that series one walk before, its value says by how much each series then surprised:

    surprise    v[j, t]    = x[j, t] - persistence x[j, t-1]
    departure   d[i, t]    = max(-v, 0) sigmoid(sharpness (-v - threshold))       a drop that is too large to be noise
    key         k[i, t]    = d[i, t - walk]
    score       s[i, j, t] = sum over slots r < t of k[i, r] v[j, r]              keys times values of all tokens so far
    gate        g[i, j, t] = softmax over j of decisiveness s[i, j, t]            where what leaves i goes
    forecast    x[j, t]    = persistence x[j, t-1] + gain sum over i of g[i, j, t] k[i, t]

The gate is no heuristic: if what left i arrives at one j, alike likely any, under Gaussian noise of variance w, then the
posterior of j is this softmax with decisiveness gain / w, since |v - gain k|^2 differs between destinations by
-2 gain k v alone. So attention *is* Bayes' rule here. Two things it leaves out: walks of other lengths, and that a surprise
which another series explains already is no evidence. `EventAttention` starts as the rule above and learns both:

    key         k[i, t]    = sum over lags l of spread[l] d[i, t-l]               learned; at first a one at `walk`
    score       s[i, j]   -= explaining gain sum over o of (sum over r of k[i, r] k[o, r]) g[o, j]   learned; at first 0

The second line is a second layer: series look at each other with what they had in common as weights.

Sources: sums of keys times values are linear attention and fast weights (Katharopoulos et al. 2020; Schlag et al. 2021). The
rule is ours.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.learning import FitConfig, FitHistory, cosine, fit

__all__ = [
    "EventAttention",
    "EventRule",
    "forecast_loss",
    "found_share",
    "past_sum",
    "route_gates",
    "surprises",
    "train_event_attention",
]

FIT = FitConfig(n_epochs=25, batch_size=30, learning_rate=0.03, max_gradient_norm=1.0, schedule=cosine)


@configclass
class EventRule:
    """The five scalars of attention by hand, and the length of a walk."""

    walk_slots: int = parameter(12, "Slots between a departure and its arrival.", "chosen, as the world's", above=0)
    threshold: float = parameter(1.0, "Drop that is as likely noise as an event.", "chosen: four standard deviations")
    sharpness: float = parameter(8.0, "How fast the one turns into the other.", "chosen", above=0)
    decisiveness: float = parameter(3.6, "Turns evidence into log-odds.", "chosen: half of gain / noise^2", at_least=0)
    gain: float = parameter(0.45, "Share of what left that arrives in the slot.", "chosen: 0.9 of one half", at_least=0)
    persistence: float = parameter(
        0.9, "What a slot leaves of a load.", "chosen, as the world's", at_least=0, at_most=1
    )
    n_lags: int = parameter(24, "Longest walk that can be learned.", "chosen", above=0)

    def __post_init__(self) -> None:
        is_inside, rule = self.walk_slots <= self.n_lags, f"be at most n_lags, {self.n_lags}"
        require(is_inside, "walk_slots", rule, self.walk_slots, "raise n_lags")


def surprises(
    series: Float[Tensor, "batch slot feature"], persistence: Float[Tensor, ""] | float
) -> Float[Tensor, "batch slot feature"]:
    """Return what each slot brought beyond what the one before leaves; 0 in the first."""
    return torch.cat([torch.zeros_like(series[:, :1]), series[:, 1:] - persistence * series[:, :-1]], dim=1)


def past_sum(
    left: Float[Tensor, "batch slot feature"], right: Float[Tensor, "batch slot feature"]
) -> Float[Tensor, "batch slot feature feature"]:
    """Return the sum over all slots *before* each one of the outer products of keys and values."""
    product = left[..., :, None] * right[..., None, :]
    return product.cumsum(dim=1) - product


def route_gates(score: Float[Tensor, "*shape feature feature"]) -> Float[Tensor, "*shape feature feature"]:
    """Return the softmax over destinations; nothing goes to where it left."""
    own = torch.eye(score.shape[-1], dtype=torch.bool)
    return score.masked_fill(own, -torch.inf).softmax(dim=-1)


class EventAttention(nn.Module):
    """Attention over events that starts as the rule by hand.

    Args:
        rule: The scalars that it starts from.
        n_rounds: How often series look at each other.
    """

    def __init__(self, rule: EventRule = EventRule(), n_rounds: int = 2) -> None:
        super().__init__()
        self.n_rounds = n_rounds
        self.threshold, self.sharpness = _scalar(rule.threshold), _scalar(rule.sharpness)
        self.decisiveness, self.gain = _scalar(rule.decisiveness), _scalar(rule.gain)
        self.persistence, self.explaining = _scalar(rule.persistence), _scalar(0.0)
        spread = torch.zeros(rule.n_lags)
        spread[rule.walk_slots - 1] = 1.0
        self.spread = nn.Parameter(spread)

    def departures(self, series: Float[Tensor, "batch slot feature"]) -> Float[Tensor, "batch slot feature"]:
        """Return how much leaves each series: drops that are too large to be noise."""
        drop = -surprises(series, self.persistence)
        return drop.relu() * torch.sigmoid(self.sharpness * (drop - self.threshold))

    def keys(self, series: Float[Tensor, "batch slot feature"]) -> Float[Tensor, "batch slot feature"]:
        """Return what left a walk ago."""
        departure, n_slots = self.departures(series), series.shape[1]
        padded = nn.functional.pad(departure, (0, 0, len(self.spread), 0))
        first = len(self.spread) - 1
        lagged = torch.stack(
            [padded[:, first - lag : first - lag + n_slots] for lag in range(len(self.spread))], dim=-1
        )
        return lagged @ self.spread

    def gates(
        self, series: Float[Tensor, "batch slot feature"], key: Float[Tensor, "batch slot feature"] | None = None
    ) -> Float[Tensor, "batch slot feature feature"]:
        """Return where what leaves each series goes, as known before each slot."""
        key = self.keys(series) if key is None else key
        score = past_sum(key, surprises(series, self.persistence))
        common = past_sum(key, key)
        common = common - torch.diag_embed(common.diagonal(dim1=-2, dim2=-1))
        gate = route_gates(self.decisiveness * score)
        for _ in range(self.n_rounds):
            explained = self.explaining * self.gain * common @ gate
            gate = route_gates(self.decisiveness * (score - explained))
        return gate

    def forward(
        self,
        series: Float[Tensor, "batch slot feature"],
        gate: Float[Tensor, "batch _ feature feature"] | None = None,
    ) -> Float[Tensor, "batch slot feature"]:
        """Forecast each slot from those before it.

        Args:
            series: Sequences around 0.
            gate: Routes that are known, for an oracle, one set or one per slot; found by attention where left out.
        """
        key = self.keys(series)
        gate = self.gates(series, key) if gate is None else gate
        arrival = self.gain * (key[..., None, :] @ gate)[..., 0, :]
        before = torch.cat([torch.zeros_like(series[:, :1]), series[:, :-1]], dim=1)
        return self.persistence * before + arrival


def forecast_loss(model: nn.Module, series: Float[Tensor, "batch slot feature"]) -> Float[Tensor, ""]:
    """Return the mean square error of forecasts one slot ahead."""
    return ((model(series) - series)[:, 1:] ** 2).mean()


def train_event_attention(
    series: Float[Tensor, "batch slot feature"],
    rule: EventRule = EventRule(),
    config: FitConfig = FIT,
    *,
    generator: torch.Generator,
) -> tuple[EventAttention, FitHistory]:
    """Train from the rule by hand on sequences.

    Raises:
        ValueError: No sequence, or sequences that are not finite.
    """
    is_finite = bool(torch.isfinite(series).all())
    require(is_finite, "series", "be finite", "NaN or infinity", "leave out days with gaps")
    model = EventAttention(rule)
    return model, fit(model, (series,), forecast_loss, config, generator=generator)


def found_share(gate: Float[Tensor, "batch feature feature"], route: Tensor) -> float:
    """Return the share of the sources whose likeliest destination is the true one."""
    return (gate.argmax(dim=-1) == route).double().mean().item()


def _scalar(value: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(float(value)))
