"""Text, before any model: hashes, script, words for keyword search, windows for the embedder. Pure."""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
import threading
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files

import Stemmer

# Scripts written without spaces between words, or (Hangul) with endings glued to words.
_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Hiragana, Katakana
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"  # Hangul
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\U00020000-\U0003ffff"  # Han, supplementary planes
)
_RUN = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|(?P<word>[^\W_{_UNSPACED}]+)")
_CJK = re.compile(rf"[{_UNSPACED}]")
_LETTER = re.compile(r"[^\W\d_]")

# Words that say nothing of what a question is about. Questions drop them, records keep them.
_STOP = frozenset(
    """a an the of in on at to for from by with about into as and or but if is are was were be been being
    am do does did done has have had will would can could should may might must not no than then so too
    what which who whom whose when where why how that this these those there here it its he she they them his her
    hers their i you your yours my mine me we us our s t d ll m re ve""".split()
)
_STOP_UNSPACED = frozenset(
    "的了是在我你妳他她它們们嗎吗呢吧啊呀哦喔嗯和與与就都也很會会要有沒没不這这那什麼么甚誰谁哪怎為为以於于及或個个"
)


def plain(text: str) -> str:
    """Compatibility-normalised and case-folded, without NUL and lone surrogates."""
    return unicodedata.normalize("NFKC", scalar(text)).casefold()


def scalar(text: str) -> str:
    """The text with lone surrogates replaced by U+FFFD, so that it can be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def bounded(key: str) -> str:
    """What is looked up by, in at most 1,000 bytes: of a longer one the beginning, and a hash that tells it from others.

    PostgreSQL finds by keys of up to 2,700 bytes, of which another part may take as much.
    """
    if len(key) * 4 <= _LONGEST_KEY or len(whole := key.encode(errors="replace")) <= _LONGEST_KEY:
        return key
    return f"{whole[: _LONGEST_KEY - 34].decode(errors='ignore')}#{md5(key)}"


_LONGEST_KEY = 1_000


def md5(text: str) -> str:
    """Hex MD5 of the text, the `hash` that results carry. Names content, guards nothing."""
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


# Punctuation at the edge of a word; between two word characters it stays.
_MARK = r"[.,;:!?…\"'“”‘’«»()\[\]、。，；：！？「」『』（）【】《》〈〉]"
# Written so that it starts with a mark: what has none is passed over ten times as fast.
_EDGE = re.compile(rf"{_MARK}(?:{_MARK}+|(?!\w)|(?<!\w{_MARK}))")


def fingerprint(text: str) -> str:
    """Equal for texts that differ only in case, width, spacing and punctuation around words.

    Marks between letters or digits and all other signs count: 1.5, C++, -5, $90 and 😀 are kept apart.
    """
    folded = plain(text)
    return md5(" ".join(_EDGE.sub(" ", folded).split()) or folded.strip())


def side(text: str) -> str:
    """`cjk` when unspaced scripts carry most of the text, else `other`.

    One character of an unspaced script weighs about as much as half a word, so three letters.
    """
    unspaced = len(_CJK.findall(text))
    letters = len(_LETTER.findall(text)) - unspaced
    return "cjk" if unspaced * 3 > letters else "other"


def terms(text: str) -> list[int]:
    """What keyword search sees of a record: 32-bit hashes of its words, repeats kept.

    Spaced scripts give stemmed words. Unspaced scripts give every character and every pair of
    neighbours, so that words of one and two characters are found with no dictionary.
    """
    found: list[int] = []
    for run in _RUN.finditer(plain(text)):
        word = run.group()
        if run.lastgroup == "word":
            found.append(_hash(_stem(word)))
        else:
            found += map(_hash, word)
            found += map(_hash, map("".join, itertools.pairwise(word)))
    return found


def says_more(text: str, others: Iterable[str]) -> bool:
    """Whether a text has words that none of the others has, as keyword search tells words apart."""
    return not set(terms(text)).issubset(itertools.chain.from_iterable(map(terms, others)))


def query_terms(text: str) -> tuple[int, ...]:
    """The terms a question asks for, each once, without words that carry no content.

    A question made only of such words keeps them all.
    """
    folded = plain(text)
    every = list(dict.fromkeys(_words(folded)))
    content = {
        word
        for run in _RUN.finditer(folded)
        for word in _run_words(run)
        if not (run.group() in _STOP if run.lastgroup == "word" else any(c in _STOP_UNSPACED for c in word))
    }
    return tuple(_hash(word) for word in every if word in content or not content)


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word that a question asks for, or in unspaced scripts a character or two."""

    plain: str
    """As it was asked, folded: not stemmed."""
    forms: tuple[int, ...]
    """Its terms: more than one where Traditional and Simplified Chinese write it differently."""


