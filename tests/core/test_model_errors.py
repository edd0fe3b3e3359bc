"""Whatever is wrong with a checkpoint, one sentence says what, and what to do."""

import os
import pickle

import pytest
import torch

from floorseg.core import device as devices
from floorseg.core.device import (
    check_memory,
    computes_in_bfloat16,
    encoder_dtype,
    resolve_device,
    sweep_dtype,
)
from floorseg.core.model import build_model, load_model, save_checkpoint, verify_checkpoint
from floorseg.errors import CheckpointError, ConfigError, FloorsegError


@pytest.fixture(scope="module")
def nano():
    return build_model("nano", 64)


@pytest.fixture(scope="module")
def whole(nano, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "floorseg-nano-rooms.pt"
    save_checkpoint(path, nano, architecture="nano", image_size=64)
    return path


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab\nsize 10240\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"<!DOCTYPE html><html><body>Sign in", "is a web page", id="web page"),
        pytest.param(b"\n\n  <html><head>", "is a web page", id="web page after blank lines"),
        pytest.param(b"<?xml version='1.0'?><Error>AccessDenied", "XML answer", id="XML"),
        pytest.param(LFS, "Git LFS pointer .*git lfs pull", id="LFS pointer"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(100), "is a picture", id="picture"),
        pytest.param(b"just some words", "is not a checkpoint", id="text"),
        pytest.param(bytes(range(256)) * 9, "is not a checkpoint", id="noise"),
        pytest.param(b"\x80\x02" + bytes(64), "cut off, damaged or not made", id="broken pickle"),
    ],
)
def test_what_is_no_checkpoint_is_called_what_it_is(content, sentence, tmp_path):
    path = tmp_path / "x.pt"
    path.write_bytes(content)

    with pytest.raises(CheckpointError, match=f"x.pt.* {sentence}"):
        load_model(path, "cpu")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_called_cut_off(kept, whole, tmp_path):
    content = whole.read_bytes()
    path = tmp_path / "x.pt"
    path.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(CheckpointError, match=r"cut off or damaged: .* MB.*once more"):
        load_model(path, "cpu")


