"""The extractor without a model: what it keeps, what it refuses, what it leaves alone."""

import asyncio
from datetime import UTC, datetime

import pytest

from mnemic.extractors.rules import RuleExtractor
from mnemic.extractors.sentences import sentences
from mnemic.types import Extraction, ExtractionRequest, Fact, Refusal, Turn

NOW = datetime(2025, 3, 5, 10, 23, tzinfo=UTC)


def turn(content, role="user", name=None):
    return Turn(role=role, content=content, said_at=NOW, name=name)


async def extract(*turns):
    request = ExtractionRequest(turns=tuple(each if isinstance(each, Turn) else turn(each) for each in turns))
    return await RuleExtractor().extract(request)


# sentence, quote, kind, subject, attribute
KEPT_ENGLISH = [
    ("I live in Berlin.", "I live in Berlin.", "fact", "user", "home"),
    ("I moved to Berlin last year.", "I moved to Berlin last year.", "event", "user", "home"),
    ("I moved to the U.S. last year.", "I moved to the U.S. last year.", "event", "user", "home"),
    ("I work at St. Mary's Hospital.", "I work at St. Mary's Hospital.", "fact", "user", "employer"),
    ("I'm a nurse.", "I'm a nurse.", "fact", "user", "occupation"),
    ("I'm 34 years old.", "I'm 34 years old.", "fact", "user", "age"),
    ("I was born on 3 May 1990.", "I was born on 3 May 1990.", "fact", "user", "birthday"),
    ("My birthday is March 5th.", "My birthday is March 5th.", "fact", "user", "birthday"),
    ("My name is Dana.", "My name is Dana.", "fact", "user", "name"),
    ("I'm Dana.", "I'm Dana.", "fact", "user", "name"),
    ("Call me Dan.", "Call me Dan.", "fact", "user", "name"),
    ("I'm from Lisbon originally.", "I'm from Lisbon originally.", "fact", "user", "hometown"),
    ("I'm married.", "I'm married.", "fact", "user", "relationship_status"),
    ("I have two kids.", "I have two kids.", "fact", "user", "children"),
    ("Tom and I adopted a cat named Miso.", "Tom and I adopted a cat named Miso.", "fact", "user", "pet"),
    ("I’m vegan.", "I’m vegan.", "fact", "user", "diet"),
    ("I'm allergic to peanuts.", "I'm allergic to peanuts.", "fact", "user", "allergy"),
    ("I speak Portuguese fluently.", "I speak Portuguese fluently.", "fact", "user", "language"),
    ("My email is dana@example.com.", "My email is dana@example.com.", "fact", "user", "email"),
    ("My phone number is +49 170 1234567.", "My phone number is +49 170 1234567.", "fact", "user", "phone"),
    ("I graduated from MIT in 2012.", "I graduated from MIT in 2012.", "event", "user", "education"),
    ("I was diagnosed with asthma as a kid.", "I was diagnosed with asthma as a kid.", "fact", "user", "health"),
    ("My favourite colour is green.", "My favourite colour is green.", "preference", "user", "favourite_colour"),
    ("Well, I love hiking.", "I love hiking.", "preference", "user", "likes"),
    ("I prefer tea over coffee.", "I prefer tea over coffee.", "preference", "user", "likes"),
    ("I hate cilantro.", "I hate cilantro.", "preference", "user", "dislikes"),
    ("Always answer in Chinese.", "Always answer in Chinese.", "preference", "user", None),
    ("I have a dentist appointment next Tuesday at 3pm.",) * 2 + ("event", "user", None),
    ("Moved to Lisbon in 2021.", "Moved to Lisbon in 2021.", "event", "user", "home"),
    ("I run every morning before work.", "I run every morning before work.", "fact", "user", None),
    ("I've been playing the piano for ten years.",) * 2 + ("fact", "user", None),
    ("For pasta, I always salt the water first and then add oil.",) * 2 + ("procedure", "user", None),
    ("Please remember that I'm vegetarian.", "I'm vegetarian.", "fact", "user", "diet"),
    ("My colleague has a PhD.", "My colleague has a PhD.", "fact", "colleague", "education"),
    (
        "My sister's husband works at Siemens.",
        "My sister's husband works at Siemens.",
        "fact",
        "sister's husband",
        "employer",
    ),
    ("My older sister Anna lives in Munich.", "My older sister Anna lives in Munich.", "fact", "Anna", "home"),
    ("Dana moved to Paris in May.", "Dana moved to Paris in May.", "event", "Dana", "home"),
    ("A friend of mine runs a bakery.", "A friend of mine runs a bakery.", "fact", "friend", None),
    ("Allergies: peanuts, shellfish", "Allergies: peanuts, shellfish", "fact", "user", None),
    ("I moved to Berlin last year, can you suggest a gym?", "I moved to Berlin last year", "event", "user", "home"),
    ("I'm vegan so what should I cook tonight?", "I'm vegan", "fact", "user", "diet"),
    ("Since I live in Berlin, can you find me a gym?", "I live in Berlin", "fact", "user", "home"),
    ("Can you plan a dinner, since I'm allergic to shellfish?", "I'm allergic to shellfish", "fact", "user", "allergy"),
    ("Thanks for your help, I got the job at Google!", "I got the job at Google!", "fact", "user", "employer"),
]

