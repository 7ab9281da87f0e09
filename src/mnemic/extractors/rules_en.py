"""Rules for English: who a sentence is about, whether it states, asks or merely chats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from mnemic.extractors import words_en as words
from mnemic.extractors.claims import CLEAR, FAINT, IDENTITY, LIKELY, SURE, TASTES, Claim, Reading
from mnemic.extractors.values_en import favourite, mine, read, read_thing
from mnemic.types import Kind


def is_english(text: str) -> bool:
    """Whether Latin text reads as English rather than as another language: by their function words."""
    spoken = words.WORD.findall(_plain(text).lower())
    theirs = sum(word in words.FOREIGN for word in spoken)
    if theirs == 0 and text.isascii():
        return True
    ours = sum(word in words.FUNCTION or word.partition("'")[0] in words.FUNCTION for word in spoken)
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


def idle(text: str) -> str | None:
    """`hypothetical` or `small_talk` when `text` only plays with a thought, or tells a passing mood."""
    text = _plain(text)
    if words.HYPOTHETICAL.search(text):
        return "hypothetical"
    return "small_talk" if words.CHATTER.search(text) else None


def claim(text: str) -> Claim | None:  # noqa: C901 - a ladder of cases
    """What `text`, which asks nothing, states; None when that is nothing lasting."""
    plain = _plain(text)
    if match := words.CALL_ME.match(plain):
        return Claim(about="speaker", attribute="name", object=_name(plain[match.end() - 1 :]), confidence=SURE)
    if words.LABELLED.match(plain):
        return Claim(about="speaker", confidence=LIKELY)
    if words.STANDING_ORDER.match(plain):
        return Claim(about="speaker", kind="preference", confidence=CLEAR)
    if idle(text):
        return None
    who, start = _who(plain)
    if who is None:
        return None
    jest = bool(words.JEST.search(plain))
    unsure = bool(words.HEDGED.search(plain) or words.REPORTED.search(plain))
    who, role = _called(who, plain, start)
    doubtful = jest or unsure or bool(words.NEGATED.search(plain[:start]))
    readings = [] if doubtful else [(start, len(text), role)] if role else _read(who, plain, start)
    if not readings and not doubtful and (later := _later(plain, start)):
        who, readings = later
    reading = readings[0][2] if readings else None
    attribute = reading.attribute if reading else None
    if reading is None and len(plain.split()) < _FEWEST_WORDS:
        return None
    if (attribute is None or attribute in TASTES) and words.TASK.search(plain) and not words.MINE.search(plain):
        return None
    confidence = who.confidence
    if jest:
        confidence = FAINT
    elif unsure or (reading is None and words.PAST.search(plain)):
        confidence = min(confidence, LIKELY)
    elif attribute and who.about == "speaker" and who.confidence == CLEAR:
        confidence = SURE
    stated = Claim(
        about=who.about,
        subject=who.subject,
        kind=_kind(plain, plain[start:], attribute),
        attribute=attribute,
        object=_verbatim(text, plain, reading.object) if reading and reading.object else None,
        ends=reading.ends if reading else False,
        confidence=confidence,
    )
    return replace(stated, more=_more(stated, text, plain, readings[1:])) if readings[1:] else stated


def _more(
    first: Claim, text: str, plain: str, readings: list[tuple[int, int, Reading]]
) -> tuple[tuple[int, int, Claim], ...]:
    """Clauses that say something else of the speaker than `first` does: "and started at Siemens"."""
    found: list[tuple[int, int, Claim]] = []
    told = {first.attribute, None, *(TASTES if first.attribute in TASTES else ())}
    for begin, end, reading in readings if first.about == "speaker" else []:
        if reading.object and not reading.ends and reading.attribute not in told:
            told.update(TASTES if reading.attribute in TASTES else [reading.attribute])
            value = _verbatim(text, plain, reading.object)
            kind = _kind(plain[begin:end], plain[begin:end], reading.attribute)
            found.append((begin, end, replace(first, attribute=reading.attribute, object=value, kind=kind, ends=False)))
    return tuple(found)


def _bare_value(plain: str, start: int, closing: bool) -> re.Match[str] | None:
    """For "Oops, 5pm", "Correction: Thursday": the value that is all there is from `start` on."""
    bare = words.BARE_VALUE.fullmatch(plain, start)
    if bare and (
        closing or words.NOT_A_VOCATIVE.search(bare["right"]) or words.EXPLICIT_MISTAKE.search(plain, 0, start)
    ):
        return bare
    return None


def correction(text: str) -> Claim | None:
    """What `text` puts right ("No, I meant Thursday, not Tuesday"); None when it is no correction."""
    if len(text) > _CORRECTION or "?" in text:
        return None
    plain = _plain(text)
    closing = words.CLOSING_MISTAKE.search(plain)
    if closing and closing.start() > 0:
        text, plain = text[: closing.start()], plain[: closing.start()]
    opening = words.MISTAKE.match(plain)
    start = opening.end() if opening else 0
    owned = bool(closing or (opening and words.OWNED_MISTAKE.search(plain, 0, start)))
    if owned and (bare := _bare_value(plain, start, bool(closing))):
        return Claim(about="topic", object=_cut(text, bare, "right"), corrects="", confidence=CLEAR)
    said = next((found for pattern in words.PUT_RIGHT if (found := pattern.match(plain, start))), None)
    if said is None:
        inner = words.INSTEAD_OF.search(plain, start) if " not " in plain else None
        if not (inner or owned) or words.LASTING_CHANGE.search(plain):
            return None
        stated = claim(text[start : inner.start() if inner else len(text)])
        if stated is None or stated.attribute is None:
            return None
        return replace(stated, corrects=_cut(text, inner, "wrong") if inner else "")
    groups = said.groupdict()
    wrong = groups.get("wrong")
    body = _cut(text, said, "right")
    if not (
        wrong
        or groups.get("meant")
        or ((opening or closing) and words.SPECIFIC.search(body) and len(body.split()) <= _FRAGMENT)
    ):
        return None
    if not wrong and (small_talk(body) or (_is_order(groups.get("meant")) and not words.SPECIFIC.search(body))):
        return None
    stated = claim(body) if len(body.split()) > 1 else None
    corrects = _cut(text, said, "wrong") if wrong else ""
    if stated and stated.attribute:
        return replace(stated, corrects=corrects)
    return Claim(about="topic", object=body, corrects=corrects, confidence=CLEAR if wrong or owned else LIKELY)


def _is_order(meant: str | None) -> bool:
    """Know the "make it" of "make it shorter", which only corrects where a name, a number or a day follows."""
    return bool(meant) and str(meant).lower().startswith("make")


_CORRECTION = 200  # characters: a correction is short
_FRAGMENT = 5  # words of "Sorry, it's Anna": a longer rest is a statement of its own


def _cut(text: str, match: re.Match[str], group: str) -> str:
    return text[match.start(group) : match.end(group)].strip(" \t\"'“”‘’.!,;")


def owns_mistake(text: str) -> bool:
    """Whether the whole of `text` says that what came before was wrong ("Sorry, I misspoke.")."""
    plain = _plain(text).strip()
    opening = words.MISTAKE.fullmatch(plain)
    return bool(opening and words.OWNED_MISTAKE.search(plain))


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


def echoes(text: str) -> bool:
    """Whether an assistant that says `text` only says again what it was told ("So you live in Rome!")."""
    return bool(words.ECHO.match(_plain(text)))


def takes_back(text: str) -> bool:
    """Know "/s", "Just kidding!", "Not!"."""
    return bool(words.TAKEN_BACK.fullmatch(_plain(text)))


_FEWEST_WORDS = 3  # of a statement no rule knows: two-word chatter is far more common than "I smoke."


def _plain(text: str) -> str:
    """The same length, with the typographic apostrophe as the keyboard's."""
    return text.replace("’", "'")