def test_a_truncated_file_of_the_old_format_is_called_cut_off(nano, tmp_path):
    path = tmp_path / "x.pt"
    torch.save(nano.state_dict(), path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(CheckpointError, match="cut off, damaged"):
        load_model(path, "cpu")


def test_truncated_safetensors_are_called_cut_off(nano, tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "x.safetensors"
    save_file(nano.state_dict(), path)
    path.write_bytes(path.read_bytes()[:100_000])

    with pytest.raises(CheckpointError, match="cut off or damaged"):
        load_model(path, "cpu")


class _RunsCode:
    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return os.mkdir, (str(self.witness),)


@pytest.mark.parametrize("old", [False, True])
def test_a_pickle_that_wants_to_run_code_is_refused_and_does_not(old, tmp_path):
    witness = tmp_path / "the code ran"
    path = tmp_path / "x.pt"
    torch.save({"model": _RunsCode(witness)}, path, _use_new_zipfile_serialization=not old)

    with pytest.raises(CheckpointError, match=r"wants to run code \(posix.mkdir\)"):
        load_model(path, "cpu")

    assert not witness.exists()


def test_a_plain_pickle_that_wants_to_run_code_does_not(tmp_path):
    witness = tmp_path / "the code ran"
    path = tmp_path / "x.pt"
    path.write_bytes(pickle.dumps(_RunsCode(witness), protocol=2))

    with pytest.raises(CheckpointError):
        load_model(path, "cpu")

    assert not witness.exists()


def test_another_models_weights_are_not_one_key_alike(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"layer1.weight": torch.ones(3), "layer1.bias": torch.ones(3)}, path)

    with pytest.raises(CheckpointError, match=r"none of its 2 names .* first is 'layer1.weight'"):
        load_model(path, "cpu")


def test_the_first_segment_anything_is_recognised_as_such(tmp_path):
    path = tmp_path / "sam_vit_b.pth"
    torch.save({"image_encoder.blocks.0.norm1.weight": torch.ones(768)}, path)

    with pytest.raises(CheckpointError, match="first Segment Anything"):
        load_model(path, "cpu")


def test_weights_of_another_shape_tell_how_many_match_and_the_first_that_does_not(nano, tmp_path):
    weights = dict(nano.state_dict())
    weights["maskmem_tpos_enc"] = torch.zeros(7, 1, 1, 32)
    torch.save({"model": weights}, tmp_path / "x.pt")

    with pytest.raises(
        CheckpointError,
        match=r"SAM 2.1 nano: 383 of 384 weights match, .*'maskmem_tpos_enc': \(7, 1, 1, 32\)",
    ):
        load_model(tmp_path / "x.pt", "cpu")


def test_weights_that_are_missing_are_named(nano, tmp_path):
    weights = dict(nano.state_dict())
    del weights["sam_mask_decoder.iou_token.weight"]
    torch.save({"model": weights}, tmp_path / "x.pt")

    with pytest.raises(CheckpointError, match=r"'sam_mask_decoder.iou_token.weight', which the f"):
        load_model(tmp_path / "x.pt", "cpu")


def test_weights_that_are_too_many_are_named(nano, tmp_path):
    weights = {**nano.state_dict(), "image_encoder.adapter": torch.ones(2)}
    torch.save({"model": weights}, tmp_path / "x.pt")

    with pytest.raises(CheckpointError, match=r"'image_encoder.adapter', which the model does not"):
        load_model(tmp_path / "x.pt", "cpu")


def test_an_unknown_size_is_compared_with_the_nearest_architecture(nano, tmp_path):
    weights = {k: v for k, v in nano.state_dict().items() if ".trunk.blocks.6." not in k}
    torch.save({"model": weights}, tmp_path / "x.pt")

    with pytest.raises(CheckpointError, match=r"SAM 2.1 nano: \d+ of 384 weights match"):
        load_model(tmp_path / "x.pt", "cpu")


def test_a_file_without_any_weights_tells_what_it_holds(tmp_path):
    torch.save({"epoch": 3, "lr": 0.1}, tmp_path / "x.pt")

    with pytest.raises(CheckpointError, match="no weights, only 'epoch', 'lr'"):
        load_model(tmp_path / "x.pt", "cpu")


def test_a_whole_model_saved_instead_of_its_weights_is_refused(nano, tmp_path):
    torch.save(nano, tmp_path / "x.pt")

    with pytest.raises(CheckpointError, match=r"wants to run code \(sam2.*state dict alone"):
        load_model(tmp_path / "x.pt", "cpu")


def test_a_list_is_not_taken_for_weights(tmp_path):
    torch.save([torch.ones(2)], tmp_path / "x.pt")

    with pytest.raises(CheckpointError, match="holds a list, not weights by name"):
        load_model(tmp_path / "x.pt", "cpu")


def test_too_little_memory_is_said_before_anything_is_built(whole, monkeypatch):
    monkeypatch.setattr(devices, "available_memory", lambda device: 1_000_000)

    with pytest.raises(
        CheckpointError, match=r"at 64 px needs about 0.0 GB on cpu, 0.0 GB is free"
    ):
        load_model(whole, "cpu")


def test_a_model_larger_than_this_machine_is_refused():
    with pytest.raises(CheckpointError, match=r"needs about 1000000.0 GB on cpu"):
        check_memory(10**15, torch.device("cpu"), "sam2.1_huge.pt")


def test_verifying_finds_a_flipped_bit_that_loading_would_not(whole, tmp_path):
    content = bytearray(whole.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "x.pt"
    path.write_bytes(content)

    with pytest.raises(CheckpointError, match=r"is damaged in .*once more"):
        verify_checkpoint(path)


def test_verifying_finds_weights_that_are_not_numbers(nano, tmp_path):
    weights = dict(nano.state_dict())
    weights["no_mem_embed"] = torch.full_like(weights["no_mem_embed"], float("nan"))
    torch.save({"model": weights}, tmp_path / "x.pt")

    with pytest.raises(CheckpointError, match=r"NaN .* in no_mem_embed"):
        verify_checkpoint(tmp_path / "x.pt")


def test_a_whole_checkpoint_is_verified(whole):
    verified = verify_checkpoint(whole)

    assert (verified.architecture, verified.tensors) == ("nano", 384)


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "", "meta"])
def test_an_unknown_device_is_answered_with_the_known_ones(device):
    with pytest.raises(ConfigError, match="device must be auto, cpu, cuda, cuda:N or mps"):
        resolve_device(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_a_gpu_that_is_not_there_is_said_in_one_sentence(device):
    with pytest.raises(ConfigError, match=f"device '{device}' was asked for, but .* no CUDA GPU"):
        resolve_device(device)


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has an Apple GPU")
def test_an_apple_gpu_that_is_not_there_is_said_in_one_sentence():
    with pytest.raises(ConfigError, match="no Apple GPU here; use auto or cpu"):
        resolve_device("mps")


def test_auto_finds_a_device_that_works():
    assert torch.ones(2, device=resolve_device("auto")).sum() == 2


def test_on_a_processor_encoding_is_float32_unless_asked_otherwise():
    cpu = torch.device("cpu")

    assert encoder_dtype(cpu) is torch.float32
    assert encoder_dtype(cpu, "bfloat16") is torch.bfloat16


@pytest.mark.parametrize("native", [True, False])
def test_clicks_that_vote_are_decoded_in_bfloat16_where_the_processor_has_it(native, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native, raising=False)
    cpu = torch.device("cpu")

    assert computes_in_bfloat16(cpu) is native
    assert sweep_dtype(cpu) is (torch.bfloat16 if native else torch.float32)
    assert sweep_dtype(cpu, "float32") is torch.float32


def test_an_unknown_precision_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match="auto, float32 or bfloat16, got 'int8'"):
        encoder_dtype(torch.device("cpu"), "int8")


def test_every_error_here_can_be_shown_to_a_person():
    assert issubclass(CheckpointError, FloorsegError)
    assert issubclass(ConfigError, FloorsegError)
