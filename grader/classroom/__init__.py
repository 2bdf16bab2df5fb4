"""A whole class: submissions as platforms hand them out, a journal of verdicts, and what is made
of it.

Nothing here grades: that is done by the grading of single submissions, in processes of its own.
"""
