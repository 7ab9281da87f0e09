"""What the tests of the write path share."""

import pytest

from mnemic import Memory


@pytest.fixture(params=["sqlite", "postgres"])
def address(request):
    """A call gives the address of a store: the file itself, or a database in its place, the same one each time."""
    if request.param == "sqlite":
        return lambda path: path
    made = {}

    def place(path):
        if path == ":memory:":
            return request.getfixturevalue("migrated_database")()
        if path not in made:
            made[path] = request.getfixturevalue("migrated_database")()
        return made[path]

    return place


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def rules(request, tmp_path):
    """A memory as it comes: the bundled embedder, facts by rules; nothing happens in the background."""
    path = tmp_path / "rules.db" if request.param == "sqlite" else request.getfixturevalue("migrated_database")()
    with Memory(path, background=False) as memory:
        yield memory
