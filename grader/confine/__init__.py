"""Walls that a worker puts around itself before it loads anything of a submission.

Standard library only. The worker enters its box by what is written here; the judge describes boxes
and never enters one.
"""
