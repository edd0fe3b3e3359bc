"""Fine-tuning on top of sam2's own training package."""
