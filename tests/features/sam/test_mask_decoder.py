"""The rearranged decoder against ``MaskDecoder`` of segment-anything with the same weights."""

from __future__ import annotations

import pytest
import torch
from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

from features.sam.mask_decoder import Decoder, MaskCandidates
from features.sam.mask_drawing import TILE

POINTS = torch.tensor([[[5.0, 7.0]], [[100.0, 20.5]], [[0.0, 127.0]], [[64.0, 64.0]], [[9.0, 1.0]]])
ONES, BOXES = torch.ones(5, 1), torch.tensor([[3.0, 4.0, 50.0, 60.0]]).repeat(5, 1)
PROMPTS = {
    "points": {"points": (POINTS, ONES), "boxes": None, "masks": None},
    "many points": {
        "points": (POINTS.repeat(1, 9, 1), torch.arange(45).view(5, 9) % 2),
        "boxes": None,
        "masks": None,
    },
    "boxes": {"points": None, "boxes": BOXES, "masks": None},
    "points and boxes": {"points": (POINTS, ONES), "boxes": BOXES, "masks": None},
    "no more than the image": {"points": None, "boxes": None, "masks": None},
}


def image_tokens(sam: Sam) -> torch.Tensor:
    size = sam.prompt_encoder.image_embedding_size
    dim = sam.prompt_encoder.embed_dim
    return torch.randn(1, dim, *size, generator=torch.Generator().manual_seed(3))


def decode(sam: Sam, tokens, sparse, dtype=torch.float32) -> MaskCandidates:
    prompt_encoder = sam.prompt_encoder
    decoder = Decoder(sam.mask_decoder, prompt_encoder.get_dense_pe()[0], dtype)
    prepared = decoder.prepare(tokens[0], prompt_encoder.no_mask_embed.weight[0], None)
    return decoder.decode(prepared, sparse)


def everything(candidates: MaskCandidates) -> torch.Tensor:
    return candidates.logits(torch.ones_like(candidates.iou, dtype=torch.bool))


@torch.no_grad()
@pytest.mark.parametrize("kind", PROMPTS)
def test_same_as_the_reference(tiny_sam: Sam, kind):
    tokens = image_tokens(tiny_sam)
    sparse, dense = tiny_sam.prompt_encoder(**PROMPTS[kind])
    positions = tiny_sam.prompt_encoder.get_dense_pe()
    masks, iou = tiny_sam.mask_decoder.predict_masks(tokens, positions, sparse, dense)
    candidates = decode(tiny_sam, tokens, sparse)
    assert masks.std() > 0.1
    assert (candidates.iou - iou).abs().max() < 1e-4
    assert (everything(candidates) - masks.flatten(0, 1)).abs().max() < 1e-4


@torch.no_grad()
@pytest.mark.parametrize("depth", [1, 3])
def test_any_depth_and_more_tokens_than_a_tile(depth, enliven):
    grid = 40
    assert grid**2 > TILE
    prompt_encoder = enliven(PromptEncoder(16, (grid, grid), (640, 640), mask_in_chans=4))
    transformer = TwoWayTransformer(depth=depth, embedding_dim=16, num_heads=4, mlp_dim=20)
    decoder = enliven(MaskDecoder(transformer_dim=16, transformer=transformer))
    sam = Sam(torch.nn.Identity(), prompt_encoder, decoder)
    tokens = image_tokens(sam)
    sparse, dense = prompt_encoder((POINTS, ONES), None, None)
    masks, iou = decoder.predict_masks(tokens, prompt_encoder.get_dense_pe(), sparse, dense)
    candidates = decode(sam, tokens, sparse)
    assert (candidates.iou - iou).abs().max() < 1e-4
    assert (everything(candidates) - masks.flatten(0, 1)).abs().max() < 1e-4


@torch.no_grad()
def test_rough_masks_change_the_image_of_their_prompt(tiny_sam: Sam):
    tokens, prompt_encoder = image_tokens(tiny_sam), tiny_sam.prompt_encoder
    rough = torch.randn(5, 1, 64, 64, generator=torch.Generator().manual_seed(4))
    sparse, dense = prompt_encoder((POINTS, ONES), None, rough)
    positions = prompt_encoder.get_dense_pe()
    masks, iou = tiny_sam.mask_decoder.predict_masks(tokens, positions, sparse, dense)
    decoder = Decoder(tiny_sam.mask_decoder, positions[0], torch.float32)
    prepared = decoder.prepare(tokens[0], prompt_encoder.no_mask_embed.weight[0], None)
    several = [
        decoder.decode(decoder.with_mask(prepared, mask), own[None])
        for mask, own in zip(dense, sparse, strict=True)
    ]
    candidates = MaskCandidates.joined(several)
    assert (candidates.iou - iou).abs().max() < 1e-4
    assert (everything(candidates) - masks.flatten(0, 1)).abs().max() < 1e-4


