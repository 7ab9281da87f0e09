"""Who and what a fact names, and how they are related."""

from mnemic.names import key


def test_one_role_has_one_key_in_every_language():
    assert {key(each) for each in ("my wife", "我太太", "我老婆", "My Wife", "the user's wife")} == {"@wife"}