KEPT_CHINESE = [
    ("我叫小明。", "我叫小明。", "fact", "user", "name"),
    ("叫我阿德就好", "叫我阿德就好", "fact", "user", "name"),
    ("我今年三十五歲", "我今年三十五歲", "fact", "user", "age"),
    ("我的生日是五月三日", "我的生日是五月三日", "fact", "user", "birthday"),
    ("我住在台北！", "我住在台北！", "fact", "user", "home"),
    ("我老家在台南", "我老家在台南", "fact", "user", "hometown"),
    ("我是台灣人", "我是台灣人", "fact", "user", "hometown"),
    ("我在 Google 上班", "我在 Google 上班", "fact", "user", "employer"),
    ("我是工程師", "我是工程師", "fact", "user", "occupation"),
    ("我已經結婚了", "我已經結婚了", "fact", "user", "relationship_status"),
    ("我有兩個小孩", "我有兩個小孩", "fact", "user", "children"),
    ("對了，我養了兩隻貓", "我養了兩隻貓", "fact", "user", "pet"),
    ("我吃素", "我吃素", "fact", "user", "diet"),
    ("我對花生過敏", "我對花生過敏", "fact", "user", "allergy"),
    ("我对海鲜过敏", "我对海鲜过敏", "fact", "user", "allergy"),
    ("我會說日文", "我會說日文", "fact", "user", "language"),
    ("我在台大唸書", "我在台大唸書", "fact", "user", "school"),
    ("我的手機號碼是0912345678", "我的手機號碼是0912345678", "fact", "user", "phone"),
    ("我最喜歡的顏色是綠色", "我最喜歡的顏色是綠色", "preference", "user", "favourite_顏色"),
    ("我喜欢喝茶，不喜欢咖啡。", "我喜欢喝茶，不喜欢咖啡。", "preference", "user", "likes"),
    ("我讨厌下雨天", "我讨厌下雨天", "preference", "user", "dislikes"),
    ("我不吃牛肉", "我不吃牛肉", "preference", "user", None),
    ("以後請用中文回答", "以後請用中文回答", "preference", "user", None),
    ("我昨天去看醫生了😂😂", "我昨天去看醫生了", "event", "user", None),
    ("昨天終於考過駕照了！", "昨天終於考過駕照了！", "event", "user", None),
    ("下週要去日本玩", "下週要去日本玩", "event", "user", "plan"),
    ("我每週三晚上去打羽球", "我每週三晚上去打羽球", "fact", "user", None),
    ("我每天早上先跑步再吃早餐", "我每天早上先跑步再吃早餐", "procedure", "user", None),
    ("我先生和我去年搬到溫哥華", "我先生和我去年搬到溫哥華", "event", "user", "home"),
    ("我太太在台積電上班。", "我太太在台積電上班。", "fact", "太太", "employer"),
    ("我同事有博士學位", "我同事有博士學位", "fact", "同事", "education"),
    ("我女兒今年五歲，剛上幼兒園。", "我女兒今年五歲，剛上幼兒園。", "fact", "女兒", "age"),
    ("小明上週搬到高雄了", "小明上週搬到高雄了", "event", "小明", "home"),
    ("Dana 是我同事", "Dana 是我同事", "fact", "Dana", None),
    ("嗯，我在台北住了十年", "我在台北住了十年", "fact", "user", "home"),
    ("請記得我不吃辣", "我不吃辣", "preference", "user", None),
    ("我下週要去東京出差，有推薦的餐廳嗎？", "我下週要去東京出差", "event", "user", "plan"),
    ("我下週要去東京出差有推薦的餐廳嗎", "我下週要去東京出差", "event", "user", "plan"),
    ("因為我下個月要結婚，可以推薦婚宴場地嗎？", "我下個月要結婚", "event", "user", "plan"),
    ("我ㄉ生日素12月5號ㄛ", "我ㄉ生日素12月5號ㄛ", "event", "user", None),
]

