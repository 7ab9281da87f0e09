"""Every fact held to what was said, by mechanical rules and with no model. Pure.

A fact passes when its quote stands in its turn and each name, number, date and negation of its text stands in
the quote, or was resolved by a step that is recorded: a date in `valid_from`, a name in `also` or in a quote
made longer. A text that claims more becomes the quote itself, so nothing that was said is lost. What is no
statement of anybody (a question, small talk, an idle "if I were", an order inside a tool's output) is refused.

The rules know English and Chinese. In other languages only quotes, names in Latin letters and digits are compared.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mnemic.text import plain, query_terms, side
from mnemic.types import ExtractionRequest, Fact, Refusal, Turn

# How far a fact is trusted at most, in [0, 1].
_CONFIRMED = 0.75
"""The assistant said it and the user agreed."""
_DOUBTFUL = 0.5
"""Hedged, reported, or said under a condition."""
_FROM_DATA = 0.3
"""From a tool's output or a system text."""


def check(fact: Fact, request: ExtractionRequest, *, user: str | None = None) -> Fact | Refusal:
    """The fact as far as its quote bears it out, or why it is refused. Never raises.

    `user` is the name of the scope's user, who may stand for "I". The places in `also` count the turns of
    `before` and go on with the new ones: `len(before)` is `turns[0]`.

    Reasons to refuse: `quote_not_in_source`, `small_talk`, `question`, `hypothetical`, `unconfirmed` (an
    assistant's claim about the user) and `instruction_in_data`.
    """
    if not 0 <= fact.turn < len(request.turns):
        return Refusal(
            turn=min(max(fact.turn, 0), max(len(request.turns) - 1, 0)), reason="quote_not_in_source", quote=fact.quote
        )
    turn = request.turns[fact.turn]
    if not fact.quote.strip() or fact.quote not in turn.content:
        return Refusal(turn=fact.turn, reason="quote_not_in_source", quote=fact.quote)
    fact = _in_bounds(fact, turn, request)
    if len(fact.quote) > _LONGEST:
        return _kept_whole(fact, turn)
    case = _Case(fact=fact, turn=turn, request=request, user=user)
    if reason := _reason_to_refuse(case):
        return Refusal(turn=fact.turn, reason=reason, quote=fact.quote)
    fact = _resolved(case)
    case = replace(case, fact=fact)
    fact, subject_held = _with_subject(case)
    case = replace(case, fact=fact)
    return _marked(replace(case, fact=_held_to_quote(case, subject_held=subject_held)))


_LONGEST = 4_000
"""Characters. A longer quote is no single statement: it is kept as it is and compared with nothing."""


def _kept_whole(fact: Fact, turn: Turn) -> Fact:
    data = turn.role in ("tool", "system")
    return replace(
        fact,
        text=fact.quote,
        kind="fact" if data else fact.kind,
        subject=None,
        attribute=None,
        object=None,
        confidence=min(fact.confidence, _FROM_DATA if data else _DOUBTFUL),
    )


def echo(text: str, shown: Iterable[str]) -> bool:
    """Whether `text`, said by an assistant, only restates memories it was shown.

    Each of its clauses must be borne out by one memory: most of its words, all its numbers and names, and the
    same yes or no. A text that says nothing of its own ("Sure!") is no echo, nor is one longer than memories are.
    """
    if len(text) > _LONGEST:
        return False
    memories = [(_content(memory), memory) for memory in shown if len(memory) <= _LONGEST]
    said = False
    for clause in _clauses(_FRAME.sub("", _straight(text))):
        words = _content(clause.text)
        if not words:
            continue
        said = True
        if not any(_restates(clause.text, words, memory, known) for known, memory in memories):
            return False
    return said


_RESTATED = 0.8
"""Share of a clause's words that a memory must hold; the rest is how it is put."""
_FRAME = re.compile(
    r"(?:as (?:you|i) (?:said|mentioned|told me|recall)(?: before| earlier)?|(?:i (?:remember|recall|know|see)|you (?:said|mentioned|told me)|based on (?:what you(?:'ve)? (?:said|told me)|our (?:earlier|previous) conversations?))(?: that)?"
    r"|我(?:記得|记得|知道)|你(?:之前|以前|曾|有)?(?:說過?|说过?|提過|提过|提到過?|提到过?|告訴我|告诉我)|根據(?:我們)?之前的(?:對話|談話)|根据(?:我们)?之前的(?:对话|谈话))[,，:：]?\s*",
    re.IGNORECASE,
)


