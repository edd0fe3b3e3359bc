"""What is wrong with a dataset: one small function a check, every finding with its fix."""
