import numpy as np
import pytest
import torch
from segment_anything.modeling import Sam

from features.sam.mask_decoder import to_image
from features.sam.network import Embedding, frame_of


@pytest.mark.parametrize(
    "image_size", [(90, 70), (70, 90), (128, 128), (64, 64), (300, 7), (7, 300), (256, 131)]
)
def test_equals_postprocess_masks(tiny_sam: Sam, image_size):
    frame_px = frame_of(image_size, 128)
    embedding = Embedding((), image_size, frame_px, 128)
    logits = 4 * torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = tiny_sam.postprocess_masks(logits[None], frame_px, image_size)[0]
    assert np.abs(to_image(logits, embedding) - expected.numpy()).max() < 1e-4


def test_a_stretched_image_fills_the_square(tiny_sam: Sam):
    embedding = Embedding((), (50, 200), (128, 128), 128)
    logits = torch.randn(2, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = tiny_sam.postprocess_masks(logits[None], (128, 128), (50, 200))[0]
    assert np.abs(to_image(logits, embedding) - expected.numpy()).max() < 1e-4


def test_no_masks_are_no_masks():
    embedding = Embedding((), (5, 9), (71, 128), 128)
    assert to_image(torch.empty(0, 32, 32), embedding).shape == (0, 5, 9)