@torch.no_grad()
def test_only_chosen_masks_are_drawn_and_in_order(tiny_sam: Sam):
    sparse, _ = tiny_sam.prompt_encoder((POINTS, ONES), None, None)
    candidates = decode(tiny_sam, image_tokens(tiny_sam), sparse)
    masks = everything(candidates).view(5, 4, 64, 64)
    is_chosen = torch.zeros(5, 4, dtype=torch.bool)
    assert candidates.logits(is_chosen).shape == (0, 64, 64)
    is_chosen[[0, 0, 3, 4], [1, 3, 0, 2]] = True
    assert torch.allclose(candidates.logits(is_chosen), masks[is_chosen], atol=1e-5)


@torch.no_grad()
def test_picked_candidates_keep_their_masks(tiny_sam: Sam):
    sparse, _ = tiny_sam.prompt_encoder((POINTS, ONES), None, None)
    candidates = decode(tiny_sam, image_tokens(tiny_sam), sparse)
    numbers = torch.tensor([[3, 1], [0, 2], [2, 2], [1, 0], [3, 3]])
    picked = candidates.pick(numbers)
    masks = everything(candidates).view(5, 4, 64, 64)
    rows = torch.arange(5)[:, None]
    assert torch.equal(picked.iou, candidates.iou[rows, numbers])
    expected = masks[rows, numbers].flatten(0, 1)
    assert torch.allclose(everything(picked), expected, atol=1e-5)


@torch.no_grad()
def test_prompts_do_not_depend_on_each_other(tiny_sam: Sam):
    tokens = image_tokens(tiny_sam)
    sparse, _ = tiny_sam.prompt_encoder((POINTS, ONES), None, None)
    together, alone = decode(tiny_sam, tokens, sparse), decode(tiny_sam, tokens, sparse[3:4])
    assert torch.allclose(together.iou[3:4], alone.iou, atol=1e-5)
    assert torch.allclose(everything(together)[12:16], everything(alone), atol=1e-5)


@torch.no_grad()
def test_low_precision_draws_nearly_the_same_in_fp32(tiny_sam: Sam):
    tokens = image_tokens(tiny_sam)
    sparse, _ = tiny_sam.prompt_encoder((POINTS, ONES), None, None)
    exact, rough = (decode(tiny_sam, tokens, sparse, t) for t in (torch.float32, torch.bfloat16))
    assert torch.equal(exact.iou, rough.iou)
    masks = everything(rough)
    assert masks.dtype == torch.float32
    assert ((masks > 0) == (everything(exact) > 0)).float().mean() > 0.98


@torch.no_grad()
def test_no_prompts_have_no_masks(tiny_sam: Sam):
    sparse, _ = tiny_sam.prompt_encoder((POINTS, ONES), None, None)
    candidates = decode(tiny_sam, image_tokens(tiny_sam), sparse[:0])
    assert candidates.iou.shape == (0, 4)
    assert everything(candidates).shape == (0, 64, 64)


@torch.no_grad()
@pytest.mark.parametrize("n_threads", [1, 2])
def test_threads_change_nothing(tiny_sam: Sam, n_threads):
    before = torch.get_num_threads()
    tokens = image_tokens(tiny_sam)
    sparse, _ = tiny_sam.prompt_encoder((POINTS.repeat(2, 1, 1), ONES.repeat(2, 1)), None, None)
    alone = [decode(tiny_sam, tokens, one[None]) for one in sparse]
    try:
        torch.set_num_threads(n_threads)
        together = decode(tiny_sam, tokens, sparse)
        masks = everything(together)
    finally:
        torch.set_num_threads(before)
    assert torch.allclose(together.iou, torch.cat([one.iou for one in alone]), atol=1e-5)
    assert torch.allclose(masks, torch.cat([everything(one) for one in alone]), atol=1e-5)
