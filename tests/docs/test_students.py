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
    wrong = pasted(without_mask(tmp_path), LINES)
    assert wrong.startswith("0.05062499")
    assert [block for block in BLOCKS if block == wrong] == [wrong]


def test_right_code_prints_what_is_expected():
    expected = re.findall(r"^# expected: (.+)$", LINES, re.M)
    assert pasted(ROOT / "solution", LINES).split("\n") == [*expected, ""]


def test_the_table_of_losses(tmp_path):
    folder = without_mask(tmp_path)
    rows = re.findall(r"^\| ([\d.]+) \| ([\d.]+) \|$", GUIDE, re.M)
    assert len(rows) == 3
    for value, loss in rows:
        out = pasted(folder, LINES.replace("[[0.25]]", f"[[{value}]]"))
        assert float(out.split()[0]) == pytest.approx(float(loss), rel=1e-3)
