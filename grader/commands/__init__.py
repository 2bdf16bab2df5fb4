"""The commands that every copy of the grader has: options to calls, outcomes to messages."""
