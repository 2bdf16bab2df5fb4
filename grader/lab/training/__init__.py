"""The training itself. It imports torch and the submission, so it runs in processes of its own.

Nothing of the grader imports these modules; `python -m grader.lab.training` is started by a job.
"""
