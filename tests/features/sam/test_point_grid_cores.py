import threading

import pytest
import torch

from features.sam.point_grid import on_all_cores

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("n_items", [0, 1, 2, 5])
def test_results_are_in_order_and_in_inference_mode(n_items):
    def work(item):
        assert torch.is_inference_mode_enabled()
        return 2 * item

    assert on_all_cores(work, list(range(n_items)), CPU) == [2 * i for i in range(n_items)]


def test_each_thread_works_alone():
    together = threading.Barrier(2, timeout=300)

    def work(_):
        together.wait()
        return torch.get_num_threads()

    assert on_all_cores(work, [1, 2], CPU) == [1, 1]
    assert torch.get_num_threads() == 2


def test_a_gpu_gets_its_work_from_one_thread():
    names = on_all_cores(lambda _: threading.current_thread().name, [1, 2], torch.device("cuda"))
    assert set(names) == {threading.current_thread().name}


def test_threads_are_given_back_after_a_failure():
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        on_all_cores(lambda item: 1 / item, [1, 0], CPU)
    assert torch.get_num_threads() == 2
