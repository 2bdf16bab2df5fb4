"""Train the DQN agent on CartPole-v1, then watch it: `python train.py`, `python train.py --play`.

The agent is the course's; the settings are not. With the course page's own (one environment, one
update per step, lr 1e-3, ε times 0.995 per episode, a target copy every 10 episodes, 500 episodes)
a run takes 36,000 to 94,000 updates, and the policy that it ends with is seldom a solved one. With
the settings below about a thousand updates are enough. What differs, and why:

* Several environments in lockstep fill the buffer with many short lives at once. Batches become
  more diverse, and early failures are still stored when the policy no longer fails.
* A target copy every few *updates*; this matters most (every 100: 3 of 5 seeds were not solved).
  Counted in episodes, copies come every 200 steps at first and every 5,000 once the pole stays up.
* A higher learning rate and a larger batch. With fast copies a rate of 1e-3 works too, in about
  three times as many updates.
* ε falls linearly with the updates and stops at 0.05. Multiplied by 0.995 per episode it would
  still be 0.08 after 500 episodes.
* A policy that has solved the task soon forgets it again. So we look early and often: a short
  greedy screening, a confirmation on 100 fresh episodes, and then we stop and keep those weights.
"""

import argparse
import copy
import os
import pickle
import random
import sys
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, get_args, get_type_hints

import gymnasium as gym
import numpy as np
import torch
from gymnasium.error import DependencyNotInstalled
from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table

from dqn_agent import DQNAgent

ENV_ID = "CartPole-v1"
STATE_DIM, ACTION_DIM, MAX_RETURN = 4, 2, 500
SOLVED = 475.0  # greedy average that counts as solved
SCREEN_EPISODES = 20
CONFIRM_EPISODES = 100
INTERRUPTED = 130  # exit status after Ctrl-C
REFRESH_S = 0.1  # the live display redraws at most this often
PLAIN_LINE_EVERY = 100  # updates between two lines when standard error is no terminal


class UserError(Exception):
    """Something the user can put right; the text says what, and how."""


# --- options ------------------------------------------------------------------------------------


