"""What the judge's environments serve: no row across a reset, done only where terminated."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from grader.cartpole.environment import Lockstep, Served, require_dynamics
from grader.cartpole.evaluate import greedy_episodes
from grader.cartpole.schedule import MAX_EPISODE_STEPS, Schedule


def balance(states):
    """A linear controller that keeps the pole up for all 500 steps."""
    x, speed, angle, turning = states.T
    return (0.02 * x + 0.1 * speed + angle + 0.4 * turning > 0).astype(np.int64)


def balancing_weights(hidden_dim=3):
    """The same controller as W1 … b3: relu(z) and relu(−z) are carried to Q(s, 1) and Q(s, 0)."""
    z = np.array([0.02, 0.1, 1.0, 0.4])
    w1 = np.zeros((hidden_dim, 4))
    w1[0], w1[1] = z, -z
    w2 = np.eye(hidden_dim)
    w3 = np.zeros((2, hidden_dim))
    w3[1, 0] = w3[0, 1] = 1.0
    zeros = np.zeros(hidden_dim)
    return [w1, zeros, w2, zeros.copy(), w3, np.zeros(2)]


@pytest.fixture
def lockstep():
    """A function that makes environments, closed afterwards."""
    made = []

    def make(environments, seed):
        made.append(Lockstep(environments, seed))
        return made[-1]

    yield make
    for envs in made:
        envs.close()


def test_random_play_is_never_served_across_a_reset(lockstep):
    envs = lockstep(16, seed=3)
    rng = np.random.default_rng(0)
    rows = ended = resets = 0
    open_episode = np.zeros(16, bool)
    for _ in range(500):
        states = envs.states.copy()
        actions = rng.integers(0, 2, 16)
        served = envs.step(actions)
        require_dynamics(served)
        rows += len(served.actions)
        ended += int(served.dones.sum())
        resets += 16 - len(served.actions)
        # The rows served are those of the environments that act, in order.
        acting = [i for i in range(16) if not open_episode[i]]
        np.testing.assert_array_equal(served.states, states[acting])
        np.testing.assert_array_equal(served.next_states, envs.states[acting])
        np.testing.assert_array_equal(served.actions, actions[acting])
        outside = (np.abs(served.next_states[:, 0]) > 2.4) | (
            np.abs(served.next_states[:, 2]) > 12 * 2 * np.pi / 360
        )
        np.testing.assert_array_equal(served.dones == 1, outside)
        open_episode = np.zeros(16, bool)
        open_episode[np.array(acting)[served.dones == 1]] = True
    assert rows + resets == 500 * 16
    # A random episode has some 22 steps, so thousands of steps see hundreds of ends.
    assert ended > 250
    assert ended - 16 <= resets <= ended


def test_dtypes_and_rewards(lockstep):
    served = lockstep(5, seed=1).step(np.ones(5, np.int64))
    assert served.states.shape == served.next_states.shape == (5, 4)
    for name in ("states", "rewards", "next_states", "dones"):
        assert getattr(served, name).dtype == np.float32
    assert (served.rewards == 1).all()


def test_same_seed_same_episodes(lockstep):
    one, two, other = lockstep(4, 7), lockstep(4, 7), lockstep(4, 8)
    np.testing.assert_array_equal(one.states, two.states)
    assert not np.array_equal(one.states, other.states)
    for _ in range(60):
        a, b = (envs.step(balance(envs.states)) for envs in (one, two))
        np.testing.assert_array_equal(a.next_states, b.next_states)


def test_an_episode_cut_off_at_its_limit_is_not_done(lockstep):
    envs = lockstep(2, seed=5)
    dones = 0.0
    for _ in range(MAX_EPISODE_STEPS):
        served = envs.step(balance(envs.states))
        assert len(served.actions) == 2
        dones += served.dones.sum()
    # Both episodes were truncated by the 500th step, and nothing was terminated.
    assert dones == 0
    assert len(envs.step(balance(envs.states)).actions) == 0
    fresh = envs.states
    assert (np.abs(fresh) <= 0.05).all()
    assert len(envs.step(balance(fresh)).actions) == 2


@pytest.mark.parametrize("column", [0, 2], ids=["position", "angle"])
@pytest.mark.parametrize("jump", [0.01, -0.5, 3.0])
def test_a_crossing_is_noticed(lockstep, column, jump):
    served = lockstep(3, seed=2).step(np.zeros(3, np.int64))
    moved = served.next_states.copy()
    moved[1, column] += jump
    with pytest.raises(AssertionError, match="a reset was crossed"):
        require_dynamics(replace(served, next_states=moved))


def test_what_gymnasium_itself_reports_at_a_reset_is_a_crossing():
    envs = gymnasium.make_vec("CartPole-v1", num_envs=1, vectorization_mode="vector_entry_point")
    states, _info = envs.reset(seed=1)
    ended = False
    crossed = 0
    for _ in range(120):
        before = states
        states, rewards, terminated, truncated, _info = envs.step(np.array([1]))
        served = Served(before, np.array([1]), rewards, states, terminated.astype(np.float32))
        if ended:
            crossed += 1
            with pytest.raises(AssertionError):
                require_dynamics(served)
        else:
            require_dynamics(served)
        ended = bool(terminated[0] or truncated[0])
    envs.close()
    assert crossed > 5


# --- greedy returns ---


def test_balancing_weights_reach_the_limit():
    returns = greedy_episodes(balancing_weights(), 10, seed=4).returns
    assert returns.tolist() == [500.0] * 10


@pytest.mark.parametrize("action", [0, 1])
def test_a_constant_action_falls_at_once(action):
    weights = balancing_weights()
    constant = [np.zeros_like(w) for w in weights]
    constant[5][action] = 1.0
    returns = greedy_episodes(constant, 20, seed=4).returns
    assert returns.shape == (20,)
    assert (returns >= 8).all()
    assert (returns <= 11).all()


def test_the_worst_policy_pushes_the_pole_over():
    weights = balancing_weights()
    weights[4] = weights[4][::-1].copy()
    assert greedy_episodes(weights, 10, seed=4).returns.max() < 12


def test_returns_are_those_of_single_environments():
    weights = balancing_weights()
    weights[0][:, 3] = 0.02  # sees little of the turning speed: falls after some time
    returns = greedy_episodes(weights, 6, seed=11).returns
    envs = gymnasium.make_vec("CartPole-v1", num_envs=6, vectorization_mode="vector_entry_point")
    starts, _info = envs.reset(seed=11)
    envs.close()
    for start, expected in zip(starts, returns, strict=True):
        env = gymnasium.make("CartPole-v1")
        env.reset(seed=0)
        env.unwrapped.state = np.array(start, np.float64)
        state, length, over = start, 0, False
        while not over:
            z = weights[0][0] @ state
            state, _reward, terminated, truncated, _info = env.step(int(z > 0))
            length += 1
            over = terminated or truncated
        env.close()
        # Vector and single environments round differently; the lengths stay together.
        assert abs(length - expected) <= 2


def test_same_seed_same_returns_other_seed_others():
    weights = balancing_weights()
    weights[0][:, 3] = 0.02
    one, two, other = (greedy_episodes(weights, 8, seed).returns for seed in (3, 3, 4))
    assert one.tolist() == two.tolist()
    assert one.tolist() != other.tolist()


def test_max_q_is_the_mean_of_the_best_values_over_the_states_acted_in():
    # Falls at different times: states after an episode's end must not count.
    weights = balancing_weights()
    weights[0][:, 3] = 0.02
    weights[5] = np.array([7.0, 7.0], np.float32)
    greedy = greedy_episodes(weights, 6, seed=11)
    assert len(set(greedy.returns)) > 1
    envs = gymnasium.make_vec("CartPole-v1", num_envs=6, vectorization_mode="vector_entry_point")
    states, _info = envs.reset(seed=11)
    values, running = [], np.ones(6, bool)
    while running.any():
        q = [
            7 + weights[4] @ np.maximum(0, weights[2] @ np.maximum(0, weights[0] @ s))
            for s in states
        ]
        values += [max(row) for row, counts in zip(q, running, strict=True) if counts]
        states, _rewards, terminated, truncated, _info = envs.step(np.argmax(q, axis=1))
        running &= ~(terminated | truncated)
    envs.close()
    assert greedy.max_q == pytest.approx(np.mean(values), rel=1e-5)


def test_max_q_of_weights_that_overflow_is_not_finite():
    weights = [np.full_like(w, 1e200) for w in balancing_weights()]
    assert not np.isfinite(greedy_episodes(weights, 2, seed=1).max_q)


# --- schedule ---


@pytest.mark.parametrize(
    ("updates", "epsilon"),
    [(0, 1.0), (150, 0.525), (299, 1 - 0.95 * 299 / 300), (300, 0.05), (5_000, 0.05)],
)
def test_epsilon_falls_linearly_and_stays(updates, epsilon):
    schedule = Schedule(epsilon_start=1.0, epsilon_end=0.05, epsilon_updates=300)
    assert schedule.epsilon(updates) == pytest.approx(epsilon)


def test_the_default_schedule_starts_random_and_never_stops_exploring():
    schedule = Schedule()
    values = [schedule.epsilon(n) for n in range(0, schedule.max_updates, 25)]
    assert values[0] == schedule.epsilon_start == 1.0
    assert values == sorted(values, reverse=True)
    assert min(values) == pytest.approx(schedule.epsilon_end)
    assert min(values) > 0
