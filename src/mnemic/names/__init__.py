"""Who and what a fact names, and how they are related: entities, their aliases and typed links. Pure.

No model and no dictionary of names: a name is known by how it is written and by the words around it,
in English and in both scripts of Chinese. What is not clearly a name is left out. `names.toml` holds
the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mnemic import slots
from mnemic.names.book import Book, Link, Mention, kind_of_speaker
from mnemic.names.chinese import chinese_ties, clean_chinese, is_sure, patterns_zh
from mnemic.names.english import RUN, START, TOKEN, Tie, english_ties, is_ordinary, names_role, patterns_en
from mnemic.names.keys import ASSISTANT, EDGES, HAN, LOOK, USER, key, same_person, subject_key
from mnemic.names.lexicon import lexicon
from mnemic.names.mentioned import chinese_names, is_called_to, kind_of_name, latin_names, titles
from mnemic.names.nicknames import nicknames
from mnemic.text import plain
from mnemic.types import EntityKind, Fact

__all__ = ["ASSISTANT", "USER", "Link", "Mention", "key", "links", "mentions", "same_person", "subject_key"]


def mentions(fact: Fact, *, speaker: str | None = None, user: str | None = None) -> tuple[Mention, ...]:
    """The people, places, organisations and things that `fact` names, each once.

    `speaker` is the name of who said it, None for the user; `user` the user's own id. "my wife" is an
    alias only where it is clear whose. What stands after the first 4,000 characters is not read.
    """
    book, _ = _read(fact, speaker, user)
    return book.mentions()


def links(fact: Fact, *, speaker: str | None = None, user: str | None = None) -> tuple[Link, ...]:
    """The relations `fact` states as being so: (user, employer, Acme), (Dana, home, Oslo).

    Subjects and objects are names of `mentions(fact, …)`. The predicate is the attribute where the
    fact has one that takes a name, else the relation ("my boss Kim": boss). A fact that says that
    something ended states none.
    """
    book, found = _read(fact, speaker, user)
    if fact.ends:
        return ()
    resolved = (
        Link(subject=book.name_of(each.subject), predicate=each.predicate, object=book.name_of(each.object))
        for each in found
    )
    return tuple(dict.fromkeys(each for each in resolved if each.subject != each.object))


def _read(fact: Fact, speaker: str | None, user: str | None) -> tuple[Book, list[Link]]:
    book = Book()
    found: list[Link] = []
    text = fact.text[:LOOK]
    owner = _owner(fact, text, speaker, user)
    subject = _subject(fact, user)
    for tie in (*english_ties(text), *chinese_ties(text)):
        _enter(tie, book, found, owner)
    _value(fact, text, subject, book, found, owner)
    if subject is not None:
        _holder(fact, text, subject, book, owner)
    named = slots.canonical(fact.attribute) in ("name", "nickname")
    nicknames(text, subject, book, owner, named=named)
    for name, kind in (*latin_names(text, book), *chinese_names(text), *titles(text)):
        if not book.knows(name) or kind != "thing":
            book.add(name, kind)
    _roles_named(text, book, owner)
    book.join_given_names()
    return book, found


def _owner(fact: Fact, text: str, speaker: str | None, user: str | None) -> str | None:
    """Whom "my" in the text belongs to: `user`, `assistant`, a name, or None where that is unclear."""
    if fact.attributed_to == "assistant":
        return "assistant"
    if header := _HEADER.match(text):
        return header["name"] if header["name"] == fact.subject else None
    if speaker is None or _is_user(speaker, user):
        return "user"
    return speaker


def _is_user(name: str, user: str | None) -> bool:
    return key(name) == USER or (user is not None and plain(name) == plain(user))


def _subject(fact: Fact, user: str | None) -> str | None:
    if fact.subject is None or not fact.subject.strip():
        return None
    subject = fact.subject[:LOOK].strip()
    if _is_user(subject, user):
        return "user"
    return "assistant" if key(subject) == ASSISTANT else subject


_HEADER = re.compile(rf"(?P<name>{TOKEN}(?: {TOKEN})?|[\u3400-\u9fff]{{2,4}})\s?[:：]\s?(?=\S)")
_FORMER = re.compile(r"\b(?:ex|former|old|previous|first|second|late|last)\b|前|以前")


def _enter(tie: Tie, book: Book, found: list[Link], speaker: str | None) -> None:
    """What `tie` says of whom: names, aliases and the relation."""
    *through, last = tie.roles
    role = lexicon().roles[last]
    whose = speaker if tie.owner is None else tie.owner or None
    for name in tie.names:
        book.add(name, role.kind, settled=True)
    if whose is None:
        return
    if tie.alias is not None and len(tie.names) == 1 and role.holders != "many":
        book.alias(tie.names[0], role.kind, _alias(whose, tie.alias, tie.roles, chinese=tie.chinese))
    if role.predicate is None or _FORMER.search(tie.adjective):
        return
    holder = whose
    if through:
        between = lexicon().roles[through[-1]]
        if between.holders == "many" or tie.alias is None:
            return
        words = tie.alias[: -len(last)].rstrip("的").removesuffix("'s ")
        holder = _alias(whose, words, through, chinese=tie.chinese)
        book.add(holder, between.kind)
    else:
        book.add(whose, kind_of_speaker(whose))
    found.extend(Link(subject=holder, predicate=role.predicate, object=name) for name in tie.names)


def _alias(whose: str, words: str, roles: Iterable[str], *, chinese: bool) -> str:
    """The words as they stand where the user says them, else with the name of whose it is."""
    if whose == "user":
        return words
    return "的".join((whose, *roles)) if chinese else "'s ".join((whose, *roles))


def _value(fact: Fact, text: str, subject: str | None, book: Book, found: list[Link], owner: str | None) -> None:
    """The object, where the attribute is one that takes a name."""
    if not fact.attribute or not fact.object or subject is None:
        return
    attribute = slots.canonical(fact.attribute) or ""
    value = fact.object[:LOOK]
    if attribute in ("name", "nickname"):
        _equate(subject, value, text, book, found)
        return
    role = lexicon().roles.get(" ".join(plain(fact.attribute[:LOOK]).replace("_", " ").split()))
    predicate = role.predicate if role else attribute
    kind = (
        role.kind
        if role
        else lexicon().attributes.get(attribute.partition("_")[0] if attribute.startswith("favourite_") else attribute)
    )
    if predicate is None or kind is None:
        return
    names = tuple(_values(value, kind, several=predicate in lexicon().several))
    holder = _holder(fact, text, subject, book, owner) if names else None
    for name in names:
        book.add(name, kind, settled=True)
        if holder is not None:
            found.append(Link(subject=holder, predicate=predicate, object=name))
    if role and role.holders != "many" and len(names) == 1 and holder == "user":
        book.alias(names[0], kind, f"my {role.key}" if value.isascii() else f"我的{role.key}")


def _equate(subject: str, value: str, text: str, book: Book, found: list[Link]) -> None:
    name = next(iter(_values(value, "person", several=False)), None)
    start = text.find(name) if name else -1
    if name is None or is_called_to(text, start, start + len(name)):
        return
    if subject in ("user", "assistant"):
        book.add(subject, kind_of_speaker(subject))
        book.alias(subject, kind_of_speaker(subject), name)
        return
    role_key = key(subject)
    if not role_key.startswith("@"):
        book.alias(subject, "person", name)
        return
    role = lexicon().by_key.get(role_key.rpartition("@")[2])
    if role and not book.knows(name):
        book.add(name, role.kind)
    if role and role.holders != "many":
        book.alias(name, role.kind, subject)
    if role and role.predicate and role_key.count("@") == 1:
        book.add("user", "user")
        found.append(Link(subject="user", predicate=role.predicate, object=name))


def _holder(fact: Fact, text: str, subject: str, book: Book, owner: str | None) -> str | None:
    """Name of whom or what the fact is about, added to the book; None where that is nobody in particular."""
    if subject in ("user", "assistant"):
        book.add(subject, kind_of_speaker(subject))
        return subject
    if owner is not None and key(owner) == key(subject):
        book.add(subject, "person")
    if book.knows(subject):
        return book.name_of(subject)
    folded = key(subject)
    if folded.startswith("@"):
        role = lexicon().by_key.get(folded.rpartition("@")[2])
        if role is None or role.holders == "many" or owner is None or _FORMER.search(subject):
            return None
        name = subject if owner == "user" else f"{owner}'s {subject}" if subject.isascii() else f"{owner}的{subject}"
        book.add(name, role.kind)
        return name
    kind = _subject_kind(fact, text, subject)
    if kind is None:
        return None
    book.add(subject, kind)
    return subject


# Attributes of things; slots.toml marks them with `of`.
_OF_THINGS = frozenset("status deadline date place budget price version owner size plan".split())


def _subject_kind(fact: Fact, text: str, subject: str) -> EntityKind | None:
    """What a subject is that is no role; None when it is no name."""
    attribute = (slots.canonical(fact.attribute) or "").partition("_of:")[0]
    personal = attribute not in _OF_THINGS and (attribute in slots.known() or attribute.startswith("favourite_"))
    if HAN.search(subject):
        if patterns_zh().place.fullmatch(subject):
            return "place"
        return (
            "person" if clean_chinese(subject) and (is_sure(subject) or (personal and 2 <= len(subject) <= 4)) else None
        )
    run = RUN.fullmatch(subject)
    if run is None or all(is_ordinary(word) for word in subject.split()):
        return None
    start = text.find(subject)
    if start < 0:
        return "person" if personal else "thing"
    kind = kind_of_name(text, start, start + len(subject), subject)
    if kind == "thing" and personal:
        return "person"
    # "Pottery is relaxing": one word that only opens the sentence may be any word.
    opens = " " not in subject and bool(START.search(text, max(0, start - 6), start))
    return None if kind == "thing" and opens and text.find(subject, start + 1) < 0 else kind


def _values(value: str, kind: EntityKind, *, several: bool) -> Iterator[str]:
    """The names in the value of an attribute, each a part of it; nothing where it is no name."""
    for part in _VALUE_LIST.split(value) if several else [value]:
        bare = part.strip(EDGES)
        name = _han_value(bare, kind) if HAN.search(bare) else _latin_value(_ARTICLE.sub("", bare))
        if name is not None:
            yield name


def _han_value(value: str, kind: EntityKind) -> str | None:
    data = lexicon()
    if kind == "place" and (place := patterns_zh().place.match(value)):
        return place["place"]
    if len(value) > _LONGEST_HAN or value in data.generic_zh or value[:1] in "一某這这那幾几":
        return None
    if kind == "person":
        return clean_chinese(value)
    return value if data.not_in_names_zh.isdisjoint(value) else None


_LONGEST_HAN = 12  # characters: 國立臺灣師範大學附屬高級中學 is the rare longer name


def _latin_value(value: str) -> str | None:
    run = RUN.match(value)
    if run is None or not _VALUE_END.match(value, run.end()):
        return None
    ordinary = all(is_ordinary(word) or word.isdigit() for word in run.group().split(" "))
    return run.group() if run.group() in lexicon().places_en or not ordinary else None


_ARTICLE = re.compile(r"\A(?:[Tt]he|[Aa]n?) (?=[A-Z])")
_VALUE_LIST = re.compile(r", and | and |, | & |、|和|跟|以及")
_VALUE_END = re.compile(r"\Z|[,(;]| (?:in|with|since|for|as|near|on|now|last|and)\b")


def _roles_named(text: str, book: Book, owner: str | None) -> None:
    """Whoever "my wife" is without a name, where a role has one holder."""
    if owner != "user":
        return
    patterns = [patterns_en().role_only] if _MY.search(text) and names_role(text) else []
    patterns += [patterns_zh().role_only] if HAN.search(text) and patterns_zh().role.search(text) else []
    for pattern in patterns:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            if groups.get("who") or groups.get("plural") or _FORMER.search(match["adjective"]):
                continue
            role = lexicon().roles[plain(match["second"] or match["role"])]
            if role.holders != "many" and not groups.get("plural2"):
                book.add(match.group(), role.kind)


_MY = re.compile(r"\b(?:[Mm]y|[Oo]ur|[Uu]ser['’]s) ")
