"""Every text that an exception in student code turns into."""

import pytest

from grader.checks.feedback import Failure, code_of, failure_of
from grader.protocol.messages import Frame, Raised

FRAME = Frame(file="dqn_agent.py", line=58, function="update", source="loss.backward()")
AT = " (dqn_agent.py, line 58: `loss.backward()`)"


def raised(kind, message="no", frames=(FRAME,), during="DQNAgent.update(64)"):
    return Raised(type=kind, message=message, frames=list(frames), during=during)


@pytest.mark.parametrize(
    ("error", "observed", "why"),
    [
        (
            raised("NotImplementedError", "DQNAgent.update is not written yet"),
            "`DQNAgent.update(64)` raised NotImplementedError: DQNAgent.update is not written yet.",
            "This part of the assignment is a TODO in the starter.",
        ),
        (
            raised("NotImplementedError", ""),
            "`DQNAgent.update(64)` raised NotImplementedError: no message.",
            "This part of the assignment is a TODO in the starter.",
        ),
        (
            raised("SystemExit", "0"),
            f"`DQNAgent.update(64)` tried to end the program (SystemExit){AT}.",
            "Code that others import and call must return or raise, not exit.",
        ),
        (
            raised("KeyboardInterrupt", ""),
            f"`DQNAgent.update(64)` tried to end the program (KeyboardInterrupt){AT}.",
            "Code that others import and call must return or raise, not exit.",
        ),
        (
            raised("TimeLimit", "3 s of CPU time are over"),
            f"`DQNAgent.update(64)` did not end: 3 s of CPU time are over{AT}.",
            "A call of this kind takes milliseconds: look for a loop that never ends.",
        ),
        (
            raised("SyntaxError", "invalid syntax", during="import dqn_agent"),
            f"`import dqn_agent`: SyntaxError: invalid syntax{AT}.",
            "Python cannot read the file, so nothing in it can run.",
        ),
        (
            raised("IndentationError", "unexpected indent", during="import dqn_agent"),
            f"`import dqn_agent`: IndentationError: unexpected indent{AT}.",
            "Python cannot read the file, so nothing in it can run.",
        ),
        (
            raised("TabError", "mixed", during="import dqn_agent"),
            f"`import dqn_agent`: TabError: mixed{AT}.",
            "Python cannot read the file, so nothing in it can run.",
        ),
        (
            raised("ValueError", "too many values to unpack"),
            f"`DQNAgent.update(64)` raised ValueError: too many values to unpack{AT}.",
            "The call must not raise for a valid input.",
        ),
    ],
    ids=lambda value: value.type if isinstance(value, Raised) else "",
)
def test_texts(error, observed, why):
    failure = failure_of(error)
    assert failure.observed == observed
    assert str(failure) == observed
    assert failure.why == why
    assert failure.code is None
    assert (failure.location.file, failure.location.line) == ("dqn_agent.py", 58)
    assert failure.status == ("timed_out" if error.type == "TimeLimit" else "failed")


@pytest.mark.parametrize(
    ("content", "of_encoding"),
    [
        ("x = 1".encode("utf-16"), True),
        ("x = 1".encode("utf-16-le"), True),
        ("x = 1".encode("utf-32"), True),
        (b"x = 1\n\0", True),
        ("word = 'é'".encode("latin-1"), True),
        (b"# -*- coding: klingon -*-\n", True),
        (b"x = = 1", False),
        (b"def f(:", False),
        (b"'unterminated", False),
    ],
)
def test_a_file_in_another_encoding_is_told_from_a_wrong_one(content, of_encoding):
    # The messages are those of the Python at hand, as an import would give them.
    with pytest.raises(SyntaxError) as caught:
        compile(content, "q_network.py", "exec")
    failure = failure_of(raised("SyntaxError", str(caught.value), during="import q_network"))
    assert ("saved as UTF-8" in failure.why) == of_encoding


def test_without_a_frame_there_is_no_location():
    failure = failure_of(raised("ValueError", "no", frames=()))
    assert failure.observed == "`DQNAgent.update(64)` raised ValueError: no."
    assert failure.location is None


def test_the_innermost_frame_counts():
    outer = Frame(file="dqn_agent.py", line=3, function="f", source="")
    inner = Frame(file="q_network.py", line=9, function="g", source="")
    failure = failure_of(raised("ValueError", "no", frames=(outer, inner)))
    assert failure.location.file == "q_network.py"
    assert failure.observed.endswith("(q_network.py, line 9).")


def test_code_and_snippet_are_kept_for_errors_only():
    failure = failure_of(raised("RuntimeError"), code="NET_DIMS_SWAPPED", reproduce="f()")
    assert (failure.code, failure.reproduce) == ("NET_DIMS_SWAPPED", "f()")
    todo = failure_of(raised("NotImplementedError"), code="NET_DIMS_SWAPPED", reproduce="f()")
    assert (todo.code, todo.reproduce) == (None, None)


def test_failures_are_assertions():
    assert isinstance(Failure("x"), AssertionError)


@pytest.mark.parametrize(
    ("message", "prefix", "code"),
    [
        (
            "cannot assign module before Module.__init__() call",
            "NET_",
            "NET_NO_SUPER_INIT",
        ),
        ("mat1 and mat2 shapes cannot be multiplied (4x5 and 7x3)", "NET_", "NET_DIMS_SWAPPED"),
        ("mat1 and mat2 shapes cannot be multiplied (4x5 and 7x3)", "UPDATE_", None),
        (
            "element 0 of tensors does not require grad and does not have a grad_fn",
            "UPDATE_",
            "UPDATE_PREDICTION_DETACHED",
        ),
        ("something else", "NET_", None),
    ],
)
def test_telling_messages(message, prefix, code):
    assert code_of(raised("RuntimeError", message), prefix) == code
