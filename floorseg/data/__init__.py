"""Folders of images and annotations: read, check, mend, convert, draw."""
