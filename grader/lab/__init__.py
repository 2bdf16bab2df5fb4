"""The ablation lab: DQN with one part of it changed at a time, many seeds, curves and claims."""
