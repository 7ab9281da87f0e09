"""Who and what a fact names, and how they are related: entities, their aliases and typed links. Pure.

No model and no dictionary of names: a name is known by how it is written and by the words around it,
in English and in both scripts of Chinese. What is not clearly a name is left out. `names.toml` holds
the words.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Literal

from mnemic.text import plain
from mnemic.types import EntityKind, Fact

USER = "@user"
ASSISTANT = "@assistant"
"""The keys of the two who talk."""


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


def key(name: str) -> str:
    """The form under which a name is looked up: equal for ways to write one name, or one role.

    >>> key("Dana  Weiss"), key("my wife"), key("我老婆"), key("my sister's husband"), key("我")
    ('dana weiss', '@wife', '@wife', '@sister@husband', '@user')
    """
    folded = " ".join(plain(name[:_LOOK]).replace("’", "'").split()).strip(_EDGES)
    return _role_key(folded) or folded.removeprefix("@")


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
        return len(first) == 2 and len(second) == 3 and second.endswith(first) and second[0] in _data().all_surnames
    few, many = _given_names(first), _given_names(second)
    if len(few) == 1:
        return len(many) > 1 and few == many[:1] and len(few[0]) > 1
    return len(few) < len(many) and (few[0], few[-1]) == (many[0], many[-1])


def _given_names(folded: str) -> list[str]:
    return [] if _HAN.search(folded) else folded.split()


_LOOK = 4_000
"""Characters of a text that are read: a fact is a sentence or two, a note may be a book."""
_EDGES = " \"'“”‘’「」『』《》〈〉().,;:!?…。，、；：！？·"
_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_NAME = re.compile(r"[\u3400-\u9fff]{2,4}")


# The words.


@dataclass(frozen=True, kw_only=True, slots=True)
class _Role:
    key: str
    predicate: str | None
    kind: EntityKind
    holders: Literal["one", "few", "many"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Data:
    roles: Mapping[str, _Role]
    """Word for a role, folded, to the role."""
    attributes: Mapping[str, tuple[str, EntityKind]]
    """Word for an attribute to the predicate and the kind of its value."""
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
    en_roles: str
    zh_roles: str


@functools.cache
def _data() -> _Data:
    raw = tomllib.loads(resources.files("mnemic").joinpath("names.toml").read_text(encoding="utf-8"))
    words = raw["words"]
    roles: dict[str, _Role] = {}
    english: list[str] = []
    chinese: list[str] = []
    for name, entry in raw["roles"].items():
        role = _Role(
            key=name,
            predicate=entry.get("predicate"),
            kind=entry.get("kind", "person"),
            holders=entry.get("holders", "one"),
        )
        english += entry["en"].split("|")
        chinese += entry["zh"].split()
        roles |= dict.fromkeys([name, *filter(None, entry["en"].split("|")), *entry["zh"].split()], role)
    attributes: dict[str, tuple[str, EntityKind]] = {}
    for name, entry in raw["attributes"].items():
        attributes |= dict.fromkeys([name, *entry["words"].split()], (name, entry["kind"]))
    return _Data(
        roles=roles,
        attributes=attributes,
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
        titles_zh=_alternatives(words["titles_zh"].split()),
        places_en=frozenset(place for line in words["places_en"].split("\n") for place in line.split("|") if place),
        places_zh=tuple(words["places_zh"].split()),
        en_roles=_alternatives(filter(None, english)),
        zh_roles=_alternatives(chinese),
    )


def _alternatives(words: Iterable[str]) -> str:
    """A pattern of the words, longest first, so that "best friend" is not read as "best"."""
    return "|".join(re.escape(word) for word in sorted(set(words), key=lambda word: (-len(word), word)))


# Roles.

_SELF = frozenset(
    "user|the user|i|me|my|myself|we|our|我|我們|我们|咱|咱們|咱们|俺|本人|我自己|自己|用戶|用户|使用者".split("|")
)
_THE_ASSISTANT = frozenset("assistant|the assistant|ai|助手|ai助手|ai 助手".split("|"))
# "my new boss" is the boss; "my old boss", "my ex-wife", "my second wife" are somebody else.
_KIND_WORDS = r"(?:(?:new|current|dear|lovely|beautiful|beloved|late|amazing|wonderful|own|sweet|poor) ){0,2}"
_OWNED = re.compile(rf"(?:my|our) {_KIND_WORDS}(?P<what>.+)")
_OWNED_ZH = re.compile(r"(?:我們|我们|咱們|咱们|我|咱|俺)(?:家|家裡|家里)?(?P<what>[\u3400-\u9fff]+)")
_OF = re.compile(r"'s |s' |的")


def _role_key(folded: str) -> str | None:
    """Key of a name that is a role of somebody ("my wife", "小明的太太"), of the user or the assistant."""
    if folded in _SELF:
        return USER
    if folded in _THE_ASSISTANT:
        return ASSISTANT
    owner, *rest = _OF.split(folded)
    roles = _data().roles
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
    role = _data().roles.get(word)
    return role.key if role else word


# What is found, gathered.


@dataclass(slots=True)
class _Entry:
    name: str
    kind: EntityKind
    aliases: dict[str, str] = field(default_factory=dict)
    """Key to alias."""


@dataclass(slots=True)
class _Book:
    """The entities of one fact, by key; a name and its aliases are one entry."""

    entries: dict[str, _Entry] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """Key of a name or alias to the key of its entry."""

    def add(self, name: str, kind: EntityKind) -> str:
        """The entry of this name, made or made more exact; returns its key."""
        found = key(name)
        found = self.keys.setdefault(found, found)
        entry = self.entries.setdefault(found, _Entry(name, kind))
        if entry.kind == "thing":
            entry.kind = kind
        return found

    def alias(self, name: str, kind: EntityKind, alias: str) -> None:
        """`alias` is another name of `name`, unless it already means another."""
        main, other = self.add(name, kind), key(alias)
        if self.keys.setdefault(other, main) == main and other != main:
            self.entries[main].aliases.setdefault(other, alias)

    def knows(self, name: str) -> bool:
        return key(name) in self.keys

    def kind_of(self, name: str) -> EntityKind | None:
        entry = self.entries.get(self.keys.get(key(name), ""))
        return entry.kind if entry else None

    def name_of(self, name: str) -> str:
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
        return tuple(
            Mention(name=entry.name, kind=entry.kind, aliases=tuple(entry.aliases.values()))
            for entry in list(self.entries.values())[:_MOST]
        )


_MOST = 50
"""Entities of one fact: a list of more is no statement about any of them."""


def _read(fact: Fact, speaker: str | None, user: str | None) -> tuple[_Book, list[Link]]:
    book = _Book()
    found: list[Link] = []
    text = fact.text[:_LOOK]
    owner = _owner(fact, text, speaker, user)
    subject = _subject(fact, user)
    for tie in (*_english_ties(text), *_chinese_ties(text)):
        _enter(tie, book, found, owner)
    _value(fact, text, subject, book, found, owner)
    _nicknames(text, subject, book, owner)
    _subject_entry(fact, text, subject, book)
    for name, kind in (*_latin(text, book), *_han(text), *_titles(text)):
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
    subject = fact.subject[:_LOOK].strip()
    if _is_user(subject, user):
        return "user"
    return "assistant" if key(subject) == ASSISTANT else subject


# Names in Latin letters.

_UP = "A-Z" + "".join(each for each in map(chr, range(0xC0, 0x250)) if each.isupper())
_L = "A-Za-z0-9À-ÖØ-öø-ɏ"
_TOKEN = rf"(?:[{_UP}]|(?<![{_L}])[a-z]{{1,2}}[{_UP}])[{_L}]{{0,30}}(?:['’&-][{_L}]{{1,20}}){{0,3}}"
_ABBREVIATED = r"(?:(?:St|Mt|Dr|Mr|Mrs|Ms|Prof)\. )"
_PARTICLES = r"(?:(?:of|de|da|do|del|della|la|le|van|von|der|den|bin|al|du|di|&) (?:(?:the|la|los|der|den) )?)"
_FREE = rf"(?<![{_L}'’@.\-/_#$]){_ABBREVIATED}?{_TOKEN}(?: {_PARTICLES}?{_TOKEN}| \d{{1,4}}(?![{_L}])){{0,4}}"
_RUN = re.compile(_FREE)
_PERSON = rf"{_ABBREVIATED}?{_TOKEN}(?: (?:(?:de|da|del|van|von|der|la|bin|al) ){{0,2}}{_TOKEN}){{0,2}}"
_POSSESSIVE = re.compile(r"['’](?:s|d|ll|ve|re|m)?\Z")
_HEADER = re.compile(rf"(?P<name>{_TOKEN}(?: {_TOKEN})?|[\u3400-\u9fff]{{2,4}})\s?[:：]\s?(?=\S)")
_ING = re.compile(r"[a-z]{2,}(?:ing|ly|n't)\Z")


def _is_ordinary(token: str) -> bool:
    """Whether a capitalised word names nobody and nothing by itself."""
    word = token.lower().replace("’", "'")
    data = _data()
    return word in data.ordinary or word in data.peoples or _POSSESSIVE.sub("", word) in data.ordinary


def _clean(name: str) -> str | None:
    """The part of `name` (words in Latin letters, matched as a person's) that is one; None for none."""
    kept: list[str] = []
    for token in name.split(" "):
        bare = _POSSESSIVE.sub("", token)
        if not kept and token[-1:] == ".":
            kept.append(token)
            continue
        if token[:1].islower() and not any(letter.isupper() for letter in token):
            kept.append(token)
            continue
        titled = bool(kept) and kept[-1].rstrip(".").lower() in _data().titles
        if not titled and (_is_ordinary(bare) and bare.lower() not in _data().titles):
            break
        if not kept and _ING.search(bare.lower()) and len(bare) > 5:
            break
        kept.append(bare)
        if bare != token:
            break
    while kept and (kept[-1][:1].islower() or kept[-1].endswith(".") or kept[-1].lower() in _data().titles):
        if kept[-1].lower() in _data().titles and len(kept) == 1 and not _is_ordinary(kept[-1]):
            break
        kept.pop()
    found = " ".join(kept)
    return found if len(found) > 1 and not (found.isupper() and len(found) > 4) else None


# "My wife is Dana": who is what to whom.


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tie:
    owner: str | None
    """A name; None for the first person; empty for somebody not named."""
    roles: tuple[str, ...]
    """The role, after those it goes through ("my sister's husband": sister, husband)."""
    adjective: str
    names: tuple[str, ...]
    alias: str | None
    """The words for the role with its owner, where one is meant; None for none."""
    chinese: bool = False


_FORMER = re.compile(r"\b(?:ex|former|old|previous|first|second|late|last)\b|前|以前")


def _enter(tie: _Tie, book: _Book, found: list[Link], speaker: str | None) -> None:
    *through, last = tie.roles
    role = _data().roles[last.lower()]
    whose = speaker if tie.owner is None else tie.owner or None
    if whose and tie.owner and not through:
        book.add(whose, "person")
    one = len(tie.names) == 1 and role.holders != "many" and tie.alias is not None
    for name in tie.names:
        book.add(name, role.kind)
        if one and whose is not None and tie.alias is not None:
            book.alias(name, role.kind, _alias(whose, tie.alias, tie.roles, chinese=tie.chinese))
    if whose is None or role.predicate is None or _FORMER.search(tie.adjective):
        return
    holder = whose
    if through:
        between = _data().roles[through[-1].lower()]
        if between.holders == "many":
            return
        words = (tie.alias or "").removesuffix(last).rstrip("的").removesuffix("'s ")
        holder = _alias(whose, words, through, chinese=tie.chinese)
        book.add(holder, between.kind)
    elif whose in ("user", "assistant"):
        book.add(whose, "user" if whose == "user" else "assistant")
    else:
        book.add(whose, "person")
    found.extend(Link(subject=holder, predicate=role.predicate, object=name) for name in tie.names)


def _alias(whose: str, words: str, roles: Iterable[str], *, chinese: bool) -> str:
    """The words as they stand where the user says them, else with the name of whose it is."""
    if whose == "user":
        return words
    return (
        f"{whose}的{'的'.join(roles)}"
        if chinese
        else f"{whose}'s {chr(39).join(roles).replace(chr(39), chr(39) + 's ')}"
    )


@dataclass(frozen=True, slots=True)
class _English:
    named: re.Pattern[str]
    is_role: re.Pattern[str]
    has: re.Pattern[str]
    with_name: re.Pattern[str]
    role_only: re.Pattern[str]


@functools.cache
def _english() -> _English:
    roles = _data().en_roles
    owner = rf"(?<![{_L}'’-])(?P<owner>[Mm]y|[Oo]ur|(?:[Tt]he )?[Uu]ser['’]s|(?P<who>{_TOKEN})) "
    small = r"(?:(?!(?:and|or|is|was|are|of|to|with|in|at|for|who|that|but|has|had)\b)[a-z-]{1,15} ){0,2}?"
    role = (
        rf"(?P<adjective>{small})(?P<role>(?i:{roles}))(?P<plural>s)?(?![{_L}-])"
        rf"(?:['’]s (?P<second>(?i:{roles}))(?P<plural2>s)?(?![{_L}-]))?"
    )
    names = rf"(?P<names>{_PERSON}(?:(?:, | and |, and | & ){_PERSON}){{0,4}})"
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
            rf"(?<![{_L}'’-]){names}(?P<link> is| are|['’]s|,| \() ?(?:also )?(?<=[ (])"
            rf"(?P<owner>my|our|(?:the )?user['’]s|(?P<who>{_TOKEN})) {role}"
        ),
        has=re.compile(rf"{have} {role},? {called} {names}"),
        with_name=re.compile(rf"(?<![{_L}'’-])(?:an?|the|one|two|three|another) {role},? {called} {names}"),
        role_only=re.compile(rf"{owner}{role}"),
    )


