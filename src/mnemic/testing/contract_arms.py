"""What every store promises of a question: what each arm finds, alone and with the others, and what it may not see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from mnemic import text
from mnemic.protocols import ARMS, Candidate, NewMemory, Probe, Store, Write
from mnemic.testing.contract_values import (
    ALICE,
    BOB,
    EVERYBODY,
    HOUR,
    LATER,
    T0,
    Contract,
    MakeStore,
    adding,
    asking,
    cited,
    event,
    found_by,
    hits,
    keeping,
    known,
    opened,
    retiring,
    said,
    stored,
    turn,
    updating,
    vectors,
    verbatim,
    where,
)
from mnemic.types import Scope

MARCH = (datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC))
APRIL = (datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC))
DAY = timedelta(days=1)


class ArmsContract(Contract):
    """What finds candidates."""

    # Each arm alone.

    async def test_each_arm_finds_what_it_alone_can(self, make_store: MakeStore) -> None:
        near, far = known(ALICE, "kayak kayak kayak"), known(ALICE, "zebra")
        named = known(ALICE, "otter", at=T0 - HOUR)
        dated = known(ALICE, "heron", kind="event", valid_from=MARCH[0] + DAY, precision="day", at=T0 - 2 * HOUR)
        new = known(ALICE, "badger", said_at=LATER)
        async with opened(make_store) as store:
            write = adding(near, named, dated, new)
            bare = NewMemory(memory=far, vectors=vectors("something else entirely"))
            await store.commit(replace(write, memories=(*write.memories, bare), history=(*write.history, event(far))))
            asked = asking("zebra", ALICE, limit=1, linked={named.id: 1.0}, times=(MARCH,))
            assert await found_by(store, "vector", replace(asked, vectors=vectors("kayak"))) == [near.id]
            assert await found_by(store, "keyword", asked) == [far.id]
            assert await found_by(store, "entity", asked) == [named.id]
            assert await found_by(store, "time", asked) == [dated.id]
            assert await found_by(store, "recency", asked) == [new.id]

    async def test_an_arm_that_is_off_says_nothing(self, make_store: MakeStore) -> None:
        memory = known(ALICE, "Keeps bees")
        async with opened(make_store) as store:
            await store.commit(adding(memory))
            for off in ARMS:
                asked = asking("bees", ALICE, linked={memory.id: 1.0}, times=((T0, LATER),))
                whole, rest = await one(store, asked), await one(store, _without(asked, off))
                assert set(whole.ranks) == set(ARMS)
                assert set(rest.ranks) == set(ARMS) - {off}
                values = (rest.similarity, rest.keyword, rest.entity, rest.time)
                assert [each is None for each in values] == [arm == off for arm in ARMS[:-1]]
                assert rest.evidence < whole.evidence or off == "recency"
            nothing = (await store.find(asking("bees", ALICE, arms=()))).candidates
            assert [(each.evidence, each.ranks) for each in nothing] == [(0.0, {})]

    async def test_an_arm_hands_over_its_best_and_no_more(self, make_store: MakeStore) -> None:
        memories = [
            known(ALICE, f"bees {'and wasps ' * number}", said_at=T0 - number * DAY, valid_from=T0 - number * DAY)
            for number in range(20)
        ]
        linked = {each.id: (number + 1) / 20 for number, each in enumerate(memories)}
        async with opened(make_store) as store:
            for memory in memories:
                await store.commit(adding(memory))
            probe = asking("bees", ALICE, linked=linked, times=((T0 - 5 * DAY, T0 - 2 * DAY),))
            every = (await store.find(probe)).candidates
            few = (await store.find(replace(probe, limit=3))).candidates
            assert len(every) == 20
            best = {each.id for each in every[:3]}
            for arm in ARMS:
                ranked = [each for each in every if arm in each.ranks]
                best |= {each.id for each in ranked if each.ranks[arm] <= 3}
                assert sorted(each.ranks[arm] for each in ranked) == list(range(1, len(ranked) + 1))
                assert sorted(each.ranks[arm] for each in few if arm in each.ranks) == [1, 2, 3]
                value = {"vector": "similarity", "recency": "said_at"}.get(arm, arm)
                ranked.sort(key=lambda each, arm=arm: each.ranks[arm])  # type: ignore[misc]  # mypy infers no lambda with defaults
                values = [getattr(each, value) for each in ranked]
                assert values == sorted(values, reverse=True)
            assert {each.id for each in few} == best
            for found in (every, few):
                assert [each.evidence for each in found] == sorted((each.evidence for each in found), reverse=True)

    # Vectors.

    async def test_a_record_without_a_vector_is_found_by_keyword(self, make_store: MakeStore) -> None:
        memory, other = known(ALICE, "Keeps bees"), known(ALICE, "Keeps llamas")
        async with opened(make_store) as store:
            bare = NewMemory(memory=memory, vectors=None)
            await store.commit(
                Write(scope=ALICE, at=T0, memories=(bare, stored(other)), history=(event(memory), event(other)))
            )
            found = (await store.find(asking("keeps", ALICE))).candidates
            assert {each.id: each.similarity is None for each in found} == {memory.id: True, other.id: False}
            assert await found_by(store, "vector", asking("keeps", ALICE)) == [other.id]

    async def test_a_long_text_is_one_hit_found_by_any_of_its_windows(self, make_store: MakeStore) -> None:
        pieces = [f"filler number {number} " * 20 for number in range(150)] + ["at last the walrus"]
        memory, other = known(ALICE, "".join(pieces)), known(ALICE, "Has a cat")
        async with opened(make_store) as store:
            long = NewMemory(memory=memory, vectors=vectors(*pieces))
            await store.commit(Write(scope=ALICE, at=T0, memories=(long,), history=(event(memory),)))
            await store.commit(adding(other))
            for asked in (ALICE, replace(ALICE, user_id=None), replace(ALICE, project="default")):
                found = {each.id: each for each in (await store.find(asking("at last the walrus", asked))).candidates}
                assert found.keys() == {memory.id, other.id}
                assert (found[memory.id].similarity or 0) > 0.8
                assert (found[memory.id].keyword or 0) > 0
                assert await found_by(store, "keyword", asking("walrus", asked)) == [memory.id]
            assert await found_by(store, "keyword", asking("cat", ALICE)) == [other.id]
            await store.commit(retiring(memory))
            assert await hits(store, asking("walrus", ALICE)) == {other.id}

    # Words.

    async def test_words_of_the_turns_beside_count_too(self, make_store: MakeStore) -> None:
        run = Scope(user_id="alice", run_id="r1")
        question, answer, after = (said(run, words) for words in ("Which instrument?", "The cello", "Nice"))
        elsewhere = said(Scope(user_id="alice", run_id="r2"), "The cello")
        async with opened(make_store) as store:
            chained = (turn(question), turn(answer, question), turn(after, answer))
            await store.commit(Write(scope=run, at=T0, episodes=chained))
            await store.commit(adding(elsewhere))
            for asked in (ALICE, EVERYBODY):
                assert await found_by(store, "keyword", asking("instrument", asked)) == [question.id, answer.id]

    @pytest.mark.parametrize(
        ("question", "words"),
        [
            ("我女儿的学校", "女兒的學校"),
            ("女兒的學校", "我女儿的学校"),
            ("里面有什麼", "裡面"),
            ("favorite", "favourite"),
        ],
    )
    async def test_words_are_found_in_the_other_script_or_with_a_letter_wrong(
        self, make_store: MakeStore, question: str, words: str
    ) -> None:
        memory, other = known(ALICE, words), known(ALICE, "something else")
        async with opened(make_store) as store:
            await store.commit(adding(memory, other))
            assert await found_by(store, "keyword", asking(question, ALICE)) == [memory.id]

    async def test_how_many_of_the_words_are_there_is_told(self, make_store: MakeStore) -> None:
        whole, half = known(ALICE, "bees kayak"), known(ALICE, "bees wasps")
        async with opened(make_store) as store:
            await store.commit(adding(whole, half))
            found = {each.id: each for each in (await store.find(asking("bees kayak", ALICE))).candidates}
            assert found[whole.id].coverage > 0.9
            assert 0 < found[half.id].coverage < 0.5

    async def test_what_asks_comes_behind_what_answers(self, make_store: MakeStore) -> None:
        """The same words, at the same time: one ends as a question does."""
        tells, asks = said(ALICE, "bees kayak"), said(ALICE, "bees kayak?")
        async with opened(make_store) as store:
            await store.commit(adding(asks))
            await store.commit(adding(tells))
            found = (await store.find(asking("bees", ALICE))).candidates
            assert [each.id for each in found] == [tells.id, asks.id]
            assert found[0].similarity == pytest.approx(found[1].similarity, abs=1e-3)

    # Who speaks, and whom it is about.

    async def test_what_another_named_person_said_counts_less(self, make_store: MakeStore) -> None:
        group = Scope(run_id="trip")
        dana, kim = (said(group, "I like bees", actor=name, at=T0) for name in ("Dana Reyes", "Kim"))
        nobody = said(group, "I like bees")
        async with opened(make_store) as store:
            for each in (dana, kim, nobody):
                await store.commit(adding(each))
            plain = {each.id: each for each in (await store.find(asking("like bees", group))).candidates}
            asked = asking("like bees", group, people=text.speakers("What does Kim like?"))
            named = {each.id: each for each in (await store.find(asked)).candidates}
            for same in (kim, nobody):
                assert named[same.id].evidence == pytest.approx(plain[same.id].evidence, rel=1e-3)
            assert named[dana.id].evidence < 0.9 * plain[dana.id].evidence
            off = {each.id: each for each in (await store.find(_without(asked, "entity"))).candidates}
            assert off[dana.id].evidence == pytest.approx(plain[dana.id].evidence, rel=1e-3)

    async def test_a_memory_is_its_speakers_and_stays_so_in_every_version(self, make_store: MakeStore) -> None:
        """Whoever it is about: "Siemens hired Dana" is no word of Siemens."""
        about = known(ALICE, "Likes bees", subject="Omar", actor="Dana")
        other = known(ALICE, "Likes bees", subject="Dana", actor="Kim")
        async with opened(make_store) as store:
            for each in (about, other):
                await store.commit(adding(each))
            asked = asking("likes bees", ALICE, people=text.speakers("Dana"))
            found = (await store.find(asked)).candidates
            assert [each.id for each in found] == [about.id, other.id]
            await store.commit(updating(other, "Likes bees")[1])
            assert [each.id for each in (await store.find(asked)).candidates] == [about.id, other.id]

    # Links.

    async def test_links_count_by_how_close_they_are(self, make_store: MakeStore) -> None:
        named, further, other = (known(ALICE, words) for words in ("walrus", "cello", "kayak"))
        async with opened(make_store) as store:
            await store.commit(adding(named, further, other))
            probe = asking("bees", ALICE, linked={named.id: 1.0, further.id: 0.3})
            assert await found_by(store, "entity", probe) == [named.id, further.id]
            found = {each.id: each.entity for each in (await store.find(probe)).candidates}
            assert found[other.id] is None
            assert (found[further.id] or 0) == pytest.approx(0.3 * (found[named.id] or 0), rel=1e-3)

    async def test_a_link_to_what_is_gone_hidden_or_another_owners_finds_nothing(self, make_store: MakeStore) -> None:
        gone, theirs, mine = known(ALICE, "walrus"), known(BOB, "walrus"), known(ALICE, "kayak")
        async with opened(make_store) as store:
            await store.commit(adding(gone, mine))
            await store.commit(adding(theirs))
            await store.commit(retiring(gone))
            never = known(ALICE, "never written").id
            probe = asking("bees", ALICE, linked=dict.fromkeys([gone.id, theirs.id, never, "no id", ""], 1.0))
            assert await found_by(store, "entity", probe) == []
            assert await hits(store, probe) == {mine.id}

    # Times.

    async def test_what_is_dated_counts_by_its_dates_and_all_else_by_when_it_was_said(
        self, make_store: MakeStore
    ) -> None:
        inside, outside = MARCH[0] + DAY, APRIL[0] + DAY
        dated = known(ALICE, "one", kind="event", valid_from=inside, precision="day", said_at=outside)
        late = known(ALICE, "two", kind="event", valid_from=outside, precision="day", said_at=inside)
        bare, old = known(ALICE, "three", said_at=inside), known(ALICE, "four", said_at=outside)
        ended = known(ALICE, "five", valid_from=MARCH[0] - 9 * DAY, valid_to=MARCH[0], said_at=inside)
        lasts = known(ALICE, "six", valid_from=MARCH[0] - 9 * DAY, said_at=outside)
        message, later = said(ALICE, "seven", at=inside), said(ALICE, "eight", at=outside)
        async with opened(make_store) as store:
            await store.commit(adding(dated, late, bare, old, ended, lasts, message, later))
            probe = asking("bees", ALICE, times=(MARCH,))
            found = {each.id: each.time or 0.0 for each in (await store.find(probe)).candidates}
            whole = found[dated.id]
            assert whole > 0
            assert {name for name, value in found.items() if value} == {dated.id, bare.id, lasts.id, message.id}
            assert found[bare.id] == found[message.id] == whole
            assert found[lasts.id] == pytest.approx(whole / 2)
            assert set(await found_by(store, "time", replace(probe, times=(MARCH, APRIL)))) == {
                each.id for each in (dated, late, bare, old, lasts, message, later)
            }

    @pytest.mark.parametrize(
        ("precision", "days"), [("day", 1), ("week", 7), ("month", 31), ("season", 92), ("year", 366), (None, 0)]
    )
    async def test_an_event_lasts_as_long_as_its_date_is_exact(
        self, make_store: MakeStore, precision: str | None, days: int
    ) -> None:
        since = MARCH[0]
        memory = known(ALICE, "bees", kind="event", valid_from=since, precision=precision)
        moment = timedelta(milliseconds=1)
        async with opened(make_store) as store:
            await store.commit(adding(memory))
            for start, met in ((since + days * DAY, True), (since + days * DAY + moment, False), (since, True)):
                probe = asking("bees", ALICE, times=((start, start + HOUR),))
                assert await found_by(store, "time", probe) == ([memory.id] if met else [])
            before = asking("bees", ALICE, times=((since - HOUR, since),))
            assert await found_by(store, "time", before) == []

    async def test_what_has_a_slot_holds_from_when_it_was_said_until_its_end(self, make_store: MakeStore) -> None:
        june = datetime(2024, 6, 1, tzinfo=UTC)
        july = (datetime(2024, 7, 1, tzinfo=UTC), datetime(2024, 8, 1, tzinfo=UTC))
        job: dict[str, Any] = {"slot": "user:employer", "said_at": june}
        lasts = known(ALICE, "Worked at Globex", **job)
        ended = known(ALICE, "Worked at Initech", valid_to=june, **job)
        later = known(ALICE, "Worked at Hooli", valid_to=july[0] + DAY, **job)
        dated = known(ALICE, "Worked at Acme", valid_from=july[1], **job)
        happened = known(ALICE, "Left Vandelay", kind="event", **job)
        plain = known(ALICE, "Liked Globex", said_at=june)
        async with opened(make_store) as store:
            await store.commit(adding(lasts, ended, later, dated, happened, plain))
            asked = asking("work", ALICE, times=(july,))
            found = {each.id: each.time for each in (await store.find(asked)).candidates if each.time}
            assert found.keys() == {lasts.id, later.id}
            assert found[lasts.id] == pytest.approx((found[later.id] or 0) / 2)
            said_then = asking("work", ALICE, times=((june, june + DAY),))
            assert set(await found_by(store, "time", said_then)) == {
                each.id for each in (lasts, ended, later, happened, plain)
            }

    async def test_until_when_something_held_is_what_was_known_of_it_then(self, make_store: MakeStore) -> None:
        memory = known(ALICE, "Works at Globex", slot="user:employer", valid_from=MARCH[0])
        new = known(ALICE, "Works at Initech", slot="user:employer", at=LATER)
        async with opened(make_store) as store:
            await store.commit(adding(memory, new))
            gone = retiring(memory, reason="superseded", retired_by=new.id, hide_sources=False)
            await store.commit(replace(gone, retire=(replace(gone.retire[0], valid_to=APRIL[0]),)))
            for at, known_of in ((T0 + HOUR, [memory.id]), (LATER + HOUR, [])):
                asked = asking("work", where(ALICE, known_at=at, superseded=True), times=(APRIL,))
                assert await found_by(store, "time", asked) == known_of

    @pytest.mark.parametrize("hours", [-8, 0, 8])
    async def test_the_zone_of_a_date_changes_nothing(self, make_store: MakeStore, hours: int) -> None:
        since = datetime(2024, 3, 1, tzinfo=timezone(timedelta(hours=hours)))
        memory = known(ALICE, "bees", kind="event", valid_from=since, precision="day")
        half = timedelta(microseconds=500)
        async with opened(make_store) as store:
            await store.commit(adding(memory))
            for start, met in ((since - HOUR, False), (since - half, True), (since + DAY + HOUR, False)):
                probe = asking("bees", ALICE, times=((start, start + HOUR),))
                assert await found_by(store, "time", probe) == ([memory.id] if met else [])

    async def test_what_is_of_another_time_counts_half(self, make_store: MakeStore) -> None:
        memory = known(ALICE, "Keeps bees", said_at=APRIL[0])
        async with opened(make_store) as store:
            await store.commit(adding(memory))
            plain, asked = asking("bees", ALICE), asking("bees", ALICE, times=(MARCH,))
            assert (await one(store, asked)).evidence < 0.75 * (await one(store, plain)).evidence
            off = await one(store, _without(asked, "time"))
            assert off.evidence == pytest.approx((await one(store, plain)).evidence, rel=1e-3)

    async def test_a_time_may_be_as_long_as_the_calendar(self, make_store: MakeStore) -> None:
        memory = known(ALICE, "bees", valid_from=datetime(1, 1, 1, tzinfo=UTC))
        always = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
        async with opened(make_store) as store:
            await store.commit(adding(memory))
            assert await found_by(store, "time", asking("bees", ALICE, times=(always,))) == [memory.id]

    # The newest.

    async def test_the_newest_are_those_said_last(self, make_store: MakeStore) -> None:
        memories = [known(ALICE, f"note {number}", said_at=T0 + number * HOUR) for number in (3, 1, 4, 2, 0)]
        late = said(ALICE, "turn", at=T0 + 9 * HOUR)
        async with opened(make_store) as store:
            for memory in memories:
                await store.commit(adding(memory))
            await store.commit(adding(late))
            three, four = memories[0], memories[2]
            assert await found_by(store, "recency", asking("x", ALICE, limit=3)) == [late.id, four.id, three.id]

    # What is watched.

    async def test_what_is_watched_is_told_of_wherever_it_stands(self, make_store: MakeStore) -> None:
        memories = [known(ALICE, f"bees {number}", said_at=T0 + number * HOUR) for number in range(9)]
        low = known(ALICE, "kayak", said_at=T0 - HOUR)
        gone, theirs = known(ALICE, "bees kayak"), known(BOB, "bees")
        async with opened(make_store) as store:
            await store.commit(adding(low, *memories, gone))
            await store.commit(adding(theirs))
            await store.commit(retiring(gone))
            probe = asking("bees", ALICE, limit=2)
            assert low.id not in await hits(store, probe)
            every = {each.id: each for each in (await store.find(replace(probe, limit=100))).candidates}
            asked = replace(probe, watched=(low.id, gone.id, theirs.id, "no id", ""))
            found = {each.id: each for each in (await store.find(asked)).candidates}
            assert found.keys() - await hits(store, probe) == {low.id}
            assert found[low.id].evidence == pytest.approx(every[low.id].evidence, rel=1e-3)
            assert found[low.id].ranks == {}

    async def test_a_message_is_watched_too_and_the_memory_that_stands_for_it(self, make_store: MakeStore) -> None:
        note, pending = said(ALICE, "walrus", state="done"), said(ALICE, "kayak")
        memory = verbatim(note)
        others = [known(ALICE, f"bees {number}", said_at=LATER) for number in range(5)]
        async with opened(make_store) as store:
            await store.commit(keeping(note, memory))
            await store.commit(adding(pending, *others))
            probe = asking("bees", ALICE, limit=1, watched=(pending.id, memory.id))
            assert {pending.id, memory.id} <= await hits(store, probe)

    # What an arm may not see.

    async def test_no_arm_finds_what_the_question_is_not_about(self, make_store: MakeStore) -> None:
        mine = known(ALICE, "bees", valid_from=MARCH[0], said_at=T0)
        expired = known(ALICE, "bees", valid_from=MARCH[0], said_at=T0, expires_at=T0)
        theirs = known(BOB, "bees", valid_from=MARCH[0], said_at=T0)
        source = said(ALICE, "bees", state="done", at=MARCH[0])
        cites = known(ALICE, "wasps", sources=(cited(source),), said_at=T0 - DAY)
        async with opened(make_store) as store:
            await store.commit(adding(mine, expired, source, cites))
            await store.commit(adding(theirs))
            linked = dict.fromkeys([mine.id, expired.id, theirs.id, source.id], 1.0)
            probe = asking("bees", where(ALICE, now=LATER), linked=linked, times=((T0 - HOUR, LATER), MARCH))
            for arm in ("keyword", "entity", "time"):
                assert mine.id in await found_by(store, arm, probe)
            for arm in ARMS:
                found = set(await found_by(store, arm, probe))
                assert mine.id in found
                assert found <= {mine.id, cites.id}


async def one(store: Store, probe: Probe) -> Candidate:
    """The only candidate."""
    (found,) = (await store.find(probe)).candidates
    return found


def _without(probe: Probe, arm: str) -> Probe:
    return replace(probe, arms=tuple(each for each in probe.arms if each != arm))
