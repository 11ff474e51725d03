"""The tree is as a newcomer expects it: few modules, short ones, each test beside its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ui", "engine", "alignment", "features")

MAX_MODULES = 345
MAX_IN_A_FOLDER = 24  # with __init__ and __main__
MAX_LINES = 400
MEDIAN_LINES = (100, 180)

# tests that belong to no single module, and why
EXCEPTIONS: dict[str, str] = {}


def modules() -> list[Path]:
    """All modules of the packages, relative to the root."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(path.relative_to(ROOT) for path in found)


def find_tests() -> list[Path]:
    """All tests of the packages, relative to the folder of tests."""
    folder = ROOT / "tests"
    found = (path for package in PACKAGES for path in (folder / package).rglob("test_*.py"))
    return sorted(path.relative_to(folder) for path in found)


def n_lines(module: Path) -> int:
    return len((ROOT / module).read_text(encoding="utf-8").splitlines())


def is_about(test: Path, module: Path) -> bool:
    """Whether a test is named after a module of the same folder, or after the folder itself."""
    about = test.stem.removeprefix("test_")
    if module.name == "__init__.py":
        return module.parent == test.parent and about == module.parent.name
    return module.parent == test.parent and f"{about}_".startswith(f"{module.stem}_")


def test_there_are_modules_and_tests() -> None:
    assert {module.parts[0] for module in modules()} == set(PACKAGES)
    assert {test.parts[0] for test in find_tests()} == set(PACKAGES)


@pytest.mark.parametrize("test", find_tests(), ids=str)
def test_each_test_lies_beside_its_module(test: Path) -> None:
    is_found = any(is_about(test, module) for module in modules())
    is_listed = test.as_posix() in EXCEPTIONS
    assert is_found or is_listed, (
        f"tests/{test} is named after no module of {test.parent}/: call it "
        "test_<module>.py or test_<module>_<what>.py, or list it with its reason"
    )
    assert not (is_found and is_listed), f"{test} is no exception; take it off the list"


def test_exceptions_are_there() -> None:
    assert set(EXCEPTIONS) <= {test.as_posix() for test in find_tests()}


@pytest.mark.parametrize(
    ("test", "module", "is_one"),
    [
        ("engine/test_config.py", "engine/config.py", True),
        ("features/test_config_fields_values.py", "features/config_fields.py", True),
        ("engine/test_config_presets.py", "engine/config.py", True),
        ("engine/test_configs.py", "engine/config.py", False),
        ("engine/scores/test_scores.py", "engine/scores/__init__.py", True),
        ("engine/scores/test_scores_sum.py", "engine/scores/__init__.py", False),
        ("engine/test_scores.py", "engine/scores/__init__.py", False),
        ("engine/cli/test_config.py", "engine/config.py", False),
    ],
)
def test_what_a_test_is_about(test: str, module: str, is_one: bool) -> None:
    assert is_about(Path(test), Path(module)) == is_one


def test_no_folder_of_tests_is_a_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_there_are_few_modules() -> None:
    assert len(modules()) <= MAX_MODULES


def test_a_folder_can_be_taken_in_at_a_glance() -> None:
    n_modules = Counter(module.parent for module in modules())
    too_many = {str(folder): n for folder, n in n_modules.items() if n > MAX_IN_A_FOLDER}
    assert not too_many, f"at most {MAX_IN_A_FOLDER} modules a folder, got {too_many}"


def test_a_module_can_be_read_at_a_sitting() -> None:
    too_long = {str(each): n for each in modules() if (n := n_lines(each)) > MAX_LINES}
    assert not too_long, f"at most {MAX_LINES} lines a module, got {too_long}"


def test_modules_are_no_crumbs() -> None:
    low, high = MEDIAN_LINES
    assert low <= median(n_lines(each) for each in modules()) <= high
