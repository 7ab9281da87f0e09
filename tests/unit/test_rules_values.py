"""The extractor without a model: values, what ended, what was put right, and who they belong to."""

from datetime import UTC, datetime

import pytest

from mnemic import Memory, slots
from mnemic.extractors import rules_zh
from mnemic.extractors.rules import RuleExtractor
from mnemic.types import ExtractionRequest, Turn

NOW = datetime(2025, 3, 5, 10, 23, tzinfo=UTC)


async def extract(text, role="user", name=None):
    turn = Turn(role=role, content=text, said_at=NOW, name=name)
    return await RuleExtractor().extract(ExtractionRequest(turns=(turn,)))


# sentence, subject, attribute, value: what holds now.
VALUES_ENGLISH = [
    ("I started at Globex last week.", "user", "employer", "Globex"),
    ("I joined Globex", "user", "employer", "Globex"),
    ("I'm now with Globex.", "user", "employer", "Globex"),
    ("I switched jobs, I'm at Globex now.", "user", "employer", "Globex"),
    ("I left Initech for Globex.", "user", "employer", "Globex"),
    ("I've moved to Globex Inc.", "user", "employer", "Globex Inc"),
    ("I don't work at Initech anymore, I'm at Globex now.", "user", "employer", "Globex"),
    ("I used to work at Initech, but now I work at Globex.", "user", "employer", "Globex"),
    ("i work at google now", "user", "employer", "google"),
    ("I've been at Bluewave since March.", "user", "employer", "Bluewave"),
    ("My new employer is Bluewave.", "user", "employer", "Bluewave"),
    ("I've moved to Oslo.", "user", "home", "Oslo"),
    ("I left Berlin for Paris", "user", "home", "Paris"),
    ("I've lived in Rome for ten years.", "user", "home", "Rome"),
    ("My new address is 12 Elm Street, Ghent.", "user", "address", "12 Elm Street, Ghent"),
    ("I turned 31", "user", "age", "31"),
    ("my new number is 0171 5551234", "user", "phone", "0171 5551234"),
    ("My email changed to dana@new.org", "user", "email", "dana@new.org"),
    ("I've changed my name to Dana Smith.", "user", "name", "Dana Smith"),
    ("we got married", "user", "relationship_status", "married"),
    ("I'm single again", "user", "relationship_status", "single"),
    ("my favourite colour is now green", "user", "favourite_colour", "green"),
    ("My favorite color changed to green.", "user", "favourite_colour", "green"),
    ("I drive a Tesla now", "user", "car", "a Tesla"),
    ("I went vegan last month", "user", "diet", "vegan"),
    ("I weigh 82 kg now.", "user", "weight", "82 kg"),
    ("I just got promoted to senior manager.", "user", "occupation", "senior manager"),
    ("My boss is now Carla.", "user", "boss", "Carla"),
    ("My wife's name is Anna.", "user", "spouse", "Anna"),
    ("the deadline moved to Friday", "deadline", "deadline", "Friday"),
    ("the thesis deadline got pushed back to next Monday", "thesis", "deadline", "next Monday"),
    ("Our budget is now 6000 euros.", "budget", "budget", "6000 euros"),
    ("The team meeting was rescheduled to Thursday at 3.", "team meeting", "date", "Thursday at 3"),
    ("The project is on hold.", "project", "status", "on hold"),
    ("My wife works at Siemens.", "wife", "employer", "Siemens"),
    ("Dana moved to Oslo", "Dana", "home", "Oslo"),
    ("Dana's new number is 555-2222.", "Dana", "phone", "555-2222"),
    ("Tom got a job at Lidl.", "Tom", "employer", "Lidl"),
    ("My colleague has a PhD.", "colleague", "education", "a PhD"),
]

