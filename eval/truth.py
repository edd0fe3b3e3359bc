"""What a picture's annotations ask for: the objects to find, each with its mask."""

from collections.abc import Collection
from dataclasses import dataclass

from eval.cutout import Cutout, Size
from floorseg.data.annotation import Sample
from floorseg.errors import DatasetError

UNNAMED = "object"  # what a mask without a class is called in reports


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """One object that shall be found.

    Attributes:
        instance: the annotation's id, as text.
        label: its class name.
        cutout: its mask.
        counts: the mask as COCO's compressed counts, as the dataset says.
    """

    instance: str
    label: str
    cutout: Cutout
    counts: str


def truths_of(
    sample: Sample,
    size: Size,
    *,
    labels: Collection[str] = (),
    without: Collection[str] = (),
) -> list[Truth]:
    """The objects of a picture that are not empty.

    Args:
        sample: the picture's annotations.
        size: (H, W) of the picture as it was read.
        labels: only these classes; all where empty.
        without: not these classes.

    Raises:
        DatasetError: if a mask has another size than the picture.
    """
    truths = []
    for annotation in sample.annotations:
        label = annotation.category_name or UNNAMED
        if (labels and label not in labels) or label.lower() in without:
            continue
        height, width = annotation.segmentation["size"]
        if (height, width) != size:
            raise DatasetError(
                f"{sample.image_path} is {size[1]} x {size[0]} but mask {annotation.id} is "
                f"{width} x {height} (width x height); export the masks again at the picture's size"
            )
        cutout = Cutout.of_rle(annotation.segmentation)
        if cutout.area:
            counts = str(annotation.segmentation["counts"])
            truths.append(Truth(str(annotation.id), label, cutout, counts))
    return truths
