"""The generated half of the documentation: reference pages, and pictures of what people will see.

`python -m grader.documenting` writes the pages, `python -m grader.documenting.pictures` the
pictures. Both are the staff's: no student's copy has this room.
"""
