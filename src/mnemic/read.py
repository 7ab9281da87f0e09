"""From a question to hits: understand, find candidates, score, cut at the floor, order, assemble. Top to bottom.

No language model is involved, unless a reranker is configured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import numpy as np

from mnemic import question, ranking, reranking, slots, text
from mnemic.errors import MissingDependency, ModelError
from mnemic.hygiene import mask
from mnemic.protocols import (
    ARMS,
    Calibration,
    Candidate,
    Embedder,
    Found,
    Graph,
    Probe,
    Record,
    Reranker,
    Space,
    Store,
    Vectors,
    Where,
)
from mnemic.question import Anchor, Question
from mnemic.types import Memory

# Each arm hands over this many candidates at least, and twice the number of hits asked for, so that what
# one arm ranks low and another high is still seen.
_ARM_LEAST = 30
_ARM_TIMES = 2

# Hits beyond those asked for that are ordered with them, so that a boost may lift one among them.
_MARGIN = 10


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A candidate that passed the floor."""

    record: Record
    score: float
    """Relevance in [0, 1], before boosts."""
    candidate: Candidate
    boosts: Mapping[str, float] = field(default_factory=dict)
    """What its place was multiplied by, and why."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Hits, best first."""

    hits: tuple[Hit, ...]
    asked: Question
    """The question as it was searched."""
    below_floor: int
    """Candidates that were found and judged irrelevant."""
    floor: float
    """The least score of a hit."""
    beyond: tuple[Hit, ...] = ()
    """The next few: relevant, ordered with the hits, and behind as many as were asked for."""
    watched: Mapping[str, Candidate] = field(default_factory=dict)
    """Records that were to be told of and could have been hits."""
    searched: int = 0
    scored: tuple[tuple[float, Candidate], ...] = ()
    """All that was found, by falling evidence, each with its relevance."""
    heard: bool = True
    """Whether the scope says anything of what is asked; if not, nothing is a hit."""
    lift: float | None = None
    """As `Found.lift`."""
    handed: int = 0
    """How many candidates each arm handed over, at most."""
    notes: tuple[str, ...] = ()
    """What the answer had to do without."""


def understand(words: str, where: Where) -> Question:
    """What a question asks for. Secrets in it are masked: no embedder and no reranker is shown one."""
    return question.understand(mask(words).text, now=where.now, user=where.scope.user_id)


