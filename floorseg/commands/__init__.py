"""The command line, one module a command: every tab's work without a browser."""