def _restates(clause: str, words: frozenset[int], memory: str, known: frozenset[int]) -> bool:
    return (
        len(words & known) >= _RESTATED * len(words)
        and not _numbers(clause, asserted=True) - _numbers(memory)
        and not {name for name in _names(clause) if plain(name) not in plain(memory)}
        and _is_negated(clause) == _is_negated(memory)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """A fact beside what it was made of."""

    fact: Fact
    turn: Turn
    request: ExtractionRequest
    user: str | None

    @property
    def cited(self) -> str:
        """The quote and every further citation."""
        return "\n".join((self.fact.quote, *(words for _, words in self.fact.also)))

    @property
    def speaker(self) -> str:
        """What a fact calls who speaks: the name where several people speak as the user."""
        if self.turn.role != "user":
            return "assistant"
        names = {turn.name for turn in (*self.request.before, *self.request.turns) if turn.role == "user"}
        return self.turn.name if self.turn.name and len(names - {None}) > 1 else "user"

    @property
    def own_names(self) -> tuple[str, ...]:
        """Names that may stand for "I"."""
        return tuple(name for name in (self.turn.name, self.user if self.turn.role == "user" else None) if name)


# What must hold before anything is compared.


def _in_bounds(fact: Fact, turn: Turn, request: ExtractionRequest) -> Fact:
    """Without citations that do not stand there, a target that is none, times that cannot be."""
    earlier = _earlier(request, fact.turn)
    also = tuple(
        (place, words)
        for place, words in fact.also
        if 0 <= place < len(earlier) and len(words) <= _LONGEST and words.strip() and words in earlier[place].content
    )
    aimed = fact.to is not None and 0 <= fact.to < len(request.near) and fact.does != "new"
    told = plain("\n".join((fact.quote, *(each.content for each in earlier[-_LOOK_BACK:])))) if fact.corrects else ""
    since, until = _zoned(fact.valid_from, turn.said_at), _zoned(fact.valid_to, turn.said_at)
    if not _TIME.search("\n".join((_straight(fact.quote[:_LONGEST]), *(words for _, words in also)))):
        since = until = None  # no date is invented
    elif since is not None and until is not None and until <= since:
        until = None
    return replace(
        fact,
        also=also,
        does=fact.does if aimed else "new",
        to=fact.to if aimed else None,
        corrects=fact.corrects if fact.corrects == "" or (fact.corrects and plain(fact.corrects) in told) else None,
        valid_from=since,
        valid_to=until,
        precision=fact.precision if since or until else None,
        text=fact.text if len(fact.text) <= _LONGEST else fact.quote,
        confidence=min(max(fact.confidence, 0.0), 1.0) if math.isfinite(fact.confidence) else _DOUBTFUL,
        attributed_to="user" if turn.role == "user" else "assistant",
    )


_LOOK_BACK = 6  # turns before a fact's own in which what it points at is looked for


def _earlier(request: ExtractionRequest, turn: int) -> tuple[Turn, ...]:
    """What was said before the new turn `turn`, oldest first: the places that `also` counts."""
    return (*request.before, *request.turns[:turn])


def _zoned(moment: datetime | None, like: datetime) -> datetime | None:
    if moment is not None and moment.utcoffset() is None and like.utcoffset() is not None:
        return moment.replace(tzinfo=like.tzinfo)
    if moment is not None and moment.utcoffset() is not None and like.utcoffset() is None:
        return moment.replace(tzinfo=None)
    return moment


# What is no statement.


def _reason_to_refuse(case: _Case) -> str | None:
    fact, turn = case.fact, case.turn
    quote = _straight(fact.quote)
    if _SMALL_TALK.fullmatch(quote):
        return "small_talk"
    if turn.role in ("tool", "system"):
        ordering = _ORDER.search(quote) or (fact.kind in ("procedure", "preference") and _IMPERATIVE.search(quote))
        return "instruction_in_data" if ordering else None
    if _only_asks(case):
        return "question"
    if all(_is_idle(clause) for clause in _meant(case)):
        return "hypothetical"
    if turn.role == "assistant" and _is_speaker(fact.subject, case, ("user",)) and not _is_confirmed(case):
        about = {clause.about for clause in _meant(case)}
        if "listener" in about or ("speaker" not in about and _LISTENER.search(quote)):
            return "unconfirmed"
    return None


_SMALL_TALK = re.compile(
    r"[\s\W]*(?:(?:hi|hey|hello|thanks?|thank you|thx|ok|okay|yes|yeah|yep|no|nope|sure|cool|great|nice|good|awesome|perfect|lol|haha+|wow|bye|goodbye|"
    r"good (?:morning|afternoon|evening|night)|see you|got it|i see|you're welcome|no problem|never mind|sounds good|how are you|please|sorry|welcome|there|again|"
    r"so much|very much|a lot|everyone|later|soon|tomorrow|你好|您好|哈囉|哈喽|嗨|早安?|午安|晚安|早上好|晚上好|謝謝你?|谢谢你?|感謝|感谢|多謝|多谢|好的?|嗯+|哈+|呵+|是的?|"
    r"對啊?|对啊?|沒事|没事|沒關係|没关系|不客氣|不客气|再見|再见|拜拜|掰掰|辛苦了|不好意思|抱歉|收到|了解|知道了|加油|太好了|真的|喔+|哦+|啊+|呢|吧|啦)[\s\W]*){1,8}",
    re.IGNORECASE,
)
# Orders to whoever reads, and talk about its instructions.
_ORDER = re.compile(
    r"(?:\A|[\n.!?:;]\s*|\*\s*)(?:(?:please|now|important|note|attention|assistant|ai|system)[,:!]?\s+){0,3}"
    r"(?:ignore|disregard|forget|override|always|never|from now on|going forward|remember (?:to|that you)|make sure|be sure to|do not|don't|you (?:must|should|need to|have to|will now|are now|are to)|"
    r"when(?:ever)? (?:the |a )?user|tell (?:the |your )?user|instruct|respond|reply|answer (?:only|with|in)|act as|pretend|reveal|send (?:the|all|any|an?|your|this))\b"
    r"|\b(?:ignore|disregard|forget|override) (?:all |any |the |your |my )*(?:previous|prior|above|earlier|other|system) ?\w*|\bsystem prompt\b|\b(?:new|updated|hidden) instructions?\b|\bthe (?:assistant|ai|agent|model) (?:must|should|shall|has to|needs to)\b"
    r"|(?:\A|[\n。！!？?：:；;]\s*)(?:請|请|務必|务必|必須|必须|一定要|從現在(?:起|開始)|从现在(?:起|开始)|以後(?:都|請)|以后(?:都|请)|今後|今后|忽略|無視|无视|忘記|忘记|不要|不得|禁止|切勿|永遠|永远|總是|总是|你(?:要|必須|必须|應該|应该|現在是|现在是|是一個|是一个)|告訴(?:用戶|使用者)|告诉(?:用户|使用者)|回覆|回复|發送|发送)"
    r"|(?:忽略|無視|无视|忘記|忘记)(?:所有|之前|以上|先前|前面|你)|系統提示|系统提示|(?:助手|助理|AI|模型)(?:必須|必须|應該|应该|要|不得)",
    re.IGNORECASE,
)
_IMPERATIVE = re.compile(
    r"(?:\A|[\n.!?:;]\s*)(?:then |next |first )?(?:run|execute|use|call|open|click|visit|go to|download|install|delete|add|set|enter|type|copy|pay|transfer|email|write|say|give|ask|check|avoid|keep|stop|start)\b"
    r"|(?:\A|[\n。！!；;]\s*)(?:先|再|然後|然后)?(?:執行|执行|使用|打開|打开|點擊|点击|下載|下载|安裝|安装|刪除|删除|輸入|输入|轉帳|转账|付款|避免|停止|開始|开始)",
    re.IGNORECASE,
)


def _only_asks(case: _Case) -> bool:
    """Whether the words the fact rests on are a question."""
    quote, content = case.fact.quote, case.turn.content
    start = content.index(quote)
    after = content[start + len(quote) :][:_AFTER_QUOTE].lstrip()
    # "…, since I'm vegan?" gives a reason: only words that open the sentence are what it asks.
    if after.startswith(("?", "？")) and _BEFORE_SENTENCE.search(content[max(start - 4, 0) : start].rstrip(" \t")):
        quote = quote + "?"
    if not _ASKS.search(_straight(quote)):
        return False
    return all(clause.asks for clause in _meant(replace(case, fact=replace(case.fact, quote=quote))))


_AFTER_QUOTE = 8
_ASKS = re.compile(r"[?？]|[嗎吗](?:[。！!~～\s」]|\Z)")


def _is_idle(clause: _Clause) -> bool:
    """Whether the clause only plays with a thought: "if I lived in Paris", "I wish", 如果我是你."""
    if _WISH.search(clause.text):
        return True
    return clause.conditional and bool(_COUNTERFACTUAL.search(clause.sentence))


_WISH = re.compile(
    r"\b(?:i|we) (?:really |just )?wish\b|\bif only\b|\A\s*(?:imagine|suppose|supposing|what if|let's say|say i|hypothetically)\b|就好了|該多好|该多好|早知道|要不是|\A\s*(?:假設|假设)",
    re.IGNORECASE,
)
_COUNTERFACTUAL = re.compile(
    r"\bif (?:i|we|my \w+|he|she|they) (?:ever |only |just )?(?:were|was|had|could|would|lived|worked|won|got|became|moved|owned|knew|earned|spoke|\w{2,15}ed)\b.{0,200}(?:\bwould\b|'d\b|\bcould\b|\bmight\b)"
    r"|(?:\bwould\b|'d\b|\bcould\b).{0,200}\bif (?:i|we|my \w+|he|she|they) (?:ever |only |just )?(?:were|was|had|could|lived|worked|won|got|became|moved|owned|knew|earned|spoke|\w{2,15}ed)\b"
    r"|(?:如果|要是|假如|倘若|若是?|萬一|万一|假使)[^，。]{0,6}?我(?:們|们)?(?:真的|當初|当初|哪天|有一天|有天)?(?:是|有|住|能|可以|會|会|當|当|中|贏|赢|變|变|沒|没|不是|還|还|早)",
    re.IGNORECASE | re.DOTALL,
)


def _is_confirmed(case: _Case) -> bool:
    """Whether the user's next turn agrees with the assistant's."""
    following = case.request.turns[case.fact.turn + 1 :]
    answer = next((turn for turn in following if turn.role == "user"), None)
    return answer is not None and bool(_YES.match(answer.content))


_YES = re.compile(
    r"\s*(?:yes|yeah|yep|yup|correct|right|exactly|true|indeed|that's (?:right|correct|true)|absolutely|of course|對(?!不起)|对(?!不起)|沒錯|没错|是的|是啊|是喔|嗯(?!嗯?[?？])|正確|正确)(?![\w'])(?!\s*[?？])"
    r"|\s*(?:對|对|沒錯|没错|是的|是啊|嗯)(?=[，,。！!啊的呀]|\Z|\s)",
    re.IGNORECASE,
)
_LISTENER = re.compile(r"\b(?:you|your|yours|you're|you've)\b|[你妳您]", re.IGNORECASE)


# Names that the quote only points at: found in the same turn, or in an earlier one, and recorded.


def _resolved(case: _Case) -> Fact:
    """The fact with the evidence that its pronouns need: a longer quote, or one more citation."""
    fact = case.fact
    wanted = set(_names(fact.text))
    if fact.subject and not _is_speaker(fact.subject, case, _ANYONE_SPEAKING):
        wanted |= set(_names(fact.subject))
    known = plain("\n".join((case.cited, *case.own_names)))
    missing = sorted(name for name in wanted if plain(name) not in known and not _is_date_word(name))
    if not missing or not _points_elsewhere(fact.quote):
        return fact
    start = case.turn.content.index(fact.quote)
    near = case.turn.content[max(start - _NEAR, 0) : start]
    places = [near.find(name) for name in missing]
    if min(places) >= 0:
        left = start - len(near) + _sentence(near, min(places))[0]
        return replace(fact, quote=case.turn.content[left : start + len(fact.quote)].strip())
    earlier = _earlier(case.request, fact.turn)
    for place in range(len(earlier) - 1, max(len(earlier) - 1 - _LOOK_BACK, -1), -1):
        words = earlier[place].content
        places = [words.find(name) for name in missing]
        if min(places) >= 0:
            left, right = _sentence(words, min(places))
            right = max(right, *(_sentence(words, each)[1] for each in places))
            if right - left <= 2 * _NEAR:
                return replace(fact, also=(*fact.also, (place, words[left:right].strip())))
    return fact


_NEAR = 300  # characters before a quote in which what "she" means still counts as the same breath
_POINTS = re.compile(
    r"\b(?:he|she|they|it|him|her|hers|his|them|their|its|there|that|this|these|those|one)\b|[他她它牠祂]|那[裡里邊边兒儿個个]|這[裡邊個]|这[里边个]|對方|对方",
    re.IGNORECASE,
)
_SHORT_ANSWER = 6  # words, or twice as many Chinese characters: "In Berlin." answers what was asked before


def _points_elsewhere(quote: str) -> bool:
    words = _straight(quote)
    if _POINTS.search(words):
        return True
    return len(words.split()) <= _SHORT_ANSWER and len(words) <= 40 and not _FIRST_PERSON.search(words)


_FIRST_PERSON = re.compile(
    r"\b(?:i|i'm|i've|i'll|i'd|me|my|mine|myself|we|we're|we've|our|us)\b|[我咱俺]", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|\Z)|[。！？\n]")


def _sentence(text: str, place: int) -> tuple[int, int]:
    """Start and end of the sentence of `text` that holds `place`, at most `_NEAR` characters to each side."""
    start, end = max(place - _NEAR, 0), min(place + _NEAR, len(text))
    for mark in _SENTENCE_END.finditer(text, start, end):
        if mark.end() <= place:
            start = mark.end()
        else:
            return start, mark.end()
    return start, end


# Whom the fact is about.

_ANYONE_SPEAKING = ("user", "assistant")
_CALLED = {
    "user": frozenset("user|the user|speaker|the speaker|i|me|myself|用戶|用户|使用者|我|本人".split("|")),
    "assistant": frozenset("assistant|the assistant|ai|助手|助理".split("|")),
}


def _is_speaker(subject: str | None, case: _Case, roles: Sequence[str]) -> bool:
    """Whether `subject` is one of the parties, by role or as the user's own name."""
    if subject is None:
        return False
    folded = plain(subject).strip()
    if any(folded in _CALLED[role] for role in roles):
        return True
    return "user" in roles and case.user is not None and folded == plain(case.user)


def _with_subject(case: _Case) -> tuple[Fact, bool]:  # noqa: C901 - a ladder of cases
    """The fact with the subject that its words have, and whether the one it came with held."""
    fact = case.fact
    clauses = _meant(case)
    about = [clause.about for clause in clauses]
    if case.turn.role in ("tool", "system"):
        return _of_data(fact, case)
    if _is_speaker(fact.subject, case, ("user",)):
        if case.turn.role == "assistant":
            return _said_by_assistant(fact, case, about)
        if _quotes_another(case):
            return replace(fact, subject=_first_person_named(about), attribute=None, object=None), False
        if not about or any(each in ("speaker", None) for each in about) or _tells_of_relation(fact, about):
            return replace(fact, subject=case.speaker), _speaker_fits(fact, case)
        name = _first_person_named(about)
        if name is None:
            return replace(fact, subject=None, attribute=None, object=None), False
        return replace(fact, subject=name), _mentions(fact.text, name)
    if _is_speaker(fact.subject, case, ("assistant",)):
        if case.turn.role == "assistant" or _LISTENER.search(_straight(fact.quote)):
            return replace(fact, subject="assistant"), True
        return replace(fact, subject=case.speaker if "speaker" in about else None, attribute=None, object=None), False
    if fact.subject is None or _is_supported(fact.subject, case):
        return fact, True
    if case.turn.role == "user" and about and all(each == "speaker" for each in about):
        return replace(fact, subject=case.speaker), False
    return replace(fact, subject=_first_person_named(about), attribute=None, object=None), False


def _of_data(fact: Fact, case: _Case) -> tuple[Fact, bool]:
    """Data speaks for nobody: it has no user, and what it says of others stands in it."""
    if (
        fact.subject is not None
        and not _is_speaker(fact.subject, case, _ANYONE_SPEAKING)
        and _is_supported(fact.subject, case)
    ):
        return fact, True
    claims = fact.subject is not None
    return replace(fact, subject=None, attribute=None), not (claims and _USER_WORD.search(_straight(fact.text)))


def _said_by_assistant(fact: Fact, case: _Case, about: Sequence[str | None]) -> tuple[Fact, bool]:
    if _is_confirmed(case) and "speaker" not in about:
        return replace(fact, subject="user", attributed_to="user", confidence=min(fact.confidence, _CONFIRMED)), True
    subject = "assistant" if "speaker" in about else _first_person_named(about)
    return replace(fact, subject=subject, attribute=None, object=None), not _USER_WORD.search(_straight(fact.text))


def _first_person_named(about: Sequence[str | None]) -> str | None:
    """The first person, other than the parties, that the clauses are about."""
    return next((each for each in about if each not in ("speaker", "listener", "pronoun", None)), None)


_USER_WORD = re.compile(r"\b(?:the )?user(?:'s)?\b|使用者|用戶|用户", re.IGNORECASE)


def _speaker_fits(fact: Fact, case: _Case) -> bool:
    """In a group, "the user" is nobody in particular."""
    return case.speaker == "user" or not _USER_WORD.search(_straight(fact.text))


def _mentions(text: str, name: str) -> bool:
    return bool(_content(name) & _content(text))


# Attributes that say who somebody is to the user: "My wife is called Anna" is a fact about the user.
_RELATION_ATTRIBUTE = re.compile(
    r"(?<![a-z])(?:spouse|wife|husband|partner|pet|dog|cat|child|son|daughter|kid|sibling|sister|brother|parent|mother|father|family|friend|boss|manager|colleague|coworker|"
    r"teacher|doctor|roommate|neighbou?r|relation|girlfriend|boyfriend|therapist|dentist|landlord|children)s?(?![a-z])",
    re.IGNORECASE,
)


def _tells_of_relation(fact: Fact, about: Sequence[str | None]) -> bool:
    name = _first_person_named(about)
    if name is None or not fact.attribute or not _mentions(fact.text, name):
        return False
    # "Ramen is my favourite food": what is named is the value.
    named = fact.object is not None and plain(name) in plain(fact.object) and _IS_MINE.search(_straight(fact.text))
    return bool(named or _RELATION_ATTRIBUTE.search(fact.attribute))


_IS_MINE = re.compile(r"\b(?:is|was|became|has become|'s) (?:now |also |currently )?(?:my|our)\b", re.IGNORECASE)


def _is_supported(subject: str, case: _Case) -> bool:
    """Whether all words of a third party's name or description were said."""
    said = plain("\n".join((case.cited, *case.own_names)))
    bare = _USER_WORD.sub(" ", _straight(subject))
    words = [
        word
        for word in _WORD.findall(plain(bare))
        if word not in ("the", "a", "an", "my", "our", "s", "of", "his", "her", "their")
    ]
    words += [run for run in _HAN.findall(bare) if run.strip("的我")]
    return all(word.strip("的我") in said for word in words)


_QUOTED_SPEECH = re.compile(
    r"(?P<before>[^\"“”「」\n]{0,40})[\"“「](?P<said>[^\"”」]{1,400})[\"”」](?P<after>[^\"“「\n]{0,40})"
)
_OTHERS_SAY = re.compile(
    r"(?:(?<!\bI )(?<!\bi )\b(?:said|says|say|told|asked|wrote|writes|replied|shouted|texted)\b|(?<!我)(?<!我就)(?<!我也)[說说問问喊寫写回](?:道|我|了)?)",
    re.IGNORECASE,
)


def _quotes_another(case: _Case) -> bool:
    """Whether the words the fact rests on are another's, between quotation marks: "I love it," she said."""
    words = _content(case.fact.text)
    for found in _QUOTED_SPEECH.finditer(_straight(case.fact.quote)):
        around = found["before"] + " " + found["after"]
        if _OTHERS_SAY.search(around) and _FIRST_PERSON.search(found["said"]):
            inside, outside = _content(found["said"]), _content(around)
            if len(words & inside) >= len(words & outside):
                return True
    return False


# What the text may say.


def _held_to_quote(case: _Case, *, subject_held: bool) -> Fact:
    """The fact as it is where its text is faithful, else with the quote for its text."""
    fact = case.fact
    value = (
        fact.object if fact.object and plain(fact.object).strip() and plain(fact.object) in plain(fact.quote) else None
    )
    if fact.text.strip() == fact.quote.strip():
        return replace(fact, object=value)
    fact = replace(fact, text=_names_as_said(fact.text, case))
    wrong_way = not _same_polarity(case) or not _same_mood(case)
    if fact.text.strip() and subject_held and not wrong_way and _says_no_more(replace(case, fact=fact)):
        return replace(fact, object=value)
    keeps = not wrong_way and value is not None and fact.subject is not None
    return replace(fact, text=fact.quote, attribute=fact.attribute if keeps else None, object=value if keeps else None)


def _says_no_more(case: _Case) -> bool:
    """Whether each name, number and date of the text was said or resolved, in the language it was said in."""
    fact = case.fact
    said = plain("\n".join((case.cited, *case.own_names)))
    dates = _Dates(fact)
    if not _same_language(case):
        return False
    if any(plain(name) not in said and not dates.names(name) for name in _names(fact.text)):
        return False
    if _numbers(fact.text, asserted=True, evidence=said) - _numbers(case.cited) - dates.numbers:
        return False
    if any(word not in said.replace("周", "週") and not dates.known for word in _relative(fact.text)):
        return False
    return not (
        fact.object
        and side(fact.object) == "cjk"
        and plain(fact.object) in plain(fact.text)
        and plain(fact.object) not in said
    )


def _same_language(case: _Case) -> bool:
    """Facts stay in the language they were said in; a bare answer ("Siemens") takes that of the talk."""
    wanted = side(case.fact.text)
    if wanted in (side(case.fact.quote), side(case.turn.content)) or not _LETTER.search(case.fact.text):
        return True
    if len(case.turn.content) > _BARE_ANSWER:
        return False
    earlier = _earlier(case.request, case.fact.turn)
    return bool(earlier) and side(earlier[-1].content) == wanted


_BARE_ANSWER = 24
_LETTER = re.compile(r"[^\W\d_]")


# Names.

_UNSPACED = "\u2e80-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af"
_WORD = re.compile(rf"[^\W_{_UNSPACED}]+")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_NAME_TOKEN = re.compile(rf"[^\W_{_UNSPACED}]+(?:['’.&-][^\W_{_UNSPACED}]+)*")
# Capitalised for other reasons than being a name.
_NO_NAME = frozenset(
    """i i'm i've i'll i'd user user's users assistant assistant's ai the a an this that these those there here it its it's he she they his her their we our
    my your you and but or so if when while after before because since as at in on for from with without by to of not no never yes
    is are was were has have had does do did will would can could should may might must both each every all some many most one two three
    currently recently previously formerly now also still once always usually often sometimes today yesterday tomorrow tonight mr mrs ms dr ok""".split()
)
_AFTER_NAME = re.compile(
    r"(?:'s\b|\s+(?:is|was|has|had|will|lives?|lived|works?|worked|likes?|loves?|hates?|prefers?|wants?|plays?|speaks?|studies|studied|moved|got|went|said|says|owns?|and [A-Z]|\w{3,14}ed)\b)"
)
_HAN_NAME = re.compile(
    r"[「『《〈](?P<title>[^」』》〉]{1,40})[」』》〉]"
    r"|(?P<nick>[小阿][\u4e00-\u9fff](?<!小[時时孩心學学說说型組组吃狗貓猫朋區区])(?<!阿[姨嬤嬷公媽妈爸])(?=[是在有也要會会很和跟去住說说的喜愛爱養养]))"
    r"|(?P<full>[王李張张劉刘陳陈楊杨黃黄趙赵吳吴周徐孫孙馬马朱胡郭何林羅罗鄭郑梁謝谢宋唐許许韓韩馮冯鄧邓曹彭曾蕭萧蔡潘葉叶蘇苏魏呂吕盧卢姜崔鍾钟譚谭陸陆廖賴赖邱][\u4e00-\u9fff]{1,2}?(?=是|在|有(?!名)|住|喜歡|喜欢|說|说|會|会|養|养|跟|和))"
    r"|(?P<titled>[\u4e00-\u9fff](?=老師|老师|先生|小姐|醫生|医生|教授|經理|经理))"
    r"|(?P<place>[\u4e00-\u9fff]{2}(?=[市縣县區区省]))"
)


def _names(text: str) -> Iterator[str]:
    """Words of `text` that look like names: capitalised within a sentence, mixed with digits, or Chinese names."""
    for found in _NAME_TOKEN.finditer(text):
        word = found.group()
        bare = re.sub(r"['’]s\Z", "", word)
        after = found.start() + len(bare)
        if plain(_straight(bare)) in _NO_NAME or not (any(map(str.isupper, bare)) or _mixed(bare)):
            continue
        if (
            _opens_sentence(text, found.start())
            and bare[1:].islower()
            and not _AFTER_NAME.match(_straight(text[after : after + _AFTER_LOOK]))
        ):
            continue
        yield bare
    for found in _HAN_NAME.finditer(text):
        yield next(group for group in found.groups() if group)


def _mixed(word: str) -> bool:
    return any(map(str.isdigit, word)) and any(map(str.isalpha, word)) and not _COUNTED.fullmatch(word)


_COUNTED = re.compile(r"\d+(?:st|nd|rd|th|s|k|am|pm|km|kg|cm|mm|m|h|min|hrs?|years?|GB|MB|TB)", re.IGNORECASE)
_BEFORE_SENTENCE = re.compile(r"(?:\A|[.!?:\n。！？：]\s*|[\"“「(*-]\s*)\Z")


_AFTER_LOOK = 24


def _opens_sentence(text: str, start: int) -> bool:
    return bool(_BEFORE_SENTENCE.search(text[max(start - 4, 0) : start])) if start else True


def _names_as_said(text: str, case: _Case) -> str:
    """The text with its names byte for byte as they were said: "siemens" stays small."""
    said = "\n".join((case.cited, *case.own_names))
    forms: dict[str, str] = {}
    exact = set()
    for found in _NAME_TOKEN.finditer(said):
        forms.setdefault(plain(found.group()), found.group())
        exact.add(found.group())
    for name in dict.fromkeys(_names(text)):
        form = forms.get(plain(name))
        if form is not None and name not in exact and name not in said:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _, form=form: form, text)  # type: ignore[misc]
    return text


