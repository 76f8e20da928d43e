"""What a person and a program get out of the planner: the plan, its reasons, its proofs, its comparisons."""
