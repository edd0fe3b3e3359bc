"""Which checkpoint is better, where, and are we sure? Import by name: ``from eval.report import ...``."""
