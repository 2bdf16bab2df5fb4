"""Entering a box: by the whole worker first, then once more by the process of a submission."""

from __future__ import annotations

from grader.confine.box import Box


def enter(box: Box) -> None:
    """Put the walls up around this process, for good; in the order in which each can still be.

    Raises `OSError` where one cannot be put up.
    """
    from grader.confine.limits import limit_resources, limit_tasks

    limit_resources(box.limits)
    # Whoever has no such walls can do without what they are made of.
    if not (box.owner or box.tasks or box.landlock or box.rules):
        return
    from grader.confine import identity, landlock, rules, seccomp

    ruleset = None
    if box.landlock:
        ruleset = landlock.forbid_files(
            box.landlock, box.readable, box.listable, box.devices, box.scratch
        )
    if box.owner is not None:
        held = identity.hold((*box.readable, *box.listable))
        identity.become(box.owner)
        identity.find_again(held)
    seccomp.forbid_new_privileges()
    if ruleset is not None:
        landlock.restrict_self(ruleset)
    if box.tasks is not None:
        limit_tasks(box.tasks)
    built_in = [name for name in box.rules if name in rules.BUILT_IN]
    seccomp.load_filter(rules.rules_of("worker", box.rules), built_in)


def enter_further(box: Box) -> None:
    """The walls that only the process of a submission has: it starts and signals no other."""
    if not box.rules:
        return
    from grader.confine import rules, seccomp

    seccomp.load_filter(rules.rules_of("child", box.rules), ())
