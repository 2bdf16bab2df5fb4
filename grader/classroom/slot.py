"""A process with one desk: `python -m grader.classroom.slot`, started by whoever has the work.

Frames in on standard input, out on standard output: first how to isolate, answered by whether that
works here; then work after work. The process ends with whoever started it, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from typing import IO, Any

from grader.classroom import frames
from grader.trials.answers import answers

#: A grading that is told to end has a worker to kill and a folder to remove.
_END_S = 5.0


def main() -> None:
    """Serve until the other side hangs up."""
    answer = answers()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    incoming: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, incoming), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt, frames.Ended):
        _serve(incoming, _Answers(answer))


class _Answers:
    """A stream to write frames to."""

    def __init__(self, deliver: Any) -> None:
        self.write = deliver

    def flush(self) -> None:
        """Nothing is held back."""


def _serve(incoming: queue.Queue[dict[str, Any]], out: Any) -> None:
    from grader.classroom.desk import Desk

    setup = incoming.get()
    try:
        with Desk(setup["wanted"], setup["least"]) as desk:
            frames.send(out, desk.open())
            while True:
                frames.send(out, desk.grade(incoming.get()))
    finally:
        # Who made it may have been killed; the last slot that leaves finds it empty.
        if setup["temporary"] is not None:
            with contextlib.suppress(OSError):
                os.rmdir(setup["temporary"])


def _listen(stream: IO[bytes], incoming: queue.Queue[dict[str, Any]]) -> None:
    """Read ahead, so that a hang-up is noticed in the middle of a grading."""
    while True:
        try:
            incoming.put(frames.receive(stream))
        except frames.Ended:
            # Ends the grading like Ctrl-C, wherever the main thread waits.
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(_END_S)
            os._exit(1)


if __name__ == "__main__":
    main()
