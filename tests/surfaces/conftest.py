"""What the tests of the write path share."""

import pytest

from mnemic import Memory


@pytest.fixture
def rules(tmp_path):
    """A memory as it comes, in a file: the bundled embedder, facts by rules; nothing happens in the background."""
    with Memory(tmp_path / "rules.db", background=False) as memory:
        yield memory