# Numbers.

_DIGITS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_TIMES_EN = {"k": 3, "thousand": 3, "million": 6, "billion": 9, "hundred": 2}
_TIMES = re.compile(r"\s?(?:(k|thousand|million|billion|hundred)\b|([百千萬万億亿]))", re.IGNORECASE)
_ZH_TIMES = {"十": 1, "百": 2, "千": 3, "萬": 4, "万": 4, "億": 8, "亿": 8}
_ZH_DIGITS = {**{digit: value for value, digit in enumerate("零一二三四五六七八九")}, "〇": 0, "兩": 2, "两": 2}
_ZH_NUMBER = re.compile(r"[零〇一二兩两三四五六七八九十百千萬万億亿]{1,12}")
# Numerals that count nothing: 一起, 萬一, 三明治.
_ZH_NO_NUMBER = re.compile(
    r"[一][個个起直些樣样下定般切點点次邊边]|萬一|万一|千萬(?=別|别|不)|千万(?=别|不)|三明治|四川|百貨|百货|十分|不三不四|第?一|星期[一二三四五六]|[週周][一二三四五六]|禮拜[一二三四五六]|礼拜[一二三四五六]|統一|统一|唯一|萬聖|万圣|老百姓|百分"
)
_EN_NUMBERS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
    )
} | {word: value * 10 for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_EN_ORDINALS = {
    word: value
    for value, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), 1
    )
}
_EN_WORDS = "|".join([*_EN_NUMBERS, *_EN_ORDINALS, "dozen", "twice", "couple"])
_EN_NUMBER = re.compile(rf"\b(?P<first>{_EN_WORDS})(?:[\s-](?P<second>{_EN_WORDS}))?\b", re.IGNORECASE)
_AFTERNOON = re.compile(r"\d\s?p\.?m\b|下午|晚上|今晚|昨晚|明晚", re.IGNORECASE)


