"""Rules for Chinese, Traditional and Simplified: who a sentence is about, whether it states, asks or chats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from mnemic.extractors import words_zh as words
from mnemic.extractors.claims import CLEAR, FAINT, IDENTITY, LIKELY, SURE, TASTES, Claim, Reading
from mnemic.extractors.values_zh import mine, read, read_thing
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


def idle(text: str) -> str | None:
    """`hypothetical` or `small_talk` when `text` only plays with a thought, or tells a passing mood."""
    if words.HYPOTHETICAL.match(text):
        return "hypothetical"
    return "small_talk" if words.CHATTER.match(text) else None


def claim(text: str) -> Claim | None:  # noqa: C901 - a ladder of cases
    """What `text`, which asks nothing, states; None when that is nothing lasting."""
    if match := words.CALL_ME.match(text):
        name = words.OWN_NAME.match(text, match.end() - 1)
        return Claim(about="speaker", attribute="name", object=name.group() if name else None, confidence=SURE)
    if words.STANDING_ORDER.match(text):
        return Claim(about="speaker", kind="preference", confidence=CLEAR)
    if idle(text):
        return None
    who, start = _who(text)
    if who is None:
        return None
    jest = bool(words.JEST.search(text))
    unsure = bool(words.HEDGED.search(text) or words.REPORTED.search(text))
    only_mentioned = who.about == "speaker" and start == len(text) and bool(words.FIRST_PERSON.search(text))
    who, role = _called(who, text, start)
    doubtful = jest or unsure or only_mentioned
    readings = [] if doubtful else [(start, len(text), role)] if role else _read(who, text, start)
    if not readings and not doubtful and (later := _later(text, start)):
        who, readings = later
    reading = readings[0][2] if readings else None
    attribute = reading.attribute if reading else None
    if reading is None and len(text) < _SHORTEST:
        return None
    if (attribute is None or attribute in TASTES) and words.TASK.search(text):
        return None
    confidence = who.confidence
    if jest:
        confidence = FAINT
    elif unsure or (reading is None and words.PAST.search(text)):
        confidence = min(confidence, LIKELY)
    elif attribute and who.about == "speaker" and who.confidence == CLEAR:
        confidence = SURE
    stated = Claim(
        about=who.about,
        subject=who.subject,
        kind="fact" if attribute in IDENTITY else _kind(text),
        attribute=attribute,
        object=reading.object if reading else None,
        ends=reading.ends if reading else False,
        confidence=confidence,
    )
    return replace(stated, more=_more(stated, text, readings[1:])) if readings[1:] else stated


def _more(first: Claim, text: str, readings: list[tuple[int, int, Reading]]) -> tuple[tuple[int, int, Claim], ...]:
    """Clauses that say something else of the speaker than `first` does: 現在在華碩上班."""
    found: list[tuple[int, int, Claim]] = []
    told = {first.attribute, None, *(TASTES if first.attribute in TASTES else ())}
    for begin, end, reading in readings if first.about == "speaker" else []:
        if reading.object and not reading.ends and reading.attribute not in told:
            told.update(TASTES if reading.attribute in TASTES else [reading.attribute])
            kind = "fact" if reading.attribute in IDENTITY else _kind(text[begin:end])
            more = replace(first, attribute=reading.attribute, object=reading.object, kind=kind, ends=False)
            found.append((begin, end, more))
    return tuple(found)


def correction(text: str) -> Claim | None:
    """What `text` puts right ("不是星期二，是星期四"); None when it is no correction."""
    if len(text) > _CORRECTION or words.QUESTION.search(text):
        return None
    opening = words.MISTAKE.match(text)
    start = opening.end() if opening else 0
    owned = bool(opening and words.OWNED_MISTAKE.search(text, 0, start))
    said = next((found for pattern in words.PUT_RIGHT if (found := pattern.match(text, start))), None)
    if said is None and owned and (found := words.IT_IS.match(text, start)):
        said = found
    if said is None:
        stated = claim(text[start:]) if owned and text[start:] else None
        return replace(stated, corrects="") if stated and stated.attribute else None
    groups = said.groupdict()
    wrong = groups.get("wrong")
    if not (wrong or opening or groups.get("meant")):
        return None
    right = text[said.start("right") : said.end("right")].strip(_MARKS)
    corrects = wrong.strip(_MARKS) if wrong else ""
    stated = (
        claim(groups.get("head") or "") or claim(right)
        if groups.get("head") or len(right) > _FRAGMENT or right[:1] == "我"
        else None
    )
    whole = claim(text[start:])
    known = next(
        (each for each in (stated, whole) if each and each.attribute and each.object and each.object in right), None
    )
    if known:
        return replace(known, corrects=corrects)
    return Claim(about="topic", object=right, corrects=corrects, confidence=CLEAR if wrong or owned else LIKELY)


_CORRECTION = 100  # characters: a correction is short
_FRAGMENT = 4  # characters of a name or a day
_MARKS = " \t「」『』\"“”'，,。.！!：:～~啦喔哦啊"


def owns_mistake(text: str) -> bool:
    """Whether the whole of `text` says that what came before was wrong ("我說錯了")."""
    opening = words.MISTAKE.fullmatch(text)
    return bool(opening and words.OWNED_MISTAKE.search(text))


def promise(text: str) -> Claim | None:
    """What an assistant tells about itself, promises, or recommends by name or number."""
    if words.HYPOTHETICAL.match(text) or words.COURTESY.search(text):
        return None
    if words.PROMISE.match(text):
        return Claim(about="speaker", kind=_kind(text), confidence=LIKELY)
    if words.RECOMMENDS.match(text) and words.CONCRETE.search(text):
        return Claim(about="speaker", confidence=LIKELY)
    return None


def echoes(text: str) -> bool:
    """Whether an assistant that says `text` only says again what it was told ("So you live in Rome!")."""
    return bool(words.ECHO.match(text))


def takes_back(text: str) -> bool:
    """Know "才怪！", "開玩笑的啦", "/s"."""
    return bool(words.TAKEN_BACK.fullmatch(text))


_SHORTEST = 4  # characters: of a statement no rule knows: "我吃素" has three, but so has "我愛你"


def _who(text: str) -> tuple[Claim | None, int]:
    """Who `text` is about, as a claim to fill in, and where what it says of them begins (its end when unsure)."""
    if words.QUOTED.match(text):
        return Claim(about="topic", confidence=LIKELY), len(text)
    start = 0
    for _ in range(_OPENING_CLAUSES):
        opening = words.OPENING.match(text, start)
        start = opening.end() if opening else start
        if thing := _thing(text, start):
            return thing
        if found := _subject(text, start):
            return found
        clause = words.OPENING_CLAUSE.match(text, start)
        if not clause:
            break
        start = clause.end()
    if words.FIRST_PERSON.search(text):
        return Claim(about="speaker", confidence=LIKELY), len(text)
    if words.LISTENER.match(text):
        return None, len(text)
    if words.ELLIPSIS.search(text):
        return Claim(about="speaker", confidence=LIKELY), 0
    return (Claim(about="topic", confidence=LIKELY) if words.ABOUT_PERSON.search(text) else None), len(text)


_OPENING_CLAUSES = 3  # "上個月，因為工作，我…"


def _thing(text: str, start: int) -> tuple[Claim, int] | None:
    """The thing that has a date, a limit or a state of its own, when `text` is about one."""
    match = words.THING.match(text, start)
    if not match or not (match["thing"] or match["limit"]):
        return None
    return Claim(about="topic", subject=match["thing"] or match["limit"]), match.start("says")


def _subject(text: str, start: int) -> tuple[Claim, int] | None:
    """Whom the clause of `text` at `start` names, and where its predicate begins."""
    if match := words.RELATED.match(text, start):
        return Claim(about="person", subject=match["name"] or match["relation"]), match.end()
    if match := words.SPEAKER.match(text, start):
        return Claim(about="speaker"), match.end()
    if match := words.PRONOUN.match(text, start):
        return Claim(about="pronoun", confidence=LIKELY), match.end()
    if match := words.NAMED.match(text, start):
        return Claim(about="person", subject=match["name"]), match.end()
    return None


def _called(who: Claim, text: str, start: int) -> tuple[Claim, Reading | None]:
    """For 我老闆是王經理, which says who the speaker's boss is: the speaker, and that."""
    subject = who.subject or ""
    if who.about == "person" and words.DIED.match(text, start):
        if subject in text[:start] and not words.ABOUT_PERSON.search(text, 0, start):
            return who, Reading(attribute=None, object=subject, ends=True)
        pet = words.ANIMAL.search(text, 0, start)
        return (Claim(about="speaker"), Reading(attribute="pet", object=subject, ends=True)) if pet else (who, None)
    several = who.about != "person" or not subject or words.SEVERAL.search(subject)
    attribute = None if several else mine(subject)
    match = words.IS_NAMED.match(text, start) if attribute else None
    if match is None or words.IS_A_JOB.search(match["name"]):
        return who, None
    return Claim(about="speaker"), Reading(attribute=attribute, object=match["name"])


