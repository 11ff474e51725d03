"""Rendered photographs on disk, and a model fitted on them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.benchmark.scenes import render
