"""The worked example of the guide for students is what really happens."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/students.md").read_text("utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```$", GUIDE, re.M | re.S)
(LINES,) = (block for block in BLOCKS if block.startswith("import torch, q_network"))
MASK = " * (1.0 - dones)"


def pasted(folder, lines):
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=folder, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_mask(folder):
    for file in (ROOT / "solution").glob("*.py"):
        text = file.read_text("utf-8")
        assert file.name != "dqn_agent.py" or text.count(MASK) == 1
        (folder / file.name).write_text(text.replace(MASK, ""), "utf-8")
    return folder


def test_the_lines_print_what_the_guide_says(tmp_path):
    rows = re.findall(r"^\| ([\d.]+) \| ([\d.]+) \|$", GUIDE, re.M)
    assert [value for value, _loss in rows] == ["0.25", "1.0", "4.0"]
    again = [LINES.replace("[[0.25]]", f"[[{value}]]") for value, _loss in rows]
    printed = pasted(without_mask(tmp_path), "\n".join(again)).splitlines(keepends=True)
    assert "".join(printed[:2]) in BLOCKS
    losses = [float(line) for line in printed[::2]]
    assert losses == pytest.approx([float(loss) for _value, loss in rows], rel=1e-3)


def test_right_code_prints_what_is_expected():
    expected = re.findall(r"^# expected: (.+)$", LINES, re.M)
    assert pasted(ROOT / "solution", LINES).splitlines() == expected
