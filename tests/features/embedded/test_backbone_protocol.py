"""The embedded profile fits the two interfaces by which another profile replaces it."""

from __future__ import annotations

from features.dense import Backbone
from features.embedded.backbone import EmbeddedBackbone
from features.embedded.segmenter import EmbeddedSegmenter, SegmenterConfig
from features.parts import PromptableSegmenter, Segmenter


def test_embedded_backbone_is_a_backbone() -> None:
    assert isinstance(EmbeddedBackbone(), Backbone)


def test_embedded_segmenter_is_a_segmenter() -> None:
    assert isinstance(EmbeddedSegmenter(SegmenterConfig()), Segmenter)


def test_the_embedded_segmenter_cannot_be_asked() -> None:
    assert not isinstance(EmbeddedSegmenter(SegmenterConfig()), PromptableSegmenter)
