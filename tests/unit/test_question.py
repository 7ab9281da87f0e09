"""What a question asks for: whom it names, which times, which event, first or last, what was or is, one or many."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemic import names, text
from mnemic.question import LOOK, Anchor, Interval, Question, understand

TAIPEI = timezone(timedelta(hours=8))
WEDNESDAY = datetime(2025, 3, 12, 9, 30, tzinfo=TAIPEI)


def read(question, user=None, now=WEDNESDAY):
    return understand(question, now=now, user=user)


def told(question, now=WEDNESDAY):
    """The times of a question in short: first and last day, open where there is none."""
    return " ".join(_told(each) for each in read(question, now=now).times)


def _told(each):
    first = each.start.date().isoformat() if each.start else ""
    last = (each.end - timedelta(seconds=1)).date().isoformat() if each.end else ""
    assert {"before": each.start is None, "after": each.end is None, "in": bool(first and last)}[each.role]
    return first if first == last else f"{first}..{last}"


@pytest.mark.behaviour("R6")
@pytest.mark.parametrize(
    ("question", "times"),
    [
        ("What did I eat yesterday?", "2025-03-11"),
        ("What was I doing the day before yesterday?", "2025-03-10"),
        ("Who did I meet last week?", "2025-03-03..2025-03-09"),
        ("What did I order the week before last?", "2025-02-24..2025-03-02"),
        ("What did I do in March?", "2025-03-01..2025-03-31"),
        ("What am I doing in March?", "2025-03-01..2025-03-31"),
        ("What did I do in May?", "2024-05-01..2024-05-31"),
        ("What did Caroline do in May?", "2024-05-01..2024-05-31"),
        ("What am I doing in May?", "2025-05-01..2025-05-31"),
        ("What is Caroline doing in May?", "2025-05-01..2025-05-31"),
        ("What will I do in May?", "2025-05-01..2025-05-31"),
        ("What did I say I will do in May?", "2025-05-01..2025-05-31"),
        ("Which restaurant did I visit in July?", "2024-07-01..2024-07-31"),
        ("What is the name of the hotel where we stayed in May?", "2024-05-01..2024-05-31"),
        ("Have I been to Rome in November?", "2024-11-01..2024-11-30"),
        ("Remind me what I'm doing in June", "2025-06-01..2025-06-30"),
        ("my trips in May", "2024-05-01..2024-05-31"),
        ("November trip", "2024-11-01..2024-11-30"),
        ("Do you know about my trip in May?", "2024-05-01..2024-05-31"),
        ("Do I have anything on Friday?", "2025-03-14"),
        ("What did I do on Friday?", "2025-03-07"),
        ("What did I do from Monday to Wednesday?", "2025-03-10..2025-03-12"),
        ("Is there anything planned for July 4th?", "2025-07-04"),
        ("Where was I on July 4th?", "2024-07-04"),
        ("What did I do on my birthday in May?", "2024-05-01..2024-05-31"),
        ("What happened since May?", "2024-05-01.."),
        ("Where did I live before 2020?", "..2019-12-31"),
        ("What have I bought after the 3rd?", "2025-03-04.."),
        ("What have I bought since the 20th?", "2025-02-20.."),
        ("What did I do between May and July?", "2024-05-01..2024-07-31"),
        ("What did I do from 2015 to 2019?", "2015-01-01..2019-12-31"),
        ("What did I order in 2023 and 2024?", "2023-01-01..2023-12-31 2024-01-01..2024-12-31"),
        ("Tell me about my 2019 trip to Japan", "2019-01-01..2019-12-31"),
        ("What did I read in the last two weeks?", "2025-02-26..2025-03-12"),
        ("What did I read over the past month?", "2025-02-10..2025-03-12"),
        ("What did I do in the last few days?", "2025-03-08..2025-03-12"),
        ("What have I planned for the next two weeks?", "2025-03-12..2025-03-26"),
        ("What have I been working on recently?", "2025-02-10.."),
        ("Where have I been lately?", "2025-02-10.."),
        ("What did I buy a few weeks ago?", "2025-01-29..2025-03-05"),
        ("What did I do about two years ago?", "2023-01-01..2023-12-31"),
        ("Do I have plans in two weeks?", "2025-03-24..2025-03-30"),
        ("Where did I go last summer?", "2024-06-01..2024-08-31"),
        ("Where did I go in summer?", "2024-06-01..2024-08-31"),
        ("What are my plans for the summer?", "2025-06-01..2025-08-31"),
        ("Where will I go in summer?", "2025-06-01..2025-08-31"),
        ("What did I weigh in Feb?", "2025-02-01..2025-02-28"),
        ("我昨天吃了什麼？", "2025-03-11"),
        ("我昨天吃了什么？", "2025-03-11"),
        ("前天我跟誰見面？", "2025-03-10"),
        ("上週我跟誰開會？", "2025-03-03..2025-03-09"),
        ("上周三我做了什么？", "2025-03-05"),
        ("我上個月去了哪裡？", "2025-02-01..2025-02-28"),
        ("去年夏天我去哪玩？", "2024-06-01..2024-08-31"),
        ("去年三月我在哪裡？", "2024-03-01..2024-03-31"),
        ("我夏天去了哪裡？", "2024-06-01..2024-08-31"),
        ("我五月做了什麼？", "2024-05-01..2024-05-31"),
        ("我五月去哪裡玩？", "2024-05-01..2024-05-31"),
        ("我五月要去哪裡？", "2025-05-01..2025-05-31"),
        ("我五月有什么安排？", "2025-05-01..2025-05-31"),
        ("我五月三號要做什麼？", "2025-05-03"),
        ("我五月三號做了什麼？", "2024-05-03"),
        ("我下週五要做什麼？", "2025-03-21"),
        ("週五我有什麼事？", "2025-03-14"),
        ("週五我做了什麼？", "2025-03-07"),
        ("三月之前我做了什麼？", "..2025-02-28"),
        ("2020年以前我住哪裡？", "..2019-12-31"),
        ("五月以來我跑了幾次步？", "2024-05-01.."),
        ("五月到七月我去了哪？", "2024-05-01..2024-07-31"),
        ("從去年開始我學了什麼？", "2024-01-01.."),
        ("從三月開始我學了什麼？", "2025-03-01.."),
        ("我兩年前住哪裡？", "2023-01-01..2023-12-31"),
        ("最近三個月我看了哪些電影？", "2024-12-12..2025-03-12"),
        ("过去两周我跑步几次？", "2025-02-26..2025-03-12"),
        ("這幾天我睡得好嗎？", "2025-03-08..2025-03-12"),
        ("未來三天我有什麼行程？", "2025-03-12..2025-03-15"),
        ("我最近在忙什麼？", "2025-02-10.."),
        ("這陣子我在學什麼？", "2025-02-10.."),
        ("前幾天我跟誰吃飯？", "2025-03-03..2025-03-11"),
        ("幾個月前我買了什麼？", "2024-06-15..2025-02-10"),
        ("先週何をしましたか", "2025-03-03..2025-03-09"),
        ("지난주에 뭐 했어?", "2025-03-03..2025-03-09"),
    ],
)
def test_a_question_names_times_and_its_tense_tells_which(question, times):
    assert told(question) == times


@pytest.mark.parametrize(
    "question",
    [
        "When was the last time I saw Anna?",
        "What is my first name?",
        "Where may I park?",
        "May I ask where I live?",
        "How do I march?",
        "Where did I fall?",
        "What do I wear in winter?",
        "What do I usually do in March?",
        "What did April give me?",
        "How long does it last?",
        "What did I do before that?",
        "most recent purchase",
        "上次去日本是什麼時候？",
        "最近一次看牙醫是什麼時候？",
        "最近的地鐵站在哪裡？",
        "夏天我喜歡吃什麼？",
        "我每年三月去哪裡？",
        "我的生日是三月嗎？",
        "我有一個月的假嗎？",
    ],
)
def test_words_that_name_no_particular_time_give_none(question):
    assert read(question).times == ()


def test_a_time_tells_its_bounds_its_precision_and_on_which_side_it_lies():
    year = datetime(2020, 1, 1, tzinfo=TAIPEI)
    assert read("Where did I live before 2020?").times == (
        Interval(start=None, end=year, precision="year", role="before"),
    )
    assert read("What happened after 2019?").times == (Interval(start=year, end=None, precision="year", role="after"),)
    assert read("What happened since 2020?").times == (Interval(start=year, end=None, precision="year", role="after"),)
    assert read("What happened in 2020?").times == (
        Interval(start=year, end=year.replace(year=2021), precision="year", role="in"),
    )


def test_times_are_counted_from_the_reference_date_in_its_zone():
    late = datetime(2025, 3, 12, 23, 0, tzinfo=UTC)
    assert told("What did I eat yesterday?", late) == "2025-03-11"
    assert told("What did I eat yesterday?", late.astimezone(TAIPEI)) == "2025-03-12"
    assert told("What did I eat yesterday?", late.replace(tzinfo=None)) == "2025-03-11"


@pytest.mark.behaviour("R6")
@pytest.mark.parametrize(
    ("question", "role", "event"),
    [
        ("Where did I live before I moved to Taipei?", "before", "I moved to Taipei"),
        ("Before I moved to Taipei where did I live?", "before", "I moved to Taipei"),
        ("Before moving to Taipei, where did I live?", "before", "moving to Taipei"),
        ("What medicine did I take after my surgery?", "after", "my surgery"),
        ("After my surgery what did I eat?", "after", "my surgery"),
        ("What have I been doing since I got the new job?", "after", "I got the new job"),
        ("What have I done since my surgery?", "after", "my surgery"),
        ("When I was in college, where did I live?", "during", "I was in college"),
        ("Where did I live when I was in college?", "during", "I was in college"),
        ("What did my doctor say when I broke my arm?", "during", "I broke my arm"),
        ("Which city did I live in while I worked at Acme?", "during", "I worked at Acme"),
        ("while living in Oslo what did I eat", "during", "living in Oslo"),
        ("What did I do during my trip to Japan?", "during", "my trip to Japan"),
        ("Where did I stay until I found a flat?", "before", "I found a flat"),
        ("What did Anna say the day after my birthday?", "after", "my birthday"),
        ("What did I plan before COVID?", "before", "COVID"),
        ("我搬家之前住哪裡？", "before", "我搬家"),
        ("手術後我吃什麼藥？", "after", "手術"),
        ("手术后我吃什么药？", "after", "手术"),
        ("換工作以前我在哪裡上班？", "before", "換工作"),
        ("你記得我換工作以後的薪水嗎？", "after", "我換工作"),
        ("結婚前我住在哪？", "before", "結婚"),
        ("结婚之前我跟谁住？", "before", "结婚"),
        ("毕业以后我做过什么工作？", "after", "毕业"),
        ("自從我養貓之後，買了什麼？", "after", "我養貓"),
        ("大學的時候我住哪裡？", "during", "大學"),
        ("我在台積電工作的時候主管是誰？", "during", "我在台積電工作"),
        ("小時候我養過什麼寵物？", "during", "小時候"),
        ("住院期間誰來看我？", "during", "住院"),
        ("我住台北時養了什麼狗？", "during", "我住台北"),
    ],
)
def test_an_event_that_tells_the_time_is_text_that_can_be_searched(question, role, event):
    assert read(question).anchor == Anchor(role=role, text=event)


@pytest.mark.parametrize(
    "question",
    [
        "When did I move to Taipei?",
        "Can you tell me when I moved to Taipei?",
        "Do you know when I moved?",
        "Until when does my lease run?",
        "What should I do before lunch?",
        "What did I eat after work?",
        "What did I do during the day?",
        "Who looks after my dog?",
        "What was I named after?",
        "since I like tea, what should I buy?",
        "What do I do when I am stressed?",
        "Where did I work before?",
        "Where did I live before 2020?",
        "What did I do after the 3rd?",
        "What was I doing the day before yesterday?",
        "What did I tell you after all?",
        "我什麼時候搬到台北的？",
        "我以前住哪裡？",
        "我太太以前做什麼工作？",
        "小明以前在哪裡上班？",
        "Dana以前住哪裡？",
        "三月之前我做了什麼？",
        "三天前我吃了什麼？",
        "吃飯前我要吃藥嗎？",
        "上班後我要做什麼？",
        "睡前要吃什麼藥？",
        "有空的時候我喜歡做什麼？",
        "後來我住哪裡？",
    ],
)
def test_dates_habits_and_questions_of_when_are_no_event(question):
    assert read(question).anchor is None


def test_a_date_within_the_event_bounds_the_time_asked_for():
    asked = read("What did I buy before my trip in May?")
    assert asked.anchor == Anchor(role="before", text="my trip in May")
    assert told("What did I buy before my trip in May?") == "..2024-05-31"
    assert told("What did I buy after my surgery in 2020?") == "2020-01-01.."
    assert told("Where did I live when I worked at Acme in 2019?") == "2019-01-01..2019-12-31"


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("When did I first meet Melanie?", "first"),
        ("Who was my first boss?", "first"),
        ("What is the earliest note about Rome?", "first"),
        ("When was the last time I saw Anna?", "last"),
        ("When did I last see Anna?", "last"),
        ("When was I last in Oslo?", "last"),
        ("What was the last book I read?", "last"),
        ("What was my most recent purchase?", "last"),
        ("What's the newest photo I sent?", "last"),
        ("What's the latest on my visa?", "last"),
        ("What did I do last week?", None),
        ("What did I do last summer?", None),
        ("What did I read in the last two weeks?", None),
        ("What is my last name?", None),
        ("What is my first name?", None),
        ("Who taught me first aid?", None),
        ("How long does it last?", None),
        ("At last, what did I decide?", None),
        ("What did I want at first?", None),
        ("What are the first and the last book I read?", None),
        ("我什麼時候第一次見到小美？", "first"),
        ("我最早的記憶是什麼？", "first"),
        ("我的第一份工作是什么？", "first"),
        ("上次去日本是什麼時候？", "last"),
        ("最近一次看牙醫是什麼時候？", "last"),
        ("最後一次看醫生是哪天？", "last"),
        ("最新的电话号码是多少？", "last"),
        ("第一名是誰？", None),
        ("最後我決定了什麼？", None),
        ("我最近在忙什麼？", None),
        ("上週我去了哪裡？", None),
    ],
)
def test_a_question_may_ask_for_the_first_or_the_last(question, order):
    assert read(question).order == order


@pytest.mark.parametrize(
    ("question", "past"),
    [
        ("Where did I work before?", True),
        ("Where did I use to live?", True),
        ("Where did I used to live?", True),
        ("What is my previous address?", True),
        ("What is my old phone number?", True),
        ("Who was my boss in 2019?", True),
        ("Where did I live before 2020?", True),
        ("Where did I live before I moved to Taipei?", True),
        ("When I was in college, where did I live?", True),
        ("What happened before that?", True),
        ("What changed since last month?", True),
        ("Do I smoke anymore?", True),
        ("Where do I work?", False),
        ("What did I eat yesterday?", False),
        ("What should I do before lunch?", False),
        ("What should I do before I move to Taipei?", False),
        ("How old is my sister?", False),
        ("How often do I swim, once a week?", False),
        ("How many times did I run in the past two weeks?", False),
        ("What will I do in May?", False),
        ('Who wrote "The Old House"?', False),
        ("我以前住哪裡？", True),
        ("小明以前在哪裡上班？", True),
        ("我搬家之前住哪裡？", True),
        ("我曾經養過貓嗎？", True),
        ("我原本的计划是什么？", True),
        ("上一份工作是什麼？", True),
        ("我的舊手機號碼是什麼？", True),
        ("我的工作有什麼變化？", True),
        ("2020年以前我住哪裡？", True),
        ("我住在哪裡？", False),
        ("我昨天吃了什麼？", False),
        ("出門以前要帶什麼？", False),
        ("走過去要多久？", False),
        ("舊金山的旅館叫什麼？", False),
    ],
)
def test_a_question_may_ask_for_what_was(question, past):
    assert read(question).past is past


@pytest.mark.parametrize(
    ("question", "present"),
    [
        ("What's my current job?", True),
        ("Where am I living now?", True),
        ("Am I still vegetarian?", True),
        ("What do I eat these days?", True),
        ("What do I know?", False),
        ("What will I do a year from now?", False),
        ("What have I told you until now?", False),
        ("Where do I live?", False),
        ("我現在住在哪裡？", True),
        ("目前的工作是什么？", True),
        ("我還住在台北嗎？", True),
        ("到目前為止我跑了多少公里？", False),
        ("我住在哪裡？", False),
    ],
)
def test_a_question_may_ask_for_what_is_now(question, present):
    assert read(question).present is present


@pytest.mark.parametrize(
    ("question", "breadth"),
    [
        ("How many books have I read this year?", True),
        ("How often do I see my dentist?", True),
        ("How much did I spend on books in total?", True),
        ("List all my hobbies", True),
        ("Please list my allergies", True),
        ("What activities does Melanie do?", True),
        ("Which books have I read?", True),
        ("Which musical instruments do I play?", True),
        ("What kinds of music does Dana like?", True),
        ("What are Caroline's hobbies?", True),
        ("Who are my colleagues?", True),
        ("Who are my children?", True),
        ("Which of my friends live in Rome?", True),
        ("Tell me everything about Dana", True),
        ("What is my address?", False),
        ("Which address do I have?", False),
        ("What does James do?", False),
        ("What happens on Friday?", False),
        ("What makes me happy?", False),
        ("What news did Anna have?", False),
        ("Which bus do I take?", False),
        ("How much do I weigh?", False),
        ("What did I do all day?", False),
        ("What is the name of my cat?", False),
        ("我有幾個小孩？", True),
        ("我有哪些過敏？", True),
        ("我去过哪些国家？", True),
        ("我一共去了幾次日本？", True),
        ("我有多少朋友？", True),
        ("列出我的興趣", True),
        ("我都看了什麼電影？", True),
        ("現在幾點？", False),
        ("我女兒幾歲？", False),
        ("我的薪水多少錢？", False),
        ("我等了幾個小時？", False),
        ("我喜歡什麼顏色？", False),
        ("幾個月前我買了什麼？", False),
    ],
)
def test_a_question_may_count_or_list(question, breadth):
    assert read(question).breadth is breadth


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What does Caroline like?", ("Caroline",)),
        ("Is Dana Weiss my colleague?", ("Dana Weiss",)),
        ("Did Tom and Anna go to Paris with me?", ("Tom", "Anna", "Paris")),
        ("Caroline's favourite food?", ("Caroline",)),
        ("List Caroline's hobbies", ("Caroline",)),
        ("What did Dr. Lee say?", ("Dr. Lee",)),
        ("What did I do in March?", ()),
        ("Where do I live?", ()),
        ("Pottery classes?", ()),
        ("王小明喜歡什麼？", ("王小明",)),
        ("小美的生日是什麼時候？", ("小美",)),
        ("《百年孤寂》是誰推薦的？", ("百年孤寂",)),
        ("Dana 喜歡什麼？", ("Dana",)),
        ("台北有哪些好吃的餐廳？", ("台北",)),
        ("我喜歡什麼顏色？", ()),
    ],
)
def test_names_are_found_as_they_are_written(question, named):
    assert read(question).names == named


@pytest.mark.parametrize(
    ("question", "called"),
    [
        ("what does caroline like", "Caroline"),
        ("who is dana weiss", "Dana Weiss"),
        ("what did melanie's sister say", "Melanie's sister"),
        ("when is caroline's birthday", "Caroline"),
        ("what does my wife like", "my wife"),
        ("where is trader joe's", "Trader Joe's"),
        ("who sang in the beatles", "The Beatles"),
        ("do i like mcdonald’s", "McDonald's"),
        ("我太太喜歡什麼？", "my wife"),
        ("小明的太太叫什麼？", "小明的太太"),
        ("台積電的主管是誰？", "台積電"),
        ("我在台積電做什麼？", "台積電"),
        ("dana喜歡什麼？", "Dana"),
        ("민수는 어디에 살아?", "민수"),
    ],
)
def test_a_name_can_be_looked_up_whatever_its_case(question, called):
    assert names.key(called) in read(question).name_keys


@pytest.mark.parametrize("question", ["What is it that you would do there?", "那是什麼？", "", "  ?? "])
def test_words_without_content_are_nobodys_name(question):
    assert read(question).name_keys == ()


@pytest.mark.parametrize(
    ("question", "about_user"),
    [
        ("Where do I live?", True),
        ("What is my name?", True),
        ("What did we do?", True),
        ("Where does the user live?", True),
        ("Where does Alice live?", True),
        ("Where does Bob live?", False),
        ("In which city is it?", False),
        ("我住在哪裡？", True),
        ("用戶住在哪裡？", True),
        ("自我介紹怎麼寫？", False),
        ("小明住在哪裡？", False),
    ],
)
def test_the_user_is_meant_by_pronouns_and_by_their_own_name(question, about_user):
    assert read(question, user="alice").about_user is about_user


def test_the_text_to_search_with_is_in_the_first_person():
    asked = read("What are Alice's hobbies?", user="alice")
    assert (asked.text, asked.names) == ("What are my hobbies?", ())
    assert read("Alice喜歡什麼？", user="alice").text == "我喜歡什麼？"


def test_a_plain_question_asks_for_nothing_in_particular():
    assert read("blue or green") == Question(
        text="blue or green",
        core="blue or green",
        name_keys=("blue", "blue or green", "green"),
        side="other",
    )


# Without the time.


@pytest.mark.parametrize(
    ("question", "core"),
    [
        ("What did I do last week?", "What did I do?"), ("Where did I live in March 2019?", "Where did I live?"),
        ("Who did I meet on Friday and what did we eat?", "Who did I meet and what did we eat?"),
        ("上週我買了什麼？", "我買了什麼？"), ("三月我住哪裡？", "我住哪裡？"), ("我上个月买了什么", "我买了什么"),
        ("Where did I live before I moved to Taipei?", "Where did I live?"), ("我搬家之前住哪裡？", "我住哪裡？"),
        ("Where do I live?", "Where do I live?"), ("貓叫什麼名字", "貓叫什麼名字"),
    ],
)  # fmt: skip
def test_what_is_looked_for_is_the_question_without_the_words_that_tell_the_time(question, core):
    assert text.question_words(read(question).core) == text.question_words(core)


@pytest.mark.parametrize("question", ["last week", "yesterday?", "上週", "2019年", "", "?"])
def test_words_of_time_alone_are_looked_for_as_they_are(question):
    assert read(question).core == question


@pytest.mark.parametrize(
    ("question", "only_time"),
    [
        ("What happened last week?", True), ("What did I do yesterday?", True), ("Anything new last month?", True),
        ("上週我做了什麼？", True), ("昨天發生了什麼事？", True), ("last week", True), ("去年我們做了哪些事？", True),
        ("What did I eat last week?", False), ("上週我吃了什麼？", False), ("Where did I live in 2019?", False),
        ("What happened?", False), ("What happened to Dana last week?", False),
    ],
)  # fmt: skip
def test_a_question_may_ask_for_a_time_and_nothing_else(question, only_time):
    assert read(question).only_time == only_time


@pytest.mark.parametrize(
    ("question", "attribute"),
    [
        ("Where do I live?", "home"), ("Where do I live now?", "home"), ("What was my first job?", "employer"),
        ("我住在哪裡？", "home"), ("我现在住在哪里", "home"), ("我老闆是誰", "boss"), ("What is my name?", "name"),
    ],
)  # fmt: skip
def test_what_of_the_user_is_asked_for(question, attribute):
    assert attribute in read(question).attributes


@pytest.mark.parametrize(
    "question",
    [
        "Where does my sister live?",
        "Where did I live with Dana?",
        "我妹妹住哪裡？",
        "Where does Tom live?",
        "live",
        "我喜歡吃什麼麵包？",
    ],
)
def test_what_is_asked_of_others_or_with_more_is_no_attribute_of_the_user(question):
    assert not read(question).attributes


@pytest.mark.parametrize(
    "question",
    ["What was my first job?", "我第一份工作在哪？", "Which companies have I worked for?", "When did we get engaged?"],
)
def test_first_and_all_values_and_when_something_was_ask_for_the_past(question):
    assert read(question).past


@pytest.mark.parametrize(
    "question", ["¿Dónde vivía en marzo?", "Где я жил до переезда?", "où est-ce que j'habite ?", "ผมอยู่ที่ไหน"]
)
def test_another_language_is_searched_as_it_is(question):
    asked = read(question)
    assert (asked.text, asked.times, asked.anchor, asked.order) == (question, (), None, None)
    assert (asked.past, asked.present, asked.breadth) == (False, False, False)


def test_only_the_beginning_of_a_pasted_document_is_understood():
    asked = read("What is this? " + "x" * LOOK + " How many times did I see Caroline last week?")
    assert (asked.times, asked.breadth, asked.names) == ((), False, ())
    assert asked.text.endswith("last week?")
    assert asked.core.endswith("last week?")
    assert not read("What happened last week? " + "It rained on us. " * LOOK).only_time


PIECES = st.sampled_from(
    """when before after since during I was moved the last first in March 3rd two weeks ago recently my wife Caroline's how
    many which books from to 2019 ? , 我 搬家 之前 的時候 三月 前 後 最近 三個月 小時候 幾 個 İ ﬁ 先週 지난주 現在 \ud800""".split()
)


@given(st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(PIECES).map(" ".join)), st.datetimes())
def test_any_question_at_any_time_is_read_without_an_error(question, now):
    asked = understand(question, now=now, user="al")
    asked.text.encode()
    for each in asked.times:
        assert (each.start is None, each.end is None) == (each.role == "before", each.role == "after")
        assert each.start is None or each.end is None or each.start <= each.end
    assert len(asked.name_keys) == len(set(asked.name_keys)) < 1_000


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        " ",
        "before ",
        "when i was in may ",
        "三月前",
        "我搬家之前",
        "what things are ",
        "my wife's ",
        "first last ",
        "every\n",
    ],
)
def test_a_very_long_question_costs_little_more_than_one_of_some_pages(piece):
    def seconds(length):
        start = time.thread_time()
        read((piece * length)[:length])
        return time.thread_time() - start

    read("warm 三月")
    assert seconds(200_000) < 10 * min(seconds(10_000) for _ in range(3)) + 1
