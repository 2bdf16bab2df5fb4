"""The judged training run: the judge's environments, schedule and seeds, the student's agent."""
