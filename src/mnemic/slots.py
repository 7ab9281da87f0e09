"""Which facts may take one another's place: the attributes of `slots.toml`, under every name they go by.

A slot is a subject and an attribute ("user:employer"). Some attributes have one value at a time, some
have many, and of some only the extractor can tell. The state or plan of a thing is a slot of that
thing: `status_of:atlas`, `plan_of:japan trip`. A thing that somebody calls theirs with no more ("my gym")
is one at a time: `my_gym`, unless the noun names an attribute of the data.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files

from mnemic import text


def canonical(attribute: str | None) -> str | None:
    """The one name of an attribute, in lower_snake; an unknown one keeps its own. None when nothing is left.

    >>> canonical("Works at"), canonical("favorite colors"), canonical("status of the Atlas project")
    ('employer', 'favourite_colour', 'status_of:atlas project')
    """
    name = None if attribute is None else _canonical(attribute[:_LONGEST])
    return None if name is None else text.bounded(name)


def single(attribute: str, own: Mapping[str, bool] | None = None) -> bool | None:
    """Whether a subject has one value of it at a time: True, False (values add up), or None when unknown.

    `own`: what the project says, by attribute or pattern ("favourite_*"); it goes before the data, and an
    exact name goes before a pattern.
    """
    name = canonical(attribute)
    if name is None:
        return None
    if own:
        settings = {_pattern_name(key): value for key, value in own.items()}
        if name in settings:
            return settings[name]
        # Of several patterns the longest says most; equal ones in the order of their letters.
        for key in sorted(settings, key=lambda each: (-len(each), each)):
            if fnmatchcase(name, key):
                return settings[key]
    if _THING_MARK in name:
        return True
    entry = _entry(name)
    return None if entry is None else entry.single


def key(subject: str | None, attribute: str | None) -> str | None:
    """The slot of a fact, "user:employer"; None without a subject or an attribute.

    What belongs to a thing ("deadline") has no slot when neither the attribute nor the subject names one:
    a user has many deadlines.
    """
    name = canonical(attribute)
    who = " ".join(text.plain(subject or "").split())
    if name is None or not who:
        return None
    entry = _entry(name)
    if entry is not None and entry.of and entry.single:
        # "user" + "status_of:atlas", "Atlas" + "status" and "the Atlas project" + "status" are one slot.
        what, _, thing = name.partition(_THING_MARK)
        who = _SORT.sub("", thing or who).strip() or thing or who
        return None if who in _PERSONS else text.bounded(f"{who}:{what}")
    return text.bounded(f"{who}:{name}")


def of_thing(attribute: str | None) -> bool:
    """Whether it is told of things rather than of people: a date, a state, a price."""
    entry = _entry(canonical(attribute))
    return entry is not None and entry.of


def words(attribute: str | None) -> frozenset[int]:
    """Terms, as `text.terms` makes them, of the attribute's own vocabulary: words that carry no value."""
    entry = _entry(canonical(attribute))
    return frozenset() if entry is None else entry.terms


def exclusive(attribute: str | None) -> frozenset[int]:
    """Terms of which two statements must both have one to replace each other; empty where any two may."""
    entry = _entry(canonical(attribute))
    return frozenset() if entry is None else entry.exclusive


def terms(statement: str, attribute: str | None) -> list[int]:
    """Terms of a statement for keyword search, the attribute's own vocabulary behind its words.

    "I moved to Oslo" (home) is so found by "Where do I live?", and 我在台積電上班 by 你的公司是哪家.
    """
    found = text.terms(statement)
    return found + sorted(words(attribute).difference(found))


def phrases(attribute: str | None) -> re.Pattern[str] | None:
    """The same vocabulary in scripts without spaces, longest first, to be cut out of text as it stands."""
    entry = _entry(canonical(attribute))
    return None if entry is None else entry.unspaced


def asked(question: str) -> frozenset[str]:
    """Attributes that a question asks for and nothing else: all its words are words of the attribute.

    >>> sorted(asked("Where do I live now?")), sorted(asked("Where does my sister live?"))
    (['home'], [])
    """
    plain = _ORDERING.sub(" ", text.plain(question[:_LONGEST]))
    spoken = _UNSPACED.sub(" ", plain)
    latin = frozenset(text.query_terms(spoken)) if _SPACED.search(spoken) else frozenset()
    latin -= _asking_terms()
    unspaced = _ASKING_ZH.sub("", "".join(_UNSPACED.findall(plain)))
    if not latin and not unspaced:
        return frozenset()
    found = frozenset(
        name
        for name, entry in _data().items()
        if latin <= entry.terms
        and (not unspaced or (entry.unspaced is not None and not entry.unspaced.sub("", unspaced)))
    )
    if len(found) <= FEW:
        return found
    # "What is my name?" has words of everybody who is called something; of all of these, it names one.
    return found.intersection(canonical(word) for word in (*spoken.split(), unspaced)) or found


FEW = 4
"""A question whose words are those of so few attributes asks for one of them: a job is an employer and an occupation."""

_UNSPACED = re.compile(r"[\u3400-\u9fff]+")
_SPACED = re.compile(r"[a-z]")
# Words of a question that are about when or which one, not about what.
_ORDERING = re.compile(
    r"\b(?:current(?:ly)?|now(?:adays)?|before|previous(?:ly)?|former(?:ly)?|first|last|latest|new|old|ever|these days"
    r"|at the moment|still|used|again|all|any)\b|現在|现在|目前|如今|以前|之前|從前|从前|曾經|曾经|過去|过去|最近|第一[份個个次]?|上一?[份個个次]|最早|最後|最后"
)
_ASKING_ZH = re.compile("[的了是在我你妳嗎吗呢吧啊什麼么甚誰谁哪裡里兒儿怎為为幾几個个份們们有過过都還还請请問问]")


