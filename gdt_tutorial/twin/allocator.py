"""A trained network as network manager: data-based decision-making.

"To provide efficient network decisions, the data-based methods in DT can outperform traditional model-based methods" (the
paper, Digital Twin). The network sees each sub-multicast group (SMG) through the same weights and returns its version
and its weight in the schedule. It is taught in two steps: it first imitates the greedy allocator (supervised), then it
improves on whole sessions in the twin by evolution strategies, which need no gradient through the network's simulation
(Salimans et al. 2017, "Evolution strategies as a scalable alternative to reinforcement learning", with antithetic pairs
and ranks).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gdt_tutorial import learning, seeding
from gdt_tutorial.configuration import check, parameter
from gdt_tutorial.physical.messages import Decision, Session
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.playback import ViewTape
from gdt_tutorial.twin.abstraction import Features, GroupAbstractor, SwipeCurves
from gdt_tutorial.twin.decision import DecisionMaker, GreedyAllocator, ScheduleModel, fill, schedule_model
from gdt_tutorial.twin.environment import VirtualNetwork, describe_subgroups

__all__ = ["AllocatorConfig", "NetworkAllocator", "SubgroupNetwork", "TrainingCampus", "evolve", "imitate"]


@dataclass(frozen=True, kw_only=True)
class AllocatorConfig:
    """How `NetworkAllocator` is taught."""

    n_hidden: int = parameter(32, "Units of each of the two hidden layers.", "chosen")
    n_pairs: int = parameter(16, "Antithetic pairs of a generation.", "chosen")
    n_campuses: int = parameter(4, "Campuses on which each candidate is scored.", "chosen")
    n_generations: int = parameter(150, "Steps of evolution.", "chosen")
    noise: float = parameter(0.05, "Standard deviation of the perturbations.", "chosen")
    learning_rate: float = parameter(0.03, "Adam step of evolution.", "chosen")

    def __post_init__(self) -> None:
        for name in ("n_hidden", "n_pairs", "n_campuses", "n_generations", "noise", "learning_rate"):
            check(getattr(self, name) > 0, name, "be > 0", getattr(self, name), "leave it out for the default")


class SubgroupNetwork(nn.Module):
    """A perceptron over one SMG's row of `describe_subgroups`: logits of the versions, then a log-weight."""

    def __init__(self, n_features: int, n_versions: int, n_hidden: int, *, generator: torch.Generator) -> None:
        super().__init__()
        sizes = (n_features, n_hidden, n_hidden, n_versions + 1)
        with seeding.keep_torch_rng():  # a layer draws its first weights from the global state
            linear = [nn.Linear(n_in, n_out) for n_in, n_out in pairwise(sizes)]
        self.layers = nn.Sequential(linear[0], nn.Tanh(), linear[1], nn.Tanh(), linear[2])
        with torch.no_grad():
            for layer in linear:
                nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=generator)
                nn.init.zeros_(layer.bias)
            linear[2].weight.mul_(0.01)  # start undecided: equal versions, weight 1

    def forward(self, row: Float[Tensor, "*shape feature"]) -> Float[Tensor, "*shape choice"]:
        """Return the choices of each row."""
        return self.layers(row)


class NetworkAllocator:
    """Data-based: a trained network picks every SMG's version and weight (a `DecisionMaker`)."""

    def __init__(self, model: ScheduleModel, network: SubgroupNetwork) -> None:
        self.model, self.network = model, network

    def decide(self, features: Features) -> Decision:
        """Ask the network, then fill the slot."""
        row = torch.from_numpy(describe_subgroups(features, self.model)).float()
        with torch.no_grad():
            choice = self.network(row).double().numpy()
        return _act(features, self.model, choice)

    @classmethod
    def load(cls, path: Path, model: ScheduleModel) -> "NetworkAllocator":
        """Read what `save` wrote.

        Raises:
            ValueError: no such file, or one that was trained for another number of versions.
        """
        check(path.is_file(), "path", "be a file", str(path), "train one with imitate and evolve, and save it")
        weights = load_file(path)
        n_hidden, n_features = weights["layers.0.weight"].shape
        n_versions, wanted = len(weights["layers.4.bias"]) - 1, model.catalog.n_versions
        check(
            n_versions == wanted,
            "path",
            f"hold a network for {wanted} versions",
            n_versions,
            "train one for this catalog",
        )
        network = SubgroupNetwork(n_features, n_versions, n_hidden, generator=torch.Generator())
        network.load_state_dict(weights)
        return cls(model, network)

    def save(self, path: Path) -> None:
        """Write the weights as safetensors."""
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(self.network.state_dict(), path)


def _act(features: Features, model: ScheduleModel, choice: Float[np.ndarray, "batch subgroup choice"]) -> Decision:
    weight = np.exp(np.clip(choice[..., -1], -3, 3))
    return fill(features, model, choice[..., :-1].argmax(axis=-1), weight)[0]