def _who(text: str) -> tuple[Claim | None, int]:
    """Who `text` is about, as a claim to fill in, and where what it says of them begins (its end when unsure)."""
    if words.QUOTED.match(text):
        return Claim(about="topic", confidence=LIKELY), len(text)
    start = 0
    for _ in range(_OPENING_CLAUSES):
        if found := _subject(text, start):
            return found
        if start == 0 and (match := words.ELLIPSIS.match(text)):
            return Claim(about="speaker", confidence=LIKELY), match.start()
        opening = words.OPENING_CLAUSE.match(text, start)
        if not opening:
            break
        start = opening.end()
    if words.FIRST_PERSON.search(text):
        return Claim(about="speaker" if words.SAYS_I.search(text) else "topic", confidence=LIKELY), len(text)
    if words.NAMES_SOMETHING.search(text) and words.SOMETHING_HAPPENED.search(text):
        return Claim(about="topic", confidence=LIKELY), len(text)
    return None, len(text)


_OPENING_CLAUSES = 3  # "Last year, after the move, my sister …"


def _subject(text: str, start: int) -> tuple[Claim, int] | None:
    """Whom the clause of `text` at `start` names, and where its predicate begins, with its "'m" or "'s"."""
    if match := words.SPEAKER.match(text, start):
        return Claim(about="speaker"), _before_auxiliary(match)
    if match := words.RELATED.match(text, start):
        subject = match["name"] or match["relation"] or match["mine"] or match["one"]
        return Claim(about="person", subject=subject), match.end()
    if match := words.THING.match(text, start):
        limit = words.ENDS_IN_LIMIT.match(match["thing"])
        owner = match["thing"] if match["limit"] else match["of"] or (limit and limit["owner"])
        return Claim(about="topic", subject=owner or match["thing"]), match.start(
            "limit" if match["limit"] else "thing"
        )
    if match := words.PROJECT.match(text, start):
        return Claim(about="topic", subject=match["thing"]), match.start("thing")
    if match := words.MY_THING.match(text, start):
        return Claim(about="speaker"), match.start()
    if match := words.PRONOUN.match(text, start):
        return Claim(about="pronoun", confidence=LIKELY), _before_auxiliary(match)
    if (match := words.NAMED.match(text, start)) and not words.NOT_A_NAME.match(match["name"]):
        return Claim(about="person", subject=match["name"]), match.end()
    return None


