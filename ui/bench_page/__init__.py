"""Page Benchmark: measure the method, look at its mistakes, compare runs."""

from ui.bench_page.page import show

__all__ = ["show"]
