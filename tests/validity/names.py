"""When a name is the right one."""

from __future__ import annotations

from collections.abc import Iterable

#: Misconceptions that no observation of numbers separates: any member of a class is a right name.
SAME_EFFECT = (
    frozenset({"UPDATE_NO_CLIP", "UPDATE_CLIP_AFTER_STEP", "UPDATE_CLIPS_TARGET_NET"}),
    frozenset({"UPDATE_NO_BACKWARD", "UPDATE_ZERO_GRAD_LATE", "UPDATE_NO_STEP"}),
    frozenset({"SYNC_NOOP", "GIVEN_TARGET_NOT_COPIED"}),
    frozenset({"SAMPLE_DONE_CONSTANT", "GIVEN_PUSH_CHANGED"}),
    frozenset({"SAMPLE_NEXT_STATE_IS_STATE", "SAMPLE_FIELDS_SWAPPED", "GIVEN_PUSH_CHANGED"}),
)


def same_effect(one: str, two: str) -> bool:
    """Whether two codes name the same thing, as far as numbers tell."""
    return one == two or any({one, two} <= members for members in SAME_EFFECT)


def is_among(code: str, codes: Iterable[str]) -> bool:
    """Whether one of `codes` names the same thing."""
    return any(same_effect(code, other) for other in codes)
