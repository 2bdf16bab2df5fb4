"""Play a `PlayNetwork` scenario with the student's `QNetwork`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from grader.protocol.arrays import Array, to_numpy
from grader.protocol.messages import NetworkTrace, Parameter, PlayNetwork, Raised, Value
from grader.worker.describe import describe, describe_exception, encode_tensor
from grader.worker.loader import Submission


def to_tensor(array: Array) -> torch.Tensor:
    """A fresh, writable tensor with the array's dtype and shape."""
    return torch.from_numpy(np.array(to_numpy(array)))


def load_weights(parameters: Sequence[torch.Tensor], weights: Sequence[Array]) -> None:
    """Overwrite parameters in place, in order; `ValueError` when count or shapes differ."""
    if len(parameters) != len(weights):
        raise ValueError(f"{len(parameters)} parameters, {len(weights)} weights to load")
    with torch.no_grad():
        for parameter, array in zip(parameters, weights, strict=True):
            if tuple(parameter.shape) != array.shape:
                raise ValueError(f"parameter {tuple(parameter.shape)}, weights {array.shape}")
            parameter.copy_(to_tensor(array))


def describe_parameters(network: torch.nn.Module) -> list[Parameter]:
    """Every entry of `named_parameters()`, in order."""
    return [
        Parameter(name=name[:200], value=encode_tensor(p), requires_grad=bool(p.requires_grad))
        for name, p in network.named_parameters()
    ]


def gradients_of(parameters: Sequence[torch.Tensor]) -> list[Array | None]:
    """The gradients that the parameters hold now; None for a parameter without one."""
    return [None if p.grad is None else encode_tensor(p.grad) for p in parameters]


def play_network(submission: Submission, request: PlayNetwork) -> NetworkTrace:
    """Build, load, call; the trace holds what was reached before an exception."""
    parameters: list[Parameter] = []
    outputs: list[Value] = []
    again: list[Value] = []
    after: list[Value] = []
    gradients: list[Array | None] | None = None
    inputs_changed = False
    raised: Raised | None = None
    forward_raised: Raised | None = None
    during = _call_text(request)
    try:
        for _ in range(request.earlier):
            _build(submission, request)
        network = _build(submission, request)
        during = "reading QNetwork.parameters()"
        network.train(request.training)
        if request.weights is not None:
            load_weights(list(network.parameters()), request.weights)
        parameters = describe_parameters(network)
        inputs = [to_tensor(array) for array in request.inputs]
        during = "QNetwork.forward"
        for answers in (outputs, again):
            for x in inputs:
                answers.append(describe(network(x)))
        inputs_changed = any(
            not np.array_equal(to_numpy(array), x.numpy())
            for array, x in zip(request.inputs, inputs, strict=True)
        )
        if request.gradient:
            during = "backward through QNetwork.forward"
            network.zero_grad()
            network(to_tensor(request.inputs[0])).sum().backward()
            gradients = gradients_of(list(network.parameters()))
        if request.then is not None:
            load_weights(list(network.parameters()), request.then)
            during = "QNetwork.forward"
            with torch.no_grad():
                after = [describe(network(x)) for x in inputs]
    except BaseException as error:
        raised = describe_exception(error, during, submission.folder)
        if isinstance(error, NotImplementedError):
            forward_raised = _forward_alone(submission, request)
    return NetworkTrace(
        parameters=parameters,
        outputs=outputs,
        again=again,
        after=after,
        gradients=gradients,
        inputs_changed=inputs_changed,
        raised=raised,
        forward_raised=forward_raised,
    )


def _forward_alone(submission: Submission, request: PlayNetwork) -> Raised | None:
    """What `forward` raises on a network whose `__init__` was left out."""
    network_class = submission.get("q_network", "QNetwork")
    try:
        network_class.forward(network_class.__new__(network_class), to_tensor(request.inputs[0]))
    except BaseException as error:
        return describe_exception(error, "QNetwork.forward", submission.folder)
    return None


def _build(submission: Submission, request: PlayNetwork) -> Any:
    network_class = submission.get("q_network", "QNetwork")
    if request.hidden_dim is None:
        return network_class(request.state_dim, request.action_dim)
    if request.positional:
        return network_class(request.state_dim, request.action_dim, request.hidden_dim)
    return network_class(request.state_dim, request.action_dim, hidden_dim=request.hidden_dim)


def _call_text(request: PlayNetwork) -> str:
    name = "" if request.positional else "hidden_dim="
    hidden = "" if request.hidden_dim is None else f", {name}{request.hidden_dim}"
    return f"QNetwork({request.state_dim}, {request.action_dim}{hidden})"
