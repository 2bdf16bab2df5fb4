"""The untrusted side: loads the three modules, plays one scenario per request, tells what happened.

Nothing in this room knows what is expected. It runs inside the sandbox, in a process of its own.
"""