VALUES_CHINESE = [
    ("我換工作了，現在在華碩上班", "user", "employer", "華碩"),
    ("我跳槽到聯發科了", "user", "employer", "聯發科"),
    ("我換新工作了，在台積電", "user", "employer", "台積電"),
    ("我上個月離開鴻海，加入聯發科", "user", "employer", "聯發科"),
    ("我离开蓝浪，加入北门了", "user", "employer", "北门"),
    ("我以前在宏碁上班，現在在華碩", "user", "employer", "華碩"),
    ("搬到台中了", "user", "home", "台中"),
    ("我現在住高雄", "user", "home", "高雄"),
    ("我們搬家了，現在住在宜蘭", "user", "home", "宜蘭"),
    ("我改吃素了", "user", "diet", "吃素"),
    ("我滿三十一歲了", "user", "age", "三十一"),
    ("我的新號碼是0912-345-678", "user", "phone", "0912-345-678"),
    ("我的email改成kim@new.example了", "user", "email", "kim@new.example"),
    ("我最喜歡的顏色現在是藍色", "user", "favourite_顏色", "藍色"),
    ("我現在開特斯拉", "user", "car", "特斯拉"),
    ("我離婚了", "user", "relationship_status", "離婚"),
    ("我们结婚了", "user", "relationship_status", "结婚"),
    ("我升經理了", "user", "occupation", "經理"),
    ("我老闆換成王大明了", "user", "boss", "王大明"),
    ("我太太叫安娜", "user", "spouse", "安娜"),
    ("專案的截止日期改到星期五", "專案", "deadline", "星期五"),
    ("會議改到星期四下午三點", "會議", "date", "星期四下午三點"),
    ("會議在十點半", "會議", "date", "十點半"),
    ("專案會議在禮拜五下午三點", "專案會議", "date", "禮拜五下午三點"),
    ("My doctor appointment was cancelled", "doctor appointment", "status", "cancelled"),
    ("預算改成六千元", "預算", "budget", "六千元"),
    ("會議取消了", "會議", "status", "取消"),
    ("我太太在台積電上班", "太太", "employer", "台積電"),
    ("我先生上個月換到輝達上班", "先生", "employer", "輝達"),
    ("小明搬到台中了", "小明", "home", "台中"),
    ("我女兒叫小美", "女兒", "name", "小美"),
]

# sentence, subject, attribute, value: what no longer holds.
ENDED = [
    ("I quit my job.", "user", "employer", None),
    ("I quit my job at Initech.", "user", "employer", "Initech"),
    ("I got laid off from Initech yesterday", "user", "employer", "Initech"),
    ("I no longer live in Rome.", "user", "home", "Rome"),
    ("I don't live in Berlin anymore.", "user", "home", "Berlin"),
    ("we broke up", "user", "relationship_status", None),
    ("I don't have a dog anymore", "user", "pet", "dog"),
    ("I don't like coffee anymore.", "user", "likes", "coffee"),
    ("I am not vegan any more.", "user", "diet", "vegan"),
    ("My sister Anna quit her job at Lidl.", "Anna", "employer", "Lidl"),
    ("我離職了", "user", "employer", None),
    ("我上個月從台積電離職了", "user", "employer", "台積電"),
    ("我已经不在腾讯上班了", "user", "employer", "腾讯"),
    ("我不住台北了", "user", "home", "台北"),
    ("我不養貓了", "user", "pet", "貓"),
    ("我们分手了", "user", "relationship_status", None),
    ("我不喜歡咖啡了", "user", "likes", "咖啡"),
    ("我不吃素了", "user", "diet", "吃素"),
    ("我戒菸了", "user", None, "菸"),
]

# sentence, attribute, right, wrong.
PUT_RIGHT = [
    ("no, I meant Thursday, not Tuesday", None, "Thursday", "Tuesday"),
    ("I said Tuesday but I meant Thursday.", None, "Thursday", "Tuesday"),
    ("It's not Tuesday, it's Thursday.", None, "Thursday", "Tuesday"),
    ("Thursday, not Tuesday.", None, "Thursday", "Tuesday"),
    ("Sorry, it's Anna, not Anne", None, "Anna", "Anne"),
    ("I meant 4pm.", None, "4pm", ""),
    ("Sorry, I misspoke. It's Thursday.", None, "Thursday", ""),
    ("Correction: I live in Oslo.", "home", "Oslo", ""),
    ("My name is Anna, not Anne.", "name", "Anna", "Anne"),
    ("Sorry, the meeting is on Thursday, not Tuesday.", "date", "Thursday", "Tuesday"),
    ("不是星期二，是星期四", None, "星期四", "星期二"),
    ("不，是星期四，不是星期二", None, "星期四", "星期二"),
    ("我說錯了，是星期四", None, "星期四", ""),
    ("我說錯了。是星期四。", None, "星期四", ""),
    ("我是說六點，不是五點", None, "六點", "五點"),
    ("更正：我的生日是三月三日", "birthday", "三月三日", ""),
    ("抱歉，我的生日是五月四日，不是五月三日", "birthday", "五月四日", "五月三日"),
    ("我叫王小明，不是王小民", "name", "王小明", "王小民"),
]

