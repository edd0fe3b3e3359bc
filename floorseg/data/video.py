"""Single frames of a video."""

from pathlib import Path

import numpy as np

from floorseg.errors import DatasetError


def read_frame(path: Path, number: int) -> np.ndarray:
    """One frame, counted from 0.

    Returns:
        uint8 array of shape (H, W, 3), RGB.

    Raises:
        DatasetError: if the video cannot be read or ends before that frame.
    """
    import cv2  # a tenth of a second to import, and only videos need it

    video = cv2.VideoCapture(str(path))
    try:
        if not video.isOpened():
            raise DatasetError(f"{path} cannot be read as a video; is the file complete?")
        video.set(cv2.CAP_PROP_POS_FRAMES, number)
        found, frame = video.read()
    finally:
        video.release()
    if not found:
        raise DatasetError(f"{path} has no frame {number}; the annotations are of a longer video")
    return np.ascontiguousarray(frame[:, :, ::-1])