class ReadPath:
    """Answers questions from a store."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        calibration: Calibration,
        *,
        reranker: Reranker | None = None,
        arms: Sequence[str] = ARMS,
        half_life: timedelta | None = ranking.HALF_LIFE,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._calibration = calibration
        self._reranker = reranker
        self._arms = tuple(arms)
        self._half_life = half_life if "recency" in arms else None

    async def search(
        self,
        asked: Question,
        where: Where,
        *,
        limit: int,
        floor: float | None,
        rerank: bool = True,
        watched: Sequence[str] = (),
    ) -> Answer:
        """The best `limit` records at or above `floor` (None: the space's own)."""
        notes: list[str] = []
        event = await self._when(asked.anchor, where)
        if "time" not in self._arms or (asked.anchor is not None and not event):
            # No time comes of the words that tell it, so they are looked for like all others.
            asked = replace(asked, core=asked.text, only_time=False)
        asked = _shortened(asked, notes)
        least = self._calibration.floor if floor is None else floor
        reranker = self._reranker if rerank else None
        wide = max(limit, reranking.MOST) if reranker is not None or _is_ordered(asked) else limit
        judge = _Judge(self, asked, floor=floor, least=least, most=wide + _MARGIN)
        found = await self._find(asked, where, limit, notes, event=event, watched=tuple(watched), choose=judge)
        records = found.records
        if records is None:
            chosen = judge(found)
            records = await self._store.load(chosen, known_at=where.known_at) if chosen else {}
        scored, kept, shown, heard = judge.scored, judge.kept, judge.shown, judge.heard
        if not heard:
            heard = any(_is_of(asked, each) for each in records.values())
            kept, shown = (kept, shown) if heard else ([], [])
        hits = [
            Hit(record=records[each.id], score=score, candidate=each) for score, each in shown if each.id in records
        ]
        if reranker is not None:
            hits = await _reranked(reranker, asked, hits, notes)
        # Without the arm of what is new, nothing is ordered by time, asked for or not.
        ordered = asked if "recency" in self._arms else replace(asked, order=None, present=False)
        hits = _in_order(hits, ordered, where, self._half_life, by_score=reranker is not None)
        return Answer(
            hits=tuple(hits[:limit]),
            asked=asked,
            below_floor=len(scored) - len(kept),
            floor=least,
            beyond=tuple(hits[limit:]),
            watched={each.id: each for each in found.candidates if each.id in watched},
            searched=found.searched,
            scored=tuple(scored),
            heard=heard,
            lift=found.lift,
            handed=_per_arm(limit),
            notes=tuple(notes),
        )

    async def _find(
        self,
        asked: Question,
        where: Where,
        limit: int,
        notes: list[str],
        *,
        event: tuple[tuple[datetime, datetime], ...] = (),
        watched: tuple[str, ...] = (),
        choose: Callable[[Found], Sequence[str]] | None = None,
    ) -> Found:
        """Candidates; `event` is the time of the question's anchor."""
        vectors = await self._vectors(asked.core, notes)
        return await self._store.find(
            Probe(
                where=where,
                vectors=vectors,
                space=None if vectors is None else Space(name=self._embedder.name, dimensions=vectors.shape[1]),
                words=() if asked.only_time else text.question_words(asked.core),
                people=text.speakers(asked.core),
                link=partial(_links, asked.name_keys) if "entity" in self._arms and asked.name_keys else None,
                times=(*_closed(asked), *event),
                side=asked.side,
                calibration=self._calibration,
                limit=_per_arm(limit),
                arms=self._arms,
                watched=watched,
                choose=choose,
            )
        )

    async def _vectors(self, words: str, notes: list[str]) -> Vectors | None:
        """The question's windows; short ones are one."""
        if "vector" not in self._arms:
            return None
        pieces = text.windows(words, self._embedder.max_chars)
        try:
            return np.asarray(await self._embedder.embed(pieces, role="query"), np.float32)
        except (MissingDependency, ModelError) as exc:
            notes.append(f"searched by keyword only: {exc}")
            return None

    async def _when(self, anchor: Anchor | None, where: Where) -> tuple[tuple[datetime, datetime], ...]:
        """The time that an event gives: "before I moved" is before what is known of the move."""
        if anchor is None or "time" not in self._arms:
            return ()
        told = understand(anchor.text, where)
        found = await self._find(replace(told, anchor=None, times=()), where, 1, [])
        best = found.candidates[:1]
        if not best or self.relevance(best[0]) < _SURE:
            return ()
        record = (await self._store.load([best[0].id], known_at=where.known_at)).get(best[0].id)
        if record is None:
            return ()
        since = record.valid_from if isinstance(record, Memory) else None
        at = since or record.said_at or best[0].said_at
        if anchor.role == "before":
            return ((_BEGINNING, at),)
        if anchor.role == "after":
            return ((at, _END),)
        return ((max(at, _BEGINNING + _AROUND) - _AROUND, min(at, _END - _AROUND) + _AROUND),)

    def is_heard(self, found: Found) -> bool:
        """Whether the scope says anything of what is asked: something is near, or has the words, names or time."""
        if found.lift is None or found.lift >= 1.0:
            return True
        return any(
            (each.similarity or 0.0) >= self._calibration.midpoint
            or each.coverage >= _MOST_WORDS
            or each.entity is not None
            or each.time is not None
            for each in found.candidates
        )

    def relevance(self, candidate: Candidate) -> float:
        """How likely it is what was asked for, in [0, 1]."""
        space = self._calibration
        return ranking.relevance(candidate.evidence, candidate.coverage, midpoint=space.midpoint, scale=space.scale)


class _Judge:
    """Chooses which of the candidates to load: those at or above the floor. Keeps what it saw on the way."""

    def __init__(self, path: ReadPath, asked: Question, *, floor: float | None, least: float, most: int) -> None:
        self._path, self._asked = path, asked
        self._floor, self._least, self._most = floor, least, most
        self.scored: list[tuple[float, Candidate]] = []
        self.kept: list[tuple[float, Candidate]] = []
        self.shown: list[tuple[float, Candidate]] = []
        self.heard = False

    def __call__(self, found: Found) -> list[str]:
        """Their ids."""
        self.scored = [(self._path.relevance(each), each) for each in found.candidates]
        self.heard = self._floor is not None or self._path.is_heard(found)
        sought = self.heard or bool(self._asked.attributes)
        self.kept = [(score, each) for score, each in self.scored if score >= self._least and sought]
        self.shown = self.kept[: self._most]
        return [each.id for _, each in self.shown]


def _is_ordered(asked: Question) -> bool:
    """Whether something else than relevance orders, so that what is far down may come up."""
    return asked.order is not None or asked.present or asked.breadth or bool(asked.attributes)


def _per_arm(limit: int) -> int:
    return max(_ARM_LEAST, _ARM_TIMES * limit)


# The rarer half of a question's words in one record is no chance.
_MOST_WORDS = 0.5

# Whoever speaks is named everywhere.
_SPEAKERS = ("user", "assistant")

# Somebody named in more memories than this tells little, and her name in words finds them as well.
_MANY = 500
# Two memories that share a rare name have more to do with each other than two that share a town.
_FEW = 20
_MOST_OTHERS = 50
_TWO_HOPS = 0.3


def _links(keys: Sequence[str], graph: Graph) -> dict[str, float]:
    """Memories that name whom and what a question names, and those that share somebody else with these."""
    named = graph.resolve(keys)
    wanted = [each.id for each in named.values() if each.kind not in _SPEAKERS and each.memories <= _MANY]
    if not wanted:
        return {}
    around = graph.naming(wanted)
    direct = {memory for entity, memory in around.mentions if entity in wanted}
    links = dict.fromkeys(direct, 1.0)
    others = {entity for entity, memory in around.mentions if memory in direct} - set(wanted)
    if not others:
        return links
    met = graph.resolve(sorted(others))
    rare = [each for each in met.values() if each.kind not in _SPEAKERS and each.memories <= _FEW]
    few = [each.id for each in sorted(rare, key=lambda each: (each.memories, each.id))[:_MOST_OTHERS]]
    further = graph.naming(few) if few else None
    if further is not None:
        links = {memory: _TWO_HOPS for entity, memory in further.mentions if entity in few} | links
    return links


_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)
# "When I was in hospital" means the weeks around what is known of it.
_AROUND = timedelta(days=30)
# An event is taken for the one that was meant when it is likelier than not.
_SURE = 0.5


