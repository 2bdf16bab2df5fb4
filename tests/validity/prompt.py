"""Paste lines into interactive prompts: JSON of [[folder, lines], …] in, what each printed out."""

import code
import contextlib
import io
import json
import os
import sys

MODULES = ("q_network", "replay_buffer", "dqn_agent")


def paste(folder, lines):
    """What a fresh prompt in `folder` prints, and what it complains about."""
    os.chdir(folder)
    for name in MODULES:
        sys.modules.pop(name, None)
    printed, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaints):
        console = code.InteractiveConsole()
        more = False
        for line in lines.split("\n"):
            more = console.push(line)
        if more:
            console.push("")
    return {"printed": printed.getvalue().strip(), "complaints": complaints.getvalue()}


if __name__ == "__main__":
    sys.path[0] = ""
    json.dump([paste(*session) for session in json.load(sys.stdin)], sys.stdout)