def _english_ties(text: str) -> Iterator[_Tie]:
    if not _CAPITAL.search(text):
        return
    patterns = _english()
    for match in patterns.named.finditer(text):
        after = text[match.end() : match.end() + 6]
        names = _several(match["names"])
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
        names = _several(match["names"])
        yield from _tie(match, names[-1:] if match["link"] == "," else names)
    for match in patterns.has.finditer(text):
        yield from _tie(match, _several(match["names"]), owner="my")
    for match in patterns.with_name.finditer(text):
        yield from _tie(match, _several(match["names"]), owner="")


_CAPITAL = re.compile(rf"[{_UP}]")
_CLOSED = re.compile(r"\s*(?:[.;!)]|\Z|,(?! (?:and|or)\b))")
_LIST = re.compile(r", and | and |, | & ")
_FIRST_PERSON = re.compile(r"(?:my|our|(?:the )?user['’]s)\Z", re.IGNORECASE)


def _several(names: str) -> tuple[str, ...]:
    return tuple(cleaned for name in _LIST.split(names) if (cleaned := _clean(name)))


def _tie(match: re.Match[str], names: tuple[str, ...], owner: str | None = None) -> Iterator[_Tie]:
    groups = match.groupdict()
    words = groups.get("owner") if owner is None else owner
    assert words is not None
    who: str | None = None
    if not _FIRST_PERSON.match(words):
        who = ""
        if groups.get("who"):
            if not words.endswith(("'s", "’s")):
                return
            who = _clean(words) or ""
    plural = match["plural2"] if match["second"] else match["plural"]
    roles = tuple(role.lower() for role in (match["role"], match["second"]) if role)
    if not names or (who == "" and owner is None):
        return
    adjective = "" if owner else match["adjective"]  # "a small black cat" makes "my cat"
    alias = None
    if who != "" and not plural:
        alias = f"{words[:1].lower()}{words[1:]} {adjective}{match['role']}" + (
            f"'s {match['second']}" if match["second"] else ""
        )
    yield _Tie(
        owner=who,
        roles=roles,
        adjective=adjective,
        names=names if plural else names[:1],
        alias=alias,
    )