REFUSED = [
    *(
        (text, "greeting")
        for text in ("Hi there!", "Good morning!", "Hey Dana!", "hello", "你好", "早安！", "哈囉～", "您好！")
    ),
    *(
        (text, "thanks")
        for text in (
            "Thanks!",
            "Thank you so much for your help!",
            "Sounds good, thanks!",
            "謝謝你！",
            "谢谢",
            "好的，謝謝！",
            "謝謝你的建議！",
        )
    ),
    *(
        (text, "farewell")
        for text in ("See you tomorrow!", "Bye!", "Have a great weekend!", "掰掰～明天見", "晚安～", "再见")
    ),
    *(
        (text, "small_talk")
        for text in ("ok", "haha", "lol", "That's great! Sounds like fun.", "That makes sense.", "Never mind.")
    ),
    *(
        (text, "small_talk")
        for text in (
            "好的",
            "收到",
            "哈哈哈",
            "嗯嗯",
            "對啊",
            "真的假的？",
            "ㄏㄏ",
            "[貼圖]",
            "😀😀",
            "太棒了！",
            "我也這麼覺得",
        )
    ),
    *(
        (text, "question")
        for text in ("What's the capital of France?", "how do i reset my password", "Is it true that I live in Berlin?")
    ),
    *(
        (text, "question")
        for text in ("Is my flight at 5 pm?", "你覺得呢？", "為什麼天空是藍的", "今天會下雨嗎", "我是誰？")
    ),
    *(
        (text, "request")
        for text in (
            "Recommend some courses",
            "Write a poem about the sea.",
            "Remind me to call mom on Friday.",
            "Let me know if you need anything.",
        )
    ),
    *(
        (text, "request")
        for text in ("I was wondering if you could help me with my CV.", "Can you help me?", "Please summarise this.")
    ),
    *(
        (text, "request")
        for text in (
            "建議一些線上課程。",
            "請幫我寫一封信",
            "推薦幾本書",
            "給我一些建議",
            "能不能幫我訂餐廳？",
            "我想請問哪裡可以買到票",
        )
    ),
    *(
        (text, "not_prose")
        for text in (
            '{"a": 1, "b": [1, 2]}',
            "https://example.com/x",
            "```python\nprint(1)\n```",
            "def foo(x): return x + 1",
        )
    ),
    *(
        (text, "not_prose")
        for text in (
            "2024-05-01 10:00:00 ERROR: connection refused",
            'Traceback (most recent call last):\n  File "a.py", line 3\nValueError: bad',
        )
    ),
    ("", "empty"),
    ("Merci beaucoup !", "thanks"),
    ("ありがとうございます", "thanks"),
    ("¿Dónde está la biblioteca?", "question"),
]

NEITHER = [
    "I'm so happy for you!",
    "I think that's a great idea.",
    "You're so kind.",
    "I wish I had a dog.",
    "If I won the lottery I'd buy a boat.",
    "Weddings are full of joy.",
    "聽起來很不錯的樣子！",
    "你真是太厲害了！",
    "如果我中了樂透，我就辭職",
    "要是我有錢就好了",
    "人生就是這樣",
    "今天天氣不錯",
    "我覺得這樣很好",
]

# Kept, but never under an attribute.
WITHOUT_ATTRIBUTE = [
    ("I'm not allergic to peanuts.", 0.75),
    ("I might be allergic to cats.", 0.5),
    ("Maybe I will move to Spain.", 0.5),
    ("He said he lives in Rome.", 0.5),
    ("I used to work at Google.", 0.5),
    ("I live in Paris, yeah right", 0.3),
    ("我對花生不過敏", 0.75),
    ("我没有养宠物", 0.75),
    ("我可能會搬到高雄", 0.5),
    ("她說她住在羅馬", 0.5),
    ("我媽說她想去旅行", 0.5),
    ("我超愛加班的，才怪", 0.3),
    ("我現在在找工作", 0.75),
]