# Kept, but nothing that holds now or that ended.
NO_VALUE = [
    "I used to live in Rome.",
    "I lived in Rome for ten years.",
    "I was working at Google when we met.",
    "I might move to Rome.",
    "I think I live near a school.",
    "My friend says he lives in Rome.",
    "I don't need to work at Google.",
    "我以前在宏碁上班",
    "我在宏碁工作過",
    "我可能會搬到高雄",
    "我聽說小明在Google上班",
    "我對花生不過敏",
]

NOT_YET = [
    ("I'm moving to Berlin next month.", "plan"),
    ("I start at Contoso next Monday.", "plan"),
    ("我下個月要搬到台中", "plan"),
    ("我下個月結婚", "plan"),
]


@pytest.mark.parametrize(("text", "subject", "attribute", "value"), VALUES_ENGLISH + VALUES_CHINESE)
async def test_a_state_is_read_with_its_owner_and_its_value(text, subject, attribute, value):
    (fact,) = (await extract(text)).facts
    assert (fact.subject, fact.attribute, fact.object) == (subject, attribute, value)
    assert (fact.ends, fact.corrects, fact.text) == (False, None, text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "I'm 31, live in Rome and work at Fiat.",
            [
                ("I'm 31", "age", "31"),
                ("live in Rome", "home", "Rome"),
                ("work at Fiat.", "employer", "Fiat"),
            ],
        ),
        (
            "我在台大唸書，主修資工",
            [("我在台大唸書", "school", "台大"), ("主修資工", "major", "資工")],
        ),
        ("I left Google and moved to Zurich", [("I left Google and moved to Zurich", "home", "Zurich")]),
    ],
)
async def test_each_state_that_a_sentence_tells_of_the_speaker_is_a_fact(text, parts):
    facts = (await extract(text)).facts
    assert [(fact.text, fact.attribute, fact.object) for fact in facts] == parts
    assert {fact.subject for fact in facts} == {"user"}


@pytest.mark.parametrize(
    "text",
    [
        "I met Anna yesterday, she works at Siemens.",
        "我認識小明，他在Google上班",
        "我昨天遇到老同學，現在在Google上班",
        "我有個朋友，在Google上班",
    ],
)
async def test_what_a_later_clause_says_of_another_never_becomes_the_speakers(text):
    assert not [fact for fact in (await extract(text)).facts if fact.subject == "user" and fact.attribute]


@pytest.mark.parametrize(("text", "subject", "attribute", "value"), ENDED)
async def test_what_stopped_being_so_ends_and_names_no_new_value(text, subject, attribute, value):
    (fact,) = (await extract(text)).facts
    assert (fact.subject, fact.attribute, fact.object, fact.ends) == (subject, attribute, value, True)


GIVEN_UP = [
    ("Oh, by the way, my dog died last week :(", "pet", "dog"),
    ("my cat Biscuit passed away", "pet", "Biscuit"),
    ("I don't work there any more", "employer", None),
    ("I sold my Renault", None, "Renault"),
    ("I cancelled my Ironworks membership", None, "Ironworks membership"),
    ("I've switched from Deezer to Qobuz", None, "Deezer"),
    ("I stopped using Notion", None, "Notion"),
    ("I don't play the harp any more", None, "play the harp"),
    ("I gave up on learning Finnish", "language", "Finnish"),
    ("My favourite band isn't Low any more.", "favourite_band", "Low"),
    ("我的貓豆豆過世了", "pet", "貓"),
    ("我退租了", "rent", None),
    ("我把吉他賣了", None, "吉他"),
    ("我取消了Deezer訂閱", None, "Deezer"),
    ("我不去健身房了", None, "健身房"),
    ("我從Deezer換成Qobuz了", None, "Deezer"),
]