# The same in Chinese.

_ZH_END = r"(?=[^\u3400-\u9fff·A-Za-z0-9]|\Z|今年|今天|現在|现在|昨天|明天|上週|上周|下週|下周|是|在|和|跟|與|与|也|很|最|的|會|会|要|就|都|已|剛|刚|喜歡|喜欢|住|每|吧|啦|喔|哦|，)"
_ZH_LEFT = (
    r"(?:(?<![\u3400-\u9fff])|(?<=[跟和與与同找約约陪問问叫讓让請请給给對对幫帮把被識识到歡欢愛爱見见教送是替為为]))"
)
_NOT_SHORT = "時时孩心說说吃學学組组費费事店鎮镇朋姐區区提米聲声腿麥麦型鳥鸟籠笼我他她你二三四五六一手腳脚腹的氣气車车狗貓猫妹弟哥姊便腦脑嬰婴兒儿伙偷丑丘數数於于到的名公母拉里根富北兵姨伯爸媽妈"


@dataclass(frozen=True, slots=True)
class _Chinese:
    named: re.Pattern[str]
    is_role: re.Pattern[str]
    has: re.Pattern[str]
    role_only: re.Pattern[str]
    strict: re.Pattern[str]
    free: re.Pattern[str]
    place: re.Pattern[str]
    place_start: re.Pattern[str]


