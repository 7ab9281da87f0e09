"""What a memory has to beat: keywords alone, vectors alone. Neither uses any of Mnemic's ranking."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import Stemmer
from cases import Case, Message

from mnemic import text
from mnemic.protocols import Embedder

Ranking = list[tuple[Message, float]]

# Okapi BM25 with the values that most libraries start from.
_K1 = 1.5
_B = 0.75

_RUN = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+")
_STOP = frozenset(
    "a an the of to in on at for from by with and or is are was were be been being do does did has have had what which "
    "who whom whose when where why how that this these those it its as about into their there he she they them his her "
    "i you your my me we our would could should can will not".split()
)


def terms(said: str, *, stem: bool = True, stop: bool = True) -> list[str]:
    """Words in small letters, English ones stemmed; a run of Chinese as its characters and pairs of them."""
    found, stemmer = [], Stemmer.Stemmer("english")
    for run in _RUN.findall(said.lower()):
        if "\u3400" <= run[0] <= "\u9fff":
            found += [*run, *(run[place : place + 2] for place in range(len(run) - 1))]
        elif not (stop and run in _STOP):
            found.append(stemmer.stemWord(run) if stem else run)
    return found


class BM25:
    """Okapi BM25 over a case's messages, each with so many turns of its session on each side."""

    def __init__(self, case: Case, *, window: int = 0, stem: bool = True, stop: bool = True) -> None:
        self._messages = case.messages
        self._options = {"stem": stem, "stop": stop}
        counts = [Counter(terms(each, **self._options)) for each in _with_neighbours(case, window)]
        lengths = [sum(count.values()) for count in counts]
        average = sum(lengths) / len(lengths)
        self._norms = [_K1 * (1 - _B + _B * length / average) for length in lengths]
        self._rows: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row, count in enumerate(counts):
            for term, often in count.items():
                self._rows[term].append((row, often))

    def search(self, question: str, depth: int) -> Ranking:
        """The best `depth` messages that share a word with the question; the earlier first where equal."""
        scores: dict[int, float] = defaultdict(float)
        for term in dict.fromkeys(terms(question, **self._options)):
            rows = self._rows.get(term, [])
            rarity = math.log1p((len(self._messages) - len(rows) + 0.5) / (len(rows) + 0.5))
            for row, often in rows:
                scores[row] += rarity * often * (_K1 + 1) / (often + self._norms[row])
        best = sorted(scores, key=lambda row: (-scores[row], row))[:depth]
        return [(self._messages[row], scores[row]) for row in best]


def _with_neighbours(case: Case, window: int) -> list[str]:
    texts = []
    for turns in case.sessions().values():
        said = [each.said for each in turns]
        texts += [
            (id(each), " ".join(said[max(0, place - window) : place + window + 1])) for place, each in enumerate(turns)
        ]
    joined = dict(texts)
    return [joined[id(each)] for each in case.messages]


def whole_sessions(case: Case) -> Case:
    """The case with each session as one long message."""
    sessions = case.sessions().values()
    return replace(
        case,
        messages=tuple(replace(said[0], text="\n".join(each.said for each in said), name=None) for said in sessions),
    )


class Vectors:
    """Cosine of the question and each message, just as the embedder gives them."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def read(self, case: Case) -> Vectors:
        """Embed a case's messages; a long one by its windows."""
        pieces = [text.windows(each.said, self._embedder.max_chars) for each in case.messages]
        self._messages = case.messages
        self._owners = np.repeat(np.arange(len(pieces)), [len(each) for each in pieces])
        self._vectors = await self._embedder.embed([piece for each in pieces for piece in each], role="passage")
        return self

    async def search(self, question: str, depth: int) -> Ranking:
        """The nearest `depth` messages, by their nearest window."""
        asked = (await self._embedder.embed(text.windows(question, self._embedder.max_chars)[:1], role="query"))[0]
        near = np.full(len(self._messages), -np.inf)
        np.maximum.at(near, self._owners, self._vectors @ asked)
        return [(self._messages[row], float(near[row])) for row in np.argsort(-near, kind="stable")[:depth]]


def everything(case: Case) -> str:
    """The whole case as a reader without a memory would get it."""
    return "\n\n".join(
        f"[{turns[0].at:%Y-%m-%d}]\n{_lines(turns)}" if turns[0].at else _lines(turns)
        for turns in case.sessions().values()
    )


def _lines(turns: Sequence[Message]) -> str:
    return "\n".join(f"{each.name or each.role}: {each.text}" for each in turns)
