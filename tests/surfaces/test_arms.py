"""Each arm of the default install finds something the others do not: with it the right memory leads, without it not.

A small store of one user in English and one in Chinese, with the bundled embedder and facts by rules.
"""

import functools

import pytest

from mnemic import InvalidInput, Memory
from mnemic.protocols import ARMS

# Said day by day; the last of something was not the likeliest answer by its words.
ENGLISH = """
2024-01-08 My car is a grey Škoda.
2024-01-15 I went to a dance class.
2024-02-03 My sister Anna works at a bakery.
2024-02-05 I went to a knitting class.
2024-02-25 Anna is allergic to cats.
2024-02-26 I planted tulips in the garden.
2024-02-27 My boss wants more reports.
2024-03-05 I went to a cooking class.
2024-03-28 I moved to Porto.
2024-04-02 My friend Bruno lives in Ghent.
2024-04-03 We visited the castle of Ghent.
2024-04-04 The old lighthouse has a museum of ships.
2024-05-02 The number of the first crate is ZX-4471.
2024-05-03 The number of the second crate is ZX-4417.
2024-05-04 The number of the third crate is ZX-4741.
2024-05-05 The number of the fourth crate is ZX-7441.
2024-05-06 The number of the fifth crate is ZX-1447.
2024-05-12 I went to a singing class.
2024-06-07 I ran a half marathon in the rain.
2024-07-11 My guitar teacher says I hold the pick wrong.
2024-08-01 I went to a drawing class.
2024-09-09 I am allergic to peanuts.
2024-09-20 My dentist is on Rua do Sol.
2024-10-01 I collect old postcards.
2024-10-12 I went to a pottery class.
2024-11-03 I read a long novel about whales.
2024-11-20 We watched a film about a lighthouse keeper.
"""
CHINESE = """
2024-01-08 我的車是一輛灰色的斯柯達。
2024-01-15 我去上了舞蹈課。
2024-02-03 我姐姐王小美在麵包店上班。
2024-02-05 我去上了畫畫課。
2024-02-25 王小美喜歡蘭花。
2024-02-26 我在院子裡種了鬱金香。
2024-02-27 老闆又要我寫報告。
2024-03-05 我去上了烹飪課。
2024-03-28 我搬到了高雄。
2024-04-02 我朋友陳大文住在嘉義。
2024-04-03 我們去逛了嘉義的夜市。
2024-04-04 老燈塔旁邊有一間船的博物館。
2024-05-02 第一個箱子的編號是 ZX-4471。
2024-05-03 第二個箱子的編號是 ZX-4417。
2024-05-04 第三個箱子的編號是 ZX-4741。
2024-05-05 第四個箱子的編號是 ZX-7441。
2024-05-06 第五個箱子的編號是 ZX-1447。
2024-05-12 我去上了唱歌課。
2024-06-07 我在雨中跑了半程馬拉松。
2024-08-01 我去上了編織課。
2024-09-09 我對花生過敏。
2024-10-01 我收集舊明信片。
2024-10-12 我去上了陶藝課。
2024-11-03 我讀了一本關於鯨魚的小說。
2024-11-20 我們看了一部關於燈塔管理員的電影。
"""
SAID = {"en": ENGLISH, "zh": CHINESE}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Opens the store of a language with some arms."""
    folder = tmp_path_factory.mktemp("arms")
    opened = []
    for language, lines in SAID.items():
        with Memory(folder / f"{language}.db", background=False) as memory:
            for line in lines.strip().splitlines():
                day, words = line.split(" ", 1)
                memory.add(words, user_id="alice", at=day)

    @functools.cache
    def one(language, arms=ARMS):
        opened.append(Memory(folder / f"{language}.db", background=False, arms=arms))
        return opened[-1]

    yield one
    for each in opened:
        each.close()


def found(memory, question, **options):
    answer = memory.search(question, user_id="alice", reference_date="2024-12-01", **options)
    return [hit["memory"] for hit in answer["results"]]


def place(memories, words):
    """From 1; 99 for what is not there."""
    return next((place for place, each in enumerate(memories, 1) if words in each), 99)


def without(*arms):
    return tuple(each for each in ARMS if each not in arms)


@pytest.mark.behaviour("F1")
@pytest.mark.parametrize(
    ("language", "arm", "question", "right"),
    [
        ("en", "vector", "Where do I go for a toothache?", "dentist"),
        ("en", "keyword", "ZX-4471", "ZX-4471"),
        ("en", "entity", "Tell me about my sister", "cats"),
        ("en", "time", "Which class did I take after I moved?", "singing"),
        ("en", "time", "What class did I go to in March 2024?", "cooking"),
        ("en", "recency", "What is the latest class I went to?", "pottery"),
        ("en", "recency", "Which class did I go to?", "pottery"),
        ("zh", "vector", "我不能吃什麼堅果？", "花生"),
        ("zh", "keyword", "編號4741的箱子", "ZX-4741"),
        ("zh", "entity", "介紹一下我姐姐", "蘭花"),
        ("zh", "time", "我2024年三月上了什麼課？", "烹飪"),
        ("zh", "time", "我搬到高雄之前上了什麼課？", "烹飪"),
        ("zh", "recency", "我最近一次上的是什麼課？", "陶藝"),
    ],
)
def test_switching_an_arm_off_loses_something(told, language, arm, question, right):
    """With all arms it is among the first three; without the one, further down or not found at all."""
    every = place(found(told(language), question), right)
    rest = place(found(told(language, without(arm)), question), right)
    assert every <= 3
    assert rest > every


@pytest.mark.behaviour("F1")
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_that_is_off_is_not_seen_in_any_hit(told, language, arm):
    question = {"en": "What class did my sister take in March?", "zh": "我姐姐三月上了什麼課？"}[language]
    seen = set()
    for arms in (ARMS, without(arm)):
        answer = told(language, arms).search(
            question, user_id="alice", threshold=0, top_k=50, reference_date="2024-12-01", explain=True
        )
        seen = {name for hit in answer["results"] for name in hit["score_details"]["arms"]}
        assert seen == set(arms)
        boosts = {name for hit in answer["results"] for name in hit["score_details"]["boosts"]}
        assert "recency" not in boosts or "recency" in arms


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_the_arm_of_what_is_new_nothing_is_moved_by_its_time(told, language):
    questions = {
        "en": ["What is the latest class I went to?", "What was my first class?", "Which class did I go to?"],
        "zh": ["我最近一次上的是什麼課？", "我第一次上的是什麼課？", "我上什麼課？"],
    }[language]
    for question in questions:
        hits = told(language, without("recency")).search(
            question, user_id="alice", threshold=0, top_k=50, reference_date="2024-12-01", explain=True
        )["results"]
        assert all(hit["score_details"]["boosts"].keys() <= {"proof", "data"} for hit in hits)
        evidence = [hit["score_details"]["evidence"] for hit in hits]
        assert evidence == sorted(evidence, reverse=True)


# Words.


@pytest.mark.behaviour("R2")
@pytest.mark.parametrize(
    ("kept", "question"),
    [
        ("My favourite pastime is bouldering", "favorite pastime"), ("I booked a table at the restaurant", "restuarant"),
        ("女儿的学校在北门", "女兒的學校"), ("女兒的學校在北門", "女儿的学校"), ("后面的仓库很冷", "後面的倉庫"), ("妈妈爱吃凉面", "媽媽愛吃涼麵"),
    ],
)  # fmt: skip
def test_words_alone_find_another_spelling_and_the_other_script(kept, question):
    with Memory(":memory:", arms=["keyword"], background=False) as memory:
        for each in ("I sold my bike", "我把腳踏車賣了", kept, "The lamp is broken"):
            memory.remember(each, user_id="alice")
        answer = memory.search(question, user_id="alice", explain=True)["results"]
        assert [hit["memory"] for hit in answer][:1] == [kept]
        assert set(answer[0]["score_details"]["arms"]) == {"keyword"}


# Entities.


@pytest.mark.behaviour("F1")
@pytest.mark.parametrize(
    ("language", "question", "right"),
    [("en", "What can one see in the town of Bruno?", "castle"), ("zh", "陳大文那邊有什麼好玩的？", "夜市")],
)
def test_what_shares_somebody_with_whom_the_question_names_is_found_over_two_steps(told, language, question, right):
    """Bruno lives in Ghent; the castle is Ghent's, and its memory does not name him."""
    every = place(found(told(language), question, top_k=5), right)
    rest = place(found(told(language, without("entity")), question, top_k=5), right)
    assert every <= 5
    assert rest > every


