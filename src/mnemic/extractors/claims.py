"""What a grammar of one language answers about a sentence; `rules.py` makes facts of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from mnemic.types import Kind

About = Literal["speaker", "person", "pronoun", "topic"]
"""Who a claim is about: who speaks, a named or related third person, somebody only pointed at
("she"), or something else."""

# How sure the rules are. Few levels, so that a threshold means something.
SURE = 0.9
"""A plain statement about the speaker that a rule knows by its attribute."""
CLEAR = 0.75
"""A plain statement whose subject the sentence names."""
LIKELY = 0.5
"""The subject is left out or pointed at, or the statement is hedged or reported."""
FAINT = 0.3
"""A language without a grammar here, or words that may be meant in jest."""


IDENTITY = frozenset({"name", "age", "birthday", "email", "phone"})
"""Attributes whose statement is a fact even when it names a date."""


TASTES = frozenset({"likes", "dislikes", "hobby", "plan", "place_visited"})
"""Attributes that stand beside each other: one sentence that tells two of them is one fact."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A statement worth remembering."""

    about: About
    subject: str | None = None
    """The words for the third person; None for the other kinds of `about`."""
    kind: Kind = "fact"
    attribute: str | None = None
    object: str | None = None
    """The value of the attribute, a stretch of the sentence."""
    ends: bool = False
    """It says that something stopped being so; `object` is then what did."""
    corrects: str | None = None
    """It puts right what was said before: the wrong words, or nothing when it does not name them."""
    confidence: float = CLEAR
    more: tuple[tuple[int, int, Claim], ...] = ()
    """Stretches of the sentence that state another attribute of the speaker, each with its claim."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a clause says of its subject: a value that holds now, or (`ends`) one that no longer does."""

    attribute: str | None
    object: str | None
    ends: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A pattern that makes a reading of a clause, and the words without which it need not be tried."""

    attribute: str | None
    source: str
    keys: frozenset[str]
    """One of them, in small letters, is in every clause the pattern fits; empty when there is no such list."""
    ends: bool = False
    job: bool = False
    """It holds only in a sentence about a change of work."""
    flags: re.RegexFlag = re.IGNORECASE

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when a clause is first tried with it: most messages need few of hundreds."""
        return re.compile(self.source, self.flags)


def by_key(rules: Sequence[Rule]) -> dict[str, tuple[int, ...]]:
    """Which of the rules a key tells to try, by their places; under "" are those that any clause may fit."""
    found: dict[str, list[int]] = {"": []}
    for place, rule in enumerate(rules):
        for key in rule.keys or ("",):
            found.setdefault(key, []).append(place)
    return {key: tuple(places) for key, places in found.items()}


class Grammar(Protocol):
    """The rules of one language; a module of functions is one."""

    def lead_in(self, text: str) -> int:
        """Length of the fillers that open `text` ("Well, ", "對了，")."""

    def small_talk(self, text: str) -> str | None:
        """Reason to refuse `text` when the whole of it is greeting, thanks, farewell or small talk."""

    def asks(self, text: str) -> str | None:
        """`question` or `request` when `text` asks or orders something, in whole or in part."""

    def beside_the_ask(self, text: str) -> list[tuple[int, int]]:
        """Stretches of an asking `text` that may state something, likeliest first."""

    def idle(self, text: str) -> str | None:
        """`hypothetical` or `small_talk` when `text` only plays with a thought, or tells a passing mood."""

    def claim(self, text: str) -> Claim | None:
        """What `text`, which asks nothing, states; None when that is nothing lasting."""

    def correction(self, text: str) -> Claim | None:
        """What `text` puts right ("No, I meant Thursday, not Tuesday"); None when it is no correction."""

    def owns_mistake(self, text: str) -> bool:
        """Whether the whole of `text` says that what came before was wrong ("Sorry, I misspoke.")."""

    def promise(self, text: str) -> Claim | None:
        """What an assistant that says `text` tells about itself, promises or recommends."""

    def echoes(self, text: str) -> bool:
        """Whether an assistant that says `text` only says again what it was told."""

    def takes_back(self, text: str) -> bool:
        """Whether `text` marks what was said just before as not meant."""