def _numbers(text: str, *, asserted: bool = False, evidence: str = "") -> frozenset[str]:
    """Numbers of `text` in one form, however they are written.

    `asserted`: only those that claim something; "one" and 一 rarely do, nor a numeral in words of `evidence`.
    """
    folded = plain(text)
    found = {_times(folded, digits.end(), digits.group().replace(",", "")) for digits in _DIGITS.finditer(folded)}
    if asserted:
        folded = _EN_ONE.sub(" ", folded)
    else:
        found |= {str(number) for number, name in enumerate(_MONTHS, 1) if name in folded}
        if _AFTERNOON.search(folded):
            found |= {
                str(int(number) + 12)
                for number in tuple(found)
                if number.isdecimal() and len(number) <= 2 and int(number) < 12
            }
    for words in _EN_NUMBER.finditer(folded):
        first, second = words["first"], words["second"]
        if asserted and (first in _EN_ORDINALS or first in ("couple", "twice", "dozen")):
            continue
        value = _english(first)
        if second and 20 <= value < 100 and _english(second) < 10:
            value += _english(second)
        elif second and not asserted:
            found.add(str(_english(second)))
        found.add(_times(folded, words.end(), str(value)))
    for numeral in _ZH_NUMBER.finditer(folded):
        around = folded[max(numeral.start() - 1, 0) : numeral.end() + 1]
        if asserted and (
            around in evidence
            or _ZH_NO_NUMBER.search(around)
            or numeral.group() in _ZH_TIMES
            or _follows_digit(folded, numeral.start())
        ):
            continue
        found.add(_chinese(numeral.group()))
    return frozenset(found)