@pytest.mark.parametrize(
    ("said", "question", "right"),
    [
        ([("Dana", "I love the sea"), ("Kim", "I love the mountains"), ("Omar", "I love the desert")], "What does Kim love?", "mountains"),
        ([("王小明", "我愛大海"), ("陳美玲", "我愛高山"), ("林志豪", "我愛沙漠")], "陳美玲愛什麼？", "高山"),
    ],
)  # fmt: skip
def test_in_a_group_what_the_named_person_said_comes_first(said, question, right):
    with Memory(":memory:", background=False) as memory:
        memory.add([{"role": "user", "name": name, "content": words} for name, words in said], run_id="trip")
        answer = memory.search(question, run_id="trip", threshold=0, explain=True)["results"]
        assert right in answer[0]["memory"]
        assert len(answer) == len(said)


# Times.


@pytest.mark.behaviour("R6")
@pytest.mark.parametrize(
    ("language", "question", "right"),
    [
        ("en", "Which class did I attend before I moved to Porto?", ["dance", "knitting", "cooking"]),
        ("en", "Which class did I take after I moved?", ["singing", "drawing", "pottery"]),
        ("zh", "我搬到高雄之前上了什麼課？", ["舞蹈", "畫畫", "烹飪"]),
        ("zh", "搬家以後我上了什麼課？", ["唱歌", "編織", "陶藝"]),
    ],
)
def test_an_event_tells_the_time(told, language, question, right):
    every = found(told(language), question)[:3]
    rest = found(told(language, without("time")), question)[:3]
    assert sorted(place(every, each) for each in right) == [1, 2, 3]
    assert sorted(place(rest, each) for each in right) != [1, 2, 3]