def _later(text: str, start: int) -> tuple[Claim, list[tuple[int, int, Reading]]] | None:
    """Whom the speaker calls theirs in a later clause: 小陳離職了，我的新主管是林姐."""
    for cut in islice(words.CLAUSE.finditer(text, start), _CLAUSES):
        found = _subject(text, cut.end())
        if found is None or found[0].about != "person":
            continue
        who, role = _called(found[0], text, found[1])
        if role and not role.ends:
            return who, [(cut.end(), len(text), role)]
    return None


def _read(who: Claim, text: str, start: int) -> list[tuple[int, int, Reading]]:
    """What the clauses of `text` from `start` on say of `who`: what holds now goes before what ended."""
    if who.about == "topic":
        limit = words.LIMIT.search(text, 0, start)
        reading = read_thing(text[start:], limit.group() if limit else None) if who.subject else None
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
    before = start
    for begin, end in zip(begins, ends, strict=True):
        at = begin
        if begin != start:
            joined = words.CLAUSE_JOIN.match(text, begin)
            at = joined.end() if joined else begin
            if found := _subject(text, at):
                other, at = found
                # 她 is the person of the sentence, never the speaker.
                same = (other.about, other.subject) == (who.about, who.subject)
                if not same and not (other.about == "pronoun" and who.about == "person"):
                    return
            elif who.about == "speaker" and words.ABOUT_PERSON.search(text, before, begin):
                return  # 我遇到老同學，現在在…: the next clause is theirs
        before = begin
        if reading := read(text[at:], job=job):
            yield begin, end, reading


_CLAUSES = 6  # of one sentence that are read


def _kind(text: str) -> Kind:
    if words.PROCEDURE.search(text):
        return "procedure"
    if words.PREFERENCE.search(text):
        return "preference"
    if words.WHEN.search(text) and not words.HABIT.search(text):
        return "event"
    return "fact"