@functools.cache
def _chinese() -> _Chinese:
    data = _data()
    short = f"{data.short_given}{data.surnames}林周"
    twice = rf"(?P<twice{{0}}>[{data.given}圓圆豆毛點点妞糖球多嘟嚕噜咪旺肉果布])(?P=twice{{0}})"
    titled = rf"[{''.join(sorted(data.all_surnames))}](?:{data.titles_zh})"
    full = rf"(?:[{data.surnames}][{data.given}]{{1,2}}|[{''.join(sorted(data.all_surnames))}][{data.given}]{{2}})"
    strict = rf"(?:{titled}|[小阿][{short}]|老[{data.surnames}林周]|{full})"
    latin = _FREE
    loose = rf"(?:{latin}|[\u3400-\u9fff·]{{1,5}}?{_ZH_END})"
    owner = r"(?P<owner>我們|我们|咱們|咱们|我|咱|俺|用戶|用户|使用者)(?:的|家的?|家裡的?|家里的?)?"
    whose = rf"(?:{owner}|(?P<who>{strict}|{_PERSON}) ?的)"
    adjective = r"(?P<adjective>(?:以前的?|前|新|老|親|亲|國中|高中|大學|大学|公司的?|最好的|好){0,2}?)"
    role = rf"(?P<role>{data.zh_roles})(?![氣气])(?:的(?P<second>{data.zh_roles}))?"
    called = r"(?:的?(?:中文|英文)?(?:名字|全名|小名|本名|乳名))?(?:就|都|也)?(?:叫(?:做|作)?|名叫|取名(?:叫|為|为)?|名字(?:是|叫|為|为)|(?<=名字)是|(?<=名)是)"
    loose_names = rf"(?P<names>{loose}(?:(?:、|和|跟|與|与) ?{loose}){{0,4}})"
    near = rf"(?:[小阿老大](?![{_NOT_SHORT}])[\u3400-\u9fff]|{strict}|{twice.format(1)}{_ZH_END}|{latin})"
    return _Chinese(
        named=re.compile(
            rf"{whose}{adjective}{role}(?:{called} ?(?P<q>[「『《“\"])?{loose_names}|(?P<link>是| |　|（|\(|「|)(?P<strict>{near}))"
        ),
        is_role=re.compile(
            rf"(?:{_ZH_LEFT})(?P<names>{strict}|[{data.given}]{{2}}|{latin}) ?(?:就)?是 ?{owner}{adjective}{role}(?=[^\u3400-\u9fff]|\Z|[啦喔哦呢，])"
        ),
        has=re.compile(
            r"(?P<owner>我們|我们|我家|我|家裡|家里|用戶|用户)[^，。！？,.!?\n]{0,8}?(?:養|养|有|領養|领养|收養|收养)(?:了|過|过|著|着)?"
            r"(?:一|兩|两|二|三|四|五|\d)?(?:隻|只|條|条|匹|個|个|位)?(?P<adjective>[\u3400-\u9fff]{0,4}?)"
            rf"(?P<role>{data.zh_roles})(?P<second>(?!))?[，, ]{{0,2}}[牠它他她]?(?:們|们)?(?:分別|分别)?{called} ?{loose_names}"
        ),
        role_only=re.compile(rf"{owner}{adjective}{role}"),
        strict=re.compile(rf"{strict}\Z"),
        free=re.compile(
            rf"{_ZH_LEFT}(?:(?P<titled>{titled})|(?P<short>[小阿][{short}]|老[{data.surnames}林周])(?![\u3400-\u9fff]?[子兒儿學学書书蝦虾籠笼])|(?P<full>{full}){_ZH_END})"
        ),
        place=re.compile(
            rf"(?<![馬马])(?P<place>(?:{_alternatives(data.places_zh)})[市縣县省]?(?:(?![的和跟與与到去在是有到])[\u3400-\u9fff]{{1,3}}?[區区縣县鄉乡])?)"
            r"(?![人話话語语文菜籍式幣币])(?!料理)"
        ),
        place_start=re.compile(_alternatives(data.places_zh)),
    )


def _chinese_ties(text: str) -> Iterator[_Tie]:
    if not _HAN.search(text):
        return
    patterns = _chinese()
    for match in patterns.named.finditer(text):
        groups = match.groupdict()
        names = (_several_zh(groups["names"]) if groups["names"] else _several_zh(groups["strict"], strict=True))[
            : 5 if groups["names"] and len(groups["names"]) > 1 else 1
        ]
        if match["link"] in ("是",) and not _ZH_CLOSED.match(text, match.end()):
            continue
        yield from _tie_zh(match, names)
    for match in patterns.is_role.finditer(text):
        yield from _tie_zh(match, _several_zh(match["names"]))
    for match in patterns.has.finditer(text):
        yield from _tie_zh(match, _several_zh(match["names"]), has=True)


_ZH_CLOSED = re.compile(r"[^\u3400-\u9fffA-Za-z0-9]|\Z|[啦喔哦呢，]|(?:和|跟|也|在|會|会|住|今年|現在|现在)")
_ZH_LIST = re.compile(r"[、，,和跟與与] ?")


def _several_zh(names: str, *, strict: bool = False) -> tuple[str, ...]:
    parts = [names] if strict else _ZH_LIST.split(names)
    return tuple(cleaned for part in parts if (cleaned := _clean_zh(part.strip())))


