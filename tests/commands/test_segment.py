"""``floorseg segment`` from the outside: files in, files out."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from pycocotools import mask as coco_mask
from typer.testing import CliRunner

from floorseg.commands.segment import parse_prompts, segment
from floorseg.core.model import build_model
from floorseg.core.structures import Point, Prompt
from floorseg.errors import ConfigError, FloorsegError

SA1B_FIELDS = {
    "id", "segmentation", "bbox", "area", "predicted_iou", "stability_score", "crop_box",
    "point_coords",
}  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "nano.pt"
    extra = {"architecture": "nano", "image_size": 64}
    torch.save({"model": build_model("nano", 64).state_dict(), "floorseg": extra}, path)
    return path


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "my plan.v2.png"
    Image.fromarray(picture(0)).save(path)
    return path


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (45, 60, 3), dtype=np.uint8)


def run(*arguments: object) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(segment)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, FloorsegError):
        return 2, str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_prompts_become_an_sa1b_pair_that_pycocotools_reads(plan, weights, tmp_path):
    out = tmp_path / "out"

    code, text = run(
        plan, "--checkpoint", weights, "--point", "20,10", "--box", "5,5,30,30", "--box",
        "30,5,50,40", "--out", out,
    )  # fmt: skip

    content = json.loads((out / "my plan.v2.json").read_text())
    assert code == 0, text
    assert content["image"]["width"] == 60
    assert content["image"]["file_name"] == "my plan.v2.png"
    assert len(content["annotations"]) == 3
    for row in content["annotations"]:
        assert row.keys() >= SA1B_FIELDS
        assert coco_mask.decode(row["segmentation"]).shape == (45, 60)
        assert coco_mask.area(row["segmentation"]) == row["area"]
    assert Image.open(out / "overlays" / "my plan.v2.png").size == (60, 45)


def test_the_label_picture_numbers_the_regions(plan, weights, tmp_path):
    out = tmp_path / "out"

    run(plan, "--checkpoint", weights, "--box", "5,5,30,30", "--out", out)

    row = json.loads((out / "my plan.v2.json").read_text())["annotations"][0]
    labels = np.asarray(Image.open(out / "labels" / "my plan.v2.png"))
    np.testing.assert_array_equal(labels == 1, coco_mask.decode(row["segmentation"]).astype(bool))


def test_the_table_lists_the_regions_of_one_plan(plan, weights, tmp_path):
    _, text = run(plan, "--checkpoint", weights, "--point", "20,10", "--out", tmp_path / "out")

    assert "1 regions" in text
    assert "score" in text


def test_a_folder_is_done_once_and_what_is_missing_is_done_again(weights, tmp_path):
    plans, out = tmp_path / "plans", tmp_path / "out"
    plans.mkdir()
    for number in range(3):
        Image.fromarray(picture(number)).save(plans / f"plan {number}.png")
    asked = (plans, "--checkpoint", weights, "--point", "20,10", "--out", out)
    run(*asked)
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.json")}
    (out / "plan 1.json").unlink()

    code, text = run(*asked)

    after = {path.name: path.stat().st_mtime_ns for path in out.glob("*.json")}
    assert code == 0
    assert text.count("done before") == 2
    assert {name for name in after if after[name] == before[name]} == {"plan 0.json", "plan 2.json"}


def test_another_wish_is_another_result(plan, weights, tmp_path):
    out = tmp_path / "out"
    run(plan, "--checkpoint", weights, "--point", "20,10", "--out", out)

    run(plan, "--checkpoint", weights, "--point", "20,10", "--box", "1,1,9,9", "--out", out)

    prompts = json.loads((out / "my plan.v2.json").read_text())["image"]["segmented"]["prompts"]
    assert prompts == [{"points": [[20, 10, 1]], "box": [1, 1, 9, 9]}]


def test_unreadable_pictures_are_named_and_the_rest_is_done(weights, tmp_path):
    plans, out = tmp_path / "plans", tmp_path / "out"
    plans.mkdir()
    Image.fromarray(picture(1)).save(plans / "good.png")
    (plans / "broken.jpg").write_bytes(b"this is not a picture")

    code, text = run(plans, "--checkpoint", weights, "--point", "2,2", "--out", out)

    assert code == 1
    assert "broken.jpg is not a picture" in text.replace("\n", "")
    assert [path.name for path in out.glob("*.json")] == ["good.json"]


def test_two_pictures_of_one_stem_do_not_overwrite_each_other(weights, tmp_path):
    plans, out = tmp_path / "plans", tmp_path / "out"
    plans.mkdir()
    for suffix in ("png", "bmp"):
        Image.fromarray(picture(1)).save(plans / f"plan.{suffix}")

    run(plans, "--checkpoint", weights, "--point", "2,2", "--out", out)

    assert sorted(path.name for path in out.glob("*.json")) == ["plan_bmp.json", "plan_png.json"]


def test_everything_is_asked_for_without_prompts(plan, weights, tmp_path):
    code, _ = run(plan, "--checkpoint", weights, "--out", tmp_path / "out")

    content = json.loads((tmp_path / "out" / "my plan.v2.json").read_text())
    assert code == 0
    assert content["image"]["segmented"]["preset"] == "rooms"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--point", "3"), "--point takes X,Y"),
        (("--point", "3,4,2"), "the third number is 1"),
        (("--box", "1,2,3"), "--box takes X0,Y0,X1,Y1"),
        (("--box", "9,9,1,1"), "the second corner must lie right of and below"),
        (("--preset", "flats"), "no preset 'flats'; choose from rooms"),
    ],
)
def test_wrong_options_are_answered_with_a_sentence(plan, tmp_path, arguments, message):
    code, text = run(plan, *arguments, "--out", tmp_path / "out")

    assert code == 2
    assert message in text
    assert not (tmp_path / "out").exists()


def test_a_missing_plan_is_answered_with_its_path(tmp_path):
    code, text = run(tmp_path / "no.png", "--out", tmp_path / "out")

    assert code == 2
    assert "no picture or folder at" in text


def test_points_and_one_box_are_one_region_and_more_boxes_are_more():
    click, other = Point(1, 2), Point(3, 4, inside=False)

    one = parse_prompts(["1,2", "3,4,0"], ["0,0,9,9"])
    three = parse_prompts(["1,2"], ["0,0,9,9", "1,1,5,5"])

    assert [(p.points, p.box) for p in one] == [((click, other), (0, 0, 9, 9))]
    assert [bool(prompt) for prompt in three] == [True] * 3
    assert isinstance(three[0], Prompt)
    with pytest.raises(ConfigError):
        parse_prompts(["nan,1"], [])


def test_a_turned_phone_photo_is_segmented_as_it_is_seen(shared_data, weights, tmp_path):
    out, name = tmp_path / "out", "phone_photo_exif6_really_jpeg"

    code, text = run(
        shared_data / "odd" / f"{name}.png", "--checkpoint", weights, "--point", "90,90",
        "--out", out,
    )  # fmt: skip

    photo = json.loads((out / f"{name}.json").read_text())
    assert code == 0, text
    assert photo["image"]["height"] > photo["image"]["width"]
    assert photo["annotations"][0]["segmentation"]["size"][0] == photo["image"]["height"]
