from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from features.config_fields import problems_of
from features.device import MachineConfig, MachineError, in_batches, need, torch_device, torch_dtype

torch = pytest.importorskip("torch", reason="torch is not installed")


class TestConfig:
    def test_defaults_are_in_range(self) -> None:
        assert problems_of(MachineConfig(), "machine") == []

    def test_names_all_problems_at_once(self) -> None:
        config = MachineConfig(batch_size=0, n_threads=-1, runtime="onnx", precision="fp16")
        assert problems_of(config, "machine")[:2] == [
            "machine.batch_size must lie in 1 … 1024, got 0",
            "machine.n_threads must lie in 0 … 1024, got -1",
        ]
        assert (
            'machine.precision must be fp32 with the runtime "onnx"'
            in problems_of(config, "machine")[2]
        )

    def test_other_runtimes_need_the_processor(self) -> None:
        (problem,) = problems_of(MachineConfig(runtime="openvino", device="cuda"), "machine")
        assert "machine.device must be auto or cpu" in problem


class TestThreads:
    def test_config_before_environment_before_cores(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PARTWISE_THREADS", "3")
        assert MachineConfig().cores == 3
        assert MachineConfig(n_threads=2).cores == 2
        monkeypatch.delenv("PARTWISE_THREADS")
        assert MachineConfig().cores >= 1

    @pytest.mark.parametrize("text", ["0", "many", "-1", "²"])
    def test_what_is_no_number_of_threads(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv("PARTWISE_THREADS", text)
        with pytest.raises(MachineError, match="PARTWISE_THREADS must be a number from 1 on, got"):
            _ = MachineConfig().cores

    def test_torch_uses_as_many(self) -> None:
        before = torch.get_num_threads()
        assert torch_device(MachineConfig(n_threads=2)).type in ("cpu", "cuda", "mps")
        assert torch.get_num_threads() == 2
        torch.set_num_threads(before)


class TestNeed:
    def test_gives_what_is_there(self) -> None:
        assert need("torch", "this") is torch

    @pytest.mark.parametrize(
        ("module", "extra"), [("torch.nowhere", "foundation"), ("openvino.nowhere", "runtimes")]
    )
    def test_names_the_extra(self, module: str, extra: str) -> None:
        message = rf'this needs {module.partition(".")[0]}, .*pip install "partwise\[{extra}\]"'
        with pytest.raises(MachineError, match=message):
            need(module, "this")

    @pytest.mark.parametrize("device", ["cuda", "mps"])
    def test_a_device_that_is_not_there(self, device: str) -> None:
        is_there = getattr(torch, device).is_available() if device == "cuda" else False
        if is_there or (device == "mps" and torch.backends.mps.is_available()):
            assert torch_device(MachineConfig(device=device)).type == device
            return
        with pytest.raises(MachineError, match=rf'machine.device is "{device}", which PyTorch'):
            torch_device(MachineConfig(device=device))


@pytest.mark.parametrize(
    ("precision", "name"), [("fp32", "float32"), ("bf16", "bfloat16"), ("fp16", "float16")]
)
def test_types(precision: str, name: str) -> None:
    assert torch_dtype(MachineConfig(precision=precision)) is getattr(torch, name)


class SmallGpu:
    """Doubles numbers, as long as no more than ``room`` come at once."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.batches: list[int] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(len(items))
        if len(items) > self.room:
            raise torch.OutOfMemoryError("tried to allocate more than there is")
        return [2 * item for item in items]


class TestBatches:
    def test_all_items_in_order(self) -> None:
        gpu = SmallGpu(4)
        assert in_batches(gpu, range(10), 4, logging.info) == [2 * item for item in range(10)]
        assert gpu.batches == [4, 4, 2]

    def test_a_batch_that_does_not_fit_is_halved_and_said(self) -> None:
        gpu, said = SmallGpu(3), []
        assert in_batches(gpu, range(7), 8, said.append) == [2 * item for item in range(7)]
        assert gpu.batches == [7, 4, 2, 2, 2, 1]
        assert len(said) == 2
        assert said[1].endswith("batches of 2")

    def test_not_even_one_fits(self) -> None:
        message = "memory does not hold a single item; use smaller weights or input, or set"
        with pytest.raises(MachineError, match=message):
            in_batches(SmallGpu(0), range(2), 2, logging.info)