def _clean_zh(name: str) -> str | None:
    """`name` where it can be a person's or a pet's: in Latin letters, or Han without common words."""
    if not name:
        return None
    if not _HAN.search(name):
        return _clean(name)
    data = _data()
    if not data.not_in_names_zh.isdisjoint(name) or name[:2] in data.not_people_zh or name in data.roles:
        return None
    return None if _chinese().place_start.match(name) else name


def _tie_zh(match: re.Match[str], names: tuple[str, ...], *, has: bool = False) -> Iterator[_Tie]:
    groups = match.groupdict()
    if not names:
        return
    who = _clean_zh(groups["who"]) if groups.get("who") else None
    if groups.get("who") and who is None:
        return
    roles = tuple(role for role in (groups["role"], groups.get("second")) if role)
    words = (
        f"我的{roles[0]}"
        if has
        else match.string[
            match.start("owner") if groups.get("owner") else match.start() : match.end(
                "second" if groups.get("second") else "role"
            )
        ]
    )
    yield _Tie(
        owner=who,
        roles=roles,
        adjective="" if has else groups["adjective"],
        names=names,
        alias=words if len(names) == 1 else None,
        chinese=True,
    )


# What the fact says by its own fields.


def _value(fact: Fact, text: str, subject: str | None, book: _Book, found: list[Link], owner: str | None) -> None:
    """The object, where the attribute is one that takes a name."""
    if not fact.attribute or not fact.object or subject is None:
        return
    attribute = "_".join(plain(fact.attribute[:100]).split())
    value = fact.object[:_LOOK]
    if attribute in _NAME_ATTRIBUTES:
        _equate(subject, value, book, found)
        return
    predicate, kind = _predicate(attribute)
    if predicate is None:
        return
    names = tuple(_values(value, kind, text, several=predicate in _SEVERAL))
    holder = _holder(subject, book, owner)
    for name in names:
        book.add(name, kind)
        if holder is not None:
            found.append(Link(subject=holder, predicate=predicate, object=name))
    role = _data().roles.get(attribute.replace("_", " "))
    if role and role.holders != "many" and len(names) == 1 and holder == "user":
        book.alias(names[0], kind, f"my {attribute.replace('_', ' ')}" if attribute.isascii() else f"我的{attribute}")


_NAME_ATTRIBUTES = frozenset(
    "name full_name first_name given_name nickname alias called 名字 姓名 全名 本名 小名 綽號 绰号 暱稱 昵称 英文名 中文名".split()
)
_SEVERAL = frozenset(("child", "pet", "friend", "colleague", "sibling", "place_visited"))


def _predicate(attribute: str) -> tuple[str | None, EntityKind]:
    data = _data()
    if attribute in data.attributes:
        return data.attributes[attribute]
    if role := data.roles.get(attribute.replace("_", " ")):
        return role.predicate, role.kind
    if attribute.startswith(("favourite_", "favorite_")):
        return "favourite_" + attribute.partition("_")[2], "thing"
    return None, "thing"


def _equate(subject: str, value: str, book: _Book, found: list[Link]) -> None:
    name = next(iter(_values(value, "person", "", several=False)), None)
    if name is None:
        return
    if subject in ("user", "assistant"):
        book.add(subject, "user" if subject == "user" else "assistant")
        book.alias(subject, "user" if subject == "user" else "assistant", name)
        return
    role_key = key(subject)
    if not role_key.startswith("@"):
        book.alias(subject, "person", name)
        return
    role = next((each for each in _data().roles.values() if each.key == role_key.rpartition("@")[2]), None)
    if role and not book.knows(name):
        book.add(name, role.kind)
    if role and role.holders != "many":
        book.alias(name, role.kind, subject)
    if role and role.predicate and role_key.count("@") == 1:
        book.add("user", "user")
        found.append(Link(subject="user", predicate=role.predicate, object=name))


def _holder(subject: str, book: _Book, owner: str | None) -> str | None:
    """Name of the entity the fact is about, added to the book; None where it is nobody in particular."""
    if subject in ("user", "assistant"):
        book.add(subject, "user" if subject == "user" else "assistant")
        return subject
    if book.knows(subject):
        return book.name_of(subject)
    folded = key(subject)
    if folded.startswith("@"):
        role = next((each for each in _data().roles.values() if each.key == folded.rpartition("@")[2]), None)
        if role is None or role.holders == "many" or owner is None:
            return None
        name = subject if owner == "user" else f"{owner}'s {subject}" if subject.isascii() else f"{owner}的{subject}"
        book.add(name, role.kind)
        return name
    name = _clean_zh(subject) or ""
    if name and (not _HAN.search(name) or len(name) <= 4) and name == subject.strip():
        book.add(name, "person")
        return name
    return None


def _subject_entry(fact: Fact, text: str, subject: str | None, book: _Book) -> None:
    """Who the fact is about, where the fact says so by a name or a role."""
    if subject is None:
        return
    if subject in ("user", "assistant"):
        book.add(subject, "user" if subject == "user" else "assistant")


def _values(value: str, kind: EntityKind, text: str, *, several: bool) -> Iterator[str]:
    """The names in the value of an attribute, each a part of it; nothing where it is no name."""
    parts = _VALUE_LIST.split(value) if several else [value]
    for part in parts:
        part = part.strip(_EDGES)
        if _HAN.search(part):
            place = _chinese().place.match(part)
            if kind == "place" and place:
                yield place["place"]
            elif part in _data().generic_zh or part[:1] in "一某這这那幾几" or len(part) > 12:
                continue
            elif _data().not_in_names_zh.isdisjoint(part) and (
                kind in ("place", "organisation", "thing") or _clean_zh(part)
            ):
                yield part
            continue
        part = re.sub(r"\A(?:[Tt]he|[Aa]n?) (?=[A-Z])", "", part)
        run = _RUN.match(part)
        if run and _VALUE_END.match(part, run.end()):
            words = run.group().split(" ")
            if part in _data().places_en or not all(_is_ordinary(word) or word.isdigit() for word in words):
                yield run.group()


