"""Play a `PlayAgent` scenario: the student's `DQNAgent` on stand-ins for its two siblings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from grader.protocol.arrays import Array, to_numpy
from grader.protocol.messages import (
    AgentState,
    AgentTrace,
    Fill,
    OptimizerStep,
    PlayAgent,
    Select,
    Selected,
    SetWeights,
    Sync,
    Synced,
    Transitions,
    Update,
    Updated,
)
from grader.worker import standins
from grader.worker.describe import describe, describe_exception, encode_tensor, safely
from grader.worker.loader import Submission
from grader.worker.play_network import gradients_of, load_weights, to_tensor
from grader.worker.torch_setup import generator_draws, seed_generators


def play_agent(submission: Submission, request: PlayAgent) -> AgentTrace:
    """Build, load, play; the trace holds what was reached before an exception."""
    initial: AgentState | None = None
    results: list[Updated | Synced | Selected] = []
    during = f"DQNAgent({request.state_dim}, {request.action_dim}, …)"
    try:
        agent = _build(submission, request)
        if request.q_weights is not None:
            load_weights(list(agent.q_net.parameters()), request.q_weights)
        if request.target_weights is not None:
            load_weights(list(agent.target_net.parameters()), request.target_weights)
        filled = Filled(agent.buffer)
        initial = read_state(agent, filled)
        for operation in request.operations:
            during = _what(operation)
            result = _play(agent, operation, filled)
            if result is not None:
                results.append(result)
    except BaseException as error:
        raised = describe_exception(error, during, submission.folder)
        return AgentTrace(initial=initial, results=results, raised=raised)
    return AgentTrace(initial=initial, results=results, raised=None)


class Filled:
    """The buffer that was filled last, and how many transitions it was told to hold."""

    def __init__(self, buffer: Any) -> None:
        self.buffer = buffer
        self.stored = len(buffer)


def read_state(agent: Any, filled: Filled) -> AgentState:
    """Both networks and the settings, through the attributes as they are now."""
    q_parameters = list(agent.q_net.parameters())
    target_parameters = list(agent.target_net.parameters())
    storages = {p.data_ptr() for p in q_parameters}
    owned = {id(p) for group in agent.optimizer.param_groups for p in group["params"]}
    return AgentState(
        q_weights=[encode_tensor(p) for p in q_parameters],
        target_weights=[encode_tensor(p) for p in target_parameters],
        same_object=agent.q_net is agent.target_net,
        shared_storage=any(p.data_ptr() in storages for p in target_parameters),
        gamma=safely(lambda: float(agent.gamma), None),
        lr=safely(lambda: float(agent.optimizer.param_groups[0]["lr"]), None),
        target_training=bool(agent.target_net.training),
        optimizer_owns_target=any(id(p) in owned for p in target_parameters),
        q_trainable=all(bool(p.requires_grad) for p in q_parameters),
        buffer_intact=agent.buffer is filled.buffer and len(agent.buffer) == filled.stored,
    )


def _build(submission: Submission, request: PlayAgent) -> Any:
    settings: dict[str, float] = {}
    if request.lr is not None:
        settings["lr"] = request.lr
    if request.gamma is not None:
        settings["gamma"] = request.gamma
    agent_class = submission.get("dqn_agent", "DQNAgent")
    return agent_class(request.state_dim, request.action_dim, **settings)


def _what(operation: object) -> str:
    match operation:
        case Update(batch_size=batch_size):
            return f"DQNAgent.update({batch_size})"
        case Sync():
            return "DQNAgent.update_target()"
        case Select(epsilon=epsilon):
            return f"DQNAgent.select_action(state, {epsilon:g})"
        case OptimizerStep():
            return "agent.optimizer.step()"
        case _:
            return "setting up the agent"


def _play(agent: Any, operation: object, filled: Filled) -> Updated | Synced | Selected | None:
    match operation:
        case Fill(transitions=transitions, stored=stored):
            standins.fill(agent.buffer, _pool(transitions), stored)
            filled.buffer, filled.stored = agent.buffer, stored
            return None
        case Update():
            return _update(agent, operation, filled)
        case Sync(reseed=reseed):
            if reseed is not None:
                seed_generators(reseed)
            agent.update_target()
        case SetWeights(network=name, weights=weights):
            load_weights(list(getattr(agent, name).parameters()), weights)
        case OptimizerStep(gradients=gradients):
            sign = -1 if _climbs(agent.optimizer) else 1
            for parameter, array in zip(agent.q_net.parameters(), gradients, strict=True):
                parameter.grad = sign * to_tensor(array)
            agent.optimizer.step()
        case Select(states=states, epsilon=epsilon):
            chosen = [agent.select_action(state.copy(), epsilon) for state in to_numpy(states)]
            actions = [_whole(action) for action in chosen]
            return Selected(actions=actions, first=describe(chosen[0]))
    return Synced(state=read_state(agent, filled), draws=generator_draws())


def _whole(action: Any) -> int | None:
    return safely(lambda: int(action), None)


def _pool(transitions: Transitions) -> standins.Batch:
    return (
        to_tensor(transitions.states),
        to_tensor(transitions.actions),
        to_tensor(transitions.rewards),
        to_tensor(transitions.next_states),
        to_tensor(transitions.dones),
    )


def _update(agent: Any, operation: Update, filled: Filled) -> Updated:
    for _ in range(operation.times - 1):
        standins.rewind(agent.buffer)
        agent.update(operation.batch_size)
    standins.rewind(agent.buffer)
    if operation.reseed is not None:
        seed_generators(operation.reseed)
    for parameter in agent.target_net.parameters():
        parameter.grad = None
    with _steps(agent) as steps, _passes(agent) as passes:
        returned = agent.update(operation.batch_size)
    return Updated(
        returned=describe(returned),
        steps=len(steps),
        backward=passes.ran,
        reached=passes.reached,
        gradients=steps[-1] if steps else None,
        sample_calls=standins.sample_calls(agent.buffer),
        target_has_gradient=any(p.grad is not None for p in agent.target_net.parameters()),
        draws=generator_draws(),
        state=read_state(agent, filled),
    )


class _Passes:
    """Whether a backward pass ran, and whether one reached a parameter."""

    def __init__(self) -> None:
        self.ran = False
        self.reached = False

    def watch(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its calls noted."""

        def noted(*args: Any, **kwargs: Any) -> Any:
            self.ran = True
            return function(*args, **kwargs)

        return noted

    def note_gradient(self, _gradient: torch.Tensor) -> None:
        """A hook: the gradient of a parameter was computed."""
        self.reached = True