@pytest.mark.parametrize(("text", "quote", "kind", "subject", "attribute"), KEPT_ENGLISH + KEPT_CHINESE)
async def test_a_statement_is_kept_in_its_own_words(text, quote, kind, subject, attribute):
    extraction = await extract(text)
    (fact,) = extraction.facts
    assert fact == Fact(
        text=quote,
        turn=0,
        quote=quote,
        kind=kind,
        subject=subject,
        attribute=attribute,
        object=fact.object,
        confidence=fact.confidence,
    )
    assert fact.quote in text
    assert fact.object is None or fact.object in fact.quote
    assert 0.3 <= fact.confidence <= 0.9
    assert extraction == Extraction(facts=(fact,))


@pytest.mark.parametrize(("text", "reason"), REFUSED)
async def test_chatter_questions_orders_and_machine_output_are_refused_with_a_reason(text, reason):
    assert await extract(text) == Extraction(refusals=(Refusal(turn=0, reason=reason),))


@pytest.mark.parametrize("text", NEITHER)
async def test_what_is_neither_kept_nor_refused_is_not_mentioned(text):
    assert await extract(text) == Extraction()


@pytest.mark.parametrize(("text", "confidence"), WITHOUT_ATTRIBUTE)
async def test_denied_doubtful_reported_and_ironic_statements_take_no_attribute(text, confidence):
    (fact,) = (await extract(text)).facts
    assert (fact.text, fact.attribute, fact.confidence) == (text, None, confidence)


async def test_sentences_of_a_turn_are_judged_one_by_one():
    assert await extract("Hi there! I live in Berlin. Can you recommend a gym?") == Extraction(
        facts=(
            Fact(
                text="I live in Berlin.",
                turn=0,
                quote="I live in Berlin.",
                subject="user",
                attribute="home",
                object="Berlin",
                confidence=0.9,
            ),
        ),
        refusals=(
            Refusal(turn=0, reason="greeting", quote="Hi there!"),
            Refusal(turn=0, reason="request", quote="Can you recommend a gym?"),
        ),
    )


async def test_sentences_that_point_back_join_the_person_they_are_about():
    text = "My sister Anna plays the violin. She is very good at it."
    assert (await extract(text)).facts == (Fact(text=text, turn=0, quote=text, subject="Anna", confidence=0.75),)


# A message, and the one memory that tells all of it: its words, attribute and value.
WITH_ASIDES = [
    ("My flight is at 8. Terminal 2, gate B14.",) * 2 + ("date", "8"),
    ("I bought a house. Cost 500k. Three bedrooms.",) * 2 + (None, None),
    ("Priya is pregnant!! Due in June.",) * 2 + ("health", "pregnant"),
    ("First day at Babylon Health. My boss is called Karen.",) * 2 + ("boss", "Karen"),
    ("I finished reading Dune. Loved it.",) * 2 + (None, None),
    ("Mum's 66th. Got her a fountain pen.",) * 2 + (None, None),
    ("搬到新竹了！租金18000，有陽台～", "搬到新竹了！租金18000，有陽台", "home", "新竹"),
    ("我買了一台車。白色的，Toyota。",) * 2 + (None, None),
    ("我朋友生日。1月5日。",) * 2 + (None, None),
    ("跟阿豪分手了。哭了一整晚",) * 2 + ("relationship_status", None),
    ("Hi! I live in Oslo. Third floor, no lift. Can you suggest a gym?", "I live in Oslo. Third floor, no lift.", "home", "Oslo"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "quote", "attribute", "value"), WITH_ASIDES)
async def test_an_aside_beside_a_fact_joins_it_and_leaves_its_attribute_alone(said, quote, attribute, value):
    (fact,) = (await extract(said)).facts
    assert (fact.text, fact.quote, fact.attribute) == (quote, quote, attribute)
    if value is not None:
        assert fact.object == value


@pytest.mark.parametrize(
    ("fact", "talk", "reason"),
    [
        ("I live in Oslo.", "Haha!", "small_talk"),
        ("I live in Oslo.", "I'm so tired today.", "small_talk"),
        ("I live in Oslo.", "Happy Friday!", "small_talk"),
        ("I live in Oslo.", "The weather is lovely.", "small_talk"),
        ("I live in Oslo.", "If I were rich I'd buy a boat.", "hypothetical"),
        ("I live in Oslo.", "Thanks a lot!", "thanks"),
        ("I live in Oslo.", "What should I cook tonight?", "question"),
        ("我住在新竹。", "今天天氣真好！", "small_talk"),
        ("我住在新竹。", "週末愉快！", "small_talk"),
        ("我住在新竹。", "好累喔。", "small_talk"),
        ("我住在新竹。", "如果我有錢就好了。", "hypothetical"),
        ("我住在新竹。", "謝謝你！", "thanks"),
    ],
)
@pytest.mark.parametrize("talk_first", [False, True])
async def test_small_talk_beside_a_fact_stays_out_of_it_and_says_why(fact, talk, reason, talk_first):
    extraction = await extract(f"{talk} {fact}" if talk_first else f"{fact} {talk}")
    assert [each.quote for each in extraction.facts] == [fact]
    assert [(each.quote.rstrip("!！"), each.reason) for each in extraction.refusals] == [(talk.rstrip("!！"), reason)]


