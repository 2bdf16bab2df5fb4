"""Submissions to show: the solution, and the solution with a piece of it changed."""

from __future__ import annotations

from pathlib import Path

FILES = ("q_network.py", "replay_buffer.py", "dqn_agent.py")
#: What is changed, as (file, text, text instead), by a name for it.
CHANGES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "right": (),
    "no-terminal-mask": (("dqn_agent.py", " * (1.0 - dones)", ""),),
    "no-clipping": (
        (
            "dqn_agent.py",
            "nn.utils.clip_grad_norm_(self.q_net.parameters(), MAX_GRAD_NORM)",
            "pass",
        ),
    ),
    "huber": (("dqn_agent.py", "nn.functional.mse_loss", "nn.functional.smooth_l1_loss"),),
    "alias": (
        (
            "dqn_agent.py",
            "self.target_net.load_state_dict(self.q_net.state_dict())\n        # <<<",
            "self.target_net = self.q_net\n        # <<<",
        ),
    ),
    "float64": (
        (
            "replay_buffer.py",
            "torch.as_tensor(np.stack(rewards), dtype=torch.float32)",
            "torch.as_tensor(np.stack(rewards), dtype=torch.float64)",
        ),
        ("dqn_agent.py", " * (1.0 - dones)", ""),
    ),
}
#: Who has handed in what.
CLASS = {
    "ada": "right",
    "bob": "no-terminal-mask",
    "cyd": "no-clipping",
    "dan": "float64",
    "eve": "huber",
    "fay": "alias",
}


def write_submission(name: str, solution: Path, folder: Path) -> None:
    """Write the three files of a submission.

    Raises:
        ValueError: the solution no longer has what would be changed.
    """
    folder.mkdir(parents=True)
    texts = {file: (solution / file).read_text(encoding="utf-8") for file in FILES}
    for file, old, new in CHANGES[name]:
        if texts[file].count(old) != 1:
            raise ValueError(f"{name}: `{old}` is not once in {solution / file}")
        texts[file] = texts[file].replace(old, new)
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")


def write_class(solution: Path, folder: Path) -> None:
    """Write a folder of submissions, a folder for each student."""
    for student, name in CLASS.items():
        write_submission(name, solution, folder / student)
