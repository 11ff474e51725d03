from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from features.vit.architectures import ARCHITECTURES, describe
from features.vit.network import dissect, load
from features.weights.errors import WeightsError

MakeFolder = Callable[..., Path]
DINOV2 = ARCHITECTURES["dinov2"]


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Change the tensors of a folder."""
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def test_description_is_that_of_the_folder(make_folder: MakeFolder) -> None:
    found = describe(make_folder("dinov2", num_hidden_layers=5))
    assert (found.architecture, found.patch_px, found.n_blocks) == (DINOV2, 14, 5)
    assert (found.mean, found.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_colours_are_those_of_the_preprocessor(make_folder: MakeFolder) -> None:
    folder = make_folder("vit")
    values = {"image_mean": [0.5, 0.4, 0.3], "image_std": [1, 0.5, 0.25]}
    (folder / "preprocessor_config.json").write_text(json.dumps(values))
    assert (describe(folder).mean, describe(folder).std) == ((0.5, 0.4, 0.3), (1, 0.5, 0.25))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model_type": "resnet"}, r"plain vision transformer as model_type \(dinov2, .*'resnet'"),
        ({}, "got None; choose other weights"),
        ([], "must be a readable JSON object, .* fetch it again"),
    ],
)
def test_other_networks_are_refused(tmp_path: Path, values: object, message: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(WeightsError, match=message):
        describe(tmp_path)


def test_what_is_no_folder_of_transformers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"config.json must be a readable JSON object"):
        describe(tmp_path)
    file = tmp_path / "sam.pth"
    file.touch()
    with pytest.raises(WeightsError, match="must be a folder with config"):
        describe(file)


def test_broken_colours_are_refused(make_folder: MakeFolder) -> None:
    folder = make_folder()
    (folder / "preprocessor_config.json").write_text('{"image_mean": 0.5}')
    with pytest.raises(WeightsError, match="image_mean and image_std as three numbers each"):
        describe(folder)


def test_all_weights_are_read_as_fp32(make_folder: MakeFolder) -> None:
    folder = make_folder()
    rewrite(folder, lambda tensors: tensors.update({k: v.half() for k, v in tensors.items()}))
    anatomy = load(folder, DINOV2)
    tensors = [each for block in anatomy.blocks for each in block.parameters()]
    assert {each.dtype for each in tensors} == {torch.float32}
    assert not any(each.requires_grad for each in tensors)


def test_what_dense_descriptors_do_not_need_may_be_missing(make_folder: MakeFolder) -> None:
    folder = make_folder("vit")
    rewrite(folder, lambda tensors: [tensors.pop(k) for k in list(tensors) if "pooler" in k])
    load(folder, ARCHITECTURES["vit"])


def test_missing_tensors_are_refused(make_folder: MakeFolder) -> None:
    folder = make_folder()
    rewrite(folder, lambda tensors: tensors.pop("encoder.layer.1.mlp.fc1.bias"))
    with pytest.raises(WeightsError, match=r"lacks 1 tensors, encoder.layer.1.mlp.fc1.bias first"):
        load(folder, DINOV2)


def test_weights_of_another_network_are_refused(make_folder: MakeFolder) -> None:
    folder = make_folder()
    key = "encoder.layer.1.mlp.fc1.bias"
    rewrite(folder, lambda tensors: tensors.update({key: torch.zeros(3)}))
    with pytest.raises(WeightsError, match="does not fit the config"):
        load(folder, DINOV2)


def test_truncated_weights_are_refused(make_folder: MakeFolder) -> None:
    folder = make_folder()
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"does not fit .* fetch the weights again"):
        load(folder, DINOV2)


def test_pickles_are_not_read(make_folder: MakeFolder) -> None:
    folder = make_folder()
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"model.safetensors is missing; fetch or import"):
        load(folder, DINOV2)


def test_positions_of_a_grid_that_is_not_square_are_refused(
    make_model: Callable[..., torch.nn.Module],
) -> None:
    model = make_model("vit", image_size=(80, 96))
    with pytest.raises(WeightsError, match="must belong to a square grid, got 30 of them"):
        dissect(model, ARCHITECTURES["vit"])


def test_the_terminal_is_left_alone(
    make_folder: MakeFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = make_folder()
    capfd.readouterr()
    load(folder, DINOV2)
    assert capfd.readouterr() == ("", "")