def question_words(question: str) -> tuple[Word, ...]:
    """The words a question asks for, each once, with every way to write it in the scripts of Chinese.

    As `query_terms`; of other languages, too, words that carry no content are dropped: the commonest of five that
    are written with spaces, single syllables of Hangul, and hiragana, in which Japanese writes its grammar.
    """
    folded = plain(question)
    wanted = set(query_terms(question))
    every = [word for word in dict.fromkeys(_words(folded)) if _hash(word) in wanted]
    empty = _empty_words(folded)
    words = [word for word in every if word not in empty | _QUANTIFIERS and not _GRAMMAR.fullmatch(word)] or every
    asked = {_stem(run.group()): run.group() for run in _RUN.finditer(folded) if run.lastgroup == "word"}
    return tuple(Word(plain=asked.get(word, word), forms=tuple(map(_hash, _written(word)))) for word in words)


# Words that say how much is asked for, and not of what; stems, as "many" becomes "mani".
_QUANTIFIERS = frozenset("many mani much often ever ani any anyon anyth anybodi someon someth somebodi do".split())

_GRAMMAR = re.compile(
    r"[\u3041-\u309f\u30fc]{1,2}|[\uac00-\ud7af]|나는|내가|나의|우리|저는|제가|무엇|무슨|어떤|언제|어디|누구|얼마|어떻|떻게|에서|니까|나요|인가|는가|습니"
)

# Pronouns, articles, prepositions, auxiliaries and question words, which are content in another language: they count
# as empty only where a question has more of them than of English ones.
_EMPTY = {
    "spanish": """el la los las un una unos unas de del al a en con por para sin sobre entre y o que qué quien quién quienes
    cual cuál cuales cuáles como cómo cuando cuándo donde dónde cuanto cuánto cuanta cuánta cuantos cuántos cuantas cuántas
    por porque es son era eran fue fueron ser estar está están estoy soy eres he ha has han hemos había hay mi mis me yo tu tus
    te tú su sus se lo le les nos nuestro nuestra nuestros nuestras este esta esto ese esa eso no sí si ya muy más""",
    "french": """le la les un une des de du d l au aux à en dans avec pour par sans sur sous entre et ou que qu quoi qui quel
    quelle quels quelles comment quand où combien pourquoi est sont était suis es être ai as a avons avez ont avait mon ma mes
    me moi je j tu te ton ta tes il elle nous vous ils elles son sa ses notre nos votre vos leur leurs ce cet cette ces c s se
    ne pas plus y t m n""",
    "german": """der die das den dem des ein eine einen einem einer eines und oder in im an am auf zu zum zur mit von vom für bei
    aus nach über um was wer wen wem wessen wie wann wo woher wohin warum welche welcher welches welchen ist sind war waren bin
    bist sein habe hast hat haben hatte hatten wird werden wurde mein meine meinen meinem meiner mich mir ich du dich dir dein
    deine er sie es wir uns unser unsere ihr ihre sich nicht kein keine so auch""",
    "portuguese": """o a os as um uma uns umas de do da dos das em no na nos nas com por para pelo pela sem sobre entre e ou que
    quem qual quais como quando onde quanto quanta quantos quantas porque é são era eram foi foram ser estar está estou sou tem
    tenho têm meu minha meus minhas me eu teu tua você seu sua seus suas se lhe nosso nossa este esta isto esse essa isso não""",
    "russian": """и в во на с со к ко у о об от до из за по для без при над под не ни что кто кого кому чем как какой какая какое
    какие каким какую каком где когда куда откуда почему зачем сколько чей чья чьё я мне меня мной мой моя моё мои моего моей
    моих мою ты тебе тебя твой мы нас нам наш наша наши он она оно они его её их был была было были есть это этот эта ли же бы
    то так уже себя свой""",
}
_EMPTY_SETS = {language: frozenset(words.split()) for language, words in _EMPTY.items()}
_EMPTY_STEMS: dict[str, frozenset[str]] = {}