@pytest.mark.behaviour("R6")
@pytest.mark.parametrize(
    ("arms", "question", "right"),
    [
        (("keyword", "time"), "Which class did I take while the floods were in the valley of my aunt's farm?", "dance"),
        (("keyword", "time"), "我去西班牙看洪水之前上了什麼課？", "舞蹈"),
        (without("time"), "Which class did I take before the floods?", "dance"),
        (without("time"), "我在洪水發生之前上了什麼課？", "舞蹈"),
        (without("time"), "Which class did I take in May?", "singing"),
        (without("time"), "What happened in May?", "singing"),
        (without("time"), "五月我上了什麼課？", "唱歌"),
    ],
)
def test_the_words_of_a_time_that_does_not_become_known_are_looked_for(arms, question, right):
    lines = [
        "I took a dance class in the year of the floods.", "I took a singing class when May came.", "I took pottery.",
        "I took a cooking class.", "鬧洪水那年我上了舞蹈課。", "五月的時候我上了唱歌課。", "我上了烹飪課。", "我上了陶藝課。",
    ]  # fmt: skip
    with Memory(":memory:", background=False, arms=arms) as memory:
        for day, line in enumerate(lines, 1):
            memory.add(line, user_id="alice", at=f"2024-03-{day:02d}", infer=False)
        told = memory.explain(question, user_id="alice", threshold=0)
    assert right in told["hits"][0]["memory"]
    assert told["question"]["core"] == question


@pytest.mark.behaviour("R6")
@pytest.mark.parametrize(
    ("lines", "question", "right"),
    [
        (
            ["In May 2023 I climbed a volcano.", "In May 2022 I climbed a tower.", "In May 2021 I climbed a cliff."],
            "What did I climb in 2022?", "tower",
        ),
        (["2023年5月我爬了火山。", "2022年5月我爬了高塔。", "2021年5月我爬了懸崖。"], "2022年我爬了什麼？", "高塔"),
    ],
)  # fmt: skip
def test_what_happened_counts_by_its_own_date_and_not_by_when_it_was_told(lines, question, right):
    with Memory(":memory:", background=False) as memory:
        for line in lines:
            memory.add(line, user_id="alice", at="2024-01-10")
        hits = memory.search(question, user_id="alice", threshold=0, reference_date="2024-02-01", explain=True)[
            "results"
        ]
        assert right in hits[0]["memory"]
        assert [right in hit["memory"] for hit in hits] == ["time" in hit["score_details"]["arms"] for hit in hits]
        told = memory.search(question.replace("2022", "2024"), user_id="alice", threshold=0, explain=True)["results"]
        assert not any("time" in hit["score_details"]["arms"] for hit in told)


@pytest.mark.behaviour("R6")
def test_the_day_of_asking_says_what_last_week_was(told):
    asked = "What did I see or read last week?"
    memory = told("en")
    for day, right in (("2024-11-28", "film"), ("2024-11-10", "novel")):
        answer = memory.search(asked, user_id="alice", reference_date=day)["results"]
        assert right in answer[0]["memory"]


# The names of the arms.


@pytest.mark.parametrize("arms", [["vectors"], "vector", [], [1], ["vector", None], ["vector", "vector"]])
def test_arms_that_there_are_not_are_refused(arms):
    with pytest.raises(InvalidInput, match="arms takes some of vector, keyword, entity, time, recency"):
        Memory(":memory:", arms=arms)


@pytest.mark.parametrize("decay", [0, -1, 1e-300, 1e-12, 1_000_001, 10**400, float("inf"), float("nan"), True, "30"])
def test_a_decay_that_is_no_time_is_refused_with_the_times_that_are(decay):
    with pytest.raises(InvalidInput, match="decay must be a number of days above 0 and up to a million, or None"):
        Memory(":memory:", decay=decay)


@pytest.mark.parametrize("decay", [1e-10, 1_000_000])
def test_with_the_shortest_and_the_longest_decay_a_search_has_an_answer(decay):
    with Memory(":memory:", background=False, decay=decay) as memory:
        for day in ("2024-01-01", "2025-01-01"):
            memory.remember(f"Likes tea, since {day}", user_id="alice", at=day)
        assert len(memory.search("tea", user_id="alice", threshold=0)["results"]) == 2
