"""The form under which a name is looked up: "my wife" and 我老婆 are one key, for they are one role."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from mnemic.names.lexicon import lexicon
from mnemic.text import bounded, plain

USER = "@user"
ASSISTANT = "@assistant"


"""The keys of the two who talk."""


def key(name: str) -> str:
    """The form under which a name is looked up: equal for ways to write one name, or one role.

    >>> key("Dana  Weiss"), key("my wife"), key("我老婆"), key("my sister's husband"), key("我")
    ('dana weiss', '@wife', '@wife', '@sister@husband', '@user')
    """
    return bounded(_key(name) if len(name) <= _SHORT else _key.__wrapped__(name[:LOOK]))


_SHORT = 100


"""Longest name whose key is remembered, so that what is remembered stays small."""


@functools.lru_cache(maxsize=4096)
def _key(name: str) -> str:
    folded = " ".join(plain(name).replace("’", "'").split()).strip(EDGES).removeprefix("@")
    return _role_key(folded) or folded


def subject_key(subject: str, aliases: Mapping[str, str]) -> str:
    """Key of the entity that `subject` means. `aliases`: key of a name to the key of its entity.

    The owner in "my wife's sister" is looked up too, so that it equals "Dana's sister".
    """
    found = key(subject)
    if found in aliases:
        return aliases[found]
    owner, mark, role = found.rpartition("@")
    return aliases.get(owner, owner) + mark + role if owner else found


def same_person(one: str, other: str) -> bool:
    """Whether two names may be one person's: equal, or one is the given name of the other.

    "Dana" and "Dana Weiss", "小明" and "王小明". A candidate only: the caller makes sure that no
    second person in the scope fits as well.
    """
    first, second = sorted((key(one), key(other)), key=len)
    if first == second:
        return bool(first)
    if not first or "@" in first or "@" in second:
        return False
    if _HAN_NAME.fullmatch(second):
        return len(first) == 2 and len(second) == 3 and second.endswith(first) and second[0] in lexicon().all_surnames
    few, many = _given_names(first), _given_names(second)
    if not few or not many:
        return False
    if len(few) == 1:
        return len(many) > 1 and few == many[:1] and len(few[0]) > 1
    return len(few) < len(many) and (few[0], few[-1]) == (many[0], many[-1])


def _given_names(folded: str) -> list[str]:
    return [] if HAN.search(folded) else folded.split()


LOOK = 4_000


"""Characters of a text that are read: a fact is a sentence or two, a note may be a book."""
EDGES = " \"'“”‘’「」『』《》〈〉().,;:!?…。，、；：！？·"
HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_NAME = re.compile(r"[\u3400-\u9fff]{2,4}")
_SELF = frozenset(
    "user|the user|i|me|my|myself|we|our|我|我們|我们|咱|咱們|咱们|俺|本人|我自己|自己|用戶|用户|使用者".split("|")
)
_THE_ASSISTANT = frozenset("assistant|the assistant|ai|助手|ai助手|ai 助手".split("|"))
# "my new boss" is the boss; "my old boss", "my ex-wife", "my second wife" are somebody else.
_KIND_WORDS = r"(?:(?:new|current|dear|lovely|beautiful|beloved|late|amazing|wonderful|own|sweet|poor) ){0,2}"
_OWNED = re.compile(rf"(?:my|our) {_KIND_WORDS}(?P<what>.+)")
_OWNED_ZH = re.compile(r"(?:我們|我们|咱們|咱们|我|咱|俺)(?:家|家裡|家里)?(?P<what>[\u3400-\u9fff]+)")
_OF = re.compile(r"'s |s' |的|@")


def _role_key(folded: str) -> str | None:
    """Key of a name that is a role of somebody ("my wife", "小明的太太"), of the user or the assistant."""
    if folded in _SELF:
        return USER
    if folded in _THE_ASSISTANT:
        return ASSISTANT
    owner, *rest = _OF.split(folded)
    roles = lexicon().roles
    if owner in _SELF and rest:
        first = ""
    elif (owned := _OWNED.fullmatch(owner)) or (
        (owned := _OWNED_ZH.fullmatch(owner)) and owned["what"] in roles and owner not in roles
    ):
        first = "@" + _role(owned["what"])
    elif owner in roles:
        first = "@" + roles[owner].key
    else:
        first = owner
    if not rest:
        return first if first.startswith("@") else None
    known = [roles.get(re.sub(rf"\A{_KIND_WORDS}", "", word.strip())) for word in rest]
    if not first and len(rest) == 1 and rest[0].strip():
        return "@" + _role(rest[0].strip())
    if not all(known):
        return None
    return first + "".join("@" + role.key for role in known if role)


def _role(word: str) -> str:
    role = lexicon().roles.get(word)
    return role.key if role else word
