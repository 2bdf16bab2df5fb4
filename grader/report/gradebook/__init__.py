"""Scores into the tables of gradebooks: bytes of a table in, bytes of a table out."""