def _closed(asked: Question) -> tuple[tuple[datetime, datetime], ...]:
    """The times a question names, ends that are open closed."""
    return tuple((each.start or _BEGINNING, each.end or _END) for each in asked.times)


# Nobody asks so much: it is a question with a document, and the question stands before or behind it. To embed all of
# 200,000 characters takes a minute.
_LONGEST = 8_000


def _shortened(asked: Question, notes: list[str]) -> Question:
    """Beginning and end of a very long question; the answer says so."""
    words = asked.core
    if len(words) <= 2 * _LONGEST:
        return asked
    notes.append(f"of a question of {len(words):,} characters the first and the last {_LONGEST:,} were looked for")
    return replace(asked, core=f"{words[:_LONGEST]}\n{words[-_LONGEST:]}")


async def _reranked(reranker: Reranker, asked: Question, hits: Sequence[Hit], notes: list[str]) -> list[Hit]:
    scores, note = await reranking.rerank(reranker, asked.text, [(hit.score, hit.record.indexed) for hit in hits])
    if note is not None:
        notes.append(note)
    return [replace(hit, score=score) for hit, score in zip(hits, scores, strict=True)]


def _in_order(
    hits: Sequence[Hit], asked: Question, where: Where, half_life: timedelta | None, *, by_score: bool
) -> list[Hit]:
    """By evidence and boosts; copies of a better hit behind all others."""
    if not hits:
        return []
    worth = {hit.record.id: hit.score if by_score else hit.candidate.evidence for hit in hits}
    best = max(worth.values())
    equals = _equals(hits, asked, worth)
    strong = ranking.COMPARABLE * best
    spread = _spread(hits, asked, [hit for hit in hits if hit.record.id in equals or worth[hit.record.id] >= strong])
    # Recent is what is near the newest hit: where nothing was said for a year, the last week before it still leads.
    latest = max(hit.candidate.said_at for hit in hits)
    told = [
        Hit(
            record=hit.record,
            score=hit.score,
            candidate=hit.candidate,
            boosts=_boosts(hit, asked, where, half_life, latest)
            | equals.get(hit.record.id, {})
            | spread.get(hit.record.id, {}),
        )
        for hit in hits
    ]

    def place(hit: Hit) -> tuple[float, datetime, str]:
        key = worth[hit.record.id]
        for factor in hit.boosts.values():
            key *= factor if key > 0 else 1 / factor
        return (key, hit.candidate.said_at, hit.record.id)

    told.sort(key=place, reverse=True)
    if asked.breadth:
        told = sorted(_spread_out(told), key=place, reverse=True)
    seen: set[str] = set()
    first: list[Hit] = []
    copies: list[Hit] = []
    for hit in told:
        words = text.fingerprint(hit.record.indexed)
        (copies if words in seen else first).append(hit)
        seen.add(words)
    return [*first, *copies]