@dataclass(frozen=True, kw_only=True)
class TrainingCampus:
    """Campuses of the twin's own making, with their whole course recorded: many makers can be tried on the same one."""

    virtual: VirtualNetwork
    session: Session
    snr_db: Float[np.ndarray, "batch user slot ap"]
    tape: ViewTape

    @classmethod
    def record(cls, network: PhysicalNetwork, n_slots: int) -> "TrainingCampus":
        """Let the users of a virtual network walk for `n_slots` slots and note their channels.

        The twin's swipe curves are those that it would have learned from 400 views of each type.
        """
        n_users, n_types = network.viewers.user.size, network.catalog.n_types
        curves = SwipeCurves(1, n_types)
        kind = np.tile(np.arange(n_types), 400)
        user = np.resize(network.viewers.user, len(kind))
        rng = seeding.stream(network.seed, "training curves", n_users)
        curves.update(kind[None], network.viewers.swipes.sample_fraction(user, kind, rng=rng)[None])
        session, snr_db = network.reset().session, [network.channel.snr_db]
        for _ in range(n_slots):
            network.walk.advance(network.config.slot_s)
            network.channel.advance(network.walk.position_m)
            snr_db.append(network.channel.snr_db)
        model = schedule_model(network)
        virtual = VirtualNetwork(
            model=model,
            abstractor=GroupAbstractor(network.catalog, network.capacity, curves, network.link),
            hysteresis_db=network.config.hysteresis_db,
        )
        return cls(virtual=virtual, session=session, snr_db=np.stack(snr_db, axis=2), tape=network.tape)

    def qoe(self, maker: DecisionMaker, n_copies: int = 1) -> Float[np.ndarray, "copy batch"]:
        """Return the mean QoE of the session under `maker`, which decides for all copies at once."""
        tape = self.tape.repeated(n_copies)
        return self.virtual.rollout(self.session, self.snr_db, maker, tape, n_copies).mean(axis=-1)


class _Recorder:
    """Lets a teacher decide and notes what it saw and chose."""

    def __init__(self, teacher: DecisionMaker, model: ScheduleModel) -> None:
        self.teacher, self.model = teacher, model
        self.rows: list[np.ndarray] = []
        self.versions: list[np.ndarray] = []

    def decide(self, features: Features) -> Decision:
        decision = self.teacher.decide(features)
        is_served = (features.n_members > 0) & (features.efficiency > 0)
        self.rows.append(describe_subgroups(features, self.model)[is_served])
        self.versions.append(decision.version[is_served])
        return decision


def imitate(campus: TrainingCampus, config: AllocatorConfig, *, generator: torch.Generator) -> NetworkAllocator:
    """Teach a new network the versions that the greedy allocator chooses."""
    model = campus.virtual.model
    recorder = _Recorder(GreedyAllocator(model), model)
    campus.qoe(recorder)
    row = torch.from_numpy(np.concatenate(recorder.rows)).float()
    version = torch.from_numpy(np.concatenate(recorder.versions))
    student = SubgroupNetwork(row.shape[1], model.catalog.n_versions, config.n_hidden, generator=generator)

    def loss(network: nn.Module, batch_row: Tensor, batch_version: Tensor) -> Tensor:
        return nn.functional.cross_entropy(network(batch_row)[..., :-1], batch_version)

    fit_config = learning.FitConfig(n_epochs=20, batch_size=256, learning_rate=3e-3)
    learning.fit(student, (row, version), loss, fit_config, generator=generator)
    return NetworkAllocator(model, student)


def evolve(
    maker: NetworkAllocator,
    make_campus: Callable[[int], TrainingCampus],
    config: AllocatorConfig,
    *,
    generator: torch.Generator,
    on_generation: Callable[[int, float], object] | None = None,
) -> NetworkAllocator:
    """Improve a network on whole sessions; the candidates of a generation meet the same campuses, `make_campus(g)`.

    The gradient is estimated from pairs theta +- noise e: the mean of e times the difference of the centered ranks of
    their session QoE, divided by twice the noise.
    """
    theta = nn.utils.parameters_to_vector(maker.network.parameters()).detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([theta], lr=config.learning_rate)
    for generation in range(config.n_generations):
        direction = torch.randn(config.n_pairs, len(theta), generator=generator)
        candidates = theta.detach() + config.noise * torch.cat([direction, -direction])
        crowd = _Crowd(maker.model, maker.network, candidates)
        score = torch.from_numpy(make_campus(generation).qoe(crowd, len(candidates)).mean(axis=-1))
        rank = torch.argsort(torch.argsort(score)).float() / (len(score) - 1) - 0.5
        advantage = rank[: config.n_pairs] - rank[config.n_pairs :]
        theta.grad = -(advantage[:, None] * direction).mean(dim=0) / (2 * config.noise)
        optimizer.step()
        if on_generation is not None:
            on_generation(generation, float(score.mean()))
    nn.utils.vector_to_parameters(theta.detach(), maker.network.parameters())
    return maker


class _Crowd:
    """All candidates of a generation as one decision maker: candidate c decides for the c-th copy of the campuses."""

    def __init__(
        self, model: ScheduleModel, network: SubgroupNetwork, candidates: Float[Tensor, "candidate weight"]
    ) -> None:
        names, shapes = zip(*((name, value.shape) for name, value in network.named_parameters()), strict=True)
        parts = torch.split(candidates, [shape.numel() for shape in shapes], dim=1)
        self._weights = {name: part.reshape(-1, *shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        self._forward = torch.func.vmap(lambda weights, row: torch.func.functional_call(network, weights, (row,)))
        self._model, self._n_candidates = model, len(candidates)

    def decide(self, features: Features) -> Decision:
        row = torch.from_numpy(describe_subgroups(features, self._model)).float()
        with torch.no_grad():
            choice = self._forward(self._weights, row.reshape(self._n_candidates, -1, *row.shape[1:]))
        return _act(features, self._model, choice.reshape(-1, *choice.shape[2:]).double().numpy())
