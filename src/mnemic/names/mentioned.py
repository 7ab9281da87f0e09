"""Names that merely occur in a text, and what the words beside them tell of their kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mnemic.names.book import Book
from mnemic.names.chinese import clean_chinese, patterns_zh
from mnemic.names.english import CAPITAL, ING, LETTER, POSSESSIVE, RUN, START, UP, is_ordinary
from mnemic.names.keys import EDGES, HAN
from mnemic.names.lexicon import lexicon
from mnemic.types import EntityKind


def latin_names(text: str, book: Book) -> Iterator[tuple[str, EntityKind]]:  # noqa: C901 - a ladder of cases
    """Capitalised names that are not only the first word of a sentence, with what the words around tell."""
    for match in _HANDLE.finditer(text):
        yield match.group(), "person"
    if not CAPITAL.search(text) or _shouted(text) or _GERMAN.search(text):
        return
    titles = list(_quoted(text))
    yield from ((match.group()[1:-1].rstrip(".,"), "thing") for match in titles)
    last: tuple[int, EntityKind] | None = None
    for run in RUN.finditer(text):
        while titles and titles[0].end() <= run.start():
            del titles[0]
        if titles and titles[0].start() < run.start():
            continue
        for piece in _pieces(text, run):
            span = _trimmed(text, *piece)
            if span is None:
                continue
            start, end = span
            name = text[start:end]
            beside = last is not None and bool(_JOINED.fullmatch(text, last[0], start))
            if (not beside and is_called_to(text, start, end)) or _AILMENT.match(text, end):
                continue
            kind = book.kind_of(name)
            if kind is None or kind == "thing":
                kind = kind_of_name(text, start, end, name)
                if kind == "thing" and last is not None and beside:
                    kind = last[1]
            if name.isupper() and len(name) < 6 and kind not in ("organisation", "place") and not book.knows(name):
                continue  # an abbreviation, of whatever
            last = (end, kind)
            yield name, kind


_HANDLE = re.compile(r"(?<![\w.@/])@[A-Za-z]\w{1,30}(?![\w.]*@)")
# Languages that write every noun with a capital.
_GERMAN = re.compile(r"\b(?:[Ii]ch|und|nicht|[Mm]eine[rmns]?|wir|f[üu]r|ist|habe|eine[rmns]?)\b")
_AILMENT = re.compile(r"['’]s (?:disease|syndrome|palsy)\b")
_JOINED = re.compile(r",? (?:and|or|&) |, |、|和|跟")


def _shouted(text: str) -> bool:
    """Whether case tells nothing: all capitals, or a headline with nearly every word capitalised."""
    if HAN.search(text):
        return False
    words: list[str] = _WORDS.findall(text[:400])
    if len(words) < 4:
        return len(words) > 1 and all(word.isupper() for word in words)
    return sum(word[0].isupper() for word in words) > 0.8 * len(words)


_WORDS = re.compile(rf"[{LETTER}'’]{{2,30}}")


def _quoted(text: str) -> Iterator[re.Match[str]]:
    """Titles in quotation marks: several words, each of some length with a capital."""
    for match in _QUOTED.finditer(text):
        inside = match.group()[1:-1]
        words = inside.split()
        if (
            2 <= len(words) <= 8
            and all(word[0].isupper() or len(word) < 4 for word in words)
            and inside.rstrip(".,")[-1:].isalnum()
        ):
            yield match


_QUOTED = re.compile(
    rf"[\"“](?=[{UP}])[^\"“”\n]{{2,60}}[\"”]|(?<![{LETTER}])['‘](?=[{UP}])[^'‘’\n]{{2,60}}['’](?![{LETTER}])"
)


def _pieces(text: str, run: re.Match[str]) -> Iterator[tuple[int, int]]:
    """A row of capitalised words, cut after each possessive ("Dana's Tesla"), the mark left out.

    "St. Mary's Hospital" is one name, and so is "McDonald's" at the end of a clause.
    """
    start = position = run.start()
    saint = run.group().startswith(("St. ", "Mt. "))
    for token in run.group().split(" "):
        end = position + len(token)
        tail = POSSESSIVE.search(token)
        whole = saint or (end == run.end() and not text.startswith(" ", end))
        if tail and not whole:
            yield start, end - len(tail.group())
            start = end + 1
        position = end + 1
    if start < run.end():
        yield start, run.end()


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:  # noqa: C901 - a ladder of cases
    """The span without words that are no part of a name; None when nothing certain is left."""
    data = lexicon()
    words = text[start:end].split(" ")
    if text[start:end] in data.places_en:
        return start, end
    while words and (words[-1].lower() in _NEVER_LAST or words[-1][:2].islower()):
        end -= len(words.pop()) + 1
    opens = bool(START.search(text, max(0, start - 6), start))
    if words and opens:
        first = words[0].lower()
        if first in _MAYBE_FIRST:
            return None
        if len(words) == 1 and not _AFTER_NAME.match(text, end):
            return None
        ordinary = is_ordinary(words[0]) and first.rstrip(".") not in data.titles
        if ordinary or (len(words) > 1 and (ING.search(first) or first.endswith("ed"))):
            start += len(words.pop(0)) + 1
            if first in _GREETINGS and _CALL.match(text, end):
                return None
    while words and words[0].lower() in _NEVER_FIRST:
        start += len(words.pop(0)) + 1
    if not words or (opens and len(words) == 1 and ING.search(words[0].lower())):
        return None
    if text[start:end] in data.places_en:
        return start, end
    if all(is_ordinary(each) or each.isdigit() or each.lower() in data.roles or each[:2].islower() for each in words):
        return None
    return (start, end) if end - start > 1 else None


_NEVER_FIRST = frozenset(
    "i i'm i've i'd i’m i’ve i’d my our your his her their the this that these when if and but so because monday tuesday wednesday thursday "
    "friday saturday sunday january february april june july august september october november december hi hey hello".split()
)
_NEVER_LAST = _NEVER_FIRST | {"of", "and", "&"}
# "New Relic" or "new Relic"? At the start of a sentence nobody can tell.
_MAYBE_FIRST = frozenset(
    "new old great big small little good best better nice happy first second third last next same other one".split()
)
# What only a name is followed by: "Tom and I", "Dana's birthday".
_AFTER_NAME = re.compile(
    r" and (?:I|me|my)\b|['’]s (?:birthday|wedding|surname|boss|wife|husband|mother|father|mom|dad|sister|brother|son|daughter|dog|cat)\b"
)
_GREETINGS = frozenset("hi hey hello thanks bye sorry wow yeah yes no oh ok okay well please congrats".split())
_CALL = re.compile(r"\s*(?:[,!.?…]|\Z)")


def is_called_to(text: str, start: int, end: int) -> bool:
    """Whether the name is who is spoken to ("I got it, Maria!", "Oh, Maria, no") and not who is spoken of."""
    if not text.startswith(", ", start - 2) or _ROLE_LAST.search(text, max(0, start - 20), start - 2):
        return False
    return bool(_CALLED.match(text, end)) or (
        text.startswith(",", end) and bool(_INTERJECTION.search(text, max(0, start - 16), start - 2))
    )


_CALLED = re.compile(r"[!.?…]|\Z|\s*[\u2600-\U0001faff]")
_INTERJECTION = re.compile(r"(?:\A|[.!?] )[A-Z][a-z']{0,8}(?: [a-z]{1,6})?\Z")
_ROLE_LAST = re.compile(
    r"\b(?:dog|cat|puppy|kitten|pet|son|daughter|wife|husband|brother|sister|friend|boss|partner|woman|man|girl|boy|guy)\Z"
)
_VERBS = re.compile(
    r" (?:said|says|told|tells|thinks|loves|likes|hates|works|worked|lives|lived|married|calls|called|moved|came|asked|gave|got|bought|was born|"
    r"graduated|invited|wants|prefers|speaks|studies|teaches|plays|is (?:\d+|allergic|vegetarian|vegan|pregnant|getting married))\b"
)
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
    r"\b(?:(?:liv(?:e|es|ed|ing)|dinner|lunch|breakfast|brunch|coffee|tea|drinks?|hiking|went|go|going|travel\w{0,4}|trip|walk\w{0,3}|talk\w{0,3}|chat\w{0,4}|spen[dt]|time|party|danc(?:e|ed|ing)|date|hang|hung|tennis|golf|chess|football|movies?|stay\w{0,3}|together|love|along|out|up|weekend|day|here|there|friends) with|met|meet|meeting|marr(?:y|ied|ying)|dating|dated|engaged to|talk(?:ed|ing)? to|spoke (?:to|with)|told|asked|texted|invited|hugged|miss|missed|named after|thanks to|and I,?|introduced (?:me )?to|husband|wife|son|daughter|brother|sister|friend|boss|colleague|neighbou?r|roommate|cousin|nephew|niece|(?:someone|somebody|woman|man|guy|girl|boy|lady|person)(?: named| called|,)) \Z",
    re.IGNORECASE,
)
_PLACE_ZH = re.compile(r"(?:住在?|搬到|搬去|飛去?|飞去?|去|到|來自|来自|回) ?\Z")
_ORGANISATION_ZH = re.compile(r"(?:在|加入|進入|进入|跳槽到|任職於|任职于) ?\Z")
_WORK_ZH = re.compile(r" ?(?:\w{0,6})(?:上班|工作|任職|任职|實習|实习|服務|服务|當|当)")
_PERSON_ZH = re.compile(r"(?:跟|和|與|与|同|約|约|陪|找|認識|认识|遇到|見|见|教|問|问|叫|嫁給|娶了?) ?\Z")
_PERSON_AFTER_ZH = re.compile(r" ?(?:說|说|告訴|告诉|是我(?:的|們|们)?|跟我|和我|今年)")


def kind_of_name(text: str, start: int, end: int, name: str) -> EntityKind:  # noqa: C901 - a ladder of cases
    """What a name in Latin letters is, by its own words and those beside it; `thing` when neither tells."""
    data = lexicon()
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
    if _PERSON_BEFORE.search(text, left, start) or _PERSON_ZH.search(text, max(0, start - 6), start):
        return "person"
    if HAN.match(text, max(0, start - 2)) and patterns_zh().role_before.search(text, max(0, start - 8), start):
        return "person"
    if _PLACE.search(text, left, start) or _PLACE_ZH.search(text, left, start):
        return "place"
    if _AFTER_NAME.match(text, end) and START.search(text, max(0, start - 6), start):
        return "person"
    if len(words) <= 3 and (_VERBS.match(text, end) or _PERSON_AFTER_ZH.match(text, end)):
        return "person"
    return "thing"


def chinese_names(text: str) -> Iterator[tuple[str, EntityKind]]:
    """Chinese names by their form (小明, 王怡君, 陳老師), and places of the list."""
    if not HAN.search(text):
        return
    patterns = patterns_zh()
    for match in patterns.free.finditer(text):
        if name := clean_chinese(match.group()):
            yield name, "person"
    for match in patterns.place.finditer(text):
        yield match["place"], "place"


_TITLE = re.compile(r"《([^《》\n]{1,40})》")
_CALLED_TITLE = re.compile(
    r"(?:叫(?:做|作)?|名為|名为|called|named|titled|book|film|movie|novel|song|band|餐廳|餐厅|咖啡廳|書|书|電影|电影|歌)(?:是|叫)? ?[「『“\"]([^「」『』“”\"\n。！？!?]{1,30})[」』”\"]"
)


def titles(text: str) -> Iterator[tuple[str, EntityKind]]:
    """What stands between marks that set off a title."""
    for pattern in (_TITLE, _CALLED_TITLE):
        for match in pattern.finditer(text):
            if title := match[1].strip(EDGES):
                yield title, "thing"
