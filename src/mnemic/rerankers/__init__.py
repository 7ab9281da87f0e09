"""Rerankers: a cross-encoder on this machine, a model behind a `/rerank` address, a language model as judge."""

import math


def logistic(logit: float) -> float:
    """A logit as a probability. Beyond 700 an exponential would overflow.

    >>> logistic(0.0), logistic(-1e9) < 1e-300
    (0.5, True)
    """
    return 1 / (1 + math.exp(-max(min(logit, 700.0), -700.0)))
