"""Time limits on a student's code, as the rubric sets them."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Time limits in seconds: `rubric.toml` says what each is for.

    A limit that the rubric leaves out is the one here. The system ends a process after 900 seconds
    of computing in any case (`grader/confine/limits.py`), so nothing can be longer.
    """

    call_cpu_s: Annotated[float, msgspec.Meta(ge=0.5, le=60)] = 3.0
    call_wall_s: Annotated[float, msgspec.Meta(ge=1, le=300)] = 10.0
    part_wall_s: Annotated[float, msgspec.Meta(ge=10, le=900)] = 300.0
    attempt_wall_s: Annotated[float, msgspec.Meta(ge=10, le=900)] = 180.0


#: Those of whoever plays scenarios without a rubric.
USUAL_LIMITS = Limits()
