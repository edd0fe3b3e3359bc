"""Side by side with what a user would use instead: one command, one table, ratios of one run."""
