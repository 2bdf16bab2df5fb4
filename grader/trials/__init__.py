"""What the study and the lab share: many training runs side by side, kept on the disk and counted.

Nothing here knows what a run is: tasks, players and rows come from whoever uses it.
"""
