"""Checks of official gradings, which are in no student's copy.

Each strengthens a public check: it asks the same of sizes and lengths that nobody can have fitted
code to, and takes that check's points when the answer is wrong.
"""
