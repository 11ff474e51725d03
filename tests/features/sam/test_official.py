"""Official checkpoints: loaded as they are, and nothing else loaded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from segment_anything import SamPredictor, sam_model_registry
from segment_anything.modeling import Sam
from segment_anything.modeling.image_encoder import get_rel_pos

from features.device import MachineConfig
from features.sam.architecture import read_decoder, read_encoder
from features.sam.mask_decoder import to_image
from features.sam.network import Candidates, MaskNetwork, Prompts
from features.sam.official import load
from features.weights.errors import WeightsError

MACHINE = MachineConfig(device="cpu", n_threads=1)


@pytest.fixture
def checkpoint(tmp_path: Path, tiny_sam: Sam) -> Path:
    path = tmp_path / "tiny.pth"
    torch.save(tiny_sam.state_dict(), path)
    return path


def every_mask(candidates: Candidates) -> torch.Tensor:
    return candidates.logits(torch.ones_like(candidates.iou, dtype=torch.bool))


@pytest.mark.parametrize("model_type", ["vit_b", "vit_l", "vit_h"])
def test_official_architectures_are_told_from_their_tensors(model_type):
    with torch.device("meta"):
        sam = sam_model_registry[model_type]()
        tensors = sam.state_dict()
        encoder = read_encoder(tensors)
        modules = encoder.build(), *read_decoder(tensors).build(encoder.grid, encoder.side_px)
    assert (encoder.model_type, encoder.side_px, encoder.window) == (model_type, 1024, 14)
    blocks = zip(modules[0].blocks, sam.image_encoder.blocks, strict=True)
    assert all(
        (ours.window_size, ours.attn.num_heads) == (theirs.window_size, theirs.attn.num_heads)
        for ours, theirs in blocks
    )
    official = (sam.image_encoder, sam.prompt_encoder, sam.mask_decoder)
    for ours, theirs in zip(modules, official, strict=True):
        assert {n: t.shape for n, t in ours.state_dict().items()} == {
            n: t.shape for n, t in theirs.state_dict().items()
        }
        assert str(ours) == str(theirs)


@pytest.mark.parametrize("size", [(90, 70), (70, 90), (128, 128), (500, 380)])
def test_same_as_the_predictor(checkpoint, tiny_sam, size):
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    predictor = SamPredictor(tiny_sam)
    predictor.set_image(image)
    network = load(checkpoint, MACHINE)
    embedding = network.embed(image)
    assert torch.equal(embedding.features[0], predictor.features[0])
    points, labels, box = np.array([[10.0, 20.5], [60.0, 3.0]]), np.array([1, 0]), [5, 6, 60, 61.5]
    rough = every_mask(network.decode(embedding, Prompts(points[None])))[:1]
    for given, prompts in (
        ({"point_coords": points[:1], "point_labels": labels[:1]}, Prompts(points[None, :1])),
        (
            {"point_coords": points, "point_labels": labels, "box": np.array(box)},
            Prompts(points[None], labels[None] == 1, np.array([box])),
        ),
        ({"mask_input": rough.numpy()}, Prompts(logits=rough)),
    ):
        for is_multimask in (True, False):
            masks, iou, low = predictor.predict(
                **given, multimask_output=is_multimask, return_logits=True
            )
            found = network.decode(embedding, prompts, is_multimask=is_multimask)
            assert np.abs(found.iou.numpy() - iou).max() < 1e-4
            assert np.abs(every_mask(found).numpy() - low).max() < 1e-4
            assert np.abs(to_image(every_mask(found), embedding) - masks).max() < 1e-4


def test_file_format_does_not_matter(checkpoint, tiny_sam, tmp_path, noise_image):
    save_file(tiny_sam.state_dict(), tmp_path / "tiny.safetensors")
    networks = [load(path, MACHINE) for path in (checkpoint, tmp_path / "tiny.safetensors")]
    assert all(isinstance(network, MaskNetwork) for network in networks)
    first, second = (network.embed(noise_image).features[0] for network in networks)
    assert torch.equal(first, second)
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert networks[0].identity() == {"name": "tiny", "sha256": digest}


def test_half_precision_is_stored_and_low_precision_computed(tiny_sam, tmp_path, noise_image):
    path = tmp_path / "half.safetensors"
    save_file({name: tensor.half() for name, tensor in tiny_sam.state_dict().items()}, path)
    exact, rough = (
        load(path, MachineConfig(device="cpu", n_threads=1, precision=precision))
        for precision in ("fp32", "bf16")
    )
    prompts = Prompts(np.array([[[30.0, 40.0]]]))
    found = [network.decode(network.embed(noise_image), prompts) for network in (exact, rough)]
    assert all(one.iou.dtype == every_mask(one).dtype == torch.float32 for one in found)
    assert torch.allclose(found[0].iou, found[1].iou, atol=0.5)
    agree = (every_mask(found[0]) > 0) == (every_mask(found[1]) > 0)
    assert agree.float().mean() > 0.9


@pytest.mark.parametrize("side_px", [64, 256])
def test_another_side_interpolates_positions(checkpoint, tiny_sam, side_px, noise_image):
    network = load(checkpoint, MACHINE, side_px=side_px)
    assert network.identity()["name"] == f"tiny at {side_px} px"
    embedding = network.embed(noise_image)
    grid = side_px // 8
    assert embedding.features[0].shape == (32, grid, grid)
    assert every_mask(network.decode(embedding, Prompts(np.ones((1, 1, 2))))).shape[1] == 4 * grid
    # relative ones as the encoder interpolates them by itself; windows keep theirs
    blocks, trained = network._model.image_encoder.blocks, tiny_sam.image_encoder.blocks
    relative = trained[1].attn.rel_pos_h
    expected = get_rel_pos(grid, grid, relative)
    assert torch.allclose(get_rel_pos(grid, grid, blocks[1].attn.rel_pos_h), expected)
    assert torch.equal(blocks[0].attn.rel_pos_h, trained[0].attn.rel_pos_h)


def test_the_side_is_a_number_of_patches(checkpoint):
    with pytest.raises(ValueError, match="side_px must be a multiple of 8, got 100"):
        load(checkpoint, MACHINE, side_px=100)


def test_another_model_type_is_refused(checkpoint):
    with pytest.raises(WeightsError, match=r"tiny.pth.*expected weights of vit_h, got vit_24x3"):
        load(checkpoint, MACHINE, model_type="vit_h")
    load(checkpoint, MACHINE, model_type="vit_24x3")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_is_cut_short_is_refused(checkpoint, tiny_sam, suffix):
    path = checkpoint.with_suffix(suffix)
    if suffix == ".safetensors":
        save_file(tiny_sam.state_dict(), path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="cannot be read, perhaps it is cut short"):
        load(path, MACHINE)
    path.write_bytes(b"")
    with pytest.raises(WeightsError, match="cannot be read, perhaps it is cut short"):
        load(path, MACHINE)


class Intruder:
    def __reduce__(self):
        return exit, (1,)


@pytest.mark.parametrize("is_zip", [True, False])
def test_nothing_is_unpickled(tmp_path, is_zip):
    path = tmp_path / "intruder.pth"
    torch.save({"a": Intruder()}, path, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(WeightsError, match="must hold named tensors and nothing else"):
        load(path, MACHINE)


def test_other_files_are_refused(tmp_path, tiny_sam):
    path = tmp_path / "other.pth"
    with pytest.raises(WeightsError, match=r"other.pth does not exist"):
        load(path, MACHINE)
    torch.save({"epoch": 3, "model": tiny_sam.state_dict()}, path)
    with pytest.raises(WeightsError, match="must hold named tensors, got other things"):
        load(path, MACHINE)
    torch.save({"layer.weight": torch.zeros(2)}, path)
    with pytest.raises(WeightsError, match=r"no weights of SAM: they lack image_encoder.patch"):
        load(path, MACHINE)
    tensors = tiny_sam.state_dict()
    torch.save({n: t for n, t in tensors.items() if n != "mask_decoder.iou_token.weight"}, path)
    with pytest.raises(WeightsError, match=r"do not fit the network: Missing key.*iou_token"):
        load(path, MACHINE)
    torch.save(tensors | {"image_encoder.blocks.0.attn.rel_pos_h": torch.zeros(5, 12)}, path)
    with pytest.raises(WeightsError, match=r"windows have one size.*windows of \[3, 5\] patches"):
        load(path, MACHINE)
    stem = "mask_decoder.transformer.final_attn_token_to_image.q_proj"
    torch.save(tensors | {f"{stem}.weight": torch.zeros(12, 32)}, path)
    with pytest.raises(
        WeightsError, match="has 8 heads, got attention of width 12 in tokens of 32"
    ):
        load(path, MACHINE)


def test_images_without_pixels_are_refused(checkpoint):
    network = load(checkpoint, MACHINE)
    for size in ((0, 5), (1000, 1)):
        with pytest.raises(ValueError, match=f"pixels left in a square of 128 px, got {size[0]}"):
            network.embed(np.zeros((*size, 3), dtype=np.uint8))


def test_prompts_must_agree():
    point = np.zeros((2, 1, 2))
    with pytest.raises(ValueError, match="got none"):
        Prompts()
    with pytest.raises(ValueError, match=r"as many of each kind; got \[1, 2\]"):
        Prompts(point, box_xyxy=np.zeros((1, 4)))
    with pytest.raises(ValueError, match=r"one entry for each point, \(2, 1\), got \(2, 3\)"):
        Prompts(point, np.ones((2, 3), dtype=bool))
