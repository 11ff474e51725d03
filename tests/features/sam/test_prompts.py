"""Prompts of an app: what is passed on to the network, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from features.device import MachineConfig
from features.parts import PromptableSegmenter
from features.sam import SamConfig
from features.sam.mask_decoder import PromptedNetwork, to_image
from features.sam.network import Embedding, Prompts
from features.sam.official import load
from features.sam.prompts import Prompter, bounding_box, innermost, rough_logits
from features.sam.segmenter import SamSegmenter


@pytest.fixture
def network(tiny_sam, tmp_path: Path) -> PromptedNetwork:
    save_file(tiny_sam.state_dict(), tmp_path / "tiny.safetensors")
    return load(tmp_path / "tiny.safetensors", MachineConfig(device="cpu", n_threads=1))


@pytest.fixture
def prompter(network, noise_image) -> Prompter:
    return Prompter(network).set_image(noise_image)


def candidates(network, image, prompts: Prompts, *, is_multimask: bool):
    embedding = network.embed(image)
    found = network.decode(embedding, prompts, is_multimask=is_multimask)
    logits = found.logits(torch.ones_like(found.iou, dtype=torch.bool))
    return to_image(logits, embedding) > 0, found.iou[0]


def test_a_click_proposes_the_best_of_three(prompter, network, noise_image):
    point = np.array([[30.0, 40.0]])
    masks, iou = candidates(network, noise_image, Prompts(point[None]), is_multimask=True)
    proposals = prompter.by_points(point)
    order = iou.argsort(descending=True).tolist()
    assert [one.predicted_iou for one in proposals.all] == pytest.approx(iou[order].tolist())
    for one, index in zip(proposals.all, order, strict=True):
        assert np.array_equal(one.mask, masks[index])
    assert proposals.best.predicted_iou == proposals.all[0].predicted_iou
    assert np.array_equal(proposals.best.mask, proposals.all[0].mask)
    assert proposals.best.mask.shape == noise_image.shape[:2]


def test_what_is_not_ambiguous_gets_the_single_mask(prompter, network, noise_image):
    points, is_positive = np.array([[30.0, 40.0], [3.0, 4.0]]), np.array([True, False])
    box = np.array([10.0, 20.0, 60.0, 80.0])
    for proposals, prompts in (
        (prompter.by_points(points, is_positive), Prompts(points[None], is_positive[None])),
        (prompter.by_box(box), Prompts(box_xyxy=box[None])),
    ):
        masks, iou = candidates(network, noise_image, prompts, is_multimask=False)
        assert proposals.best.predicted_iou == pytest.approx(float(iou[0]))
        assert np.array_equal(proposals.best.mask, masks[0])
        assert len(proposals.all) == 3


def test_a_stroke_is_given_as_mask_box_and_click(prompter, network, noise_image):
    painted = np.zeros((90, 70), dtype=bool)
    painted[20:41, 30:51] = True
    rough = rough_logits(painted, network.embed(noise_image))
    prompts = Prompts(
        np.array([[[40.0, 30.0]]]),
        box_xyxy=np.array([[30.0, 20.0, 51.0, 41.0]]),
        logits=rough[None],
    )
    masks, iou = candidates(network, noise_image, prompts, is_multimask=False)
    best = prompter.by_mask(painted).best
    assert best.predicted_iou == pytest.approx(float(iou[0]))
    assert np.array_equal(best.mask, masks[0])


@pytest.mark.parametrize("image_size", [(90, 70), (100, 256), (37, 211)])
def test_rough_logits_show_what_was_painted(image_size):
    height, width = image_size
    frame_px = (256 * height // max(image_size), 256 * width // max(image_size))
    rows, columns = np.indices(image_size)
    painted = (rows - height / 2) ** 2 + (columns - width / 3) ** 2 < (height / 3) ** 2
    embedding = Embedding((), image_size, frame_px, 256)
    logits = rough_logits(painted, embedding)
    assert logits.shape == (64, 64)
    assert logits.abs().max() == pytest.approx(np.log(999), rel=1e-3)
    shown = to_image(logits[None], embedding)[0] > 0
    assert (shown & painted).sum() / (shown | painted).sum() > 0.9


def test_clicks_fall_inside_and_boxes_around():
    painted = np.zeros((20, 30), dtype=bool)
    painted[5, 3:28] = painted[10:17, 2:11] = True
    x, y = innermost(painted)
    assert y == 13
    assert 5 <= x <= 7
    assert bounding_box(painted).tolist() == [2, 5, 28, 17]
    # the image ends where the paint does
    assert innermost(np.ones((9, 15), dtype=bool))[1] == 4


def test_nothing_is_asked_before_there_is_an_image(network):
    with pytest.raises(ValueError, match=r"call set_image\(image\) first"):
        Prompter(network).by_box(np.array([0.0, 0.0, 1.0, 1.0]))


@pytest.mark.parametrize("point", [(-1.0, 5.0), (5.0, 90.5), (70.1, 5.0), (np.nan, 1.0)])
def test_points_outside_are_refused(prompter, point):
    with pytest.raises(ValueError, match=r"must lie in the image of 70 x 90 px, got \("):
        prompter.by_points(np.array([[1.0, 1.0], point]))


def test_points_need_something_to_look_for(prompter):
    for points, is_positive in (
        ([[1, 1]], [False]),
        (np.empty((0, 2)), []),
        ([[1, 1]], [True] * 2),
    ):
        with pytest.raises(ValueError, match="at least one of them true; got"):
            prompter.by_points(np.array(points, dtype=float), np.array(is_positive, dtype=bool))


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (9, 5, 5, 9), (1, 9, 5, 3), (1, 1, np.nan, 5)])
def test_empty_boxes_are_refused(prompter, box):
    with pytest.raises(ValueError, match="must be left < right and top < bottom"):
        prompter.by_box(np.array(box, dtype=float))


def test_boxes_beyond_the_image_are_refused(prompter):
    with pytest.raises(ValueError, match=r"must lie in the image of 70 x 90 px, got \(71, 9\)"):
        prompter.by_box(np.array([1.0, 1.0, 71.0, 9.0]))


def test_paint_must_be_on_this_image(prompter):
    with pytest.raises(ValueError, match=r"size of the image, \(90, 70\), got \(70, 90\)"):
        prompter.by_mask(np.ones((70, 90), dtype=bool))
    with pytest.raises(ValueError, match="at least one pixel, got none"):
        prompter.by_mask(np.zeros((90, 70), dtype=bool))


def test_rough_masks_of_any_resolution_are_taken(network, noise_image):
    embedding = network.embed(noise_image)
    low = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    fine, finer = (
        torch.nn.functional.interpolate(low, (n, n), mode="bilinear")[0] for n in (64, 128)
    )
    prompts = Prompts(np.array([[[30.0, 40.0]]]), logits=fine)
    ious = [
        network.decode(embedding, replace(prompts, logits=logits)).iou for logits in (fine, finer)
    ]
    assert torch.allclose(*ious, atol=0.5)


def test_a_segmenter_answers_with_the_best_mask(prompter, network, noise_image):
    segmenter = SamSegmenter(SamConfig(), MachineConfig(), network=network)
    assert isinstance(segmenter, PromptableSegmenter)
    asked = segmenter.prompter(noise_image)
    clicked = prompter.by_points(np.array([[11.0, 41.0]])).best.mask
    np.testing.assert_array_equal(asked.at_point((11.0, 41.0)), clicked)
    rough = np.zeros(noise_image.shape[:2], dtype=bool)
    rough[5:17, 2:28] = True
    np.testing.assert_array_equal(asked.from_mask(rough), prompter.by_mask(rough).best.mask)
