"""What is taken from the folders beside this one, whose scripts are not a package."""

import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
sys.path += [str(_ROOT / "bench"), str(_ROOT / "evals" / "write")]

from cache import CachedEmbedder  # noqa: E402 - found by the line above
from wilson import Share  # noqa: E402 - likewise

__all__ = ["CachedEmbedder", "Share"]