def _empty_words(folded: str) -> frozenset[str]:
    """Stems of the empty words of the language that most of a question's words are empty in, unless English."""
    said = [run.group() for run in _RUN.finditer(folded[:1000]) if run.lastgroup == "word"]
    counts = {language: sum(word in words for word in said) for language, words in _EMPTY_SETS.items()}
    language = max(counts, key=lambda each: counts[each])
    if counts[language] <= sum(word in _STOP for word in said):
        return frozenset()
    if language not in _EMPTY_STEMS:
        _EMPTY_STEMS[language] = frozenset(map(_stem, _EMPTY_SETS[language]))
    return _EMPTY_STEMS[language]


def _written(word: str) -> tuple[str, ...]:
    """The word, and its forms in the other script; of three characters or more, which no term has, itself only."""
    if len(word) > 2 or not _CJK.match(word):
        return (word,)
    ways = ["".join(each) for each in itertools.product(*(_scripts().get(c, c) for c in word))]
    return tuple(dict.fromkeys((word, *ways)))


@functools.cache
def _scripts() -> dict[str, str]:
    """Each Chinese character that has another form, and all forms that share its simplified one."""
    table = files("opencc").joinpath("dictionary/TSCharacters.txt").read_text(encoding="utf-8")
    forms: dict[str, str] = {}
    for line in table.splitlines():
        traditional, simplified = line.split("\t")[0], line.split("\t")[1].split(" ")[0]
        forms[simplified] = forms.get(simplified, simplified) + traditional
    return {character: group for group in forms.values() for character in group}


_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
# Words shorter than this are often one letter away from another word.
_LEAST_MISSPELT = 6


def misspelt(word: str) -> frozenset[int]:
    """Terms of the words that differ from a Latin word by one letter behind its first, or by two exchanged.

    "favourite" is so found by "favorite", and "restaurant" by "restuarant". Empty for short words.
    """
    if len(word) < _LEAST_MISSPELT or len(word) > 40 or not (word.isascii() and word.isalpha()):
        return frozenset()
    cuts = [(word[:at], word[at:]) for at in range(1, len(word) + 1)]
    near = {head + tail[1:] for head, tail in cuts if tail}
    near |= {head + letter + tail for head, tail in cuts for letter in _ALPHABET}
    near |= {head + letter + tail[1:] for head, tail in cuts if tail for letter in _ALPHABET}
    near |= {head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1}
    return frozenset(zlib.crc32(each.encode()) for each in _stemmers.english.stemWords(list(near)))


SPEAKERS = 1 << 14
"""How many codes of speakers there are; two names share one by chance once in so many pairs."""


def speaker(name: str | None) -> int:
    """A number for who speaks, below SPEAKERS; 0 for nobody named. People are called by their first name."""
    words = plain(name or "").split()
    return zlib.crc32(words[0].encode()) % (SPEAKERS - 1) + 1 if words else 0


def speakers(question: str) -> frozenset[int]:
    """The numbers of all who may be meant by a question's words, of its first 1,000 characters."""
    found: set[str] = set()
    for run in _RUN.finditer(plain(question)[:1000]):
        word = run.group()
        if run.lastgroup == "word":
            found.add(word)
        else:
            found.update(word[start : start + size] for size in (2, 3, 4) for start in range(len(word) - size + 1))
    return frozenset(speaker(each) for each in found - _STOP)