def _spread_out(hits: Sequence[Hit]) -> list[Hit]:
    """Asked for many things, each further hit of one conversation counts a little less."""
    met: Counter[tuple[str | None, date]] = Counter()
    told = []
    for hit in hits:
        talk = hit.record.scope.run_id, hit.candidate.said_at.date()
        told.append(
            replace(hit, boosts={**hit.boosts, "breadth": _OF_ONE_TALK ** met[talk]} if met[talk] else hit.boosts)
        )
        met[talk] += 1
    return told


# On LoCoMo's development half this gains 0.1 of R@10, 0.9 for what takes several turns to answer. 0.8 does so, too, and
# loses 0.3 of R@20.
_OF_ONE_TALK = 0.95


def _boosts(hit: Hit, asked: Question, where: Where, half_life: timedelta | None, latest: datetime) -> dict[str, float]:
    """What moves a hit among about equally relevant ones, and by how much; nothing that is 1."""
    record = hit.record
    found: dict[str, float] = {}
    if half_life is not None and not asked.times and asked.anchor is None and asked.order is None:
        recency = ranking.recency(latest - hit.candidate.said_at, half_life)
        if recency - 1.0 > _NOTHING:
            found["recency"] = recency
    if isinstance(record, Memory):
        found |= _of_memory(record, asked, where)
    if _is_data(record):
        found["data"] = 1 / ranking.BOUND
    return found


_NOTHING = 1e-4


def _of_memory(record: Memory, asked: Question, where: Where) -> dict[str, float]:
    found: dict[str, float] = {}
    if _is_of(asked, record):
        found["attribute"] = ranking.ATTRIBUTE
    if asked.attributes and _is_of_another(record):
        found["another"] = 1 / ranking.ATTRIBUTE
    if record.proof_count > 1:
        found["proof"] = ranking.proof(record.proof_count)
    if record.rating:
        found["feedback"] = ranking.feedback(record.rating)
    if record.pinned:
        found["pinned"] = ranking.PINNED
    if where.superseded and record.known_to is not None and where.as_of is None:
        found["past"] = ranking.BOUND
    return found


def _equals(hits: Sequence[Hit], asked: Question, worth: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Asked for few attributes: what makes a memory of one the equal of the best hit, and then counts it more."""
    if len(asked.attributes) > slots.FEW:
        return {}
    best = max(worth.values())
    return {
        hit.record.id: {"attribute": ranking.ATTRIBUTE * best / worth[hit.record.id]}
        for hit in hits
        if _is_of(asked, hit.record) and 0 < worth[hit.record.id] < best
    }


def _is_of(asked: Question, record: Record) -> bool:
    """Whether a memory tells what of the user the question asks for: "Where do I live?", and it is her home.

    Where few attributes are asked for it is the answer in whatever words: "We moved to Manchester" tells where I live.
    """
    return (
        bool(asked.attributes)
        and isinstance(record, Memory)
        and record.subject in ("user", None)
        and record.attribute is not None
        and slots.canonical(record.attribute) in asked.attributes
    )


def _is_of_another(memory: Memory) -> bool:
    return memory.subject not in ("user", None)


def _spread(hits: Sequence[Hit], asked: Question, strong: Sequence[Hit]) -> dict[str, dict[str, float]]:
    """Asked for the newest or the oldest: factors of the hits that are strong enough to be one of them."""
    order = asked.order or ("last" if asked.present else None)
    if order is None and asked.past and asked.attributes and not asked.times and asked.anchor is None:
        # Of former values the last one is meant; the one that holds now comes behind them.
        strong = [hit for hit in strong if isinstance(hit.record, Memory) and hit.record.known_to is not None]
        order = "last"
    if order is None or len(hits) < 2:
        return {}
    by_time = sorted(strong, key=_held_from, reverse=order == "last")
    return {hit.record.id: {order: ranking.ordered(place)} for place, hit in enumerate(by_time)}


def _held_from(hit: Hit) -> datetime:
    since = hit.record.valid_from if isinstance(hit.record, Memory) else None
    return since or hit.candidate.said_at


# What a tool or a page tells does not come before what people said of the same.
_DATA = ("tool", "system")


def _is_data(record: Record) -> bool:
    """Whether no person said it, nor the assistant."""
    if isinstance(record, Memory) and record.sources:
        return all(source.role in _DATA for source in record.sources)
    return record.role in _DATA