def count(text: str) -> int:
    """Parse an integer of at least 1 from the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {value}")
    return value


Count = Annotated[int, count]
OptionalPath = Annotated[Path | None, Path]


@dataclass(frozen=True)
class Options:
    """What can be chosen on the command line; the help also shows the course page's values.

    The last annotation of a field is its help, the one before it turns text into a value.
    """

    seed: Annotated[int, "seed of every random number of the run"] = 0
    max_updates: Annotated[Count, "give up after this many updates"] = 6_000
    envs: Annotated[Count, "environments stepped together (page: 1)"] = 16
    updates_per_step: Annotated[Count, "updates per joint step (page: 1)"] = 2
    batch_size: Annotated[Count, "transitions per update (page: 64)"] = 128
    lr: Annotated[float, "learning rate of Adam (page: 1e-3)"] = 8e-3
    gamma: Annotated[float, "discount factor (page: the same)"] = 0.99
    learning_starts: Annotated[Count, "transitions before the first update (page: 64)"] = 256
    epsilon_end: Annotated[float, "lowest exploration rate (page: 0.01)"] = 0.05
    epsilon_updates: Annotated[Count, "updates for its fall from 1 (page: x 0.995 an episode)"] = (
        300
    )
    copy_every: Annotated[Count, "updates between target copies (page: 10 episodes)"] = 4
    screen_every: Annotated[Count, "updates between greedy screenings (page: none)"] = 50
    weights: Annotated[Path, "file to save to, and to play from"] = Path("dqn_cartpole.pt")
    play: Annotated[bool, "do not train: load the weights and act greedily"] = False
    episodes: Annotated[Count, "episodes to play"] = 10
    gif: Annotated[OptionalPath, "play one episode into this GIF file (implies --play)"] = None


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; every field of `Options` is one option."""
    parser = argparse.ArgumentParser(
        description="Train the DQN agent on CartPole-v1, or watch a trained one.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for name, annotation in get_type_hints(Options, include_extras=True).items():
        *_, kind, meaning = get_args(annotation)
        flag = "--" + name.replace("_", "-")
        if kind is bool:
            parser.add_argument(flag, action="store_true", help=meaning)
        else:
            parser.add_argument(flag, type=kind, default=getattr(Options, name), help=meaning)
    return Options(**vars(parser.parse_args(arguments)))


# --- training -----------------------------------------------------------------------------------


@dataclass
class Progress:
    """What a run has done so far. It outlives an interrupted run: nothing learned is lost."""

    updates: int = 0
    transitions: int = 0
    episodes: int = 0
    epsilon: float = 1.0
    loss: float = 0.0
    returns: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    best_average: float | None = None
    best_weights: dict[str, torch.Tensor] | None = None
    solved: bool = False


def train(agent: DQNAgent, options: Options, progress: Progress) -> Iterator[None]:
    """Train until solved or out of updates, pausing after every joint step of the environments.

    Whoever iterates decides what to show; the state of the run is in ``progress``.
    """
    envs = make_envs(options.envs)
    states, _ = envs.reset(seed=options.seed)
    running_returns = np.zeros(options.envs)
    ended = np.zeros(options.envs, dtype=bool)

    while progress.updates < options.max_updates and not progress.solved:
        fraction = min(1.0, progress.updates / options.epsilon_updates)
        progress.epsilon = 1.0 + fraction * (options.epsilon_end - 1.0)
        actions = np.array([agent.select_action(state, progress.epsilon) for state in states])
        next_states, rewards, terminated, truncated, _ = envs.step(actions)

        # The step after an episode's end ignores the action and shows the first state of the next
        # episode. That is no transition of the environment, so it must not be stored.
        for i in np.flatnonzero(~ended):
            # `terminated`, not `terminated or truncated`: at the time limit the pole still stands,
            # and the next state is worth as much as ever.
            action, reward, done = int(actions[i]), float(rewards[i]), float(terminated[i])
            agent.buffer.push(states[i], action, reward, next_states[i], done)
            progress.transitions += 1

        running_returns += rewards
        ended = terminated | truncated
        progress.episodes += int(ended.sum())
        progress.returns.extend(running_returns[ended].tolist())
        running_returns[ended] = 0.0
        states = next_states

        if progress.transitions >= options.learning_starts:
            learn(agent, options, progress)
        yield


def learn(agent: DQNAgent, options: Options, progress: Progress) -> None:
    """Make this step's updates, with the target copies and the screenings that fall due."""
    budget = options.max_updates - progress.updates
    for _ in range(min(options.updates_per_step, budget)):
        progress.loss = agent.update(options.batch_size)
        progress.updates += 1
        if progress.updates % options.copy_every == 0:
            agent.update_target()
        if progress.updates % options.screen_every == 0:
            screen(agent, progress)
        if progress.solved:
            return


def screen(agent: DQNAgent, progress: Progress) -> None:
    """Evaluate the greedy policy; confirm a good result on fresh episodes; keep the best weights.

    The confirmation replaces the screening's average: the best of many noisy averages flatters.
    """
    average = greedy_returns(agent, SCREEN_EPISODES).mean()
    if average >= SOLVED:
        average = greedy_returns(agent, CONFIRM_EPISODES).mean()
        progress.solved = bool(average >= SOLVED)
    if progress.solved or progress.best_average is None or average > progress.best_average:
        progress.best_average = float(average)
        progress.best_weights = copy.deepcopy(agent.q_net.state_dict())


def greedy_returns(agent: DQNAgent, episodes: int) -> np.ndarray:
    """Play fresh episodes without exploration, all at once; returns their returns, ``(episodes,)``.

    The result is the one of ``select_action(state, 0.0)``, from one forward pass per step.
    """
    device = next(agent.q_net.parameters()).device  # the CPU, unless your agent picks another
    envs = make_envs(episodes)
    states, _ = envs.reset(seed=random.getrandbits(31))
    returns = np.zeros(episodes)
    running = np.ones(episodes, dtype=bool)
    while running.any():
        with torch.no_grad():
            actions = agent.q_net(torch.as_tensor(states, device=device)).argmax(dim=1)
        states, rewards, terminated, truncated, _ = envs.step(actions.cpu().numpy())
        returns += rewards * running  # an environment that is done goes on, but counts no more
        running &= ~(terminated | truncated)
    return returns


def make_envs(count: int) -> gym.vector.VectorEnv:
    """Create ``count`` CartPoles that are computed together as NumPy arrays."""
    return gym.make_vec(ENV_ID, num_envs=count, vectorization_mode="vector_entry_point")


# --- display ------------------------------------------------------------------------------------


def follow(run: Iterator[None], progress: Progress, console: Console) -> None:
    """Drive ``run`` to its end: a live panel on a terminal, a line now and then elsewhere."""
    if not console.is_terminal:
        next_line = PLAIN_LINE_EVERY
        for _ in run:
            if progress.updates >= next_line:
                next_line += PLAIN_LINE_EVERY
                numbers = ", ".join(f"{name} {value}" for name, value in summary(progress))
                console.print(numbers, highlight=False, soft_wrap=True)
        return

    with Live(panel(progress, console), console=console, auto_refresh=False) as live:
        drawn = time.monotonic()
        try:
            for _ in run:
                if time.monotonic() - drawn >= REFRESH_S:
                    live.update(panel(progress, console), refresh=True)
                    drawn = time.monotonic()
        finally:
            live.update(panel(progress, console), refresh=True)


def summary(progress: Progress) -> list[tuple[str, str]]:
    """Name and value of every figure that the display shows."""
    recent = list(progress.returns)[-20:]
    best = progress.best_average
    return [
        ("update", f"{progress.updates:,}"),
        ("episode", f"{progress.episodes:,}"),
        ("return (mean of 20)", f"{np.mean(recent):.1f}" if recent else "-"),
        ("epsilon", f"{progress.epsilon:.2f}"),
        ("loss", f"{progress.loss:.3f}"),
        ("best greedy average", "-" if best is None else f"{best:.1f}"),
    ]


def panel(progress: Progress, console: Console) -> Panel:
    """The live display: the figures, and the latest returns as a sparkline."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    for name, value in summary(progress):
        grid.add_row(name, value)
    levels = "▁▂▃▄▅▆▇█" if console.encoding.lower().startswith("utf") else "_.-=+*#@"
    grid.add_row(f"returns, 0 to {MAX_RETURN}", sparkline(progress.returns, levels))
    return Panel(grid, title=f"DQN on {ENV_ID}", expand=False)


def sparkline(values: Sequence[float] | deque[float], levels: str) -> str:
    """One character per value, between 0 and the longest possible episode."""
    top = len(levels) - 1
    return "".join(levels[round(top * min(value / MAX_RETURN, 1.0))] for value in values)


# --- commands -----------------------------------------------------------------------------------


def train_and_save(options: Options) -> int:
    """Train, and save the best weights even if the run is interrupted; returns the exit status."""
    require_folder(options.weights)  # now, and not after the training
    agent = DQNAgent(STATE_DIM, ACTION_DIM, lr=options.lr, gamma=options.gamma)
    progress = Progress()
    started, interrupted = time.monotonic(), False
    try:
        follow(train(agent, options, progress), progress, Console(stderr=True))
    except KeyboardInterrupt:
        interrupted = True

    # Written aside and renamed: a second Ctrl-C leaves no half-written file behind.
    weights = agent.q_net.state_dict() if progress.best_weights is None else progress.best_weights
    partial = options.weights.with_name(options.weights.name + ".partial")
    torch.save(weights, partial)
    os.replace(partial, options.weights)

    outcome = "solved" if progress.solved else "interrupted" if interrupted else "not solved"
    average = "not measured" if progress.best_average is None else f"{progress.best_average:.1f}"
    spent = f"{progress.updates:,} updates, {time.monotonic() - started:.1f} s"
    print(f"{outcome}: greedy average {average} after {spent}")
    print(f"saved `{options.weights}`")
    return INTERRUPTED if interrupted else 0 if progress.solved else 1


def play(options: Options) -> int:
    """Load saved weights and act greedily; prints each return, or renders one episode to a GIF."""
    agent = DQNAgent(STATE_DIM, ACTION_DIM)
    load_weights(agent, options.weights)
    if options.gif is not None:
        require_folder(options.gif)
        frames = record_episode(agent)
        write_gif(frames, options.gif)
        print(f"saved `{options.gif}`: {len(frames)} frames")
        return 0
    returns = greedy_returns(agent, options.episodes)
    for number, value in enumerate(returns, start=1):
        print(f"episode {number}: return {value:.0f}")
    print(f"average {returns.mean():.1f} over {len(returns)} episodes")
    return 0


def require_folder(path: Path) -> None:
    """Raise `UserError` if the folder in which ``path`` is to be written does not exist."""
    if not path.parent.is_dir():
        raise UserError(f"no folder `{path.parent}` to write `{path.name}` to")


def load_weights(agent: DQNAgent, path: Path) -> None:
    """Load ``path`` into ``agent.q_net``; a missing or foreign file is a `UserError`."""
    try:
        agent.q_net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except FileNotFoundError:
        raise UserError(f"no weights at `{path}`\nhint: run `python train.py` first") from None
    except (RuntimeError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise UserError(
            f"`{path}` does not hold weights of this QNetwork ({type(error).__name__})\n"
            "hint: run `python train.py` again"
        ) from None


def record_episode(agent: DQNAgent) -> list[np.ndarray]:
    """Play one greedy episode; returns every other frame, ``(400, 600, 3)`` uint8 (25 per s)."""
    env = gym.make(ENV_ID, render_mode="rgb_array")
    frames, running = [], True
    try:
        state, _ = env.reset(seed=random.getrandbits(31))
        while running:
            frames.append(env.render())
            state, _, terminated, truncated, _ = env.step(agent.select_action(state, 0.0))
            running = not (terminated or truncated)
    except DependencyNotInstalled:
        raise UserError(
            "drawing CartPole needs pygame, which is not installed\n"
            'hint: run `python -m pip install "gymnasium[classic-control]"`'
        ) from None
    finally:
        env.close()
    return frames[::2]


def write_gif(frames: list[np.ndarray], path: Path) -> None:
    """Write ``frames`` at half size as an endless GIF of 25 frames per second."""
    try:
        from PIL import Image
    except ImportError:
        raise UserError(
            "writing a GIF needs Pillow, which is not installed\n"
            "hint: run `python -m pip install pillow`"
        ) from None
    first, *rest = [Image.fromarray(frame).reduce(2) for frame in frames]
    first.save(path, format="GIF", save_all=True, append_images=rest, duration=40, loop=0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status (0 means solved, or played)."""
    options = parse_options(arguments)
    torch.set_num_threads(1)  # networks this small gain nothing from more
    random.seed(options.seed)
    torch.manual_seed(options.seed)
    try:
        return play(options) if options.play or options.gif else train_and_save(options)
    except UserError as error:
        print(f"train.py: {error}", file=sys.stderr)
    except NotImplementedError as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        print(f"train.py: TODO: {error} ({where})", file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 2


if __name__ == "__main__":
    sys.exit(main())
