"""Finding the student that somebody means."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from grader.classroom.errors import ClassError
from grader.classroom.records import Standing

_SHOWN = 5


def find_student(standings: Iterable[Standing], wanted: str) -> Standing:
    """By key, e-mail address, name or path; `ClassError` when it is nobody's or several people's.

    Keys come first: what is one student's key may be another's name.
    """
    everybody = list(standings)
    for fields in (("student",), ("email", "name", "path")):
        found = [
            standing
            for standing in everybody
            if wanted in [getattr(standing.turn, field) for field in fields]
        ]
        if len(found) == 1:
            return found[0]
        if found:
            keys = ", ".join(f"`{standing.turn.student}`" for standing in found[:_SHOWN])
            raise ClassError(
                f"`{wanted}` may be any of {len(found)} students",
                f"name one by what `grades.csv` has under `student`: {keys}",
            )
    names = [name for s in everybody for name in (s.turn.student, s.turn.name) if name]
    close = difflib.get_close_matches(wanted, names, n=3)
    raise ClassError(
        f"there is no student `{wanted}`",
        f"did you mean {' or '.join(f'`{name}`' for name in close)}?"
        if close
        else "name one by what `grades.csv` has under `student`",
    )
