"""The study of the judged run: many seeds, compared with other recipes, repeatable by anyone."""
