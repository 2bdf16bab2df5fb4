"""The messages of the channel.

One request is one scenario; its reply is the trace of what happened. A scenario says what to
build, what to load and which methods to call; it never says what is expected.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from grader.protocol.arrays import Array

MODULES = ("q_network", "replay_buffer", "dqn_agent")
Sibling = Literal["own", "stand_in"]
#: Text of a reply. The worker cuts what it sends far below this; what is longer was not sent by it,
#: and is refused before anything looks through it.
Text = Annotated[str, msgspec.Meta(max_length=4096)]
#: The members of what student code returned, of which the worker sends a few.
MAX_ITEMS = 1_000


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of everything on the channel: immutable, with unknown fields refused."""


# --- what student code did -------------------------------------------------------------------


class Frame(Message, frozen=True):
    """One line of the student's own files in a traceback."""

    file: Text
    line: int
    function: Text
    source: Text


class Raised(Message, frozen=True):
    """An exception that left student code, as text; `frames` are outermost first."""

    type: Text
    message: Text
    frames: Annotated[list[Frame], msgspec.Meta(max_length=MAX_ITEMS)]
    during: Text


class Value(Message, frozen=True):
    """Something that student code returned.

    `number` is what `float()` makes of it (None where it refuses); `items` are the members of a
    tuple or list; `holds_graph` says that a tensor still hangs on to its autograd graph.
    """

    type: Text
    text: Text
    array: Array | None = None
    number: float | None = None
    holds_graph: bool = False
    items: Annotated[list[Value], msgspec.Meta(max_length=MAX_ITEMS)] | None = None


class Parameter(Message, frozen=True):
    """One entry of `named_parameters()`."""

    name: Text
    value: Array
    requires_grad: bool


class Transitions(Message, frozen=True):
    """N transitions, one array per field, as pushed: states (N, S) float32, actions (N,) int64,
    rewards (N,) float32, next_states (N, S) float32, dones (N,) float32."""

    states: Array
    actions: Array
    rewards: Array
    next_states: Array
    dones: Array


# --- loading ---------------------------------------------------------------------------------


class Load(Message, frozen=True, tag="load"):
    """Import one of the three modules.

    `siblings` says for the two others whether the student's file is imported and only its class
    replaced ("own"), or a whole stand-in module takes its name ("stand_in").
    """

    module: Literal["q_network", "replay_buffer", "dqn_agent"]
    siblings: dict[str, Sibling]


class Loaded(Message, frozen=True, tag="loaded"):
    """What the import gave: an exception, or the public names that the module defines.

    `lines` says where the methods of its classes begin, by `Class.method`; `default_dtype` is
    torch's after the import.
    """

    raised: Raised | None
    names: Annotated[list[Text], msgspec.Meta(max_length=MAX_ITEMS)]
    lines: Annotated[dict[Text, int], msgspec.Meta(max_length=MAX_ITEMS)] = {}
    default_dtype: Text = "float32"


# --- q_network -------------------------------------------------------------------------------


class PlayNetwork(Message, frozen=True, tag="network"):
    """Build `QNetwork`, load weights, call it on every input twice, once in a batch of one row.

    `weights` are in the order of `parameters()`; None leaves the initial ones. With `gradient`,
    the sum of the first output is differentiated with respect to the parameters. So many networks
    as `earlier` says are built, and dropped, before this one; `positional` gives `hidden_dim` as
    the third argument instead of by name. With `then`, these weights are loaded
    afterwards, and every input is given a third time, without gradient.
    """

    state_dim: int
    action_dim: int
    hidden_dim: int | None
    weights: list[Array] | None
    inputs: list[Array]
    training: bool = True
    gradient: bool = False
    earlier: int = 0
    positional: bool = False
    then: list[Array] | None = None


class NetworkTrace(Message, frozen=True, tag="network_trace"):
    """`outputs[i]`, `again[i]` and, with `then`, `after[i]` answer `inputs[i]`; `gradients` follow
    `parameters`.

    Where `__init__` is still to be written, `forward_raised` tells what `forward` raises by itself.
    """

    parameters: list[Parameter]
    outputs: list[Value]
    again: list[Value]
    gradients: list[Array | None] | None
    inputs_changed: bool
    raised: Raised | None
    forward_raised: Raised | None = None
    after: list[Value] = []


# --- replay_buffer ---------------------------------------------------------------------------


class Push(Message, frozen=True, tag="push"):
    """Push every transition, one by one."""

    transitions: Transitions


class Sample(Message, frozen=True, tag="sample"):
    """Call `sample(batch_size)` so many times in a row, with the generators seeded before."""

    batch_size: int
    times: int = 1
    reseed: int | None = None


class Length(Message, frozen=True, tag="length"):
    """Call `len(buffer)`."""


class PlayBuffer(Message, frozen=True, tag="buffer"):
    """Build `ReplayBuffer(capacity)` (None: the default) and play the operations in order."""

    capacity: int | None
    operations: list[Push | Sample | Length]


class Sampled(Message, frozen=True, tag="sampled"):
    """The draws of one `Sample`: `first` in full, and every draw stacked field by field.

    `first_changed` says that a later call changed the values of the first draw; `draws` come from
    the three global generators after the last.

    `stacked` holds five arrays with a leading axis of `times`, or None when the draws did not
    have equal shapes and dtypes, or were not five tensors.
    """

    first: Value
    stacked: list[Array] | None
    first_changed: bool
    draws: list[float]
    warnings: Annotated[list[Text], msgspec.Meta(max_length=MAX_ITEMS)]


class Counted(Message, frozen=True, tag="counted"):
    """What `len(buffer)` gave."""

    length: int


