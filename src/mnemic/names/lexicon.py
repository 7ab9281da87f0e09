"""The words of `names.toml`, read once."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from mnemic.types import EntityKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """What somebody is to somebody: all words for it share its key."""

    key: str
    predicate: str | None
    kind: EntityKind
    holders: Literal["one", "few", "many"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lexicon:
    """The words, in the shapes they are looked up in."""

    roles: Mapping[str, Role]
    """Word for a role, folded, to the role."""
    by_key: Mapping[str, Role]
    attributes: Mapping[str, EntityKind]
    """Attribute to the kind of its value."""
    several: frozenset[str]
    ordinary: frozenset[str]
    peoples: frozenset[str]
    titles: frozenset[str]
    organisation_ends: frozenset[str]
    place_ends: frozenset[str]
    generic_zh: frozenset[str]
    not_in_names_zh: frozenset[str]
    not_people_zh: frozenset[str]
    surnames: str
    all_surnames: frozenset[str]
    given: str
    short_given: str
    titles_zh: str
    places_en: frozenset[str]
    places_zh: tuple[str, ...]
    role_heads: frozenset[str]
    """Last words of the English roles, one and many of them."""
    en_roles: str
    zh_roles: str


@functools.cache
def lexicon() -> Lexicon:
    """The words of `names.toml`."""
    raw = tomllib.loads(resources.files("mnemic").joinpath("names.toml").read_text(encoding="utf-8"))
    words = raw["words"]
    roles: dict[str, Role] = {}
    english: list[str] = []
    chinese: list[str] = []
    for name, entry in raw["roles"].items():
        role = Role(
            key=name,
            predicate=entry.get("predicate"),
            kind=entry.get("kind", "person"),
            holders=entry.get("holders", "one"),
        )
        english += entry["en"].split("|")
        chinese += entry["zh"].split()
        roles |= dict.fromkeys([name, *filter(None, entry["en"].split("|")), *entry["zh"].split()], role)
    kinds: tuple[EntityKind, ...] = ("organisation", "place", "person", "thing")
    attributes = {attribute: kind for kind in kinds for attribute in raw["attributes"][kind].split()}
    return Lexicon(
        roles=roles,
        by_key={role.key: role for role in roles.values()},
        attributes=attributes,
        several=frozenset(raw["attributes"]["several"].split()),
        ordinary=frozenset(words["ordinary"].split()),
        peoples=frozenset(words["peoples"].split()),
        titles=frozenset(words["titles"].split()),
        organisation_ends=frozenset(words["organisation_ends"].split()),
        place_ends=frozenset(words["place_ends"].split()),
        generic_zh=frozenset(words["generic_zh"].split()),
        not_in_names_zh=frozenset(words["not_in_names_zh"]),
        not_people_zh=frozenset(words["not_people_zh"].split()),
        surnames=words["surnames"],
        all_surnames=frozenset(words["surnames"] + words["surnames_ambiguous"]),
        given="".join(words["given"].split()),
        short_given=words["short_given"],
        titles_zh=alternatives(words["titles_zh"].split()),
        places_en=frozenset(place for line in words["places_en"].split("\n") for place in line.split("|") if place),
        places_zh=tuple(words["places_zh"].split()),
        role_heads=frozenset(head + end for each in english if each for head in each.split()[-1:] for end in ("", "s")),
        en_roles=alternatives(filter(None, english)),
        zh_roles=alternatives(chinese),
    )


def alternatives(words: Iterable[str]) -> str:
    """A pattern of the words, longest first, so that "best friend" is not read as "best"."""
    return "|".join(re.escape(word) for word in sorted(set(words), key=lambda word: (-len(word), word)))
