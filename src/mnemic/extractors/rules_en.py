"""Rules for English: who a sentence is about, whether it states, asks or merely chats."""

from __future__ import annotations

from mnemic.extractors import words_en as words
from mnemic.extractors.claims import CLEAR, FAINT, IDENTITY, LIKELY, SURE, Claim
from mnemic.types import Kind


def is_english(text: str) -> bool:
    """Whether Latin text reads as English rather than as another language: by their function words."""
    theirs = len(words.FOREIGN.findall(text))
    if theirs == 0 and text.isascii():
        return True
    ours = len(words.FUNCTION.findall(text))
    return ours > theirs or (ours == theirs and text.isascii()) or small_talk(text) is not None


def lead_in(text: str) -> int:
    """Length of the fillers that open `text`: "Well, ", "Oh, by the way, ", "Please remember that "."""
    match = words.LEAD_IN.match(text)
    return match.end() if match else 0


def small_talk(text: str) -> str | None:
    """Reason to refuse `text` when the whole of it is greeting, thanks, farewell or small talk."""
    text = _plain(text)
    return next((reason for reason, pattern in words.SMALL_TALK.items() if pattern.fullmatch(text)), None)


def asks(text: str) -> str | None:
    """`question` or `request` when `text` asks or orders something, in whole or in part."""
    text = _plain(text)
    if words.STANDING_ORDER.match(text) or words.CALL_ME.match(text):
        return None
    if words.REQUEST.match(text) or words.BEFORE_REQUEST.search(text):
        return "request"
    if text.rstrip("\"')” ").endswith("?") or words.INVERTED.match(text) or words.BEFORE_QUESTION.search(text):
        return "question"
    return None


def beside_the_ask(text: str) -> list[tuple[int, int]]:
    """The part before the ask, then a reason given after it ("…, since I'm allergic to nuts?")."""
    plain = _plain(text)
    spans: list[tuple[int, int]] = []
    cuts = [
        cut.start()
        for cut in (
            words.BEFORE_REQUEST.search(plain),
            words.BEFORE_QUESTION.search(plain),
            words.BEFORE_TAG.search(plain),
        )
        if cut
    ]
    if cuts and not words.INVERTED.match(plain) and not words.REQUEST.match(plain):
        opening = words.BECAUSE.match(plain)
        spans.append((opening.end() if opening else 0, min(cuts)))
    if reason := words.REASON_AFTER.search(plain):
        spans.append((reason.start("reason"), len(plain.rstrip("?!. "))))
    return spans


def claim(text: str) -> Claim | None:
    """What `text`, which asks nothing, states; None when that is nothing lasting."""
    plain = _plain(text)
    if words.CALL_ME.match(plain):
        return Claim(about="speaker", attribute="name", confidence=SURE)
    if words.LABELLED.match(plain):
        return Claim(about="speaker", confidence=LIKELY)
    if words.STANDING_ORDER.match(plain):
        return Claim(about="speaker", kind="preference", confidence=CLEAR)
    if words.HYPOTHETICAL.search(plain) or words.CHATTER.search(plain):
        return None
    who, predicate = _who(plain)
    if who is None:
        return None
    jest = bool(words.JEST.search(plain))
    doubtful = jest or bool(words.HEDGED.search(plain) or words.REPORTED.search(plain) or words.NEGATED.search(plain))
    attribute = None if doubtful else _attribute(who, predicate)
    if attribute is None and len(plain.split()) < _FEWEST_WORDS:
        return None
    confidence = who.confidence
    if jest:
        confidence = FAINT
    elif words.HEDGED.search(plain) or words.REPORTED.search(plain):
        confidence = min(confidence, LIKELY)
    elif attribute and who.about == "speaker" and who.confidence == CLEAR:
        confidence = SURE
    return Claim(
        about=who.about,
        subject=who.subject,
        kind=_kind(plain, predicate, attribute),
        attribute=attribute,
        confidence=confidence,
    )


def promise(text: str) -> Claim | None:
    """What an assistant tells about itself, promises, or recommends by name or number."""
    plain = _plain(text)
    if words.HYPOTHETICAL.search(plain) or words.COURTESY.search(plain):
        return None
    if words.PROMISE.match(plain):
        return Claim(about="speaker", kind=_kind(plain, plain, None), confidence=LIKELY)
    if words.RECOMMENDS.match(plain) and words.CONCRETE.search(plain):
        return Claim(about="speaker", confidence=LIKELY)
    return None


def takes_back(text: str) -> bool:
    """Know "/s", "Just kidding!", "Not!"."""
    return bool(words.TAKEN_BACK.fullmatch(_plain(text)))


_FEWEST_WORDS = 3  # of a statement no rule knows: two-word chatter is far more common than "I smoke."


def _plain(text: str) -> str:
    """The same length, with the typographic apostrophe as the keyboard's."""
    return text.replace("’", "'")


def _who(text: str) -> tuple[Claim | None, str]:  # noqa: C901 - a ladder of cases
    """Who `text` is about, as a claim to fill in, and what it says of them (empty when that is unsure)."""
    if words.QUOTED.match(text):
        return Claim(about="topic", confidence=LIKELY), text
    start = 0
    for _ in range(_OPENING_CLAUSES):
        if match := words.SPEAKER.match(text, start):
            return Claim(about="speaker"), text[match.end() :]
        if match := words.RELATED.match(text, start):
            return Claim(
                about="person", subject=match["name"] or match["relation"] or match["mine"] or match["one"]
            ), text[match.end() :]
        if match := words.MY_THING.match(text, start):
            return Claim(about="speaker"), text[match.start() :]
        if match := words.PRONOUN.match(text, start):
            return Claim(about="pronoun", confidence=LIKELY), text[match.end() :]
        if (match := words.NAMED.match(text, start)) and not words.NOT_A_NAME.match(match["name"]):
            return Claim(about="person", subject=match["name"]), text[match.end() :]
        if start == 0 and (match := words.ELLIPSIS.match(text)):
            return Claim(about="speaker", confidence=LIKELY), text[match.start() :]
        opening = words.OPENING_CLAUSE.match(text, start)
        if not opening:
            break
        start = opening.end()
    if words.FIRST_PERSON.search(text):
        return Claim(about="speaker" if words.SAYS_I.search(text) else "topic", confidence=LIKELY), ""
    if words.NAMES_SOMETHING.search(text) and words.SOMETHING_HAPPENED.search(text):
        return Claim(about="topic", confidence=LIKELY), text
    return None, text


_OPENING_CLAUSES = 3  # "Last year, after the move, my sister …"


def _attribute(who: Claim, predicate: str) -> str | None:
    if who.about not in ("speaker", "person"):
        return None
    if match := words.FAVOURITE.match(predicate):
        return "favourite_" + match["thing"].lower().replace(" ", "_")
    return next((name for name, pattern in words.ATTRIBUTES.items() if pattern.match(predicate)), None)


def _kind(text: str, predicate: str, attribute: str | None) -> Kind:
    if attribute in IDENTITY:
        return "fact"
    if words.PROCEDURE.search(text):
        return "procedure"
    if words.PREFERENCE.match(predicate):
        return "preference"
    if words.WHEN.search(text) and not words.HABIT.search(text):
        return "event"
    return "fact"
