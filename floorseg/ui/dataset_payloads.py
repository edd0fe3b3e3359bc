"""What the Dataset tab's script may send, checked field by field."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from floorseg.services.dataset_gallery import Wanted

PAGE = 24  # thumbnails

Name = Annotated[str, Field(max_length=400)]
Row = Annotated[int, Field(ge=0, le=10**9)]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore")


class OfDataset(_Payload):
    """A dataset as offered, and one of its splits or all."""

    name: Name
    split: Annotated[str, Field(max_length=20)] = ""


class Browse(OfDataset):
    """What the gallery shall show."""

    class_row: Row | None = None
    code: Annotated[str, Field(max_length=60)] = ""
    at_least: Row = 0
    at_most: Row | None = None
    text: Annotated[str, Field(max_length=200)] = ""
    sort: Annotated[str, Field(max_length=20)] = "name"
    descending: bool = False
    page: Row = 0

    def wanted(self) -> Wanted:
        """As the service takes it."""
        return Wanted(
            self.split, self.class_row, self.code, self.at_least, self.at_most, self.text,
            self.sort, self.descending,
        )  # fmt: skip


class OfRows(OfDataset):
    """Some samples."""

    rows: Annotated[list[Row], Field(max_length=PAGE)]


class OfSample(Browse):
    """A sample, as one of those the gallery shows."""

    row: Row
    place: Row = 0


class OfFindings(OfDataset):
    """Which findings to list."""

    code: Annotated[str, Field(max_length=60)] = ""
    text: Annotated[str, Field(max_length=200)] = ""
    page: Row = 0
    kind: Annotated[str, Field(pattern="^(csv|json)$")] = "csv"


class Copy(OfDataset):
    """A dataset to be made from another."""

    target: Annotated[str, Field(max_length=80)]
    to: Annotated[str, Field(max_length=20)] = "sa1b"
    for_sam2: bool = False


class Draw(_Payload):
    """A synthetic dataset to be drawn."""

    target: Annotated[str, Field(max_length=80)] = "synthetic"
    images: Annotated[int, Field(ge=1, le=200)] = 40


class OfTask(_Payload):
    """A task that was started."""

    task: Annotated[str, Field(max_length=64)]
