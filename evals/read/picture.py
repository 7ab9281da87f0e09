"""The ablation, and recall against tokens, as one PNG a run.

python evals/read/picture.py results/….json [more.json …]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

mpl.use("agg")
from matplotlib import pyplot as plt

_OURS = "#1b6ca8"
_OTHERS = ("#8a8a8a", "#c98b2b", "#6a9955", "#a05195")


def draw(file: Path) -> Path:
    """Draw a run's results beside its file."""
    found = json.loads(file.read_text(encoding="utf-8"))
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    _bars(left, found)
    _curves(right, found)
    about = (found["dataset"], found["settings"]["embedder"], found["date"][:10], found["commit"])
    figure.suptitle(", ".join(filter(None, about)))
    target = file.with_suffix(".png")
    figure.savefig(target, dpi=130)
    plt.close(figure)
    return target


def _bars(axes: Axes, found: Mapping[str, Any]) -> None:
    """Recall@10 of all arms, of all but one, and of the baselines."""
    rows = found["rows"]
    names = list(rows)[::-1]
    values = [100 * rows[name]["all"]["R@10"] for name in names]
    colours = [_OURS if name == "mnemic" else "#9cc3e0" if name.startswith(" ") else _OTHERS[0] for name in names]
    axes.barh([name.strip() for name in names], values, color=colours)
    for place, value in enumerate(values):
        axes.text(value, place, f" {value:.1f}", va="center", fontsize=8)
    axes.set_xlim(0, 110)
    axes.set_xlabel("recall@10, per cent")
    axes.spines[["top", "right"]].set_visible(False)


def _curves(axes: Axes, found: Mapping[str, Any]) -> None:
    """Mean recall against mean tokens as more memories are handed over; a variant of ours is left out."""
    others = iter(_OTHERS)
    for name, row in found["rows"].items():
        if name.startswith(" "):
            continue
        tokens, recall = zip(*row["curve"], strict=True)
        colour = _OURS if name == "mnemic" else next(others)
        axes.plot(tokens, [100 * each for each in recall], label=name, color=colour, marker=".", markersize=4)
    axes.axvline(found["full context"]["tokens"], color="#444444", linestyle=":", label="full context")
    axes.set_xscale("log")
    axes.set_ylim(0, 101)
    axes.set_xlabel("tokens handed over (mean, log scale)")
    axes.set_ylabel("recall, per cent")
    axes.legend(fontsize=8, loc="best")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(draw(Path(name)))