def _before_auxiliary(match: re.Match[str]) -> int:
    auxiliary = words.AUXILIARY.search(match.group())
    return match.start() + auxiliary.start() if auxiliary else match.end()


def _called(who: Claim, text: str, start: int) -> tuple[Claim, Reading | None]:
    """For "my boss is Carla", which says who the speaker's boss is: the speaker, and that."""
    if who.about != "person" or not who.subject:
        return who, None
    if (match := words.IS_MY.match(text, start)) and text[:start].rstrip().endswith(who.subject):
        noun = match["noun"]
        attribute = favourite(noun) or (None if words.SEVERAL.search(noun) else mine(noun))
        return (Claim(about="speaker"), Reading(attribute=attribute, object=who.subject)) if attribute else (who, None)
    if words.DIED.match(text, start) and who.subject[:1].isupper() and not words.ANIMAL.search(text, 0, start):
        return who, Reading(attribute=None, object=who.subject, ends=True)
    if words.DIED.match(text, start):
        animal = words.ANIMAL.search(text, 0, start)
        return (
            (Claim(about="speaker"), Reading(attribute="pet", object=who.subject, ends=True)) if animal else (who, None)
        )
    attribute = None if words.SEVERAL.search(who.subject) else mine(who.subject)
    match = words.IS_NAMED.match(text, start) if attribute else None
    if match is None:
        return who, None
    return Claim(about="speaker"), Reading(attribute=attribute, object=match["name"])


def _later(text: str, start: int) -> tuple[Claim, list[tuple[int, int, Reading]]] | None:
    """What a later clause says of the speaker or of somebody named: "Henry left, my new boss is Sue"."""
    for cut in islice(words.CLAUSE.finditer(text, start), _CLAUSES):
        found = _subject(text, cut.end())
        if found is None or found[0].about == "pronoun":
            continue
        who, at = found
        who, role = _called(who, text, at)
        reading = role or (read_thing(text[at:]) if who.about == "topic" else read(text[at:], job=lambda: False))
        # Of several things that a sentence tells, only what names its value is clearly said.
        if not reading or not _is_name(text, reading):
            continue
        if reading.object and not reading.ends and not words.NEGATED.search(text[cut.end() : at]):
            return who, [(cut.end(), len(text), reading)]
    return None


def _read(who: Claim, text: str, start: int) -> list[tuple[int, int, Reading]]:
    """What the clauses of `text` from `start` on say of `who`: what holds now goes before what ended."""
    if who.about == "topic":
        reading = read_thing(text[start:]) if who.subject else None
        return [(start, len(text), reading)] if reading else []
    readings = list(_readings(who, text, start))
    return sorted(readings, key=lambda found: found[2].ends)


def _readings(who: Claim, text: str, start: int) -> Iterator[tuple[int, int, Reading]]:
    """Where each clause about `who` begins and ends, and what it says; up to one about somebody else."""

    def job() -> bool:
        return bool(words.JOB_CHANGE.search(text))

    cuts = list(islice(words.CLAUSE.finditer(text, start), _CLAUSES))
    begins = [start, *(cut.end() for cut in cuts)]
    ends = [*(cut.start() for cut in cuts), len(text)]
    for begin, end in zip(begins, ends, strict=True):
        at = begin
        if begin != start and (found := _subject(text, begin)):
            other, at = found
            # "she" is the person of the sentence, never the speaker.
            same = (other.about, other.subject) == (who.about, who.subject)
            if not same and not (other.about == "pronoun" and who.about == "person"):
                return
        if (reading := read(text[at:], job=job)) and _is_name(text, reading):
            yield begin, end, reading


_CLAUSES = 6  # of one sentence that are read


def _is_name(text: str, reading: Reading) -> bool:
    """Whether the value of `reading` may be a place or a company, if it has to be one: "sweatpants" is none.

    Whoever types capitals types them in names; of a sentence all in small letters nothing is known.
    """
    if reading.attribute not in ("home", "employer") or not reading.object:
        return True
    if reading.ends and reading.attribute == "employer":
        return True  # "quit my job at the bank" ends the job all the same
    capitals = text[:1].isupper() or words.CAPITAL_I.search(text) is not None
    # Letters of a script without case, as in "I live in 台北", may well be a name.
    return not capitals or any(each.isdigit() or (each.isalpha() and not each.islower()) for each in reading.object)


def _name(text: str) -> str | None:
    match = words.OWN_NAME.match(text)
    return match.group() if match else None


def _verbatim(text: str, plain: str, value: str) -> str | None:
    """`value`, found in `plain`, with the typographic marks it has in `text`."""
    at = plain.find(value)
    return text[at : at + len(value)] if at >= 0 else None


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
