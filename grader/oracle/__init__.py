"""The algorithm's mathematics in NumPy, and the misconceptions as variations of it.

Independent of the library under test: nothing here imports torch or the worker.
"""
