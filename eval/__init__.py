"""Which checkpoint is better, where, and are we sure? Write ``from eval.report import ...``."""