_VALUE_LIST = re.compile(r", and | and |, | & |、|和|跟|以及")
_VALUE_END = re.compile(r"\Z|[,(;]| (?:in|with|since|for|as|near|on|now|last|and)\b")


# Other names for one person.

_CALLED_BY = re.compile(
    rf"(?:(?P<name>{_PERSON}),? (?:but |and |though |although |yet )?)?(?:[Ee]veryone|[Ee]verybody|[Pp]eople|[Ff]riends|(?:his|her|their|my|our) \w{{1,12}}|[Ww]e|[Tt]hey|I)"
    rf"(?: (?:all|just|always|usually|mostly|often|sometimes))? calls? (?P<who>him|her|them|it|me) (?P<nick>{_PERSON})"
)
_KNOWN_AS = re.compile(
    rf"(?P<name>{_PERSON}),? (?:\(?(?:a\.?k\.?a\.?|also known as|better known as|known as|nicknamed)|(?:but |and )?goes by|is short for) (?P<nick>{_PERSON})"
)
_IN_BRACKETS = re.compile(rf"(?P<name>{_TOKEN}) [(\"“](?P<nick>{_TOKEN})[)\"”]")
_MYSELF = re.compile(
    rf"(?<![\w'’])(?:(?:[Mm]y|(?:[Tt]he )?[Uu]ser['’]s) (?:full |first |real |given |nick|middle )?name(?: is|['’]s)|(?:I|[Ee]veryone|[Ff]riends|[Pp]eople)(?:['’]m| am)? (?:named|called|go by|goes by|calls? me)"
    rf"|[Cc]all me|(?:I['’]m|I am|[Tt]his is)(?= {_TOKEN}(?:[.,!]|\Z| and | from | by ))) (?P<name>{_PERSON})"
)
_NICK_ZH = re.compile(
    rf"(?:大家|朋友們?|朋友们|家人|我們|我们|我|同事們?|同事们)都?(?:叫|喊|稱呼|称呼)(?P<who>他|她|牠|它|我) ?(?P<nick>{_FREE}|[\u3400-\u9fff·]{{1,5}}?{_ZH_END})"
    rf"|(?P<self>(?:小名|綽號|绰号|外號|外号|暱稱|昵称|英文名字?)(?:叫(?:做|作)?|是)) ?(?P<nick2>{_FREE}|[\u3400-\u9fff·]{{1,5}}?{_ZH_END})"
)
_MYSELF_ZH = re.compile(
    rf"(?:(?<![\u3400-\u9fff])我(?:的)?(?:中文|英文)?(?:名字|全名|本名)?(?:就)?(?:叫(?:做|作)?|名叫|是叫|(?<=名字)是|(?<=名)是)|叫我) ?(?P<name>{_FREE}|[\u3400-\u9fff·]{{2,5}}?{_ZH_END})"
    rf"|(?<![\u3400-\u9fff])我是 ?(?P<strict>{_PERSON}|[\u3400-\u9fff]{{2,3}})(?=[，。！,.!]|\Z)"
)


def _nicknames(fact_text: str, subject: str | None, book: _Book, owner: str | None, *, named: bool = False) -> None:
    for match in _CALLED_BY.finditer(fact_text):
        nick = _clean(match["nick"])
        if nick is None:
            continue
        if match["who"] == "me":
            _own(book, owner, nick)
        elif name := (_clean(match["name"]) if match["name"] else None) or _only_person(subject, book):
            book.alias(name, book.kind_of(name) or "person", nick)
    for match in (*_KNOWN_AS.finditer(fact_text), *_IN_BRACKETS.finditer(fact_text)):
        name, nick = _clean(match["name"]), _clean(match["nick"])
        if name and nick and not _is_ordinary(name):
            book.alias(name, "person", nick)
    for match in _MYSELF.finditer(fact_text):
        if name := _clean(match["name"]):
            _own(book, owner, name)
    if not _HAN.search(fact_text):
        return
    for match in _NICK_ZH.finditer(fact_text):
        nick = _clean_zh(match["nick"] or match["nick2"])
        if nick is None:
            continue
        if match["who"] == "我":
            if named or _sure(nick):
                _own(book, owner, nick)
        elif name := _only_person(subject, book):
            book.alias(name, book.kind_of(name) or "person", nick)
    for match in _MYSELF_ZH.finditer(fact_text):
        name = _clean_zh(match["name"] or match["strict"])
        if name and (named or _sure(name)):
            _own(book, owner, name)


def _sure(name: str) -> bool:
    """Whether it is a name by how it is written."""
    return not _HAN.search(name) or bool(_chinese().strict.match(name))


def _own(book: _Book, owner: str | None, name: str) -> None:
    if owner is not None:
        kind: EntityKind = "user" if owner == "user" else "assistant" if owner == "assistant" else "person"
        book.add(owner, kind)
        book.alias(owner, kind, name)


def _only_person(subject: str | None, book: _Book) -> str | None:
    """Whom "him" or "她" means: whom the fact is about, else the only one it has named so far."""
    if subject and subject not in ("user", "assistant"):
        return book.name_of(subject) if book.knows(subject) else subject if not key(subject).startswith("@") else None
    people = [entry.name for entry in book.entries.values() if entry.kind in ("person", "thing")]
    return people[0] if len(people) == 1 else None


