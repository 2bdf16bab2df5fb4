"""Autograder of the DQN assignment: the judge asks, the worker answers, only the judge judges."""

__version__ = "1.0.0"
