from dataclasses import replace

import numpy as np
import pytest

from engine.synthetic.cloth import WEAVES, draw_cloth
from engine.synthetic.cloth.camera import expose, set_up
from engine.synthetic.cloth.record import NoRoomError
from engine.synthetic.cloth.weaving import (
    Fault,
    FaultAppearance,
    WebPose,
    draw_web_pose,
    weave,
    weave_fault,
    weave_faults,
)

LIGHT = np.array([-0.5, -0.5, 0.7071], dtype=np.float32)
STRAIGHT = WebPose((0.0, 0.0), 0.0, 1.0)
DARK = FaultAppearance(1.0, 0.4, 0.8)


def test_rolls_differ_and_five_in_a_row_have_all_weaves() -> None:
    cloths = [draw_cloth(seed) for seed in range(40)]
    assert {cloth.weave for cloth in cloths[7:12]} == set(WEAVES)
    assert len({cloth.warp_color for cloth in cloths}) > 20
    assert sum(cloth.warp_color != cloth.weft_color for cloth in cloths) > 20
    assert draw_cloth(3) == cloths[3]


def test_the_web_wanders_little_before_the_camera() -> None:
    rng, cloth = np.random.default_rng(0), draw_cloth(0)
    poses = [draw_web_pose(rng, cloth) for _ in range(200)]
    assert max(abs(pose.angle_deg) for pose in poses) <= 2.5
    assert np.std([pose.angle_deg for pose in poses]) > 0.5
    assert all(0.98 <= pose.scale <= 1.02 for pose in poses)
    assert np.ptp([pose.shift[0] for pose in poses]) > 1


@pytest.mark.parametrize("seed", range(len(WEAVES)))
def test_the_weave_repeats_at_its_pitch(seed: int) -> None:
    cloth = replace(draw_cloth(seed), unevenness=0.0, slubs=0.0, weave="plain")
    cloth = replace(cloth, warp_color="#ffffff", weft_color="#202020", pitch_px=(8.0, 8.0))
    rgb, _ = weave(cloth, STRAIGHT, np.random.default_rng(seed), LIGHT, 128)
    spectrum = np.abs(np.fft.fft2(rgb[1] - rgb[1].mean()))[:64, :64]
    row, column = np.unravel_index(spectrum.argmax(), spectrum.shape)
    assert (row, column) == pytest.approx((8, 8), abs=1)  # 128 px hold 8 repeats of 16 px


def test_uneven_yarns_make_an_uneven_cloth() -> None:
    def spread(unevenness: float, slubs: float) -> float:
        cloth = replace(draw_cloth(2), unevenness=unevenness, slubs=slubs)
        rgb, _ = weave(cloth, STRAIGHT, np.random.default_rng(0), LIGHT, 128)
        return float(rgb[1].reshape(8, 16, 8, 16).mean(axis=(1, 3)).std())

    assert spread(0.12, 4.0) > 1.1 * spread(0.0, 0.0)


def test_a_fault_changes_its_own_yarns_and_no_others() -> None:
    cloth = draw_cloth(0)
    fault = Fault("weft", -3, 2, (-5.0, 20.0), DARK, color="#ff0000")
    sound, none = weave(cloth, STRAIGHT, np.random.default_rng(0), LIGHT, 128)
    faulty, (band,) = weave(cloth, STRAIGHT, np.random.default_rng(0), LIGHT, 128, [fault])
    assert none == []
    is_changed = (sound != faulty).any(axis=0)
    assert not (is_changed & ~band).any()
    assert is_changed[band].mean() > 0.99
    rows, columns = np.flatnonzero(band.any(axis=1)), np.flatnonzero(band.any(axis=0))
    pitch = cloth.pitch_px
    assert np.median(band[:, columns].sum(axis=0)) == pytest.approx(2 * pitch[1], abs=1.5)
    middle, sway = 63.5, 1.5 * pitch[1]
    assert rows.mean() == pytest.approx(middle - 2 * pitch[1], abs=sway)
    assert columns[0] == pytest.approx(middle - 5 * pitch[0], abs=1.5 * pitch[0])
    assert columns[-1] == pytest.approx(127, abs=1.5 * pitch[0])


def test_faults_are_counted_from_the_middle_wherever_the_weave_lies() -> None:
    fault = Fault("warp", 0, 1, (-99.0, 99.0), DARK)
    for shift in ((0.0, 0.0), (15.0, 7.0)):
        pose = WebPose(shift, 0.0, 1.0)
        _, (band,) = weave(draw_cloth(0), pose, np.random.default_rng(0), LIGHT, 128, [fault])
        assert np.flatnonzero(band.any(axis=0)).mean() == pytest.approx(64 + 4, abs=6)


def test_faults_have_the_documented_size_and_show_on_the_front() -> None:
    looks, axes, rng = set(), set(), np.random.default_rng(0)
    for seed in range(60):
        cloth = draw_cloth(seed)
        fault = weave_fault(rng, cloth, 512)
        own, cross = cloth.pitch_px if fault.axis == "warp" else cloth.pitch_px[::-1]
        assert 3.5 <= fault.n_yarns * own <= 15
        start, end = fault.stretch
        assert end - start >= 0.499 * 512 / cross
        assert cloth.weave != "satin" or fault.axis == "warp"
        looks.add(fault.appearance)
        axes.add(fault.axis)
    assert len(looks) == 4
    assert axes == {"warp", "weft"}


def test_faults_keep_apart_unless_they_may_cross() -> None:
    cloth = draw_cloth(0)
    for seed in range(10):
        streams = [np.random.default_rng([seed, i]) for i in range(3)]
        faults = weave_faults(streams, cloth, 512, is_crossing=False)
        yarns = [set(range(f.first, f.first + f.n_yarns)) for f in faults]
        assert len({fault.axis for fault in faults}) == 1
        assert len(set.union(*yarns)) == sum(map(len, yarns))
    crossing = [
        weave_faults(
            [np.random.default_rng([seed, i]) for i in range(2)], cloth, 512, is_crossing=True
        )
        for seed in range(20)
    ]
    assert any(first.axis != second.axis for first, second in crossing)


def test_too_many_faults_are_refused() -> None:
    streams = [np.random.default_rng(i) for i in range(40)]
    with pytest.raises(NoRoomError, match=r"40 lines must fit into 64×64 px.*name fewer"):
        weave_faults(streams, draw_cloth(0), 64, is_crossing=False)


def test_exposures_of_a_roll_vary_moderately() -> None:
    grey = np.full((3, 64, 64), 0.2, dtype=np.float32)
    images = [
        expose(grey, set_up(1), np.random.default_rng(seed)).astype(float) for seed in range(30)
    ]
    means = np.array([image.mean(axis=(0, 1)) for image in images])
    assert 0.5 < means.mean(axis=1).std() < 4  # display levels of 255
    warmth = means[:, 0] - means[:, 2]
    assert 0.3 < warmth.std() < 3
    slope = [image[:, 32:].mean() - image[:, :32].mean() for image in images]
    assert 0.1 < np.std(slope) < 3
    assert 0.5 < (images[0][1:-1] - images[0][2:]).std() / np.sqrt(2) < 2.5  # noise


def test_lamps_differ_from_roll_to_roll() -> None:
    setups = [set_up(seed) for seed in range(20)]
    assert len(set(setups)) == 20
    assert set_up(4) == setups[4]
    assert np.std([setup.tilt[0] for setup in setups]) > 0.015
