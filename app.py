"""The page: settings -> services -> tabs -> launch. ``python app.py --help`` lists its options."""

import sys

from floorseg.errors import FloorsegError
from floorseg.ui.launch import launch, read_settings


def main() -> int:
    """Serve the page until it is interrupted; the process's exit code."""
    try:
        settings = read_settings()
        from floorseg.ui.page import build_page  # torch: not for --help

        launch(build_page(settings), settings)
    except FloorsegError as problem:
        sys.stderr.write(f"error: {problem}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
