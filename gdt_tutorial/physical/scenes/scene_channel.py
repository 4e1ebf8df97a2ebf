"""The channel on a scene: loss and line of sight are those of the place where the user stands, and fading is on top.

The loss is read from the scene's maps, bilinear between the centers of pixels, so it is continuous along a walk; who returns
to a place finds the same mean there, and two users at one place have the same. Nothing else is random than small-scale fading,
which is that of the plain channel (`channel.faded_db`): Rician in line of sight, Rayleigh in the shade.

How we differ from the plain channel: no shadowing field and no soft state of line of sight, since buildings take their part.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import require, require_counts
from gdt_tutorial.physical.channel import ChannelConfig, budget_db, faded_db
from gdt_tutorial.physical.scenes.diffraction import DiffractionConfig, scene_maps
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.physical.topology import Topology

__all__ = ["SceneChannel", "SceneChannelModel"]


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneChannelModel:
    """The law of a channel between buildings (a `ChannelModel`).

    Attributes:
        scenes: One for all environments, or one for each; their masts are those of the topology.
        config: Carrier, noise and fading; its shadowing is not used.
        diffraction: How rays are read.
    """

    scenes: tuple[Scene, ...]
    config: ChannelConfig = ChannelConfig()
    diffraction: DiffractionConfig = DiffractionConfig()

    def start(self, topology: Topology, n_batch: int, n_users: int, *, rng: np.random.Generator) -> "SceneChannel":
        """Return the channel of users who have not moved yet."""
        return SceneChannel(self, topology, n_batch, n_users, rng=rng)


class SceneChannel:
    """The channel of `n_batch` parallel environments (a `UserChannel`); the budget closes as that of `Channel`.

    Attributes:
        snr_db: SNR averaged over the slot, with fading.
        mean_snr_db: The same without fading.
        is_los: Whether the pixel of the user sees the access point.
        path_loss_db: Loss of line of sight and edge.
        shadowing_db: 0: buildings are in the path loss.

    Raises:
        ValueError: A number of scenes that fits no environments, masts elsewhere than those of the topology, or a campus that
            reaches beyond a scene.
    """

    snr_db: Float[np.ndarray, "batch user ap"]
    mean_snr_db: Float[np.ndarray, "batch user ap"]
    is_los: Bool[np.ndarray, "batch user ap"]
    path_loss_db: Float[np.ndarray, "batch user ap"]
    shadowing_db: Float[np.ndarray, "batch user ap"]

    def __init__(
        self, model: SceneChannelModel, topology: Topology, n_batch: int, n_users: int, *, rng: np.random.Generator
    ) -> None:
        require_counts("simulate at least one", n_batch=n_batch, n_users=n_users)
        scenes, rule = model.scenes, f"hold 1 or {n_batch} scenes"
        require(len(scenes) in (1, n_batch), "scenes", rule, len(scenes), "one for all environments, or one for each")
        for scene in scenes:
            scene.check_masts(topology.ap_position_m, "scenes")
            scene.check_inside(topology.campus.box_m, "topology.campus.box_m")
        self._config, self._topology, self._scenes, self._fading_rng = model.config, topology, scenes, rng
        self._shape = (n_batch, n_users, 2)
        self._maps = []
        for scene in scenes:  # no user walks indoors, but the corners that a place lies between may stand there
            level_db, sees = scene_maps(scene, model.config, model.diffraction)
            self._maps.append((scene.spread_indoors(level_db), scene.spread_indoors(sees)))

    def advance(self, position_m: Float[np.ndarray, "batch user xy"]) -> None:
        """Move every user to a new position and read the maps there.

        Raises:
            ValueError: If the shape is wrong, or a position is NaN or outside the scene.
        """
        rule = f"have shape {self._shape}"
        require(position_m.shape == self._shape, "position_m", rule, position_m.shape, "one per user")
        parts = [position_m.reshape(-1, 2)] if len(self._scenes) == 1 else list(position_m)
        n_batch, n_users, _ = self._shape
        loss_db, is_los = [], []
        for scene, (level_db, sees), place_m in zip(self._scenes, self._maps, parts, strict=True):
            loss_db.append(scene.between(level_db, place_m).T)
            row, column = scene.pixel_of(place_m).T
            is_los.append(sees[:, row, column].T)
        self.path_loss_db = np.concatenate(loss_db).reshape(n_batch, n_users, -1)
        self.is_los = np.concatenate(is_los).reshape(n_batch, n_users, -1)
        self.shadowing_db = np.zeros_like(self.path_loss_db)
        self.mean_snr_db = budget_db(self._topology, self._config) - self.path_loss_db
        self.snr_db = faded_db(self.mean_snr_db, self.is_los, self._config, rng=self._fading_rng)