# Names that just occur.


def _latin(text: str, book: _Book) -> Iterator[tuple[str, EntityKind]]:
    """Capitalised names that are not only the first word of a sentence, with what the words around tell."""
    if not _CAPITAL.search(text) or _shouted(text) or _GERMAN.search(text):
        return
    before: tuple[int, EntityKind] | None = None
    for match in _HANDLE.finditer(text):
        yield match.group(), "person"
    for run in _RUN.finditer(text):
        for start, end in _pieces(text, run):
            name = text[start:end]
            kind = book.kind_of(name)
            if kind is None or kind == "thing":
                kind = _kind(text, start, end, name)
                if kind == "thing" and before and _JOINED.fullmatch(text[before[0] : start]):
                    kind = before[1]
            before = (end, kind)
            yield name, kind


_HANDLE = re.compile(r"(?<![\w.@/])@[A-Za-z]\w{1,30}(?![\w.]*@)")
# Languages that write every noun with a capital.
_GERMAN = re.compile(r"\b(?:[Ii]ch|und|nicht|[Mm]eine[rmns]?|wir|f[üu]r|ist|habe|eine[rmns]?)\b")
_JOINED = re.compile(r",? (?:and|or|&) |, |、|和|跟")
_START = re.compile(r"(?:\A|[.!?。！？\n:：;\"“「『(]['\"”)]?)\s*\Z")
_VERBS = re.compile(
    r" (?:said|says|told|tells|thinks|loves|likes|hates|works|worked|lives|lived|married|calls|called|moved|came|asked|gave|got|bought|was born|"
    r"graduated|invited|wants|prefers|speaks|studies|teaches|plays|is (?:my|our|an?|\d+|allergic|vegetarian|vegan|pregnant|getting|coming|moving)|has (?:a|an|two|been)|and (?:I|me)\b)"
)


def _shouted(text: str) -> bool:
    """Whether case tells nothing: all capitals, or a headline with nearly every word capitalised."""
    words = _WORDS.findall(text[:400])
    if len(words) < 4:
        return len(words) > 1 and all(word.isupper() and len(word) > 1 for word in words) and not _HAN.search(text)
    return sum(word[0].isupper() for word in words) > 0.8 * len(words) and not _HAN.search(text)


_WORDS = re.compile(rf"[{_L}'’]{{2,30}}")