@contextmanager
def _passes(agent: Any) -> Iterator[_Passes]:
    """Note what backward passes do meanwhile; nothing is changed in them."""
    passes = _Passes()
    plain = torch.autograd.backward, torch.autograd.grad
    handles = [
        p.register_hook(passes.note_gradient) for p in agent.q_net.parameters() if p.requires_grad
    ]
    torch.autograd.backward = passes.watch(plain[0])
    torch.autograd.grad = passes.watch(plain[1])
    try:
        yield passes
    finally:
        torch.autograd.backward, torch.autograd.grad = plain
        for handle in handles:
            handle.remove()


def _climbs(optimizer: torch.optim.Optimizer) -> bool:
    """Whether the optimizer maximises: whoever uses it gives it the negated loss."""
    return bool(optimizer.param_groups[0].get("maximize"))


def _negated(parameter: torch.Tensor) -> torch.Tensor:
    """The parameter with the opposite gradient."""
    turned = parameter.detach().clone()
    turned.grad = None if parameter.grad is None else -parameter.grad
    return turned


@contextmanager
def _steps(agent: Any) -> Iterator[list[list[Array | None]]]:
    """Collect q_net's gradients after every optimizer step taken meanwhile.

    A post-step hook also sees `step(closure)`, which computes its gradients inside the step; the
    global one also sees an optimizer that was made on the spot.
    """
    seen: list[list[Array | None]] = []

    def record(optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        if len(seen) >= 64:
            return
        parameters = list(agent.q_net.parameters())
        if _climbs(optimizer):
            seen.append(gradients_of([_negated(p) for p in parameters]))
        else:
            seen.append(gradients_of(parameters))

    handle = register_optimizer_step_post_hook(record)
    try:
        yield seen
    finally:
        handle.remove()