_EN_ONE = re.compile(r"\bone\b")


def _follows_digit(text: str, start: int) -> bool:
    return start > 0 and text[start - 1].isdigit()


def _english(word: str) -> int:
    return _EN_NUMBERS.get(word, _EN_ORDINALS.get(word, {"dozen": 12}.get(word, 2)))


def _times(text: str, end: int, number: str) -> str:
    """`number` with the "thousand" or 萬 after it worked in, without needless zeros."""
    power = 0
    if found := _TIMES.match(text, end):
        power = _TIMES_EN[found[1].lower()] if found[1] else _ZH_TIMES[found[2]]
    whole, _, part = number.partition(".")
    part = part.rstrip("0")
    shifted = whole + part[:power].ljust(power, "0")
    rest = part[power:]
    return (shifted.lstrip("0") or "0") + ("." + rest if rest else "")


def _chinese(numeral: str) -> str:
    """三百二十 as 320, 二〇二五 as 2025."""
    if not any(character in _ZH_TIMES for character in numeral):
        return "".join(str(_ZH_DIGITS[character]) for character in numeral).lstrip("0") or "0"
    total = section = digit = 0
    for character in numeral:
        if character in _ZH_DIGITS:
            digit = _ZH_DIGITS[character]
        elif _ZH_TIMES[character] < 4:
            section += (digit or 1) * 10 ** _ZH_TIMES[character]
            digit = 0
        else:
            total += (section + digit or 1) * 10 ** _ZH_TIMES[character]
            section = digit = 0
    return str(total + section + digit)


