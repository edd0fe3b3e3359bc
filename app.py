"""The page: settings -> services -> tabs -> launch. ``python app.py --help`` lists its options."""

from floorseg.settings import Settings
from floorseg.ui.launch import launch, read_settings


def main(settings: Settings) -> None:
    """Build the page and serve it until it is interrupted."""
    from floorseg.ui.page import build_page

    launch(build_page(settings), settings)


if __name__ == "__main__":
    main(read_settings())
