"""English: how a name is written, and statements of who is what to whom ("Dana is my wife")."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mnemic.names.lexicon import lexicon
from mnemic.text import plain

UP = "A-Z" + "".join(each for each in map(chr, range(0xC0, 0x250)) if each.isupper())
LETTER = "A-Za-z0-9À-ÖØ-öø-ɏ"
TOKEN = rf"(?:[{UP}]|(?<![{LETTER}])[a-z]{{1,2}}[{UP}])[{LETTER}]{{0,30}}(?:['’&-][{LETTER}]{{1,20}}){{0,3}}"
_ABBREVIATED = r"(?:(?:St|Mt|Dr|Mr|Mrs|Ms|Prof)\. )"
_PARTICLES = r"(?:(?:of|de|da|do|del|della|la|le|van|von|der|den|bin|al|du|di|&) (?:(?:the|la|los|der|den) )?)"
FREE = rf"(?<![{LETTER}'’@.\-/_#$]){_ABBREVIATED}?{TOKEN}(?: {_PARTICLES}?{TOKEN}| \d{{1,4}}(?![{LETTER}])){{0,4}}"
RUN = re.compile(FREE)
PERSON = rf"{_ABBREVIATED}?{TOKEN}(?: (?:(?:de|da|del|van|von|der|la|bin|al) ){{0,2}}{TOKEN}){{0,2}}"
POSSESSIVE = re.compile(r"['’](?:s|d|ll|ve|re|m)?\Z")
ING = re.compile(r"[a-z]{2,}(?:ing|ly|n't)\Z")


def is_ordinary(token: str) -> bool:
    """Whether a capitalised word names nobody and nothing by itself."""
    word = token.lower().replace("’", "'")
    data = lexicon()
    return word in data.ordinary or word in data.peoples or POSSESSIVE.sub("", word).rstrip("s") in data.ordinary


def clean_latin(name: str, *, opening: bool = False) -> str | None:
    """The part of `name` (words in Latin letters, matched as a person's) that is one; None for none."""
    kept: list[str] = []
    for token in name.split(" "):
        bare = POSSESSIVE.sub("", token)
        if not kept and token[-1:] == ".":
            kept.append(token)
            continue
        if token[:1].islower() and not any(letter.isupper() for letter in token):
            kept.append(token)
            continue
        titled = bool(kept) and kept[-1].rstrip(".").lower() in lexicon().titles
        if not titled and (is_ordinary(bare) and bare.lower() not in lexicon().titles):
            break
        if opening and not kept and ING.search(bare.lower()):
            break
        kept.append(bare)
        if bare != token:
            break
    while kept and (kept[-1][:1].islower() or kept[-1].endswith(".") or kept[-1].lower() in lexicon().titles):
        if kept[-1].lower() in lexicon().titles and len(kept) == 1 and not is_ordinary(kept[-1]):
            break
        kept.pop()
    found = " ".join(kept)
    return found if len(found) > 1 and not (found.isupper() and len(found) > 4) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """A statement that somebody named is something to somebody."""

    owner: str | None
    """A name; None for the first person; empty for somebody not named."""
    roles: tuple[str, ...]
    """The role, after those it goes through ("my sister's husband": sister, husband)."""
    adjective: str
    names: tuple[str, ...]
    alias: str | None
    """The words for the role with its owner, where one is meant; None for none."""
    chinese: bool = False


@dataclass(frozen=True, slots=True)
class _English:
    named: re.Pattern[str]
    is_role: re.Pattern[str]
    has: re.Pattern[str]
    with_name: re.Pattern[str]
    role_only: re.Pattern[str]


@functools.cache
def patterns_en() -> _English:
    """The patterns that are made of the words, compiled once."""
    roles = lexicon().en_roles
    owner = rf"(?<![{LETTER}'’-])(?P<owner>[Mm]y|[Oo]ur|(?:[Tt]he )?[Uu]ser['’]s|(?P<who>{TOKEN})) "
    small = r"(?:(?!(?:and|or|is|was|are|of|to|with|in|at|for|who|that|but|has|had)\b)[a-z-]{1,15} ){0,2}?"
    role = (
        rf"(?P<adjective>{small})(?P<role>(?i:{roles}))(?P<plural>s)?(?![{LETTER}-])"
        rf"(?:['’]s (?P<second>(?i:{roles}))(?P<plural2>s)?(?![{LETTER}-]))?"
    )
    names = rf"(?P<names>{PERSON}(?:(?:, | and |, and | & ){PERSON}){{0,4}})"
    called = r"(?:named|called|by the name of|whose names? (?:is|are))"
    have = (
        r"(?<![\w'’])(?:I|[Ww]e|(?:[Tt]he )?[Uu]ser)(?:['’]ve|['’]d)?(?: (?:just|also|recently|finally|have|has|had|still|now)){0,3}"
        r" (?:have|has|got|own|owns|adopted|rescued|bought|raised|keep|keeps)(?: [a-z0-9-]{1,15}){0,4}?"
    )
    return _English(
        named=re.compile(
            rf"{owner}{role}(?P<link>,? (?:is |are )?{called}|['’]s (?:full |first |real |given )?names? (?:is|are)| is| are|:|,|)"
            rf",? (?:also )?{names}"
        ),
        is_role=re.compile(
            rf"(?<![{LETTER}'’-]){names}(?P<link> is| are|['’]s|,| \() ?(?:also )?(?<=[ (])"
            rf"(?P<owner>my|our|(?:the )?user['’]s|(?P<who>{TOKEN})) {role}"
        ),
        has=re.compile(rf"{have} {role},? {called} {names}"),
        with_name=re.compile(rf"(?<![{LETTER}'’-])(?:an?|the|one|two|three|another) {role},? {called} {names}"),
        role_only=re.compile(rf"{owner}{role}"),
    )


def english_ties(text: str) -> Iterator[Tie]:
    """Who `text` says is what to whom: "my wife Dana", "Dana is my wife", "I have a cat named Miso"."""
    if not CAPITAL.search(text) or not names_role(text):
        return
    patterns = patterns_en()
    for match in patterns.named.finditer(text):
        after = text[match.end() : match.end() + 6]
        names = _several(match)
        if match["link"] == "," and (not _CLOSED.match(after) or len(names) > 1):
            continue
        if (match["link"] in (" is", " are") and match["names"].endswith(("'s", "’s"))) or after.startswith(
            ("'s", "’s")
        ):
            continue
        yield from _tie(match, names)
    for match in patterns.is_role.finditer(text):
        after = text[match.end() : match.end() + 6]
        if (match["link"] == "," and not _CLOSED.match(after)) or after.startswith(("'", "’")):
            continue
        names = _several(match)
        yield from _tie(match, names[-1:] if match["link"] == "," else names)
    for match in patterns.has.finditer(text):
        yield from _tie(match, _several(match), owner="my")
    for match in patterns.with_name.finditer(text):
        yield from _tie(match, _several(match), owner="")


def names_role(text: str) -> bool:
    """Whether an English word for a role is there at all: far cheaper than looking for what surrounds it."""
    return not lexicon().role_heads.isdisjoint(_HEADS.findall(text.lower()))


_HEADS = re.compile("[a-zé-]+")
CAPITAL = re.compile(rf"[{UP}]")
_CLOSED = re.compile(r"\s*(?:[.;!)]|\Z|,(?! (?:and|or)\b))")
_LIST = re.compile(r", and | and |, | & ")
_FIRST_PERSON = re.compile(r"(?:my|our|(?:the )?user['’]s)\Z", re.IGNORECASE)


def _several(match: re.Match[str]) -> tuple[str, ...]:
    opening = bool(START.search(match.string, max(0, match.start("names") - 6), match.start("names")))
    parts = _LIST.split(match["names"])
    return tuple(cleaned for part in parts if (cleaned := clean_latin(part, opening=opening and part is parts[0])))


def _tie(match: re.Match[str], names: tuple[str, ...], owner: str | None = None) -> Iterator[Tie]:
    groups = match.groupdict()
    words = groups.get("owner") or "" if owner is None else owner
    who: str | None = None
    if not _FIRST_PERSON.match(words):
        who = ""
        if groups.get("who"):
            if not words.endswith(("'s", "’s")):
                return
            who = clean_latin(words) or ""
    plural = match["plural2"] if match["second"] else match["plural"]
    roles = tuple(plain(role) for role in (match["role"], match["second"]) if role)
    if not names or (who == "" and owner is None):
        return
    adjective = "" if owner else match["adjective"]  # "a small black cat" makes "my cat"
    alias = None
    if who != "" and not plural:
        alias = f"{words[:1].lower()}{words[1:]} {adjective}{match['role']}" + (
            f"'s {match['second']}" if match["second"] else ""
        )
    yield Tie(
        owner=who,
        roles=roles,
        adjective=adjective,
        names=names if plural else names[:1],
        alias=alias,
    )


START = re.compile(r"(?:\A|[.!?。！？\n:：;\"“「『(]['\"”)]?)\s*\Z")