@functools.cache
def _asking_terms() -> frozenset[int]:
    """Terms of questions themselves, which `query_terms` keeps where a question has no others."""
    return frozenset(
        text.terms("what which who whom whose when where why how is are was were do does did have has had i my me")
    )


def known() -> tuple[str, ...]:
    """The canonical names, in the order of the data."""
    return tuple(_data())


_SORT = re.compile(r"^(?:the|our|my) |^project | project$|(?:專案|专案|項目|项目)$")
"""What a thing is called besides its name."""
_PERSONS = frozenset({"user", "assistant"})
_THING_MARK = "_of:"
_LONGEST = 120
"""Characters of an attribute that are looked at; models name them in one to three words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    single: bool | None
    of: bool
    terms: frozenset[int]
    unspaced: re.Pattern[str] | None
    exclusive: frozenset[int]


@functools.cache
def _data() -> Mapping[str, _Entry]:
    raw = tomllib.loads((files("mnemic") / "slots.toml").read_text(encoding="utf-8"))
    return {name: _read(table) for name, table in raw.items()}


def _read(table: Mapping[str, object]) -> _Entry:
    own = str(table.get("words", "")).split()
    unspaced = sorted(
        (text.plain(word) for word in own if text.side(word) == "cjk"), key=lambda each: (-len(each), each)
    )
    mark = table.get("single")
    return _Entry(
        single=None if mark is None else bool(mark),
        of=bool(table.get("of", False)),
        terms=frozenset(term for word in own for term in text.terms(word)),
        unspaced=re.compile("|".join(map(re.escape, unspaced))) if unspaced else None,
        exclusive=frozenset(text.terms(str(table.get("exclusive", "")))),
    )


@functools.cache
def _names() -> Mapping[str, str]:
    """Every name an attribute goes by, to its canonical one; of two the first in the data has it."""
    raw = tomllib.loads((files("mnemic") / "slots.toml").read_text(encoding="utf-8"))
    names = {name: name for name in raw}
    for name, table in raw.items():
        for synonym in str(table.get("synonyms", "")).split():
            names.setdefault(_snake(synonym), name)
    return names


def _entry(name: str | None) -> _Entry | None:
    if name is None:
        return None
    if name.startswith(_FAVOURITE):
        return _data()["favourite"]
    if name.startswith(_MINE):
        return _data()["mine"]
    return _data().get(name.partition(_THING_MARK)[0])


_FAVOURITE = "favourite_"
_MINE = "my_"
_IS_FAVOURITE = re.compile(
    r"(?:most_|all_time_)?(?:favou?rite|fave?|best_liked|preferred)s?_(?:kind_of_|type_of_)?(?P<kind>.+)"
)
_OF_THING = re.compile(r"(?P<what>\w+?)_(?:of|for|about)[_:](?:the_|my_|our_|a_)*(?P<thing>.+)")
# Words before an attribute that say nothing of which one it is.
_BEFORE = re.compile(
    r"(?:(?:the|my|user|users|user_s|his|her|their|its|current|currently|present|new|latest|is|has|primary|personal)_)+(?=.)"
)
_AFTER = re.compile(r"_(?:name|info|information|details?|value)\Z")


@functools.lru_cache(maxsize=4096)
def _canonical(attribute: str) -> str | None:
    name = _snake(attribute)
    if not name:
        return None
    names = _names()
    if name in names:
        return names[name]
    if name.startswith(_MINE):
        noun = name[len(_MINE) :]
        return next((names[each] for each in (noun, _singular(noun)) if each in names), name)
    bare = _BEFORE.sub("", name, count=1) if _BEFORE.match(name) else name
    for each in (bare, _singular(bare), _AFTER.sub("", bare)):
        if each in names:
            return names[each]
    if match := _IS_FAVOURITE.fullmatch(bare):
        kind = _singular(match["kind"])
        return _FAVOURITE + _KINDS.get(kind, kind)
    if (match := _OF_THING.fullmatch(bare)) and (owner := names.get(match["what"])) and _data()[owner].of:
        return f"{owner}{_THING_MARK}{match['thing'].replace('_', ' ').strip()}"
    return bare


# Kinds of favourite that go by two names.
_KINDS = {
    word: kind
    for kind, words_of_it in {
        "colour": "color 顏色 颜色",
        "movie": "film 電影 电影",
        "food": "dish meal 食物 菜 料理",
        "team": "football_team 球隊 球队",
        "musician": "singer artist 歌手",
        "book": "novel 書 书",
        "song": "歌 歌曲",
        "drink": "beverage 飲料 饮料",
        "restaurant": "餐廳 餐厅",
        "sport": "運動 运动",
        "animal": "動物 动物",
        "fruit": "水果",
        "season": "季節 季节",
        "city": "城市",
        "game": "遊戲 游戏",
    }.items()
    for word in words_of_it.split()
}


def _snake(attribute: str) -> str:
    """Lower case, words joined by single underscores; a colon before a thing stays."""
    return re.sub(r"[^\w:]+|_+", "_", _POSSESSIVE.sub("", text.plain(attribute))).strip("_:")


_POSSESSIVE = re.compile(r"['’]s(?=[\W_])")


def _singular(name: str) -> str:
    return name[:-1] if len(name) > 3 and name.endswith("s") and not name.endswith(("ss", "us", "is")) else name


def _pattern_name(key: str) -> str:
    """A project's own name of an attribute in canonical form; a pattern stays as it is."""
    return text.plain(key) if re.search(r"[*?\[]", key) else canonical(key) or key
