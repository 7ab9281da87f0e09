"""Files that bear their name when they are whole and on the disk, and not before."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnemic.errors import InvalidInput, StoreFull, StoreUnwritable


@contextmanager
def unfinished(target: str, *, overwrite: bool) -> Iterator[Path]:
    """A file to write to, which takes its name when all went through, and is gone when it did not.

    Raises:
        InvalidInput: there is such a file, and it is not to be overwritten.
        StoreFull, StoreUnwritable: what the system said while it was written.
    """
    refuse_existing(target, overwrite=overwrite)
    with scratch(target) as copy, explained(target):
        yield copy
        refuse_existing(target, overwrite=overwrite)
        finish(copy, target)


@contextmanager
def scratch(target: str) -> Iterator[Path]:
    """An empty file beside a target, gone in the end unless it took its name. Raises as `unfinished`."""
    with explained(target):
        handle, name = tempfile.mkstemp(
            prefix=f"{Path(target).name}.", suffix=".unfinished", dir=Path(target).parent
        )  # fmt: skip
        os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def finish(copy: Path, target: str) -> None:
    """Give a file its name, once it is on the disk."""
    with explained(target):
        with copy.open("r+b") as file:  # copying does not wait for the disk
            os.fsync(file.fileno())
        copy.replace(target)
        if os.name != "nt":  # a folder cannot be opened there
            at = os.open(Path(target).parent, os.O_RDONLY)
            try:
                os.fsync(at)
            finally:
                os.close(at)


@contextmanager
def explained(target: str) -> Iterator[None]:
    """Turn what the system says of a file that is written into our errors."""
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(f"no space left for {target!r}; free some and repeat") from exc
        raise StoreUnwritable(
            f"{target!r} cannot be written: {exc.strerror or exc}; name a file in another folder"
        ) from exc


def refuse_existing(target: str, *, overwrite: bool) -> None:
    """Raise InvalidInput where nothing can be written, or nothing shall be; StoreUnwritable for no name of a file."""
    with explained(target):  # a name may be too long to ask for
        there = Path(target).exists()
    if there and Path(target).is_dir():
        raise InvalidInput(f"{target!r} is a folder; name a file in it")
    if there and not Path(target).is_file():  # a device or a pipe would be replaced by a file
        raise InvalidInput(f"{target!r} is no ordinary file; name another one")
    if there and not overwrite:
        raise InvalidInput(f"{target!r} is there already; name another file, or allow to overwrite it")