# Dates.

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_RELATIVE = re.compile(
    r"\b(?:yesterday|today|tomorrow|tonight)\b|\b(?:last|next) (?:night|week|weekend|month|year|spring|summer|autumn|fall|winter|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b|\bago\b"
    r"|昨[天晚]|今[天晚]|明[天晚]|前天|後天|后天|去年|明年|前年|後年|后年|[上下]個?个?(?:週|周|星期|禮拜|礼拜|月)|[天日週周月年]前",
    re.IGNORECASE,
)
# Anything in a quote from which a date can be worked out.
_TIME = re.compile(
    rf"\d|\b(?:{'|'.join((*_MONTHS, *_DAYS))}|now|currently|just|recently|lately|since|today|tonight|yesterday|tomorrow|ago|later|soon|this|last|next|every|week|weekend|month|year|years|day|days|spring|summer|autumn|fall|winter|morning|evening|"
    r"christmas|easter|thanksgiving|birthday|started|starting|began|until|new year)\b|[年月日號号天週周季]|星期|禮拜|礼拜|現在|现在|目前|最近|剛|刚|昨|今|明|春節|春节|中秋|聖誕|圣诞|端午|過年|过年|開始|开始|下個|下个|上個|上个",
    re.IGNORECASE,
)


def _relative(text: str) -> Iterator[str]:
    return (plain(found.group()).replace("周", "週") for found in _RELATIVE.finditer(_straight(text)))


def _is_date_word(name: str) -> bool:
    return plain(name) in _MONTHS or plain(name) in _DAYS


class _Dates:
    """What the recorded times of a fact allow its text to say."""

    def __init__(self, fact: Fact) -> None:
        moments = [moment for moment in (fact.valid_from, fact.valid_to) if moment is not None]
        if fact.valid_to is not None and fact.valid_to.year > 1:
            moments.append(fact.valid_to - _INSTANT)  # the last day of a time that ends at midnight
        self.known = bool(moments)
        self.numbers = frozenset(
            str(number)
            for moment in moments
            for number in (
                moment.year,
                moment.month,
                moment.day,
                *((moment.hour, moment.minute) if fact.precision == "second" else ()),
            )
        )
        self._words = {_MONTHS[moment.month - 1] for moment in moments} | {
            _MONTHS[moment.month - 1][:3] for moment in moments
        }
        if fact.precision in ("day", "second"):
            self._words |= {_DAYS[moment.weekday()] for moment in moments}

    def names(self, word: str) -> bool:
        return plain(word) in self._words


_INSTANT = timedelta(microseconds=1)


# Negation and mood.

_NOT_EN = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|nowhere|neither|nor|without|cannot|hardly|barely|\w{2,8}n't|dont|doesnt|didnt|cant|wont|isnt|arent|wasnt|havent|hasnt|couldnt|wouldnt|shouldnt)\b",
    re.IGNORECASE,
)
_NO_NOT_EN = re.compile(
    r"\A\W*no\b(?=[,.!;:]\s*\w)|\bnot only\b|\bnot just\b|\bno (?:doubt|problem|worries|matter|wonder|big deal)\b|\bwhy not\b|\bwhether or not\b|\bor not\b|\bcan(?:no|')t (?:wait|help but)\b|\bnot to mention\b|\bno\.\s?\d",
    re.IGNORECASE,
)
_NOT_ZH = re.compile(
    r"不|沒|没|無(?!論|线|線|聊|數|限|錫|名指)|无(?!论|线|聊|数|限|锡|名指)|未(?!來|来|婚|必)|非(?![常洲得要])|莫(?!名|斯)|勿|甭|冇|(?<![特級级類类分性個个區区告離离識识])[別别](?![人的墅名針针緻致處处])"
)
_NO_NOT_ZH = re.compile(
    r"不[錯错過过但只僅仅管論论久少斷断同]|差不多|不好意思|不得不|不能不|不可不|沒想到|没想到|動不動|动不动|對不起|对不起|了不起|忍不住|不小心|沒事|没事|沒關係|没关系|沒問題|没问题|不客氣|不客气"
    r"|說不定|说不定|不一定|不如|不見得|不见得|不妨|不禁|不然|不愧|要不是|沒多久|没多久|沒錯|没错|無所謂|无所谓|(?P<again>[\u4e00-\u9fff])[不沒没](?P=again)|有沒有|有没有"
)
_NOT_ENOUGH_TO_SAY = re.compile(r"不過敏|不过敏")  # 不過 is "but", unless an allergy is meant
_SOFT_NOT = re.compile(
    r"\b(?:dislikes?|disliked|hates?|avoids?|unable|refuses?|lacks?|fail(?:s|ed)?|free|used to|former(?:ly)?|stopped|quit|left|gave up|ended|cancel\w*|anymore|ex|unemployed|single)\b"
    r"|討厭|讨厌|拒絕|拒绝|避免|戒|離職|离职|辭|辞|停|分手|取消|以前|曾經|曾经|單身|单身|免",
    re.IGNORECASE,
)


def _is_negated(text: str) -> bool:
    words = _straight(text)
    if _NOT_EN.search(_NO_NOT_EN.sub(" ", words)):
        return True
    return bool(_NOT_ZH.search(_NO_NOT_ZH.sub("", words)) or _NOT_ENOUGH_TO_SAY.search(words))


def _same_polarity(case: _Case) -> bool:
    """Whether each clause of the text says yes or no as the words it rests on do."""
    if not case.fact.text.strip():
        return True
    said = _clauses(case.fact.quote)
    for clause in _clauses(case.fact.text):
        negated, soft = _is_negated(clause.text), bool(_SOFT_NOT.search(_straight(clause.text)))
        best, touched = _nearest(clause.text, said)
        among = touched if negated else best
        if any(_is_negated(each.text) == negated for each in among):
            continue
        if soft or (negated and any(_SOFT_NOT.search(_straight(each.text)) for each in among)):
            continue
        return False
    return True


