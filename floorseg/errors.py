"""Failures a person can fix. Anything else is a bug and keeps its traceback.

Every message says what is wrong, what was found, and what to do.
"""


class FloorsegError(Exception):
    """Base class: the message says what went wrong and what to do next."""


class ConfigError(FloorsegError):
    """A configuration file or an option is missing, unreadable or says something impossible."""


class CheckpointError(FloorsegError):
    """Weights are missing, damaged, or do not belong to the requested model."""


class ImageError(FloorsegError):
    """A picture cannot be read, is too large, or is not a picture."""


class DatasetError(FloorsegError):
    """A split, an image or its annotation cannot be used."""


class RunError(FloorsegError):
    """A training or evaluation run cannot be started, found, stopped or resumed."""


class PermissionRefused(FloorsegError):
    """The page is public, or this visitor may not do what was asked."""


class Stopped(FloorsegError):
    """Long work ended early because somebody asked it to; what was finished is kept."""