def _pieces(text: str, run: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The names in a row of capitalised words: cut at a possessive, freed of words that are no part of one."""
    data = _data()
    words: list[tuple[int, int]] = []
    position = run.start()
    pieces: list[list[tuple[int, int]]] = [words]
    tokens = run.group().split(" ")
    saint = tokens[0] in ("St.", "Mt.")
    for number, token in enumerate(tokens):
        end = position + len(token)
        tail = _POSSESSIVE.search(token)
        if tail and len(token) > len(tail.group()):
            keep = saint or (number + 1 == len(tokens) and not _LOWER.match(text, end))
            words.append((position, end if keep else end - len(tail.group())))
            if not keep:
                words = []
                pieces.append(words)
        else:
            words.append((position, end))
        position = end + 1
    for piece in pieces:
        first = bool(piece) and bool(_START.search(text, max(0, piece[0][0] - 6), piece[0][0]))
        yield from _trim(text, piece, data, at_start=first)


_LOWER = re.compile(r" [a-z]")


def _trim(text: str, piece: list[tuple[int, int]], data: _Data, *, at_start: bool) -> Iterator[tuple[int, int]]:
    def word(index: int) -> str:
        return text[piece[index][0] : piece[index][1]]

    def whole() -> str:
        return text[piece[0][0] : piece[-1][1]]

    if piece and whole() in data.places_en:
        yield piece[0][0], piece[-1][1]
        return
    if at_start and piece:
        if _is_ordinary(word(0)) and word(0).rstrip(".").lower() not in data.titles:
            piece = piece[1:]
        elif (
            len(piece) == 1 and not _VERBS.match(text, piece[0][1]) and not text.startswith(("'s ", "’s "), piece[0][1])
        ):
            return
        elif _ING.search(word(0).lower()) or word(0).lower().endswith("ed"):
            piece = piece[1:]
    while piece and (_is_ordinary(word(0)) and word(0).lower() in _LEADING):
        piece = piece[1:]
    while piece and (word(-1)[:1].islower() and word(-1)[1:2].islower() or word(-1).lower() in _LEADING):
        piece = piece[:-1]
    if not piece:
        return
    if whole() in data.places_en:
        yield piece[0][0], piece[-1][1]
        return
    words = [word(index) for index in range(len(piece))]
    if all(_is_ordinary(each) or each.isdigit() or each.lower() in data.roles or each[:1].islower() for each in words):
        return
    if len(words) == 1 and (
        len(words[0]) < 2
        or (
            words[0].isupper()
            and len(words[0]) < 6
            and not _NAMED_BY_CONTEXT.search(text, max(0, piece[0][0] - 30), piece[0][0])
        )
    ):
        return
    yield piece[0][0], piece[-1][1]


_LEADING = frozenset(
    "i i'm i've i'd my our your his her their the this that when if and but so because monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october november december".split()
)
_NAMED_BY_CONTEXT = re.compile(r"\b(?:at|for|joined|from|by) (?:the )?\Z|[在到於于] ?\Z")

_ORGANISATION = re.compile(
    r"\b(?:work(?:s|ed|ing)?|job|position|role|offer|intern(?:s|ed|ing|ship)?|employed|hired|interview(?:ed|ing)?|engineer|manager|developer|nurse|teacher|analyst|designer|consultant|stud(?:y|ies|ied|ying)|graduated|enrolled|degree|phd|student|professor|volunteers?|volunteering)"
    r"(?: \w{1,15}){0,3}? (?:at|for|by|from|with) (?:the )?\Z|\b(?:joined|joining|employer is|company is) (?:the )?\Z",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:in|near|around|across|outside|visit(?:ed|ing|s)?|via|towards?) (?:the )?\Z"
    r"|\b(?:mov(?:e|ed|es|ing)|go|goes|going|went|gone|travel\w{0,4}|fl(?:y|ew|ies|ying|ight|ights)|trips?|driv(?:e|ing)|drove|relocat\w{1,3}|head(?:ed|ing)?|back|been|came|return\w{0,3}|commut\w{1,3})(?: \w{1,12}){0,2}? to (?:the )?\Z"
    r"|(?:\b(?:am|is|are|was|come|comes|came|moved?|moving|flew|originally|back|born|raised|up)|['’](?:m|s|re)) (?:from|in) (?:the )?\Z",
    re.IGNORECASE,
)
_SUBJECT_MATTER = re.compile(
    r"\b(?:written|cod(?:e|ing)|program\w{0,5}|built|develop\w{0,3}|proficient|experience|fluent|interested|expert|major(?:ed|ing)?|degree|believe|invest\w{0,3}|course|class|lessons?|speciali[sz]\w{1,4}|work(?:s|ed|ing)? with|familiar with|play(?:s|ed|ing)? with|help with|issues? with|problems? with)(?: in| with)? \Z",
    re.IGNORECASE,
)
_PERSON_BEFORE = re.compile(
    r"\b(?:with|met|meet|meeting|marr(?:y|ied|ying)|dating|dated|engaged to|talk(?:ed|ing)? to|spoke (?:to|with)|told|asked|texted|invited|hugged|miss|missed|named after|thanks to|and I,? |introduced (?:me )?to|friends? with) \Z",
    re.IGNORECASE,
)
_PLACE_ZH = re.compile(r"(?:住在?|搬到|搬去|飛去?|飞去?|去|到|來自|来自|回) ?\Z")
_ORGANISATION_ZH = re.compile(r"(?:在|加入|進入|进入|跳槽到|任職於|任职于) ?\Z")
_WORK_ZH = re.compile(r" ?(?:\w{0,6})(?:上班|工作|任職|任职|實習|实习|服務|服务|當|当)")
_PERSON_ZH = re.compile(r"(?:跟|和|與|与|同|約|约|陪|找|認識|认识|遇到|見|见|教|問|问|叫|嫁給|娶了?) ?\Z")
_PERSON_AFTER_ZH = re.compile(r" ?(?:說|说|告訴|告诉|是我(?:的|們|们)?|跟我|和我|今年)")


def _kind(text: str, start: int, end: int, name: str) -> EntityKind:
    """What a name in Latin letters is, by its own words and those beside it; `thing` when neither tells."""
    data = _data()
    words = name.lower().replace(".", "").split()
    if name in data.places_en:
        return "place"
    if words[0] in data.titles and len(words) > 1:
        return "person"
    if words[-1] in data.organisation_ends or words[0] == "university":
        return "organisation"
    if len(words) > 1 and (words[-1] in data.place_ends or words[0] in ("lake", "mount", "mt", "st", "port", "fort")):
        return "place"
    left = max(0, start - 60)
    if _SUBJECT_MATTER.search(text, left, start):
        return "thing"
    if _ORGANISATION.search(text, left, start) or (
        _ORGANISATION_ZH.search(text, left, start) and _WORK_ZH.match(text, end)
    ):
        return "organisation"
    if _PERSON_BEFORE.search(text, left, start) or _PERSON_ZH.search(text, left, start):
        return "person"
    if _PLACE.search(text, left, start) or _PLACE_ZH.search(text, left, start):
        return "place"
    if len(words) <= 3 and (_VERBS.match(text, end) or _PERSON_AFTER_ZH.match(text, end)):
        return "person"
    return "thing"


def _han(text: str) -> Iterator[tuple[str, EntityKind]]:
    """Chinese names by their form (小明, 王怡君, 陳老師), and places of the list."""
    if not _HAN.search(text):
        return
    patterns = _chinese()
    for match in patterns.free.finditer(text):
        if name := _clean_zh(match.group()):
            yield name, "person"
    for match in patterns.place.finditer(text):
        yield match["place"], "place"


_TITLE = re.compile(r"《([^《》\n]{1,40})》")
_CALLED_TITLE = re.compile(
    r"(?:叫(?:做|作)?|名為|名为|called|named|titled|book|film|movie|novel|song|band|餐廳|餐厅|咖啡廳|書|书|電影|电影|歌)(?:是|叫)? ?[「『“\"]([^「」『』“”\"\n。！？!?]{1,30})[」』”\"]"
)


def _titles(text: str) -> Iterator[tuple[str, EntityKind]]:
    """What stands between marks that set off a title."""
    for pattern in (_TITLE, _CALLED_TITLE):
        for match in pattern.finditer(text):
            if title := match[1].strip():
                yield title, "thing"


def _roles_named(text: str, book: _Book, owner: str | None) -> None:
    """ "my wife" without a name is somebody too, where a role has one holder."""
    if owner != "user":
        return
    patterns = [_english().role_only] if _MY.search(text) else []
    patterns += [_chinese().role_only] if _HAN.search(text) else []
    for pattern in patterns:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            if groups.get("who") or groups.get("plural") or _FORMER.search(match["adjective"]):
                continue
            role = _data().roles[(match["second"] or match["role"]).lower()]
            if role.holders != "many" and not groups.get("plural2"):
                book.add(match.group(), role.kind)


_MY = re.compile(r"\b(?:[Mm]y|[Oo]ur|[Uu]ser['’]s) ")
