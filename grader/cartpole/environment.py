"""CartPole-v1 in lockstep, as the judge serves it."""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium
import numpy as np
import numpy.typing as npt

from grader.cartpole.schedule import MAX_EPISODE_STEPS

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Served:
    """Transitions of one lockstep: states and next_states (N, 4) float32, actions (N,) int64,
    rewards (N,) float32, dones (N,) float32, 1 where the episode terminated (never truncated)."""

    states: Floats
    actions: npt.NDArray[np.int64]
    rewards: Floats
    next_states: Floats
    dones: Floats


class Lockstep:
    """So many environments that step together; an episode that ends is followed by a new one.

    Gymnasium's vector environment spends one step of its own on the reset of an episode that has
    ended, and reports it as a transition from the last state of one episode to the first of the
    next. Such rows are left out of what is served.
    """

    def __init__(self, environments: int, seed: int) -> None:
        self._envs = gymnasium.make_vec(
            "CartPole-v1", num_envs=environments, vectorization_mode="vector_entry_point"
        )
        observations, _info = self._envs.reset(seed=seed)
        self.states: Floats = observations.astype(np.float32)
        self._resetting = np.zeros(environments, bool)
        self._steps = np.zeros(environments, np.int64)

    def step(self, actions: npt.NDArray[np.int64]) -> Served:
        """Act in every environment; `states` are then the ones to act in next."""
        before = self.states
        observations, rewards, terminated, truncated, _info = self._envs.step(actions)
        after = observations.astype(np.float32)
        real = ~self._resetting
        self._steps = np.where(real, self._steps + 1, 0)
        served = Served(
            states=before[real],
            actions=actions[real],
            rewards=rewards[real].astype(np.float32),
            next_states=after[real],
            dones=terminated[real].astype(np.float32),
        )
        require_dynamics(served)
        self._resetting = terminated | truncated
        assert not (self._steps > MAX_EPISODE_STEPS).any(), "an episode outlived its limit"
        self.states = after
        return served

    def close(self) -> None:
        """Release the environments."""
        self._envs.close()


def require_dynamics(served: Served) -> None:
    """No served transition crosses a reset.

    CartPole moves by Euler steps of 0.02 s, so that x′ = x + 0.02 ẋ and θ′ = θ + 0.02 θ̇ hold for
    every real transition (Barto, Sutton & Anderson, 1983); a jump to a new episode breaks them.
    """
    moved = served.states[:, [0, 2]] + np.float32(0.02) * served.states[:, [1, 3]]
    assert np.allclose(served.next_states[:, [0, 2]], moved, atol=1e-5), "a reset was crossed"
