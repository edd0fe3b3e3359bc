"""Annotations that are not there, or that are less than an outline, are told."""

from floorseg.data.checks.run import check_dataset
from tests.data.conftest import drawing, png


def sentences(folder):
    report = check_dataset(folder, workers=1, find_look_alikes=False)
    return {found.code: found.sentence for found in report.findings}


def test_pictures_alone_are_told_with_the_files_nobody_understands(tmp_path):
    for number in range(2):
        png(tmp_path / f"plan{number}.png", drawing(seed=number))
    (tmp_path / "walls.json").write_text('{"walls": []}')

    said = sentences(tmp_path)["annotations-none"]

    assert said == (
        "2 pictures and no annotations in a format that is known here; not understood: walls.json"
    )


def test_boxes_among_yolo_outlines_are_told(tmp_path):
    png(tmp_path / "images" / "plan.png", drawing())
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "plan.txt").write_text(
        "0 0.5 0.5 0.2 0.2\n0 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n"
    )

    assert sentences(tmp_path)["mask-box"].startswith("1 of 2 masks are boxes, not outlines")


def test_a_pictures_pixels_are_told_in_words(tmp_path):
    png(tmp_path / "plan.png", drawing()[..., 0])
    assert sentences(tmp_path)["image-not-rgb"] == "plan.png is grey"
