"""What is asked of the worker and compared with the oracle: one pytest module per part.

The modules run under the grader's own plugin (`grader.checks.plugin`), which knows the rubric and
collects outcomes and points.
"""