@pytest.mark.parametrize(("text", "attribute", "value"), GIVEN_UP)
async def test_what_is_given_up_is_named_in_its_own_words(text, attribute, value):
    (fact,) = (await extract(text)).facts
    assert (fact.subject, fact.attribute, fact.object, fact.ends) == ("user", attribute, value, True)


@pytest.mark.parametrize(
    "text", ["I lost my keys", "I switched to the window seat", "my grandmother passed away", "I returned my books"]
)
async def test_what_happens_in_passing_ends_nothing(text):
    assert not [fact for fact in (await extract(text)).facts if fact.ends]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("oops, 5pm", "5pm"),
        ("correction: May 4", "May 4"),
        ("she's 7, I misspoke", "7"),
        ("wrong day, it's Sunday", "Sunday"),
        ("actually her name is Anna", "Anna"),
        ("sorry that should be ann@b.example", "ann@b.example"),
        ("打錯，是台南", "台南"),
    ],
)
async def test_a_bare_correction_names_the_right_value(text, right):
    (fact,) = (await extract(text)).facts
    assert (fact.object, fact.corrects) == (right, "")


@pytest.mark.parametrize("text", ["Sorry, Anna.", "no, thanks", "make it longer", "sorry, my mistake"])
async def test_a_name_that_is_called_and_an_order_correct_nothing(text):
    assert not [fact for fact in (await extract(text)).facts if fact.corrects is not None]


@pytest.mark.parametrize(("text", "attribute", "right", "wrong"), PUT_RIGHT)
async def test_a_correction_names_the_right_words_and_the_wrong_ones_when_they_are_said(text, attribute, right, wrong):
    (fact,) = (await extract(text)).facts
    assert (fact.attribute, fact.object, fact.corrects, fact.text) == (attribute, right, wrong, text)


@pytest.mark.parametrize("text", NO_VALUE)
async def test_the_past_the_doubtful_and_the_denied_have_no_current_value(text):
    (fact,) = (await extract(text)).facts
    assert (fact.attribute, fact.object, fact.ends) == (None, None, False)


@pytest.mark.parametrize(("text", "attribute"), NOT_YET)
async def test_what_is_not_so_yet_is_a_plan(text, attribute):
    (fact,) = (await extract(text)).facts
    assert fact.attribute == attribute


async def test_a_lasting_change_is_no_correction():
    (fact,) = (await extract("I work at Siemens now, not Bosch.")).facts
    assert (fact.object, fact.corrects) == ("Siemens", None)


async def test_a_value_keeps_the_typographic_marks_of_its_source():
    (fact,) = (await extract("I work at St. Mary’s Hospital.")).facts
    assert fact.object == "St. Mary’s Hospital"


async def test_in_a_group_the_value_is_the_one_of_who_speaks():
    (fact,) = (await extract("I joined Globex last week", name="Alice")).facts
    assert (fact.subject, fact.attribute, fact.object) == ("Alice", "employer", "Globex")


@pytest.mark.parametrize(
    "text",
    [
        "You told me you like spicy food.",
        "So you live in Rome, lovely!",
        "I've noted that you moved to Rome.",
        "I'll remember that you are allergic to nuts.",
        "你之前說過你喜歡吃辣。",
        "好的，我已經記下你搬到台中了。",
        "原來你住在台中！",
    ],
)
async def test_an_assistant_that_says_again_what_it_was_told_is_an_echo(text):
    extraction = await extract(text, role="assistant")
    assert extraction.facts == ()
    assert {refusal.reason for refusal in extraction.refusals} <= {"echo", "small_talk"}


