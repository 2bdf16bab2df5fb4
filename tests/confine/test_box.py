"""A box survives the command line that carries it."""

from grader.confine.box import Box


def test_text_and_back():
    box = Box(
        limits={"RLIMIT_AS": 1},
        tasks=3,
        owner=70000,
        readable=("/usr/lib", "/ü"),
        listable=("/usr",),
        devices=("/dev/null",),
        scratch="/tmp/x",
        landlock=("execute",),
        rules=("sockets",),
        acts=(("fork", "trace"), ("burn",)),
        targets={"judge": "1"},
    )
    assert Box.from_text(box.to_text()) == box
    assert Box.from_text(Box().to_text()) == Box()