async def test_a_long_statement_that_no_rule_knows_is_a_note_of_its_own_beside_a_fact():
    unknown = "The balcony of the flat faces the harbour and gets the sun from noon on."
    fact, note = (await extract(f"I live in Oslo. {unknown}")).facts
    assert (fact.quote, fact.attribute) == ("I live in Oslo.", "home")
    assert (note.quote, note.kind, note.attribute, note.confidence) == (unknown, "note", None, 0.5)


async def test_an_aside_that_would_give_a_fact_another_date_is_a_note():
    facts = (await extract("I live in Rome. The old flat until 2019.")).facts
    assert [(each.quote, each.kind) for each in facts] == [
        ("I live in Rome.", "fact"),
        ("The old flat until 2019.", "note"),
    ]


async def test_an_aside_of_another_speaker_joins_nobody_elses_fact():
    facts = (await extract("Dana: I live in Porto.\nKim: Terminal 2, gate B14.")).facts
    assert [each.quote for each in facts] == ["Dana: I live in Porto.", "Kim: Terminal 2, gate B14."]


async def test_of_an_assistant_what_is_neither_promise_nor_recommendation_is_refused_beside_one():
    extraction = await extract(turn("I'll send you the report on Monday. Two pages, mostly charts.", role="assistant"))
    assert [each.quote for each in extraction.facts] == ["I'll send you the report on Monday."]
    assert extraction.refusals == (Refusal(turn=0, reason="not_understood", quote="Two pages, mostly charts."),)


@pytest.mark.parametrize(
    "said",
    [
        "My flight is at 8. Terminal 2, gate B14. If I were rich! Thanks.",
        "Hello! Third floor. I live in Oslo. What should I see? A flat by the harbour. Bye!",
        "嗨！搬到新竹了！租金18000。今天好累喔。有陽台。謝謝",
    ],
)
async def test_beside_a_fact_every_sentence_is_kept_or_refused(said):
    extraction = await extract(said)
    assert extraction.facts
    left = said
    for each in (*extraction.facts, *extraction.refusals):
        assert each.quote in left
        left = left.replace(each.quote, "", 1)
    assert not any(character.isalnum() for character in left)


async def test_two_values_of_one_person_are_two_facts_and_the_second_quotes_whom_it_points_at():
    facts = (await extract("My sister Anna lives in Munich. She works at Siemens.")).facts
    assert [(fact.quote, fact.subject, fact.attribute, fact.object) for fact in facts] == [
        ("My sister Anna lives in Munich.", "Anna", "home", "Munich"),
        ("My sister Anna lives in Munich. She works at Siemens.", "Anna", "employer", "Siemens"),
    ]


async def test_a_statement_taken_back_in_the_next_sentence_keeps_the_taking_back():
    (fact,) = (await extract("我最愛住在台北了。才怪！")).facts
    assert (fact.text, fact.attribute, fact.confidence) == ("我最愛住在台北了。才怪！", None, 0.3)


async def test_in_a_group_the_first_person_is_the_one_who_speaks():
    extraction = await extract(turn("I moved to Porto.", name="Alice"), turn("我住在台北", name="小美"))
    assert [(fact.text, fact.subject, fact.turn) for fact in extraction.facts] == [
        ("I moved to Porto.", "Alice", 0),
        ("我住在台北", "小美", 1),
    ]


async def test_in_a_pasted_chat_the_first_person_is_the_one_named_on_the_line():
    extraction = await extract("[2024/3/5 下午 10:23] 小明：我搬到新竹了\n22:24 Dana: I live in Berlin.\n22:25 哈哈哈")
    assert [(fact.text, fact.subject) for fact in extraction.facts] == [
        ("小明：我搬到新竹了", "小明"),
        ("Dana: I live in Berlin.", "Dana"),
    ]


@pytest.mark.parametrize("role", ["system", "tool"])
async def test_system_and_tool_turns_are_no_conversation(role):
    assert await extract(turn("I live in Berlin.", role)) == Extraction(
        refusals=(Refusal(turn=0, reason="not_conversation"),),
    )


