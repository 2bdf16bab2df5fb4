"""The channel between judge and worker: typed messages, arrays as raw bytes, capped frames.

Everything that comes over the channel is data, whoever sent it. Nothing here imports torch, and
nothing here evaluates, unpickles or imports what it decodes.
"""