_CONDITION = re.compile(
    r"(?<!know )(?<!see )(?<!ask )(?<!asked )(?<!wonder )(?<!wondering )(?<!sure )(?<!check )(?<!tell )(?<!\bas )(?<!me )\b(?:if|unless|in case|provided that)\b|\bwish\b|\b(?:imagine|suppose)\b|如果|要是(?!的)|假如|假設|假设|倘若|若是|萬一|万一|除非|假使|的話(?![題题])|的话(?![題题])",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(r"\b(?:would|could|might|will|shall)\b|'d\b|'ll\b|就|會|会|想|應該|应该|可以|再", re.IGNORECASE)
_HEDGE = re.compile(
    r"\b(?:maybe|perhaps|probably|possibly|might|i guess|i suppose|not sure|i think|thinking (?:about|of)|considering|could be|supposedly|allegedly|kind of|kinda|apparently|seems?|hopes? to)\b"
    r"|可能|也許|也许|或許|或许|大概|好像|似乎|說不定|说不定|不一定|考慮|考虑|不確定|不确定|搞不好|應該是|应该是",
    re.IGNORECASE,
)
_REPORTED = re.compile(
    r"\b(?:he|she|they|people|someone|somebody|everyone) (?:said|says|told|claims?|claimed|thinks?|thought|believes?|insists?)\b|\b(?:according to|i(?:'ve)? heard|rumou?r has it|supposedly)\b"
    r"|(?:他|她|他們|他们|她們|她们|人家|大家|有人|朋友|同事|媽媽?|妈妈?|爸爸?|老師|老师|醫生|医生)(?:都|也|常|就|跟我|對我|对我|總|总)?(?:說(?!話|服|明)|说(?!话|服|明)|覺得|觉得|認為|认为)|聽說|听说|據說|据说",
    re.IGNORECASE,
)


def _same_mood(case: _Case) -> bool:
    """Whether a condition or a doubt of the words is also in the text."""
    text = _straight(case.fact.text)
    for clause in _meant(case):
        if clause.conditional and not _CONDITION.search(text):
            return False
        if _HEDGE.search(clause.text) and not (_HEDGE.search(text) or _PLANS.search(text)):
            return False
    return True


_PLANS = re.compile(
    r"\b(?:plan|intend|hope|consider|want|would like|thinking)\w*\b|打算|計[畫划]|计划|想", re.IGNORECASE
)


def _marked(case: _Case) -> Fact:
    """The fact with as much trust as the way it was said earns. What is not sure has no slot to take over."""
    fact = case.fact
    if case.turn.role in ("tool", "system"):
        kind = "fact" if fact.kind in ("procedure", "preference") else fact.kind
        return replace(fact, kind=kind, attributed_to="assistant", confidence=min(fact.confidence, _FROM_DATA))
    clauses = _meant(case)
    unsure = all(clause.conditional or _HEDGE.search(clause.text) for clause in clauses)
    if unsure or all(_REPORTED.search(clause.text) for clause in clauses):
        slot = fact.attribute if fact.attribute == "plan" or not unsure else None
        return replace(
            fact, attribute=slot, object=fact.object if slot else None, confidence=min(fact.confidence, _DOUBTFUL)
        )
    return fact


# Clauses, and whom each is about.


@dataclass(frozen=True, kw_only=True, slots=True)
class _Clause:
    """A stretch of a text with one subject."""

    text: str
    sentence: str
    about: str | None
    """`speaker`, `listener`, `pronoun`, the words for a third person, or None when that is not clear."""
    conditional: bool
    asks: bool


_BREAK = re.compile(
    r"[，；;]|,(?=\s*(?:and |but |so |because |while |although |though |yet |which |or )?(?:i|i'm|i've|i'll|i'd|my|we|our|he|she|they|his|her|it|you|what|how|where|when|why|who|do|does|can|could|is|are|would|any)\b)"
    r"|\s+(?:but|while|whereas|although|though|because)\s+|\s+(?:and|so)\s+(?=(?:i|i'm|i've|i'll|i'd|my|we|our|he|she|they|his|her|it|you|your)\b)|(?:但是?|可是|不過(?!敏)|不过(?!敏))",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"[^.!?。！？\n]*(?:[.!?](?!\s|\Z)[^.!?。！？\n]*)*(?:[.!?。！？\n]+|\Z)")


@functools.lru_cache(maxsize=64)
def _clauses(text: str) -> tuple[_Clause, ...]:
    """The clauses of `text` in order; one that names no subject goes on with that of the one before."""
    clauses: list[_Clause] = []
    about: str | None = None
    for found in _SENTENCES.finditer(_straight(text)):
        sentence = found.group()
        if not _LETTER.search(sentence) and not _DIGITS.search(sentence):
            continue
        conditional = bool(_CONDITION.search(sentence))
        pieces = [
            piece for piece in _BREAK.split(sentence) if piece and (_LETTER.search(piece) or _DIGITS.search(piece))
        ]
        follows = False  # on the condition in the clause before
        for index, piece in enumerate(pieces):
            about = _about(piece, about)
            states = bool(_CONDITION.search(piece))
            last = index == len(pieces) - 1
            clauses.append(
                _Clause(
                    text=piece,
                    sentence=sentence,
                    about=about,
                    conditional=states or follows or (conditional and bool(_FOLLOWS.search(piece))),
                    asks=(last and bool(_ASKS.search(sentence))) or bool(_ASKS.search(piece)),
                )
            )
            follows = states
    return tuple(clauses)


def _meant(case: _Case) -> tuple[_Clause, ...]:
    """The clauses of the quote that the text is nearest to; all, where it is near none."""
    return _nearest(case.fact.text, _clauses(case.fact.quote))[0]


@functools.lru_cache(maxsize=64)
def _nearest(text: str, clauses: tuple[_Clause, ...]) -> tuple[tuple[_Clause, ...], tuple[_Clause, ...]]:
    """Those that share the most words with `text`, or stand in it; and those that share any."""
    if whole := tuple(clause for clause in clauses if clause.text.strip() in text):
        return whole, whole
    words = _content(text)
    shared = [len(words & _content(clause.text)) for clause in clauses]
    most = max(shared, default=0)
    if most == 0:
        return clauses, clauses
    pairs = list(zip(clauses, shared, strict=True))
    return tuple(clause for clause, count in pairs if count == most), tuple(clause for clause, count in pairs if count)


_PARTY = re.compile(r"\b(?:the )?(?:user|assistant)(?:'s)?\b|使用者|用戶|用户|[我你妳您他她]", re.IGNORECASE)


@functools.lru_cache(maxsize=512)
def _content(text: str) -> frozenset[int]:
    """Hashes of the words of `text` that carry content, without those for the parties."""
    bare = _PARTY.sub(" ", _straight(text))
    return frozenset(query_terms(bare)) if _LETTER.search(bare) or _DIGITS.search(bare) else frozenset()


def _straight(text: str) -> str:
    """Of the same length, with the typographic apostrophe as the keyboard's."""
    return text.replace("’", "'")


_RELATION_EN = (
    r"(?:(?:step|grand|great-?|ex-?|co-?|half-?)*(?:mother|father|mom|mum|mommy|dad|daddy|parents?|sister|brother|siblings?|son|daughter|child|children|kids?|baby|twins?|wife|husband|spouse|"
    r"partner|fianc[ée]e?|girlfriend|boyfriend|aunt|auntie|uncle|cousin|nephew|niece|grandma|grandpa|granny|family|friend|buddy|neighbou?r|roommate|flatmate|housemate|colleague|coworker|worker|"
    r"boss|manager|supervisor|mentor|team|teammate|teacher|professor|coach|tutor|doctor|dentist|therapist|landlord|landlady|intern|student|classmate|client|customer|dog|cat|puppy|kitten|pet|"
    r"bird|parrot|rabbit|hamster|horse|ex)(?:-in-law)?s?)"
)
_CAPITAL = r"(?-i:[A-Z])[\w'-]{1,20}"
_LEAD_EN = (
    r"(?:\W*(?:and|but|so|because|since|well|oh|also|actually|yes|yeah|no|btw|by the way|then|now|today|yesterday|recently|lately|apparently|(?:last|this|next) \w+|if|when|while|although|though|in (?:19|20)\d\d|"
    r"i (?:just |also )?(?:think|heard|know|knew|guess|believe|hope|found out|learned|learnt|hear|am sure|am glad|am happy)(?: that)?(?=\s+(?:(?:my|his|her|our|their) |he\b|she\b|they\b|(?-i:[A-Z])[a-z]+ )))\b[,\s]*){0,4}\W*"
)
_TELLS_EN = r"\s+(?:(?:just|also|always|once|recently)\s+)?(?:(?:told|tells|texted|informed|reminded|promised) (?:me|us)|said|says|thinks|thought|believes|claims|mentioned|insists)(?:\s+that)?\s+"
_SUBJECT_EN = re.compile(
    rf"{_LEAD_EN}(?:"
    rf"(?P<joint>(?:my|our|{_CAPITAL})(?:\s\w+){{0,4}}\s+and\s+(?:i|me)\b|me and (?:my )?\w+\b)"
    rf"|(?:(?P<whose>his|her|their|{_CAPITAL}'s)|my|our|a|an|one of (?:my|our))\s+(?P<relation>(?:(?!(?:and|is|was|has|with|to|on|in|at|of|for)\b)[\w-]{{1,20}}\s+){{0,2}}?{_RELATION_EN}\b(?:'s\s+(?:\w+\s+)?{_RELATION_EN}\b)?)(?:,?\s+(?P<called>{_CAPITAL}))?"
    r"|(?P<speaker>(?:i|i'm|i've|i'll|i'd|we|we're|we've|my|our|mine|ours)\b)"
    r"|(?P<pronoun>(?:he|she|they|his|her|their|he's|she's|they're)\b)"
    r"|(?P<listener>(?:you|your|you're|you've)\b)"
    rf"|(?P<named>{_CAPITAL}(?:\s+{_CAPITAL}){{0,2}}?)(?='s\b|\s+(?:is|was|has|had|will|lives?|lived|works?|worked|likes?|loves?|hates?|prefers?|wants?|plays?|speaks?|stud(?:y|ies|ied)|moved|got|went|came|said|says|told|owns?|thinks|\w{{3,14}}ed)\b)"
    r"|(?P<goes_on>(?:is|was|has|had|works|lives|likes|loves|hates|prefers|wants|plays|speaks|owns)\b)"
    r")",
    re.IGNORECASE,
)
_AFTER_TELLING_EN = re.compile(rf"{_TELLS_EN}(?:(?P<me>(?:i|i'm|i've|i'll|i'd|my|we)\b)|(?P<other>.))", re.IGNORECASE)
_ME_EN = re.compile(r"\b(?:i|i'm|i've|i'll|i'd|me|us)\b", re.IGNORECASE)
_RELATION_ZH = (
    r"(?:太太|老婆|妻子|老公|丈夫|先生|另一半|女朋友|男朋友|女友|男友|前女友|前男友|未婚夫|未婚妻|爸爸|媽媽|妈妈|爸媽|爸妈|父母|父親|父亲|母親|母亲|老爸|老媽|老妈|爸|媽|妈|哥哥|弟弟|姐姐|姊姊|妹妹|哥|弟|姐|姊|妹|兄弟|姐妹|"
    r"兒子|儿子|女兒|女儿|孩子|小孩|寶寶|宝宝|孫子|孙子|孫女|孙女|爺爺|爷爷|奶奶|外公|外婆|姥姥|姥爺|姥爷|阿公|阿嬤|阿嬷|公公|婆婆|岳父|岳母|叔叔|伯伯|阿姨|姑姑|舅舅|表哥|表弟|表姐|表姊|表妹|堂哥|堂弟|堂姐|堂妹|侄子|侄女|姪子|姪女|"
    r"好朋友|朋友|閨蜜|闺蜜|死黨|死党|室友|鄰居|邻居|同學|同学|同事|老闆|老板|主管|上司|經理|经理|下屬|下属|老師|老师|教授|教練|教练|學生|学生|醫生|医生|客戶|客户|房東|房东|學長|学长|學姐|学姐|家人|狗狗?|貓咪?|猫咪?|寵物|宠物)"
)
_LEAD_ZH = r"(?:[\s，,]|因為|因为|而且?|然後|然后|所以|只是|其實|其实|結果|结果|雖然|虽然|當|当|對了|对了|聽說|听说|如果|要是|還有|还有|今天|昨天|明天|今年|去年|明年|最近|現在|现在|以前|上[週周個个]月?|我?(?:覺得|觉得|知道|發現|发现|聽說|听说)(?=我|他|她)){0,5}"
_SUBJECT_ZH = re.compile(
    rf"{_LEAD_ZH}(?:"
    rf"(?P<joint>(?:我|我們|我们)(?:和|跟|與|与)|(?:我的?)?{_RELATION_ZH}(?:和|跟|與|与)我(?!說|说|講|讲))"
    rf"|(?P<whose>他|她|他們|他们|[\u4e00-\u9fff]{{2,3}}的)的?(?P<their>{_RELATION_ZH})"
    rf"|(?:我|我們|我们|咱|咱們|咱们)(?:的|家的?|有(?:一)?(?:個|个|位|隻|只)|那(?:個|个))?(?P<relation>(?:大|小|二|三|前|新|老|好|以前的|最好的|高中|大學|大学|公司的?){{0,2}}{_RELATION_ZH}(?:的?{_RELATION_ZH})?)(?:叫(?P<called>[A-Z][a-z]{{1,15}}))?"
    r"|(?P<speaker>我|咱|俺|本人)"
    r"|(?P<pronoun>他|她|牠|它)"
    r"|(?P<listener>你|妳|您)"
    rf"|(?P<named>[小阿][\u4e00-\u9fff](?<!小[時时孩心學学說说型組组])|[\u4e00-\u9fff]{{1,3}}(?:老師|老师|先生|小姐|醫生|医生|教授|經理|经理)|[A-Z][A-Za-z]{{1,15}})(?=\s?(?:是|在|有|住|喜|愛|爱|說|说|要|會|会|很|也|都|剛|刚|已|的|搬|買|买|結|结|離|离|養|养|想|每|從|从|叫|跟|昨|今|明))"
    r")"
)
_TELLS_ZH = re.compile(r"(?:跟我|對我|对我|和我)?(?:說|说|講|讲|覺得|觉得|認為|认为|告訴我|告诉我)[，,：:]?(?P<me>我)?")


def _about(clause: str, before: str | None) -> str | None:
    """Whom `clause` is about; `before` is whom the one before it was about."""
    if side(clause) == "cjk":
        return _about_zh(clause, before)
    found = _SUBJECT_EN.match(clause)
    if found is None:
        return None
    rest = clause[found.end() :]
    match found.lastgroup:
        case "joint" | "speaker":
            return "speaker"
        case "listener":
            return "listener"
        case "pronoun":
            return before if before not in ("speaker", "listener", None) else "pronoun"
        case "goes_on":
            return before
    if telling := _AFTER_TELLING_EN.match(rest):
        return "speaker" if telling["me"] else _person_en(found)
    # "My boss gave me a raise" tells of both; whom it is about, the rest decides.
    return None if _ME_EN.search(rest) else _person_en(found)


def _person_en(found: re.Match[str]) -> str:
    if found["named"]:
        return found["named"]
    if found["called"]:
        return found["called"]
    whose = found["whose"]
    if not whose:
        return found["relation"]
    return f"{whose.lower() if whose.lower() in ('his', 'her', 'their') else whose} {found['relation']}"


def _about_zh(clause: str, before: str | None) -> str | None:
    found = _SUBJECT_ZH.match(clause)
    if found is None or found.end() == 0:
        return before
    rest = clause[found.end() :]
    if found["joint"] or found["speaker"]:
        return "speaker"
    if found["listener"]:
        return "listener"
    if found["pronoun"]:
        return before if before not in ("speaker", "listener", None) else "pronoun"
    person = found["called"] or found["relation"] or found["named"] or f"{found['whose']}{found['their']}"
    if telling := _TELLS_ZH.match(rest):
        return "speaker" if telling["me"] else person
    return None if "我" in rest else person
