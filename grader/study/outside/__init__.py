"""Recipes to compare with. They import torch, so they run in processes of their own.

Nothing of the grader imports these modules; each is run as `python -m`, prints one `Result` as
JSON, and leaves standard error for messages.
"""
