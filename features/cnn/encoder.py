"""Runtimes of the convolutional network: ONNX Runtime, or OpenCV where that cannot be imported.

ONNX Runtime (a wheel of 28 MB) needs 0.4 of the time of OpenCV, which is here anyway and runs on
machines that have no wheel of the former. OpenVINO is a tenth quicker still, which is not worth a
third way. Both give the same maps up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
from jaxtyping import Float32

from features.cnn.checkpoint import read_tensors
from features.cnn.network import INPUT, MEAN, network_of, onnx_of, output_name, stride_px
from features.device import MachineConfig
from features.images import AnyImage

Planes = Float32[np.ndarray, "1 _ _ _"]
Map = Float32[np.ndarray, "_ _ _"]
Run = Callable[[Planes], Sequence[Planes]]


class CnnEncoder:
    """A loaded network: the maps of some of its stages, for images of any suitable size.

    Raises:
        WeightsError: The file does not hold the weights of an EfficientNet-Lite.
        MachineError: The number of threads cannot be told.
    """

    def __init__(self, path: Path, stages: Sequence[int], machine: MachineConfig) -> None:
        self.multiple_px = max(map(stride_px, stages))
        self._names = [output_name(stage) for stage in stages]
        model = onnx_of(network_of(read_tensors(path), max(stages)), stages)
        make = run_with_onnxruntime if _has_onnxruntime() else run_with_opencv
        self._run = make(model, self._names, machine.cores)

    def __call__(self, image: AnyImage) -> dict[str, Map]:
        """Describe an RGB image whose sides are multiples of ``multiple_px``, stage by stage."""
        assert not any(side % self.multiple_px for side in image.shape[:2]), image.shape
        planes = cv2.dnn.blobFromImage(image, mean=MEAN)
        found = self._run(planes)
        # a copy: the runtime may use its memory again
        maps = [np.array(np.moveaxis(each[0], 0, -1), order="C") for each in found]
        return dict(zip(self._names, maps, strict=True))


def _has_onnxruntime() -> bool:
    try:
        import onnxruntime  # noqa: F401
    except ImportError:  # not installed, or not for this machine
        return False
    return True


def run_with_onnxruntime(model: bytes, names: Sequence[str], n_threads: int) -> Run:
    """Make the function that runs an ONNX model, and gives the outputs of these names."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda planes: session.run(names, {INPUT: planes})


def run_with_opencv(model: bytes, names: Sequence[str], n_threads: int) -> Run:
    """Do the same with OpenCV, which uses as many threads as it was told, or fewer."""
    network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    lock = Lock()

    def run(planes: Planes) -> Sequence[Planes]:
        with lock, _at_most(n_threads):  # a network of OpenCV runs one image at a time
            network.setInput(planes)
            found: Sequence[Planes] = network.forward(names)
            return found

    return run


@contextmanager
def _at_most(n_threads: int) -> Iterator[None]:
    """Let OpenCV, whose number of threads is one for all it does, use no more than these."""
    before = cv2.getNumThreads()
    if before <= n_threads:
        yield
        return
    cv2.setNumThreads(n_threads)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
