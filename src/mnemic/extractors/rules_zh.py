"""Rules for Chinese, Traditional and Simplified: who a sentence is about, whether it states, asks or chats."""

from __future__ import annotations

from mnemic.extractors import words_zh as words
from mnemic.extractors.claims import CLEAR, FAINT, IDENTITY, LIKELY, SURE, Claim
from mnemic.types import Kind


def lead_in(text: str) -> int:
    """Length of the fillers that open `text`: "對了，", "嗯，", "請記得"."""
    match = words.LEAD_IN.match(text)
    return match.end() if match else 0


def small_talk(text: str) -> str | None:
    """Reason to refuse `text` when the whole of it is greeting, thanks, farewell or small talk."""
    return next((reason for reason, pattern in words.SMALL_TALK.items() if pattern.fullmatch(text)), None)


def asks(text: str) -> str | None:
    """`question` or `request` when `text` asks or orders something, in whole or in part."""
    if words.STANDING_ORDER.match(text) or words.CALL_ME.match(text):
        return None
    if words.REQUEST.match(text) or words.BEFORE_REQUEST.search(text):
        return "request"
    if words.QUESTION.search(text) or words.BEFORE_QUESTION.search(text):
        return "question"
    return None


def beside_the_ask(text: str) -> list[tuple[int, int]]:
    """The clauses before the one that asks, then those after it that speak in the first person."""
    spans: list[tuple[int, int]] = []
    cuts = [cut.start() for cut in (words.BEFORE_REQUEST.search(text), words.BEFORE_QUESTION.search(text)) if cut]
    if not words.REQUEST.match(text):
        if not cuts and (last := words.LAST_CLAUSE.search(text)):
            cuts.append(last.start())
        # A head that asks too ("你好嗎，…") states nothing.
        if cuts and not words.QUESTION.search(text[: min(cuts)]):
            opening = words.BECAUSE.match(text)
            spans.append((opening.end() if opening else 0, min(cuts)))
    if (after := words.REASON_AFTER.search(text)) and not words.QUESTION.search(text[after.start("reason") :]):
        spans.append((after.start("reason"), len(text.rstrip("。！!.？?~～ "))))
    return spans


def claim(text: str) -> Claim | None:
    """What `text`, which asks nothing, states; None when that is nothing lasting."""
    if words.CALL_ME.match(text):
        return Claim(about="speaker", attribute="name", confidence=SURE)
    if words.STANDING_ORDER.match(text):
        return Claim(about="speaker", kind="preference", confidence=CLEAR)
    if words.HYPOTHETICAL.match(text) or words.CHATTER.match(text):
        return None
    who = _who(text)
    if who is None:
        return None
    jest = bool(words.JEST.search(text))
    unsure = bool(words.HEDGED.search(text) or words.REPORTED.search(text))
    doubtful = jest or unsure or bool(words.NEGATED.search(words.NOT_NEGATION.sub("", text)))
    attribute = (
        None if doubtful or who.about not in ("speaker", "person") or _only_mentioned(who, text) else _attribute(text)
    )
    if attribute is None and len(text) < _SHORTEST:
        return None
    confidence = who.confidence
    if jest:
        confidence = FAINT
    elif unsure:
        confidence = min(confidence, LIKELY)
    elif attribute and who.about == "speaker" and who.confidence == CLEAR:
        confidence = SURE
    return Claim(
        about=who.about,
        subject=who.subject,
        kind="fact" if attribute in IDENTITY else _kind(text),
        attribute=attribute,
        confidence=confidence,
    )


def promise(text: str) -> Claim | None:
    """What an assistant tells about itself, promises, or recommends by name or number."""
    if words.HYPOTHETICAL.match(text) or words.COURTESY.search(text):
        return None
    if words.PROMISE.match(text):
        return Claim(about="speaker", kind=_kind(text), confidence=LIKELY)
    if words.RECOMMENDS.match(text) and words.CONCRETE.search(text):
        return Claim(about="speaker", confidence=LIKELY)
    return None


def takes_back(text: str) -> bool:
    """Know "才怪！", "開玩笑的啦", "/s"."""
    return bool(words.TAKEN_BACK.fullmatch(text))


_SHORTEST = 4  # characters: of a statement no rule knows: "我吃素" has three, but so has "我愛你"


def _who(text: str) -> Claim | None:  # noqa: C901 - a ladder of cases
    """Who `text` is about, as a claim to fill in."""
    if words.QUOTED.match(text):
        return Claim(about="topic", confidence=LIKELY)
    start = 0
    for _ in range(_OPENING_CLAUSES):
        opening = words.OPENING.match(text, start)
        start = opening.end() if opening else start
        if match := words.RELATED.match(text, start):
            return Claim(about="person", subject=match["name"] or match["relation"])
        if words.SPEAKER.match(text, start):
            return Claim(about="speaker")
        if words.PRONOUN.match(text, start):
            return Claim(about="pronoun", confidence=LIKELY)
        if match := words.NAMED.match(text, start):
            return Claim(about="person", subject=match["name"])
        clause = words.OPENING_CLAUSE.match(text, start)
        if not clause:
            break
        start = clause.end()
    if words.FIRST_PERSON.search(text):
        return Claim(about="speaker", confidence=LIKELY)
    if words.LISTENER.match(text):
        return None
    if words.ELLIPSIS.search(text):
        return Claim(about="speaker", confidence=LIKELY)
    return Claim(about="topic", confidence=LIKELY) if words.ABOUT_PERSON.search(text) else None


def _only_mentioned(who: Claim, text: str) -> bool:
    """Whether the speaker is in `text` without being its subject: what it states may be another's."""
    return who.about == "speaker" and who.confidence == LIKELY and bool(words.FIRST_PERSON.search(text))


_OPENING_CLAUSES = 3  # "上個月，因為工作，我…"


def _attribute(text: str) -> str | None:
    """Attribute of the first clauses of `text`, up to where they turn to somebody else."""
    text = words.OTHER_SUBJECT.split(text, 1)[0]
    if match := words.FAVOURITE.search(text):
        return "favourite_" + match["thing"]
    return next((name for name, pattern in words.ATTRIBUTES.items() if pattern.search(text)), None)


def _kind(text: str) -> Kind:
    if words.PROCEDURE.search(text):
        return "procedure"
    if words.PREFERENCE.search(text):
        return "preference"
    if words.WHEN.search(text) and not words.HABIT.search(text):
        return "event"
    return "fact"