class BufferTrace(Message, frozen=True, tag="buffer_trace"):
    """One result per operation but pushes, in order, up to the one that raised.

    `kept` says of each of the five fields whether `buffer.buffer`, where that is the starter's
    deque, holds it as it was pushed last (None: it does not tell). It refines names, never points.
    """

    results: list[Sampled | Counted]
    kept: list[bool] | None
    raised: Raised | None


# --- dqn_agent -------------------------------------------------------------------------------


class Fill(Message, frozen=True, tag="fill"):
    """Put transitions into the stand-in buffer, in the place of what it held.

    The n-th call of its `sample(B)` within an update returns the B rows from position n·B on.
    """

    transitions: Transitions
    stored: int


class Update(Message, frozen=True, tag="update"):
    """Call `agent.update(batch_size)` so many times; the trace tells of the last call."""

    batch_size: int
    times: int = 1
    reseed: int | None = None


class Sync(Message, frozen=True, tag="sync"):
    """Call `agent.update_target()`, with the generators seeded before."""

    reseed: int | None = None


class SetWeights(Message, frozen=True, tag="set_weights"):
    """Overwrite the weights of `q_net` or `target_net` in place, as the attribute is now."""

    network: Literal["q_net", "target_net"]
    weights: list[Array]


class OptimizerStep(Message, frozen=True, tag="optimizer_step"):
    """Give the current `q_net` these gradients and call `agent.optimizer.step()`."""

    gradients: list[Array]


class Select(Message, frozen=True, tag="select"):
    """Call `agent.select_action(state, epsilon)` for every row of `states`, in order."""

    states: Array
    epsilon: float


class PlayAgent(Message, frozen=True, tag="agent"):
    """Build `DQNAgent` with the stand-ins, load weights, play the operations in order."""

    state_dim: int
    action_dim: int
    lr: float | None
    gamma: float | None
    q_weights: list[Array] | None
    target_weights: list[Array] | None
    operations: list[Fill | Update | Sync | SetWeights | OptimizerStep | Select]


class AgentState(Message, frozen=True):
    """Both networks and the settings, read again from the agent's attributes.

    `buffer_intact` says that the agent still has the buffer that was filled last, with as many
    transitions in it; `q_trainable` that all of q_net's parameters require gradients.
    """

    q_weights: list[Array]
    target_weights: list[Array]
    same_object: bool
    shared_storage: bool
    gamma: float | None
    lr: float | None
    target_training: bool
    optimizer_owns_target: bool
    q_trainable: bool
    buffer_intact: bool


class Updated(Message, frozen=True, tag="updated"):
    """One call of `update`.

    `gradients` are those of `q_net` when the last optimizer step of the call had just been taken
    (None: no step was seen, or a parameter had none); `draws` come from the three global
    generators after it. `backward` and `reached` say whether a backward pass ran during the call,
    and whether one reached a parameter of `q_net`: they tell apart what moved nothing.
    """

    returned: Value
    steps: int
    backward: bool
    reached: bool
    gradients: list[Array | None] | None
    sample_calls: list[int]
    target_has_gradient: bool
    draws: list[float]
    state: AgentState


class Synced(Message, frozen=True, tag="synced"):
    """The state after an operation that returns nothing; `draws` as in `Updated`."""

    state: AgentState
    draws: list[float]


class Selected(Message, frozen=True, tag="selected"):
    """The actions chosen, row by row; None where no integer came back."""

    actions: list[int | None]
    first: Value


class AgentTrace(Message, frozen=True, tag="agent_trace"):
    """The state after construction and one result per operation but fills."""

    initial: AgentState | None
    results: list[Updated | Synced | Selected]
    raised: Raised | None


# --- the CartPole run ------------------------------------------------------------------------


class BeginRun(Message, frozen=True, tag="begin_run"):
    """Build a `DQNAgent` of the student's own three files and set its initial weights.

    Its random numbers come from `seed`; None is the seed that scenarios have.
    """

    state_dim: int
    action_dim: int
    lr: float
    gamma: float
    weights: Array | None
    seed: int | None = None


class RunBegun(Message, frozen=True, tag="run_begun"):
    """Names, shapes and values of the parameters, in order, once loaded."""

    parameters: list[Parameter]
    weights: Array | None
    raised: Raised | None


class Advance(Message, frozen=True, tag="advance"):
    """One lockstep: push what was served, learn, sync, then act on the new observations.

    The target network is copied after each `sync_every`-th update, counted from `updates_before`.
    """

    transitions: Transitions | None
    updates: int
    updates_before: int
    sync_every: int
    batch_size: int
    states: Array
    epsilon: float


class RunUpdate(Message, frozen=True):
    """One update of the run: the batches that `sample` returned, the loss, all weights after.

    Weights before are not sent: the judge goes on from the weights that it was last told, so a
    change between two updates shows in the second.
    """

    batches: list[list[Array] | None]
    loss: float | None
    weights: Array | None


class Advanced(Message, frozen=True, tag="advanced"):
    """The updates and the actions of one lockstep."""

    updates: list[RunUpdate]
    actions: list[int | None]
    raised: Raised | None


class Refused(Message, frozen=True, tag="refused"):
    """The worker could not play the request (a fault of the worker, not of the student)."""

    reason: Text


Request = Load | PlayNetwork | PlayBuffer | PlayAgent | BeginRun | Advance
Reply = Loaded | NetworkTrace | BufferTrace | AgentTrace | RunBegun | Advanced | Refused


class RequestFrame(Message, frozen=True):
    """A request with its number and the time it may take, in seconds of CPU and of wall clock."""

    id: int
    cpu_s: float
    wall_s: float
    body: Request


class ReplyFrame(Message, frozen=True):
    """A reply, echoing the number of its request."""

    id: int
    body: Reply
