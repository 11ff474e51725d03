"""Benchmark of the method: data sets, few-shot protocol, metrics, reports."""

from engine.benchmark.comparison import compare
from engine.benchmark.datasets import Category, DatasetError, find_categories
from engine.benchmark.html_report import write_page
from engine.benchmark.protocol import SEEDS, SHOTS, Perturbation, pick_references
from engine.benchmark.results import BenchResult, read_result, write_result
from engine.benchmark.runner import run_bench
from engine.benchmark.text_report import tables_text

__all__ = [
    "SEEDS",
    "SHOTS",
    "BenchResult",
    "Category",
    "DatasetError",
    "Perturbation",
    "compare",
    "find_categories",
    "pick_references",
    "read_result",
    "run_bench",
    "tables_text",
    "write_page",
    "write_result",
]
