"""The prepared parent: torch imported once, then a fresh child for every channel."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

from grader.confine.box import Box
from grader.confine.enter import enter_further
from grader.worker.server import READY, SocketChannel
from grader.worker.server import serve as serve_channel

ENTERED = b"B"
FORK = b"F"
KILL = b"K"
LOOK = b"L"
CHANGED = b"X"
LENGTH_BYTES = 4
_PR_SET_CHILD_SUBREAPER = 36


def serve(control_fd: int, folder: Path, box: Box, probe_only: bool = False) -> None:
    """Tell what came of the acts tried, import torch, then fork a child for every channel.

    The acts are tried while torch is being imported.
    """
    control = socket.socket(fileno=control_fd)
    control.sendall(ENTERED)
    _adopt_orphans()
    trial = _Trial(box, control_fd)
    if probe_only:
        trial.tell(control)
        control.recv(1)  # whatever the acts have left behind, the judge ends it from outside
        return
    from grader.worker.torch_setup import prepare_torch

    prepare_torch()
    trial.tell(control)
    control.sendall(READY)
    _serve_children(control, folder, box)


class _Trial:
    """The acts of the box, where it has any."""

    def __init__(self, box: Box, control_fd: int) -> None:
        self._trial = None
        if box.acts:
            from grader.confine.probe import Trial

            acts = {"gradient_step": _gradient_step}
            self._trial = Trial(box, lambda box: _confine(box, control_fd), acts)

    def tell(self, control: socket.socket) -> None:
        """Length and JSON; no acts, an empty list."""
        told = self._trial.outcome() if self._trial is not None else b"[]"
        control.sendall(len(told).to_bytes(LENGTH_BYTES, "big") + told)


def _gradient_step(_targets: Mapping[str, str]) -> str:
    """Import torch and make one step of Adam on a small network."""
    import torch

    torch.set_num_threads(1)
    layer = torch.nn.Linear(4, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    before = layer.weight.detach().clone()
    layer(torch.ones(3, 4)).square().mean().backward()
    optimizer.step()
    if torch.equal(before, layer.weight):
        raise RuntimeError("the weights stayed as they were")
    return f"torch {torch.__version__}"


def _confine(box: Box, control_fd: int) -> None:
    """What happens to a process between its fork and submitted code."""
    with contextlib.suppress(OSError):
        os.close(control_fd)
    enter_further(box)


def _serve_children(control: socket.socket, folder: Path, box: Box) -> None:
    """For every channel handed over, fork a child that serves it.

    The descriptors handed over with `FORK` are the child's channel and the pipe that takes its
    standard output and error. `KILL` ends the children that are left, `LOOK` asks whether nothing
    else is.
    """
    # Imported before the first fork, so that no child pays for it.
    import grader.worker.player  # noqa: F401

    # What is imported by now is never garbage: spare every collection in a child the walk over it.
    gc.collect()
    gc.freeze()
    children: list[int] = []
    scratch = _scratch_as_it_is()
    while True:
        order, descriptors, _flags, _address = socket.recv_fds(control, 1, 2)
        children = [pid for pid in children if not _reaped(pid)]
        if not order:
            _kill(children)
            return
        if order == KILL:
            _kill(children)
            children = []
        elif order == LOOK:
            _kill(children)
            children = []
            alone = _has_no_child() and _scratch_as_it_is() == scratch
            control.sendall(LOOK if alone else CHANGED)
        elif order == FORK and len(descriptors) == 2:
            pid = os.fork()
            if pid == 0:
                _become_child(control, descriptors[0], descriptors[1], folder, box)
            children.append(pid)
            control.sendall(FORK)
            for descriptor in descriptors:
                os.close(descriptor)


def _scratch_as_it_is() -> int | None:
    """When anything in the scratch folder was made, renamed or removed, or the folder changed.

    The time of a folder's last change, which nobody can set.
    """
    try:
        return os.stat(".").st_ctime_ns
    except OSError:
        return None


def _has_no_child() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def _adopt_orphans() -> None:
    """Become the parent of what children leave behind, so that the judge finds it below."""
    from grader.confine.libc import prctl

    with contextlib.suppress(OSError):
        prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _become_child(
    control: socket.socket, channel_fd: int, output_fd: int, folder: Path, box: Box
) -> None:
    """Serve one channel, then end without running anybody's exit handlers."""
    try:
        os.dup2(output_fd, 1)
        os.dup2(output_fd, 2)
        os.close(output_fd)
        _confine(box, control.detach())
        serve_channel(SocketChannel(socket.socket(fileno=channel_fd)), folder)
    finally:
        os._exit(0)


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _kill(children: list[int]) -> None:
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