@pytest.mark.parametrize(
    "text",
    [
        "I'll remind you on Friday at 9.",
        "I've booked the table for 8 pm.",
        "I recommend Café Luitpold in Munich.",
        "我會在週五提醒你。",
        "推薦你去看「海角七號」。",
    ],
)
async def test_an_assistant_is_held_to_promises_and_named_recommendations(text):
    assert await extract(turn(text, "assistant")) == Extraction(
        facts=(
            Fact(
                text=text,
                turn=0,
                quote=text,
                kind="event" if "Friday" in text or "8 pm" in text or "週五" in text else "fact",
                subject="assistant",
                attributed_to="assistant",
                confidence=0.5,
            ),
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "Photosynthesis turns light into chemical energy. Plants have used it for three billion years.",
        "I'm happy to help with that.",
        "光合作用把光能變成化學能。植物用了三十億年。",
    ],
)
async def test_what_an_assistant_explains_is_not_a_fact(text):
    assert (await extract(turn(text, "assistant"))).facts == ()


async def test_messy_chat_keeps_what_was_said_and_drops_the_rest():
    chat = "哈哈哈哈笑死\n我昨天買了新手機 超貴的 哈哈哈\n[貼圖]\n- 我對蝦子過敏🦐\n• I love 台北\n「我討厭加班」他說"
    extraction = await extract(chat)
    assert [(fact.text, fact.subject, fact.attribute) for fact in extraction.facts] == [
        ("我昨天買了新手機 超貴的", "user", None),
        ("我對蝦子過敏", "user", "allergy"),
        ("I love 台北", "user", "likes"),
        ("「我討厭加班」他說", None, None),
    ]
    assert {refusal.reason for refusal in extraction.refusals} == {"small_talk"}


@pytest.mark.parametrize(
    "text",
    [
        "Ich wohne in Hamburg und arbeite bei Siemens.",
        "Je suis végétarien et j'habite à Lyon.",
        "Vivo en Madrid con mi hermana.",
        "私は東京に住んでいます。",
        "저는 서울에 살아요.",
        "Я живу в Москве.",
    ],
)
async def test_other_languages_are_kept_with_little_confidence(text):
    assert (await extract(text)).facts == (Fact(text=text, turn=0, quote=text, subject="user", confidence=0.3),)


@pytest.mark.parametrize(
    "piece",
    [
        "1. ",
        "a. ",
        "Mr. ",
        '"',
        "(",
        "[",
        " ",
        "我",
        "我，",
        "? ",
        "I ",
        "my ",
        "Aa Bb, ",
        "and ",
        "哈",
        "😀 ",
        "\x00",
        "\ud800",
        "```",
        "x=1\n",
        "I am a nurse. Third floor. ",
        "I live in Rome. May 2019. ",
    ],
)
def test_strange_input_neither_crashes_nor_hangs(piece, grows_linearly):
    grows_linearly(
        lambda text: asyncio.run(extract(text)),
        lambda size: (piece * (size // len(piece) + 1))[:size],
        small=6_000,
        large=48_000,
    )


async def test_long_and_short_texts_give_the_same_facts():
    line = "My sister lives in Berlin. 我住在台北，很喜歡這裡。\n"
    short, long = await extract(line), await extract(line * 1_000)
    assert long.facts == short.facts * 1_000


async def test_an_attribute_is_not_taken_from_a_clause_about_somebody_else():
    facts = (await extract("我妹妹很忙，我住在台北\n我住在台北，我妹妹養了一隻貓")).facts
    assert [(fact.subject, fact.attribute) for fact in facts] == [("妹妹", None), ("user", "home")]


# Sentences and clauses.


async def test_a_full_stop_after_a_number_ends_a_sentence():
    pieces = [f"My friend Bob{number} lives in City{number}." for number in range(20)]
    assert [fact.quote for fact in (await extract(" ".join(pieces))).facts] == pieces
    told = await extract("I bought a Pixel 9. I sold my Pixel 10. I live in Oslo.")
    assert [fact.quote for fact in told.facts] == ["I bought a Pixel 9.", "I sold my Pixel 10.", "I live in Oslo."]


def test_numbering_and_decimals_end_no_sentence():
    assert [(span.start, span.end) for span in sentences("1. Buy milk")] == [(3, 11)]
    assert len(list(sentences("1. Buy milk and 3.5 kg of flour"))) == 1