@pytest.mark.parametrize(
    "text",
    [
        "[timer] 10 minutes left",
        "heartbeat ok",
        "Reminder: standup in 5 minutes",
        "Job 4711 finished in 3.2 s",
        "Dana left the group",
        "Missed voice call",
        "You joined the group",
        "提醒：10分鐘後開會",
        "系統訊息：連線已恢復",
        "阿明已收回訊息",
        "對方已取消",
        "未接來電",
        "通話時間 3:21",
        "已讀 7:42",
    ],
)
async def test_lines_that_programs_write_are_notices(text):
    extraction = await extract(text)
    assert extraction.facts == ()
    assert [refusal.reason for refusal in extraction.refusals] == ["notice"]


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("Reminder: I'm allergic to nuts.", "allergy"),
        ("提醒：我對花生過敏", "allergy"),
        ("Dana left the company.", "employer"),
        ("My job finished at 5 and I walked home.", None),
    ],
)
async def test_what_a_person_says_is_no_notice(text, attribute):
    (fact,) = (await extract(text)).facts
    assert fact.attribute == attribute


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(
            "I went to the market and bought apples for my daughter, who loves them. I work at Siemens and live in Munich.\n",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "昨天我去市場買了一些蘋果給我女兒，她很喜歡。我在台積電上班，住在新竹。\n", marks=pytest.mark.slow
        ),
        "I like it and ",
        "我喜歡，",
    ],
)
def test_a_turn_of_200_000_characters_is_read_in_time(line, grows_linearly):
    from mnemic.extractors.rules import _extract

    grows_linearly(
        lambda text: _extract((Turn(role="user", content=text, said_at=NOW),)),
        lambda size: (line * (size // len(line) + 1))[:size],
        small=25_000,
        large=200_000,
    )


@pytest.mark.parametrize("lead", ["會議在", "考試改到"])
def test_a_chain_of_days_is_read_in_one_way(lead, cpu_seconds):
    """Where each of them could be read in two, this one sentence would take years."""
    assert cpu_seconds(lambda: rules_zh.claim(lead + "一月" * 48 + "吃")) < 1


# What somebody calls theirs by a noun alone is one thing.
MINE = [
    ("My doctor is Dr. Patel.", "user", "doctor", "Dr. Patel"),
    ("My GP is now Dr. Patel", "user", "doctor", "Dr. Patel"),
    ("Dr. Patel is my dentist now.", "user", "dentist", "Dr. Patel"),
    ("Grace Lin is my new manager.", "user", "boss", "Grace Lin"),
    ("My gym is Ironworks these days.", "user", "my_gym", "Ironworks"),
    ("My password manager is now KeePass", "user", "my_password_manager", "KeePass"),
    ("These days my landlord is Mr. Quist", "user", "my_landlord", "Mr. Quist"),
    ("I use a Pinebook Pro as my laptop", "user", "laptop", "a Pinebook Pro"),
    ("I switched my bank to Triodos.", "user", "bank", "Triodos"),
    ("I got a new phone, a Fairphone 5", "user", "phone_model", "a Fairphone 5"),
    ("My rent is 1,450 francs a month now.", "user", "rent", "1,450 francs"),
    ("My rent went up to $2,100", "user", "rent", "$2,100"),
    ("My wife has a Saab 900 as a car.", "wife", "car", "a Saab 900"),
    ("我的健身房是活力館。", "user", "my_健身房", "活力館"),
    ("我的健身房換成鐵人館了", "user", "my_健身房", "鐵人館"),
    ("我房東現在是周先生", "user", "my_房東", "周先生"),
    ("我房租漲到兩萬三了", "user", "rent", "兩萬三"),
    ("我房租一個月九千", "user", "rent", "九千"),
    ("我的月薪現在是五萬", "user", "salary", "五萬"),
]


@pytest.mark.parametrize(("said", "subject", "attribute", "value"), MINE)
async def test_what_somebody_calls_theirs_is_a_slot(said, subject, attribute, value):
    found = await extract(said)
    (fact,) = found.facts
    assert (fact.subject, fact.attribute, fact.object) == (subject, attribute, value)


@pytest.mark.parametrize(
    "said",
    [
        "My laptop is broken.", "My house is a mess", "My boss is very strict", "My friend is Carla.", "My old gym was Ironworks.",
        "My old phone is a Nokia.", "My point is Rome was first.", "My hobby is chess.", "My sister is Carla.",
        "我的問題是太多了", "我的舊手機是諾基亞", "我的朋友是小王", "我的房間是空的", "我的想法是星期五再去",
    ],
)  # fmt: skip
async def test_what_passes_or_is_one_of_several_is_no_slot_of_its_own(said):
    found = await extract(said)
    for fact in found.facts:
        assert fact.attribute is None or slots.single(fact.attribute) is not True, fact


PEOPLE_CHINESE = [
    ("張雅婷在圖書館上班。", "張雅婷", "employer", "圖書館"),
    ("張雅婷现在是律师。", "張雅婷", "occupation", "律师"),
    ("我朋友阿凱搬到台東了", "阿凱", "home", "台東"),
    ("我同事小周的職業是藥師", "小周", "occupation", "藥師"),
    ("我表妹李佳玲家住苏州", "李佳玲", "home", "苏州"),
    ("阿凱最喜歡的飲料變成豆漿了", "阿凱", "favourite_飲料", "豆漿"),
    ("我換車了，現在開路寶三號", "user", "car", "路寶三號"),
    ("我開的是路寶三號", "user", "car", "路寶三號"),
    ("我目前已婚", "user", "relationship_status", "已婚"),
]


@pytest.mark.parametrize(("said", "subject", "attribute", "value"), PEOPLE_CHINESE)
async def test_third_persons_in_chinese_are_known_by_name(said, subject, attribute, value):
    found = await extract(said)
    (fact,) = found.facts
    assert (fact.subject, fact.attribute, fact.object) == (subject, attribute, value)


@pytest.mark.parametrize(
    "said",
    [
        "I just opened notes.md", "I got error 12 again", "my screen froze again", "going to grab a snack, brb", "make it longer",
        "we're nearly done", "I'm looking at page 4 now", "我剛打開表格", "我覺得檔案壞了", "剛才等了20秒", "第12行看不懂", "我去吃飯一下",
    ],
)  # fmt: skip
async def test_what_happens_on_the_screen_just_now_is_not_kept(said):
    assert (await extract(said)).facts == ()


def test_a_favourite_that_is_named_first_takes_the_place_of_the_one_before():
    with Memory(":memory:") as memory:
        memory.add("My favourite food is sushi", user_id="u")
        memory.add("Ramen is my favourite food now", user_id="u")
        assert [item["memory"] for item in memory.get_all(user_id="u")["results"]] == ["Ramen is my favourite food now"]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("我叫小雯，今年28歲，住在台北板橋", ["我叫小雯", "今年28歲", "住在台北板橋"]),
        (
            "I'm Nina, I'm 31 and I live in Taipei with my boyfriend Leo.",
            ["I'm Nina", "I'm 31", "I live in Taipei with my boyfriend Leo."],
        ),
        ("I drive a Golf and I live in Oslo.", ["I drive a Golf", "I live in Oslo."]),
        ("I live in Oslo, it rains a lot, and I like sushi.", ["I live in Oslo, it rains a lot", "I like sushi."]),
    ],
)
async def test_each_fact_of_a_sentence_quotes_its_own_clause_and_nothing_is_lost(text, clauses):
    assert [fact.quote for fact in (await extract(text)).facts] == clauses


@pytest.mark.parametrize(
    "text",
    [
        "我想離職",
        "我差點離職了",
        "我差點從聯電離職了",
        "我沒有離職",
        "我沒有在聯電上班",
        "我打算離職",
        "我想從聯電離職",
    ],
)
async def test_what_is_wished_denied_or_only_nearly_so_ends_no_job_and_names_none(text):
    (fact,) = (await extract(text)).facts
    assert (fact.text, fact.attribute, fact.object, fact.ends) == (text, None, None, False)


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("I live in constant fear of spiders.", None),
        ("I live in sweatpants.", None),
        ("I work at my kitchen table.", None),
        ("I work at a snail's pace.", None),
        ("I live on the couch.", None),
        ("I live in 台北.", "home"),
        ("i live in taipei", "home"),
        ("My name is on the list.", None),
        ("My name is To Huang.", "name"),
    ],
)
async def test_a_value_in_small_letters_is_no_place_or_company_where_capitals_are_used(text, attribute):
    (fact,) = (await extract(text)).facts
    assert (fact.text, fact.attribute) == (text, attribute)
