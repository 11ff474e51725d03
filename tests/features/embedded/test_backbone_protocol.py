"""The embedded profile fits the two interfaces by which another profile replaces it."""

from __future__ import annotations

from features.dense import Backbone
from features.embedded import EmbeddedBackbone
from features.parts import Segmenter
from features.segmenter import EmbeddedSegmenter, SegmenterConfig


def test_embedded_backbone_is_a_backbone() -> None:
    assert isinstance(EmbeddedBackbone(), Backbone)


def test_embedded_segmenter_is_a_segmenter() -> None:
    assert isinstance(EmbeddedSegmenter(SegmenterConfig()), Segmenter)
