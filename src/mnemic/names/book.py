"""The entities found in one fact, gathered by key."""

from __future__ import annotations

from dataclasses import dataclass, field

from mnemic.names.keys import key, same_person
from mnemic.types import EntityKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """Somebody or something that a fact names."""

    name: str
    """As the fact writes it, byte for byte; `user` and `assistant` for the two who talk."""
    kind: EntityKind
    """`thing` is also what is known to be a name and nothing more."""
    aliases: tuple[str, ...] = ()
    """What the fact says it is also called: "my wife", "Bob"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A relation that a fact states between two of its mentions, each by its name."""

    subject: str
    predicate: str
    object: str


@dataclass(slots=True)
class _Entry:
    name: str
    kind: EntityKind
    settled: bool
    """The kind was stated, so that no guess changes it."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Key to alias."""


@dataclass(slots=True)
class Book:
    """The entities of one fact, by key; a name and its aliases are one entry."""

    entries: dict[str, _Entry] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """Key of a name or alias to the key of its entry."""

    def add(self, name: str, kind: EntityKind, *, settled: bool = False) -> str:
        """The entry of this name, made or made more exact; returns its key."""
        found = key(name)
        found = self.keys.setdefault(found, found)
        entry = self.entries.setdefault(found, _Entry(name, kind, settled))
        if entry.kind == "thing" and not entry.settled:
            entry.kind = kind
        return found

    def alias(self, name: str, kind: EntityKind, alias: str) -> None:
        """`alias` is another name of `name`, unless it already means another."""
        main, other = self.add(name, kind), key(alias)
        if self.keys.setdefault(other, main) == main and other != main:
            self.entries[main].aliases.setdefault(other, alias)

    def knows(self, name: str) -> bool:
        """Whether it is a name or alias of an entry."""
        return key(name) in self.keys

    def kind_of(self, name: str) -> EntityKind | None:
        """What the entry of this name is; None for no entry."""
        entry = self.entries.get(self.keys.get(key(name), ""))
        return entry.kind if entry else None

    def name_of(self, name: str) -> str:
        """The main name of the entry that `name` means; itself where there is none."""
        entry = self.entries.get(self.keys.get(key(name), ""))
        return entry.name if entry else name

    def join_given_names(self) -> None:
        """Where one full name stands in the fact, its given name alone means the same person."""
        people = [found for found, entry in self.entries.items() if entry.kind == "person"][:_MOST]
        for short in people:
            full = [each for each in people if each != short and len(each) > len(short) and same_person(short, each)]
            if len(full) == 1 and short in self.entries and full[0] in self.entries:
                entry = self.entries.pop(short)
                self.entries[full[0]].aliases |= {short: entry.name} | entry.aliases
                self.keys |= dict.fromkeys([short, *entry.aliases], full[0])

    def mentions(self) -> tuple[Mention, ...]:
        """The entries, in the order they were found."""
        return tuple(
            Mention(name=entry.name, kind=entry.kind, aliases=tuple(entry.aliases.values()))
            for entry in list(self.entries.values())[:_MOST]
        )


_MOST = 50


"""Entities of one fact: a list of more is no statement about any of them."""


def kind_of_speaker(name: str) -> EntityKind:
    """What a speaker is, of whom `name` is the name."""
    return "user" if name == "user" else "assistant" if name == "assistant" else "person"