def asks(text: str) -> bool:
    """Whether a text ends with a question, so that it wants an answer rather than being one."""
    return text.rstrip("\"'”’」』) \n\t").endswith(("?", "？"))


def in_first_person(question: str, user: str | None) -> str:
    """The question with the user's own id, where it is a name that occurs, put as "I" or "my".

    Memories keep the user's words, so "What are Alice's hobbies?" is answered by "I like …".

    >>> in_first_person("What are Alice's hobbies?", "alice")
    'What are my hobbies?'
    """
    if user is None or len(user) < 2 or not any(character.isalpha() for character in user):
        return question
    chinese = side(question) == "cjk"
    told, start = "", 0
    # A pattern of the name alone compiles at once; with the scripts' ranges around it, it takes 25 ms.
    for found in re.finditer(re.escape(user), question, re.IGNORECASE):
        end = found.end()
        if _in_word(question[max(found.start() - 1, 0) : found.start()]) or _in_word(question[end : end + 1]):
            continue
        if chinese and (space := _SPACE.match(question, end)):
            end = space.end()
        possessive = None if chinese else _POSSESSIVE.match(question, end)
        told += question[start : found.start()] + ("我" if chinese else "my" if possessive else "I")
        start = possessive.end() if possessive else end
    return told + question[start:]


_SPACE = re.compile(r"\s+")
_POSSESSIVE = re.compile(r"['’]s\b", re.IGNORECASE)


def _in_word(character: str) -> bool:
    """Whether a name that stands beside this character is part of a longer word."""
    return character.isalnum() and not _CJK.match(character)


def first_sentence(text: str, limit: int) -> str:
    """The first line or sentence of a text, at most `limit` characters of it; a part of the text byte for byte.

    >>> first_sentence("Opened the shop. Then searched.", 200)
    'Opened the shop.'
    """
    text = text.strip()
    found = re.match(r"[^\n]*?(?:[。！？!?]|\.(?=\s|$)|(?=\n)|$)", text[:limit])
    return (found.group() if found else text[:limit]).strip() or text[:limit]


def windows(text: str, limit: int) -> list[str]:
    """The text in consecutive pieces of at most `limit` characters; joined they are the text.

    Cuts fall at the last line, sentence or word end in the second half of a piece, else anywhere.
    """
    return list(_cut(text, limit))


def _cut(text: str, limit: int) -> Iterator[str]:
    start = 0
    while len(text) - start > limit:
        piece = text[start : start + limit]
        end = max(piece.rfind(mark) for mark in "\n。！？.!?")
        if end < limit // 2:
            end = max(end, piece.rfind(" "))
        if end < limit // 2:
            end = limit - 1
        yield piece[: end + 1]
        start += end + 1
    yield text[start:]


def _words(folded: str) -> Iterator[str]:
    for run in _RUN.finditer(folded):
        yield from _run_words(run)


def _run_words(run: re.Match[str]) -> Iterator[str]:
    found = run.group()
    if run.lastgroup == "word":
        yield _stem(found)
        return
    yield from found
    for first, second in itertools.pairwise(found):
        yield first + second


class _Stemmers(threading.local):
    """Snowball stemmers keep state while they work, so each thread has its own; `_stem` caches."""

    def __init__(self) -> None:
        self.english = Stemmer.Stemmer("english", 0)
        self.russian = Stemmer.Stemmer("russian", 0)


_stemmers = _Stemmers()


@functools.lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    # Latin words of any language go through the English stemmer: records and questions alike, so
    # what it does to a Spanish ending it does on both sides.
    if len(word) < 4 or len(word) > 40 or not word.isalpha():
        return word
    if word.isascii():
        return str(_stemmers.english.stemWord(word))
    if "\u0400" <= word[0] <= "\u04ff":
        return str(_stemmers.russian.stemWord(word))
    return word


@functools.lru_cache(maxsize=65_536)
def _hash(word: str) -> int:
    return zlib.crc32(word.encode())
