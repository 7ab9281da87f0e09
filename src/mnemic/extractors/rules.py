"""The extractor without a model: sentence rules for English and Chinese, passable for the rest.

It keeps what is stated in the speaker's own words and refuses what only greets, asks or orders. Beside
a fact no sentence is passed over: one that no rule understands joins the fact or is a note of its own.
It resolves nothing across messages and invents nothing: every text is a verbatim part of its message.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mnemic import dates
from mnemic.extractors import rules_en, rules_other, rules_zh
from mnemic.extractors.claims import FAINT, LIKELY, Claim, Grammar
from mnemic.extractors.notices import is_notice
from mnemic.extractors.sentences import sentences
from mnemic.types import Extraction, ExtractionRequest, Fact, Refusal, Turn


class RuleExtractor:
    """Finds facts by rules. Deterministic, linear in the text, safe to share between tasks."""

    name = "rules@1"

    async def extract(self, request: ExtractionRequest) -> Extraction:
        """Facts and refusals for `request.turns`; long text is read in a thread, off the event loop."""
        if sum(len(turn.content) for turn in request.turns) > _LONG:
            return await asyncio.to_thread(_extract, request.turns)
        return _extract(request.turns)


_LONG = 400
"""Characters that may be read on the event loop: at some 10 microseconds each, within its 5 milliseconds."""


def _extract(turns: Sequence[Turn]) -> Extraction:
    facts: list[Fact] = []
    refusals: list[Refusal] = []
    for index, turn in enumerate(turns):
        if turn.role in ("system", "tool"):
            refusals.append(Refusal(turn=index, reason="not_conversation"))
            continue
        findings = _accounted(turn, list(_findings(turn)))
        kept = [finding for finding in findings if isinstance(finding, _Kept)]
        refused = [finding for finding in findings if isinstance(finding, _Refused)]
        for each in kept:
            facts.append(_fact(index, turn, each))
            facts.extend(_fact(index, turn, _Kept(*more, each.speaker)) for more in each.more)
        if len(refused) == len(findings):
            refusals.append(Refusal(turn=index, reason=_dominant(refused)))
        else:
            refusals.extend(
                Refusal(turn=index, reason=each.reason, quote=turn.content[each.start : each.end]) for each in refused
            )
    return Extraction(facts=tuple(facts), refusals=tuple(refusals))


@dataclass(frozen=True, slots=True)
class _Kept:
    start: int
    end: int
    claim: Claim
    speaker: str | None = None
    """Who said it, when the line itself says so, as in a pasted chat."""
    more: tuple[tuple[int, int, Claim], ...] = ()
    """Further attributes of the speaker in the same sentence: where each is said, and the claim."""


@dataclass(frozen=True, slots=True)
class _Refused:
    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Unmentioned:
    start: int
    end: int
    idle: str | None = None
    """Why it is nothing lasting, where a grammar knows."""
    speaker: str | None = None


_Finding = _Kept | _Refused | _Unmentioned


def _findings(turn: Turn) -> Iterator[_Finding]:  # noqa: C901 - a ladder of cases
    """One finding a sentence, in order; a sentence that leans on the one before it joins it."""
    last: _Finding | None = None
    mistaken: int | None = None  # where "Sorry, I misspoke." began, if that was the last sentence
    for span in sentences(turn.content):
        if span.prose:
            start = span.start if mistaken is None or span.end - mistaken > _JOINED else mistaken
            found, grammar = _judge(turn, start, span.end)
            if start == mistaken and not (isinstance(found, _Kept) and found.claim.corrects is not None):
                found, grammar = _judge(turn, span.start, span.end)
            elif start == mistaken:
                last = None
            mistaken = span.start if grammar.owns_mistake(turn.content[span.start : span.end]) else None
        else:
            found, grammar = _Refused(span.start, span.end, "not_prose"), None
        if isinstance(last, _Kept):
            if grammar and grammar.takes_back(turn.content[span.start : span.end]):
                last = replace(last, end=span.end, claim=replace(_bare(last.claim), confidence=FAINT))
                continue
            if isinstance(found, _Kept) and _leans_on(found, last):
                if found.claim.attribute is None or last.claim.attribute is None:
                    last = replace(last, end=found.end, claim=_bare(last.claim))
                    continue
                # Two values of one person are two facts; the second quotes the first for its pronoun.
                about = replace(found.claim, about=last.claim.about, subject=last.claim.subject)
                found = replace(found, start=last.start, claim=about)
        if last is not None:
            yield last
        last = found
    if last is not None:
        yield last


def _accounted(turn: Turn, findings: list[_Finding]) -> list[_Finding]:
    """`findings` with something said of every sentence, once there is a fact among them.

    A message in which something was found is searched by what was found; words left out would be lost. Without a
    fact nothing changes: such a message is searched itself.
    """
    if not any(isinstance(each, _Kept) for each in findings):
        return findings
    accounted: list[_Finding] = []
    for each in findings:
        found = _told(turn, each) if isinstance(each, _Unmentioned) else each
        if accounted and (joined := _joined(turn, accounted[-1], found)):
            accounted[-1] = joined
        else:
            accounted.append(found)
    return accounted


def _told(turn: Turn, found: _Unmentioned) -> _Kept | _Refused:
    """A note of what the user said, if it is not idle. Of an assistant only what it promises and recommends is kept."""
    if turn.content.startswith(_IMAGE, found.start):
        return _Refused(found.start, found.end, "image")  # the log keeps where it is
    if found.idle or turn.role == "assistant":
        return _Refused(found.start, found.end, found.idle or "not_understood")
    return _Kept(found.start, found.end, _NOTE, found.speaker)


_IMAGE = "[image: "

_NOTE = Claim(about="topic", kind="note", confidence=LIKELY)


def _joined(turn: Turn, left: _Finding, right: _Finding) -> _Kept | None:
    """A fact with the aside that stands beside it ("My flight is at 8. Terminal 2."), or two notes as one.

    None where each stands for itself: two facts, a long aside, words between them, or an aside that would give a
    fact about an attribute another date.
    """
    if not (isinstance(left, _Kept) and isinstance(right, _Kept)) or left.speaker != right.speaker:
        return None
    fact, aside = (right, left) if left.claim is _NOTE else (left, right)
    if aside.claim is not _NOTE or fact.claim.corrects is not None or fact.more:
        return None
    if right.end - left.start > _JOINED or _WORD.search(turn.content[left.end : right.start]):
        return None
    if fact.claim is not _NOTE:
        if aside.end - aside.start > _ASIDE:
            return None
        own = dates.of_fact(turn.content[fact.start : fact.end], turn.said_at)
        both = dates.of_fact(turn.content[left.start : right.end], turn.said_at)
        if both != own and (fact.claim.attribute is not None or any(own)):
            return None
    return replace(fact, start=left.start, end=right.end)


_ASIDE = 60
"""Longest aside, in characters, that joins a fact: what is longer is a statement that no rule knows."""


def _judge(turn: Turn, start: int, end: int) -> tuple[_Finding, Grammar]:  # noqa: C901, PLR0912 - a ladder of cases
    """What becomes of the sentence `turn.content[start:end]`, and the grammar that decided it."""
    whole = start
    if is_notice(turn.content[start:end]):
        return _Refused(start, end, "notice"), rules_other
    header = _HEADER.match(turn.content, start, end)
    speaker = None
    if header:
        speaker = _speaker(header["name"])
        start = header.end() if speaker or not header["name"] else header.start("name")
    start, end = _without_decoration(turn.content, start, end)
    text = turn.content[start:end]
    grammar = _grammar(text)
    if header and header.end() > whole and is_notice(text):
        return _Refused(whole, end, "notice"), grammar
    if not _WORD.search(text):
        return _Refused(whole, max(end, whole + 1), "small_talk"), grammar
    if grammar.owns_mistake(text) or grammar.takes_back(text):
        return _Refused(start, end, "small_talk"), grammar
    if turn.role == "user" and (claim := grammar.correction(text)):
        return _Kept(_from(header, speaker, start), end, claim, speaker), grammar
    if reason := _small_talk(grammar, text):
        return _Refused(start, end, reason), grammar
    start += grammar.lead_in(text)
    start, end = _without_decoration(turn.content, start, end)
    body = turn.content[start:end]
    if not body:
        return _Refused(whole, end, "small_talk"), grammar
    if body != text and (reason := _small_talk(grammar, body)):
        return _Refused(start, end, reason), grammar
    if turn.role == "assistant" and grammar.echoes(body):
        return _Refused(start, end, "echo"), grammar
    state = grammar.promise if turn.role == "assistant" else grammar.claim
    asked = grammar.asks(body)
    if asked == "request" and turn.role == "assistant":
        # "推薦你去看…": what would be an order from the user is a recommendation here.
        asked = None if state(body) else asked
    if asked:
        for left, right in grammar.beside_the_ask(body):
            if claim := state(body[left:right]):
                return _Kept(_from(header, speaker, start + left), start + right, claim, speaker), grammar
        return _Refused(start, end, asked), grammar
    if claim := state(body):
        clauses = _clauses(body, [left for left, _, _ in claim.more])
        more = tuple(
            (start + left, start + right, each)
            for (left, right), (_, _, each) in zip(clauses[1:], claim.more, strict=True)
        )
        return _Kept(_from(header, speaker, start), start + clauses[0][1], claim, speaker, more), grammar
    return _Unmentioned(_from(header, speaker, start), end, grammar.idle(body), speaker), grammar


def _clauses(text: str, begins: Sequence[int]) -> list[tuple[int, int]]:
    """`text` divided at `begins`, so that each fact quotes its own clause: all of it but the marks and the "and" between."""
    spans: list[tuple[int, int]] = []
    start = 0
    for begin in begins:
        left = max(start, begin - _LONGEST_JOINT)
        joint = _JOINT.search(text[left:begin])
        spans.append((start, left + joint.start() if joint else begin))
        start = left + joint.start("adverbs") if joint else begin
    return [*spans, (start, len(text))]


_JOINT = re.compile(
    r"(?:[\s,，;；、:：。！!—–-]|\b(?:and|but|so|then)\b)*"
    r"(?P<adverbs>(?:\b(?:since then|nowadays|now|recently|currently|today|these days|actually|instead)\s+)*)\Z",
    re.IGNORECASE,
)
_LONGEST_JOINT = 60


def _small_talk(grammar: Grammar, text: str) -> str | None:
    """The reason to refuse `text` whole; of "Sounds good, thanks!" the part that says more decides."""
    if reason := grammar.small_talk(text):
        return reason
    if len(text) > _CHAT or not (parts := [part for part in _COMMA.split(text) if part.strip()])[1:]:
        return None
    reasons = [grammar.small_talk(part.strip()) for part in parts]
    if not all(reasons):
        return None
    return next((reason for reason in reasons if reason != "small_talk"), "small_talk")


_CHAT = 60
"""Longest sentence, in characters, that is looked at piece by piece for small talk."""
_COMMA = re.compile(r"[,，、;；]+")


def _leans_on(found: _Kept, before: _Kept) -> bool:
    """Whether `found` ("She works at Siemens.") needs the sentence before it to be understood."""
    return (
        found.claim.about == "pronoun"
        and before.claim.about == "person"
        and found.end - before.start <= _JOINED
        and found.speaker == before.speaker
    )


_JOINED = 300
"""Longest text, in characters, that sentences about one person are joined into."""


def _bare(claim: Claim) -> Claim:
    """`claim` without a value, for a text that says more than one thing."""
    return replace(claim, attribute=None, object=None, ends=False, corrects=None)


def _fact(index: int, turn: Turn, kept: _Kept) -> Fact:
    claim = kept.claim
    if claim.about == "pronoun":  # a correction is of what was said last, whoever "she" is
        claim = _bare(claim) if claim.corrects is None else replace(claim, attribute=None)
    quote = turn.content[kept.start : kept.end]
    first_person = "assistant" if turn.role == "assistant" else kept.speaker or turn.name or "user"
    return Fact(
        text=quote,
        turn=index,
        quote=quote,
        kind=claim.kind,
        subject=first_person if claim.about == "speaker" else claim.subject,
        attribute=claim.attribute,
        object=claim.object,
        ends=claim.ends,
        corrects=claim.corrects,
        attributed_to="assistant" if turn.role == "assistant" else "user",
        confidence=claim.confidence,
    )


def _dominant(refused: Sequence[_Refused]) -> str:
    """The reason that covers most of the text; a turn without a sentence is empty."""
    if not refused:
        return "empty"
    sizes: Counter[str] = Counter()
    for each in refused:
        sizes[each.reason] += each.end - each.start
    return sizes.most_common(1)[0][0]


# What surrounds the words: chat headers, stickers, emoji, laughter.

# "[2024/3/5 下午 10:23] 小明: ", "22:13 ", "Dana: ". The name is one to three capitalised words or
# two to four Chinese characters before a colon.
_HEADER = re.compile(
    r"""
    (?P<time>[\[(（【]?(?:\d{2,4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[ ,T]*)?
        (?:[（(]?(?:週|周|星期)?[一二三四五六日][)）]\s*)?(?:上午|下午|凌晨|晚上|早上|中午)?\s*
        \d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp]\.?[Mm]\.?\b)?[\])）】]?[\s,\-–|]+)?
    (?P<name>(?:[A-Z][\w'-]{0,20}(?:\ [A-Z][\w'-]{0,20}){0,2}|[\u4e00-\u9fff]{2,4})(?=\s?[:：]))?
    (?:\s?[:：]\s*)?
    """,
    re.VERBOSE,
)
# Words before a colon that are a label, not a speaker.
_LABEL = re.compile(
    r"(?:note|update|edit|ps|p\.s|fyi|btw|correction|reminder|name|email|e-mail|phone|address|birthday|age|job|work|"
    r"occupation|allerg(?:y|ies)|diet|hobb(?:y|ies)|likes?|dislikes?|location|city|hometown|languages?|pets?|"
    r"question|context|background|info|fact|important|warning|tip|to|from|subject|re|date|user|assistant|system|"
    r"goal|plan|today|yesterday|tomorrow|status|problem|answer|summary|also|favou?rite.*|me|i|"
    r"更正|修正|訂正|口誤|打錯|备注|備註|补充|補充|更新|提醒|注意|姓名|名字|電話|电话|地址|生日|年齡|年龄|職業|职业|興趣|兴趣|過敏|过敏|信箱|郵箱|邮箱|"
    r"問題|问题|背景|結論|结论|重點|重点|目標|目标|計畫|计划|例如|比如|其他|我說|我说|我的.*|他說|她說|他说|她说|我覺得|我觉得|"
    r"因為|因为|所以|但是|結果|结果|優點|缺點|优点|缺点|時間|时间|地點|地点)\Z",
    re.IGNORECASE,
)

# Stickers, emoji (with their joiners), laughter and bopomofo alone say nothing by themselves.
_DECORATION = (
    r"(?:\[(?:貼圖|贴图|圖片|图片|照片|影片|视频|語音訊息|语音|sticker|photo|image|gif|video|檔案|文件|"
    r"[\u4e00-\u9fff]{1,6})\]|\((?:笑|汗|哭|誤|误)\)|（(?:笑|汗|哭|誤|误)）"
    r"|[\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2b00-\u2bff\ufe0f\u200d\U0001f000-\U0001faff\U000e0020-\U000e007f]"
    r"|[:;=8xX]-?[)(DPpOo3/](?!\w)|[Qq][AaQq][Qq]|[TQ][_.][TQ]|XD+|xD+|orz|\^[_.]?\^|[~～]|<3|ㄏ{2,}|ㄎ{2,}|w{3,}(?!\w|\.)"
    r"|(?:哈|呵|嘻|嘿){2,}[，,。！!]?|\b(?:ha){2,}h?\b[,!.]*|\b(?:lol|lmao|rofl)\b[,!.]*)"
)
_OPENING = re.compile(rf"(?:\s*{_DECORATION})*\s*", re.IGNORECASE)
_CLOSING = re.compile(rf"\s*{_DECORATION}\s*\Z", re.IGNORECASE)
_PLAIN_END = re.compile(r"[.。，,?？]|(?![哈呵嘻嘿])[\u4e00-\u9fff]")  # no decoration ends so
_CLOSING_LOOK = 24  # longer than any one decoration
_CLOSINGS = 12  # decorations taken off the end of one sentence
_WORD = re.compile(r"[^\W_\d]|\d{2}")


def _without_decoration(text: str, start: int, end: int) -> tuple[int, int]:
    opening = _OPENING.match(text, start, end)
    start = opening.end() if opening else start
    for _ in range(_CLOSINGS):
        if _PLAIN_END.match(text, max(start, end - 1)):
            break
        left = max(start, end - _CLOSING_LOOK)
        closing = _CLOSING.search(text[left:end])
        if not closing or left + closing.start() == start:
            break
        end = left + closing.start()
    return _without_quotes(text, start, max(start, end))


def _without_quotes(text: str, start: int, end: int) -> tuple[int, int]:
    """Less the quotation marks around the whole, or the one left over from a quotation of several sentences."""
    if end - start > 1:
        opens, closes = text[start] in _QUOTES, text[end - 1] in _QUOTES
        inside = sum(text.count(mark, start + 1, end - 1) for mark in _QUOTES)
        if opens and inside == 0:
            start += 1
        if closes and inside == 0:
            end -= 1
    return start, end


_QUOTES = '"“”「」『』'


def _speaker(name: str | None) -> str | None:
    return name if name and not _LABEL.match(name) else None


def _from(header: re.Match[str] | None, speaker: str | None, start: int) -> int:
    """A pasted line is kept with its speaker's name, so that its "I" can be understood."""
    return header.start("name") if header and speaker else start


# Which grammar reads a sentence.

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0002fa1f]")
_LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")
_OTHER_SCRIPT = re.compile(
    r"[\u3040-\u30ff\uac00-\ud7af\u0400-\u052f\u0590-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u0370-\u03ff]"
)
_LOOK = 400  # characters that tell the language of a sentence


def _grammar(text: str) -> Grammar:
    look = text[:_LOOK]
    if look.isascii():
        return rules_en if rules_en.is_english(look) else rules_other
    if _OTHER_SCRIPT.search(look) and not rules_en.is_english(look):
        return rules_other
    han = len(_HAN.findall(look))
    words = len(_LATIN_WORD.findall(look))
    if han and (han > words or _HAN.match(look)):
        return rules_zh
    return rules_en if han or rules_en.is_english(look) else rules_other
