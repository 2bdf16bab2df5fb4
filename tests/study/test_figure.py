"""The figure: everything is named."""

from grader.study.figure import draw


def test_everything_is_named(row):
    rows = {
        "kit": [row(n, updates=700 + n) for n in range(5)],
        "page": [row(0, "unsolved", recipe="page", updates=50_000)],
        "sb3": [row(n, recipe="sb3", updates=9_000, seconds=40) for n in range(3)],
    }
    images = draw(rows)
    assert images["png"].startswith(b"\x89PNG")
    text = images["svg"].decode()
    for label in (
        "the kit's run, 5 runs",
        "the page's recipe, 1 runs",
        "Stable-Baselines3, tuned, 3 runs",
        "the kit's run: median 702",
        "Stable-Baselines3, tuned: median 40 s",
        "Learning curves: median and 10–90 % band",
        "Distribution of updates to solve",
        "Distribution of wall time to solve",
        "threshold 475",
        "share of runs solved",
        "greedy return, mean over episodes",
    ):
        assert f">{label}<" in text, label
    assert draw(rows)["svg"] == images["svg"]


def test_runs_that_were_never_screened(row):
    assert draw({"kit": [row(outcome="raised", curve=[])]})["png"].startswith(b"\x89PNG")
