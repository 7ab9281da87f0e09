"""A cross-encoder on this machine, by name or from a folder, run by `fastembed`.

Fastembed runs on the same onnxruntime as the bundled embedder and needs no torch. A model by name is
downloaded once, into the user's cache directory; a folder needs no network at all.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from mnemic.errors import InvalidConfig, MissingDependency, ModelError
from mnemic.rerankers import logistic
from mnemic.text import scalar

_NETWORKS = ("onnx/model.onnx", "model.onnx", "onnx/model_int8.onnx", "onnx/model_quantized.onnx")
"""Where the network may lie in a folder, as such models are published."""

_BESIDE = ("tokenizer.json", "tokenizer_config.json")

_BATCH = 8
"""Texts at a time: a batch is as wide as its longest text, and its memory grows with both."""

_AGAIN = 60.0
"""Seconds until a model that could not be loaded is tried again: without a network that takes its time."""


class CrossEncoderReranker:
    """A cross-encoder: `BAAI/bge-reranker-v2-m3-int8`, or a folder with `model.onnx` and its tokenizer.

    The model is loaded with the first question and stays in memory until `close`. A question that gets
    no answer within `timeout` seconds fails, as the first ones do while the model is downloaded; the
    download goes on. Questions wait for each other.

    Raises:
        InvalidConfig: there is no such folder, or it is no model's.
        MissingDependency: `fastembed` is not installed.
    """

    def __init__(self, model: str, *, threads: int = 1, timeout: float = 30.0) -> None:
        folder = Path(model).expanduser()
        self._folder = folder if folder.is_dir() else None
        if self._folder is None and model.count("/") != 1:
            raise InvalidConfig(
                f"a cross-encoder is a folder or a name such as 'BAAI/bge-reranker-base', not {model!r}"
            )
        self._network = None if self._folder is None else _network(self._folder)
        if importlib.util.find_spec("fastembed") is None:
            raise MissingDependency(
                'a cross-encoder needs fastembed; run: pip install "mnemic[cross-encoder]"', name="fastembed"
            )
        self._model = model
        self._threads = threads
        self._timeout = timeout
        self._encoder: Any = None
        self._failed: tuple[float, str] | None = None
        self._worker = _worker()

    @property
    def name(self) -> str:
        """`cross-encoder:` and the model's name, or its folder's."""
        return f"cross-encoder:{self._model if self._folder is None else self._folder.resolve().name}"

    async def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """How far each text answers the question, in [0, 1]: the model's logit through a logistic.

        Raises:
            ModelError: the model could not be loaded or run, or took too long.
        """
        if not texts:
            return []
        loading = self._encoder is None
        worker = self._worker
        asked = worker.submit(self._scores, scalar(question), [scalar(each) for each in texts])
        try:
            return await asyncio.wait_for(asyncio.wrap_future(asked), self._timeout)
        except TimeoutError as exc:
            why = "is still being loaded" if loading else f"gave no answer within {self._timeout:g} s"
            raise ModelError(f"{self.name} {why}; a smaller model is quicker") from exc
        except asyncio.CancelledError:
            if not asked.cancelled() or self._worker is worker:
                raise
            raise ModelError(f"{self.name} was closed before it answered") from None

    async def close(self) -> None:
        """Let go of the model; questions that wait get no answer. It may still be used: it is loaded again."""
        self._encoder = None
        former, self._worker = self._worker, _worker()
        former.shutdown(wait=False, cancel_futures=True)

    def _scores(self, question: str, texts: Sequence[str]) -> list[float]:
        encoder = self._encoder
        if encoder is None:
            encoder = self._encoder = self._loaded()
        try:
            logits = [float(each) for each in encoder.rerank(question, texts, batch_size=_BATCH)]
        except Exception as exc:  # errors of onnxruntime and of the tokenizer have no other base in common
            raise ModelError(f"{self.name} cannot score texts: {str(exc)[:200]}") from exc
        if len(logits) != len(texts) or any(map(math.isnan, logits)):
            raise ModelError(f"{self.name} answered with something that is no score for each text")
        return [logistic(each) for each in logits]

    def _loaded(self) -> Any:
        if self._failed is not None and time.monotonic() - self._failed[0] < _AGAIN:
            raise ModelError(self._failed[1])
        try:
            return self._load()
        except Exception as exc:  # as above, and what becomes of a missing network
            self._failed = time.monotonic(), f"{self.name} cannot be loaded: {str(exc)[:200]}"
            raise ModelError(self._failed[1]) from exc

    def _load(self) -> Any:
        encoder = importlib.import_module("fastembed.rerank.cross_encoder").TextCrossEncoder
        if self._folder is None:
            cache = user_cache_path("mnemic", appauthor=False) / "models"
            return encoder(self._model, cache_dir=str(cache), threads=self._threads)
        from fastembed.common.model_description import ModelSource

        # The library opens a folder only under a name that it knows.
        path = str(self._folder.resolve())
        known = f"{path}:{self._network}"
        if all(each["model"].lower() != known.lower() for each in encoder.list_supported_models()):
            encoder.add_custom_model(known, sources=ModelSource(hf=path), model_file=self._network)
        return encoder(known, specific_model_path=path, threads=self._threads)


def _worker() -> ThreadPoolExecutor:
    """One thread, started with the first question."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="mnemic-reranker")


def _network(folder: Path) -> str:
    """The file of the network in a model's folder."""
    found = next((name for name in _NETWORKS if (folder / name).is_file()), None)
    missing = [name for name in _BESIDE if not (folder / name).is_file()]
    if found is None or missing:
        lacks = " and ".join(([] if found else ["model.onnx"]) + missing)
        raise InvalidConfig(f"{str(folder)!r} is no folder of a cross-encoder in ONNX format: it lacks {lacks}")
    return found
