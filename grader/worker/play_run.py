"""The worker's side of the CartPole run: the agent acts, stores, learns and syncs on request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from grader.protocol.arrays import Array, from_numpy, to_numpy
from grader.protocol.messages import Advance, Advanced, BeginRun, Raised, RunBegun, RunUpdate
from grader.worker.describe import describe_exception, encode_tensor, safely
from grader.worker.loader import Submission
from grader.worker.play_buffer import push_all
from grader.worker.play_network import describe_parameters, to_tensor


class Run:
    """One training run; the agent lives from `begin` to the end of the process."""

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._agent: Any = None

    def begin(self, request: BeginRun) -> RunBegun:
        """Build the agent from the student's own classes and set both networks' weights."""
        try:
            agent_class = self._submission.get("dqn_agent", "DQNAgent")
            agent = agent_class(
                request.state_dim, request.action_dim, lr=request.lr, gamma=request.gamma
            )
            if request.weights is not None:
                for network in (agent.q_net, agent.target_net):
                    _set_flat(list(network.parameters()), to_tensor(request.weights))
            self._agent = agent
            parameters = describe_parameters(agent.q_net)
            return RunBegun(parameters=parameters, weights=_flat(agent.q_net), raised=None)
        except BaseException as error:
            raised = describe_exception(error, "building DQNAgent", self._submission.folder)
            return RunBegun(parameters=[], weights=None, raised=raised)

    def advance(self, request: Advance) -> Advanced:
        """Push, update, sync, act; what was reached before an exception is told."""
        agent = self._agent
        updates: list[RunUpdate] = []
        actions: list[int | None] = []
        raised: Raised | None = None
        during = "ReplayBuffer.push"
        try:
            if request.transitions is not None:
                push_all(agent.buffer, request.transitions)
            for n in range(1, request.updates + 1):
                during = f"DQNAgent.update({request.batch_size})"
                updates.append(_update(agent, request.batch_size))
                if (request.updates_before + n) % request.sync_every == 0:
                    during = "DQNAgent.update_target()"
                    agent.update_target()
            during = f"DQNAgent.select_action(state, {request.epsilon:.3g})"
            for state in to_numpy(request.states):
                chosen = agent.select_action(state.copy(), request.epsilon)
                actions.append(_whole(chosen))
        except BaseException as error:
            raised = describe_exception(error, during, self._submission.folder)
        return Advanced(updates=updates, actions=actions, raised=raised)


def _whole(action: Any) -> int | None:
    return safely(lambda: int(action), None)


def _update(agent: Any, batch_size: int) -> RunUpdate:
    with _captured_batches(agent.buffer) as batches:
        loss = agent.update(batch_size)
    return RunUpdate(
        batches=batches,
        loss=safely(lambda: float(loss), None),
        weights=_flat(agent.q_net),
    )


@contextmanager
def _captured_batches(buffer: Any) -> Iterator[list[list[Array] | None]]:
    """Keep a copy of every batch that `sample` returns, taken before the caller sees it.

    The method is wrapped where it is found: on the instance, if it was put there, else its class.
    """
    seen: list[list[Array] | None] = []
    holder = buffer if "sample" in getattr(buffer, "__dict__", {}) else type(buffer)
    own = "sample" in vars(holder)
    original = holder.sample

    def sample(*args: Any, **kwargs: Any) -> Any:
        batch = original(*args, **kwargs)
        if len(seen) < 4:
            seen.append(safely(lambda: [encode_tensor(field) for field in batch][:5], None))
        return batch

    holder.sample = sample
    try:
        yield seen
    finally:
        if own:
            holder.sample = original
        else:
            del holder.sample


def _flat(network: Any) -> Array | None:
    """All parameters as one float32 vector in `parameters()` order; None if they are too many."""
    parts = [p.detach().cpu().numpy().ravel() for p in network.parameters()]
    vector = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    array = from_numpy(vector)
    return None if array.data is None else array


def _set_flat(parameters: list[torch.Tensor], vector: torch.Tensor) -> None:
    total = sum(p.numel() for p in parameters)
    if total != vector.numel():
        raise ValueError(f"QNetwork has {total} parameters, {vector.numel()} are to be set")
    start = 0
    with torch.no_grad():
        for p in parameters:
            p.copy_(vector[start : start + p.numel()].reshape(p.shape))
            start += p.numel()
