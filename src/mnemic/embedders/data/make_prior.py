"""Recompute prior_*.npz and print the calibrations that bundled.py holds.

Run it when a model, a prefix or prior.json changes: python -m mnemic.embedders.data.make_prior
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnemic.embedders.bundled import BundledEmbedder, Model, bundled

HERE = Path(__file__).parent
MODELS: tuple[Model, ...] = ("e5", "use")


async def main() -> None:
    """Write the means and print the cosines of both models."""
    texts = json.loads((HERE / "prior.json").read_text(encoding="utf-8"))
    for model in MODELS:
        embedder = bundled(model)
        means = {
            f"{side}_{role}": (await embedder.embed(sentences, role=role)).mean(axis=0)
            for side, sentences in texts["neutral"].items()
            for role in ("query", "passage")
        }
        np.savez(HERE / f"prior_{model}.npz", **means)
        unrelated, related = [], []
        for side, pairs in texts["pairs"].items():
            cosines = await _cosines(embedder, pairs, means[f"{side}_passage"])
            unrelated.append(cosines[~np.eye(len(pairs), dtype=bool)])
            related.append(np.diag(cosines))
            print(model, side, _describe(unrelated[-1], related[-1]))
        print(model, "all", _describe(np.concatenate(unrelated), np.concatenate(related)))


async def _cosines(embedder: BundledEmbedder, pairs: list[list[str]], mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Centred cosine of each question with each answer, both less the mean passage."""
    questions = await embedder.embed([question for question, _ in pairs], role="query") - mean
    answers = await embedder.embed([answer for _, answer in pairs], role="passage") - mean
    questions /= np.linalg.norm(questions, axis=1, keepdims=True)
    answers /= np.linalg.norm(answers, axis=1, keepdims=True)
    return questions @ answers.T


def _describe(unrelated: NDArray[np.float32], related: NDArray[np.float32]) -> str:
    return (
        f"unrelated {unrelated.mean():.3f} ± {unrelated.std():.3f} related {related.mean():.3f} ± {related.std():.3f}"
    )


if __name__ == "__main__":
    asyncio.run(main())
