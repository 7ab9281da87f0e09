"""Dates in words: what they mean on the day they were said, how exact they are, and what is no date at all."""

import itertools
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemic.dates import When, asked, find, of_fact, tense

TAIPEI = timezone(timedelta(hours=8))
WEDNESDAY = datetime(2025, 3, 12, 9, 30, tzinfo=TAIPEI)
NOTHING = (None, None, None)

FORMS = {
    "second": "%Y-%m-%dT%H:%M:%S",
    "day": "%Y-%m-%d",
    "week": "%Y-%m-%d/week",
    "month": "%Y-%m",
    "season": "%Y-%m/season",
    "year": "%Y",
}


def told(text, said_at=WEDNESDAY):
    """The times a text names, in short: what its precision shows of the first moment, and of the last in a range."""
    return " ".join(_told(each) for each in find(text, said_at))


def _told(when):
    form = FORMS[when.precision]
    if when.precision == "week" and when.start.weekday() == 5:
        form = "%Y-%m-%d/weekend"
    if when.precision == "season":
        return when.start.strftime(form)
    first, last = (moment.strftime(form) for moment in (when.start, when.end - timedelta(seconds=1)))
    return first if first == last or when.precision == "week" else f"{first}..{last}"


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("I met Anna yesterday.", "2025-03-11"),
        ("The day before yesterday I lost my keys.", "2025-03-10"),
        ("We fly to Rome tomorrow.", "2025-03-13"),
        ("The plumber comes the day after tomorrow.", "2025-03-14"),
        ("I slept badly last night.", "2025-03-11"),
        ("Tonight we are cooking ramen.", "2025-03-12"),
        ("I ran 10 km this morning.", "2025-03-12"),
        ("I had a haircut last Friday.", "2025-03-07"),
        ("Last Monday I started at Acme.", "2025-03-10"),
        ("My sister visits this Friday.", "2025-03-14"),
        ("The dentist is booked for next Monday.", "2025-03-17"),
        ("I saw her on Monday.", "2025-03-10"),
        ("I'll call him on Friday.", "2025-03-14"),
        ("I'm flying to Oslo on Sunday.", "2025-03-16"),
        ("Last week I bought a bike.", "2025-03-03/week"),
        ("Next week we move.", "2025-03-17/week"),
        ("I am off this week.", "2025-03-10/week"),
        ("Exam the week after next!", "2025-03-24/week"),
        ("We went hiking last weekend.", "2025-03-08/weekend"),
        ("This weekend my parents visit.", "2025-03-15/weekend"),
        ("I quit smoking last month.", "2025-02"),
        ("Next month I turn 30.", "2025-04"),
        ("The month before last we got a cat.", "2025-01"),
        ("I graduated last year.", "2024"),
        ("Next year I want to learn Thai.", "2026"),
        ("I've been vegan this year.", "2025"),
        ("She moved out three days ago.", "2025-03-09"),
        ("Two weeks ago I broke my arm.", "2025-02-24/week"),
        ("I got my licence 2 months ago.", "2025-01"),
        ("Five years ago I lived in Paris.", "2020"),
        ("A year ago I adopted a dog.", "2024"),
        ("I ate three hours ago.", "2025-03-12"),
        ("We are leaving in two days.", "2025-03-14"),
        ("The lease ends in three months.", "2025-06"),
        ("The baby is due in two weeks.", "2025-03-24/week"),
        ("The launch is ten days from now.", "2025-03-22"),
        ("On March 3rd I had surgery.", "2025-03-03"),
        ("I was in Lisbon on May 12.", "2024-05-12"),
        ("The wedding will be on 12 May.", "2025-05-12"),
        ("Flight on 12 May", "2025-05-12"),
        ("I moved here on November 5th.", "2024-11-05"),
        ("I signed the contract on 14/3/2024.", "2024-03-14"),
        ("Signed 3/14/2024.", "2024-03-14"),
        ("Deadline: 2025-04-01", "2025-04-01"),
        ("Released on 2023/05/08 in Japan", "2023-05-08"),
        ("Termin am 8.5.2023 in Köln", "2023-05-08"),
        ("I was born on May 12, 1990.", "1990-05-12"),
        ("I was born in 1990.", "1990"),
        ("We got married on the 3rd of June 2018.", "2018-06-03"),
        ("I joined Siemens in May 2023.", "2023-05"),
        ("In Sept 2021 we adopted Max.", "2021-09"),
        ("In 2019 I moved to Berlin.", "2019"),
        ("I met him in the summer of 2020.", "2020-06/season"),
        ("We met in winter 2021.", "2021-12/season"),
        ("Last summer I worked on a farm.", "2024-06/season"),
        ("I was in Kyoto last autumn.", "2024-09/season"),
        ("This summer I'll hike the Alps.", "2025-06/season"),
        ("In January I broke my leg.", "2025-01"),
        ("I went to Japan in November.", "2024-11"),
        ("I'm getting married in June.", "2025-06"),
        ("Last October we bought a flat.", "2024-10"),
        ("In March last year I changed jobs.", "2024-03"),
        ("I left in March of last year.", "2024-03"),
        ("At the end of 2022 I got divorced.", "2022"),
        ("In early May 2022 I got ill.", "2022-05"),
        ("Meeting tomorrow at 3pm.", "2025-03-13T15:00:00"),
        ("Call at 10:30 am on March 20, 2025", "2025-03-20T10:30:00"),
        ("We spoke yesterday at 14:15.", "2025-03-11T14:15:00"),
        ("Dinner tonight at 8.", "2025-03-12T20:00:00"),
        ("Meet me at noon tomorrow", "2025-03-13T12:00:00"),
        ("Yesterday morning at 9 I fell.", "2025-03-11T09:00:00"),
        ("Let's talk on Friday evening, I'll be free.", "2025-03-14"),
        ("I lived in Rome from 2015 to 2019.", "2015..2019"),
        ("I worked there between 2010 and 2012.", "2010..2012"),
        ("I was in Peru from March to May 2022.", "2022-03..2022-05"),
        ("The fair runs March 3-5, 2026.", "2026-03-03..2026-03-05"),
        ("Engineer at Google (2015–2019)", "2015..2019"),
        ("I've worked at Acme since March 2021.", "2021-03"),
        ("I have lived in Berlin since 2018.", "2018"),
        ("I've had a cough since Monday.", "2025-03-10"),
        ("Since last Friday I have a new phone.", "2025-03-07"),
        ("I was at IBM from 2019 until now.", "2019"),
        ("I'm in Vienna until June.", "2025-06"),
        ("I was a nurse until 2016.", "2016"),
        ("Tuesday last week I saw a bear.", "2025-03-04"),
        ("On the 15th of last month I was paid.", "2025-02-15"),
        ("May 2023 was rough for me.", "2023-05"),
        ("Log: 2023-05-08T14:30:00Z login", "2023-05-08T22:30:00"),
        ("Hi! My choir sang in the town hall yesterday and it was packed.", "2025-03-11"),
        ("I repaired the boat last Saturday – took me all day.", "2025-03-08"),
        ("I'm moving desks this month.", "2025-03"),
        ("Had an eye test last Friday, all fine!", "2025-03-07"),
        ("The parcel comes next week", "2025-03-17/week"),
        ("Actually we opened the shop on 5 July 2023.", "2023-07-05"),
        ("I planted that cherry tree last year!", "2024"),
        ("I've been baking bread since 2016.", "2016"),
        ("Our son learned to swim back in August 2021, so late", "2021-08"),
        ("I'm starting my new job as a data engineer at Spotify on April 1st.", "2025-04-01"),
        ("Moved to Seattle in the fall of 2019 for work", "2019-09/season"),
        ("My visa expires on 2026-01-31.", "2026-01-31"),
        ("I'd been at Intel from June 2012 until September 2018.", "2012-06..2018-09"),
        ("Dad passed away 6 years ago", "2019"),
        ("dentist tomorrow 4:30pm", "2025-03-13T16:30:00"),
        ("On Feb 14, 2022 we got engaged", "2022-02-14"),
        ("I'm on sabbatical until September", "2025-09"),
        ("I have worked remotely since last October.", "2024-10"),
        ("I started therapy in January this year.", "2025-01"),
        ("I drank 3 beers last night lol", "2025-03-11"),
        ("Book club met on Tuesday night.", "2025-03-11"),
        ("I handed in my thesis on the 28th of February", "2025-02-28"),
        ("my contract ends Dec 31, 2025", "2025-12-31"),
        ("Last weekend's trip was amazing", "2025-03-08/weekend"),
        ("I have a meeting at 3pm today", "2025-03-12T15:00:00"),
        ("I adopted Luna on 2/20/2024", "2024-02-20"),
        ("Twenty years ago I left Poland.", "2005"),
        ("I'll be 40 in two years", "2027"),
        ("My mom visited in mid-December 2024", "2024-12"),
        ("Before 2015 I lived in Madrid", "2015"),
        ("I plan to run the Berlin marathon in September", "2025-09"),
        ("I saw the Eagles on Sunday", "2025-03-09"),
        ("I lived abroad between March 2017 and July 2018", "2017-03..2018-07"),
        ("I met some folks last Tues.", "2025-03-11"),
        ("We met last Fri on the way", "2025-03-07"),
        ("I sold my car the week before last.", "2025-02-24/week"),
        ("It was in the year 1999.", "1999"),
        ("I turned 30 on March 1", "2025-03-01"),
    ],
)
def test_english_words_become_dates_with_their_precision(text, times):
    assert told(text) == times


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("我昨天去看了醫生。", "2025-03-11"),
        ("前天我買了一台車", "2025-03-10"),
        ("大前天我们搬家了", "2025-03-09"),
        ("明天要開會", "2025-03-13"),
        ("後天我要去日本", "2025-03-14"),
        ("大後天考試", "2025-03-15"),
        ("后天出发", "2025-03-14"),
        ("昨晚我沒睡好", "2025-03-11"),
        ("今晚吃火鍋", "2025-03-12"),
        ("今天早上我跑了十公里", "2025-03-12"),
        ("上週五我們去爬山", "2025-03-07"),
        ("上周五我们去爬山", "2025-03-07"),
        ("下星期三面試", "2025-03-19"),
        ("下禮拜一開始上班", "2025-03-17"),
        ("這週五交報告", "2025-03-14"),
        ("本周日我休息", "2025-03-16"),
        ("上上週日我在高雄", "2025-03-02"),
        ("上週我感冒了", "2025-03-03/week"),
        ("上上週我辭職了", "2025-02-24/week"),
        ("下週出差", "2025-03-17/week"),
        ("下个星期我请假", "2025-03-17/week"),
        ("這個週末去露營", "2025-03-15/weekend"),
        ("上週末我去釣魚", "2025-03-08/weekend"),
        ("上個月我換了工作", "2025-02"),
        ("下個月結婚", "2025-04"),
        ("下个月搬家", "2025-04"),
        ("上上個月養了貓", "2025-01"),
        ("這個月我戒糖", "2025-03"),
        ("去年我搬到台北", "2024"),
        ("前年生了小孩", "2023"),
        ("明年想去冰島", "2026"),
        ("后年毕业", "2027"),
        ("今年我三十歲", "2025"),
        ("三天前我摔斷了腿", "2025-03-09"),
        ("两周前我剪了头发", "2025-02-24/week"),
        ("三個星期前開始健身", "2025-02-17/week"),
        ("兩個月前我買了房子", "2025-01"),
        ("3个月前辞职了", "2024-12"),
        ("兩年前我住在東京", "2023"),
        ("十年前我開始學琴", "2015"),
        ("5年前離婚", "2020"),
        ("半年前我開始跑步", "2024-09/season"),
        ("三天後要考試", "2025-03-15"),
        ("两周后去北京", "2025-03-24/week"),
        ("兩個月後生產", "2025-05"),
        ("去年夏天我在法國", "2024-06/season"),
        ("去年冬天很冷", "2024-12/season"),
        ("2020年夏天我們認識的", "2020-06/season"),
        ("今年春天要去京都", "2025-03/season"),
        ("去年三月我開始上班", "2024-03"),
        ("前年十二月生的", "2023-12"),
        ("明年五月要畢業", "2026-05"),
        ("去年三月八號登記結婚", "2024-03-08"),
        ("2023年5月8日入職", "2023-05-08"),
        ("2023年5月我加入台積電", "2023-05"),
        ("二〇一九年十二月三日手術", "2019-12-03"),
        ("二零一九年我搬到上海", "2019"),
        ("2019年我搬到柏林", "2019"),
        ("民國110年我退伍", "2021"),
        ("我出生於1990年5月12日", "1990-05-12"),
        ("五月八號我去了花蓮", "2024-05-08"),
        ("五月八号要考试", "2025-05-08"),
        ("三月三日我開了刀", "2025-03-03"),
        ("十月初我去了首爾", "2024-10"),
        ("十一月我結束了實習", "2024-11"),
        ("我六月要結婚", "2025-06"),
        ("我六月要結婚了", "2025-06"),
        ("上個月15號領到薪水", "2025-02-15"),
        ("下個月三號看牙醫", "2025-04-03"),
        ("明天下午三點開會", "2025-03-13T15:00:00"),
        ("昨天晚上八點半吃飯", "2025-03-11T20:30:00"),
        ("後天早上九點一刻集合", "2025-03-14T09:15:00"),
        ("明天15:30面試", "2025-03-13T15:30:00"),
        ("2025年4月1日上午10點開幕", "2025-04-01T10:00:00"),
        ("上週五晚上七點聚餐", "2025-03-07T19:00:00"),
        ("2015到2019年我在羅馬", "2015..2019"),
        ("從2010年到2012年我當老師", "2010..2012"),
        ("2022年3月到5月我在秘魯", "2022-03..2022-05"),
        ("5月1日到5月3日我會去露營", "2025-05-01..2025-05-03"),
        ("上週一到週三我出差", "2025-03-03..2025-03-05"),
        ("從2018年開始我住在柏林", "2018"),
        ("2021年以來我在家工作", "2021"),
        ("自去年三月起我吃素", "2024-03"),
        ("上週五開始咳嗽", "2025-03-07"),
        ("我住到明年六月", "2026-06"),
        ("簽證到2026年12月31日為止", "2026-12-31"),
        ("我上周三去看了电影", "2025-03-05"),
        ("去年年底我分手了", "2024"),
        ("明年初要換工作", "2026"),
        ("週日我去了教堂", "2025-03-09"),
        ("週六要打球", "2025-03-15"),
        ("我上個月剛搬到新竹", "2025-02"),
        ("我妹妹下個月要生了", "2025-04"),
        ("我在Google工作，2019年加入的", "2019"),
        ("我們是2016年夏天在巴黎認識的", "2016-06/season"),
        ("上禮拜天去看了五月天的演唱會", "2025-03-09"),
        ("我今年三月開始學日文", "2025-03"),
        ("我女兒去年九月上小學", "2024-09"),
        ("昨天下午兩點多跌倒了", "2025-03-11"),
        ("我爸三年前過世了", "2022"),
        ("我从去年开始吃素", "2024"),
        ("我从2020年3月起在家办公", "2020-03"),
        ("我下周四下午三点有面试", "2025-03-20T15:00:00"),
        ("前天晚上我跟小明吃飯", "2025-03-10"),
        ("明天早上八点的飞机", "2025-03-13T08:00:00"),
        ("我三月一日滿三十歲了", "2025-03-01"),
        ("二月二十八日我交了論文", "2025-02-28"),
        ("這禮拜六要去台中", "2025-03-15"),
        ("我1988年出生", "1988"),
        ("我大學是2006年到2010年念的", "2006..2010"),
        ("一個月前我開始減肥", "2025-02"),
        ("二十年前我離開波蘭", "2005"),
        ("上次去日本是前年冬天", "2023-12/season"),
        ("我下下週要去韓國出差", "2025-03-24/week"),
        ("去年12月25日我們訂婚了", "2024-12-25"),
        ("今天下午三點要看牙醫", "2025-03-12T15:00:00"),
        ("我週五會晚點到", "2025-03-14"),
        ("这个月底交房租", "2025-03"),
        ("上月我买了新手机", "2025-02"),
        ("我是民國75年生的", "1986"),
        ("後年我會退休", "2027"),
        ("七月一号我入职了新公司", "2024-07-01"),
        ("3月20號晚上7點半聚餐", "2025-03-20T19:30:00"),
        ("我五月要考試，六月畢業", "2025-05 2025-06"),
        ("三月的時候我去了日本", "2025-03"),
        ("2024/11/03 開刀", "2024-11-03"),
        ("一年前的今天我們在一起", "2024 2025-03-12"),
    ],
)
def test_chinese_words_become_dates_with_their_precision(text, times):
    assert told(text) == times


@pytest.mark.parametrize(
    "text",
    [
        "I like green tea.",
        "I work at Acme now.",
        "Currently I live in Berlin.",
        "I have lived here for three years.",
        "I may go out.",
        "They march every day.",
        "Wait a second.",
        "I have a sun hat.",
        "I take a walk once a day.",
        "I am 34 years old.",
        "It cost $2019.",
        "Call me on 555-2019-12.",
        "Python 3.11.7 is installed.",
        "We won 3:2.",
        "I'm available 24/7.",
        "I remember 9/11.",
        "I buy snacks at 7-Eleven.",
        "I play football every Monday.",
        "I swim on Mondays.",
        "On Fridays we eat fish.",
        "One day I'll be rich.",
        "The other day I saw a fox.",
        "Someday I will go to Mars.",
        "My birthday is May 12.",
        "My birthday is in March.",
        "We have an anniversary on June 3.",
        "It rains a lot in April.",
        "I usually ski in February.",
        "I work from Monday to Friday.",
        "I wake up at 6am.",
        "My flat is number 12.",
        "I read 50 books in two years.",
        "I ran a marathon twice in three months.",
        "A few days ago I felt ill.",
        "About three years ago I moved.",
        "A couple of weeks ago we met.",
        "More than 10 years ago I smoked.",
        "I need 3/4 cup of sugar.",
        "The meeting is on 3/4/2025.",
        "In my last year of college I met Tom.",
        "Over the last week I slept well.",
        "In the past month I lost weight.",
        "The next day we left.",
        "The last Friday of the month is payday.",
        "I like the song Yesterday.",
        "I read USA Today.",
        "There is no tomorrow.",
        "I wasn't born yesterday.",
        "I watch Friday Night Lights.",
        "Black Friday is awful.",
        "June is my best friend.",
        "April said hi to May.",
        "My dog August is big.",
        "The version is 2023.05.08.",
        "My room is 2019.",
        "I own 2000 books.",
        "I walked in 2000 steps.",
        "The 1990s were great.",
        "In the 80s I was a punk.",
        "I love summer.",
        "I prefer winter to spring.",
        "Prices fall every day.",
        "I sleep eight hours a night.",
        "Good morning!",
        "I'm a morning person.",
        "My office is on the 3rd floor.",
        "I have three weeks of holiday.",
        "I've been running for two months.",
        "These days I'm tired.",
        "Recently I changed.",
        "It happened years ago.",
        "A long time ago.",
        "Sunday school was fun.",
        "My mother is a March hare.",
        "I met my second wife.",
        "The ratio is 12:30 to 1.",
        "It's a day trip.",
        "I bought a Model 3.",
        "I drink 2 coffees per day.",
        "I was born in May.",
        "He is in grade 10.",
        "I took part in march practice.",
        "Two days later he left.",
        "I weigh 80 kg.",
        "Chapter 2020 is long.",
        "I get paid monthly.",
        "I'm going for a week.",
        "Next time I win.",
        "At last I won.",
        "I've seen Wednesday on Netflix.",
        "The May family lives here.",
        "Last but not least.",
        "A hundred years ago people died young.",
        "3-4 days ago I was ill.",
        "The roof leaked two weekends ago.",
        "we got engaged on valentine's day",
        "My flight leaves Sunday at 7am",
        "Since I was 12, I play piano",
        "Next summer we hope to visit Iceland.",
        "The kids start school in September.",
        "I am allergic to peanuts since childhood",
        "It may rain on Sunday",
        "We watched the second season in one day",
        "I'm 5 months pregnant",
        "I read 'May Week Was in June'",
        "Ten minutes ago I sent it",
        "when we last sat down",
        "I wear size 2020",
    ],
)
def test_english_words_that_name_no_date_invent_none(text):
    assert find(text, WEDNESDAY) == ()


@pytest.mark.parametrize(
    "text",
    [
        "我喜歡喝綠茶",
        "我現在住在台北",
        "目前在台積電上班",
        "最近很忙",
        "我住在這裡三年了",
        "每週一我打球",
        "我每天跑步",
        "每年三月去日本",
        "有一天我會成功",
        "一天喝三杯咖啡",
        "我喜歡五月天",
        "我愛聽二月花",
        "我的生日是五月十二日",
        "生日是5月12號",
        "三月櫻花很美",
        "通常二月去滑雪",
        "幾天前我生病了",
        "好幾年前的事",
        "十幾年前我抽菸",
        "大約三年前搬家",
        "兩三年前離婚",
        "多年前的事了",
        "過去三年我很累",
        "最近三天下雨",
        "農曆八月十五日我去了台中",
        "七月半要拜拜",
        "我有三個月的假",
        "我等了三個小時",
        "這周圍很安靜",
        "公司周年慶",
        "他是周一鳴",
        "聰明天真",
        "說明天氣",
        "以後天天運動",
        "然後天黑了",
        "過去年輕時很瘦",
        "以前年紀小",
        "登上月球",
        "一月一次聚會",
        "我一週三次健身",
        "後天努力很重要",
        "隨時24/7",
        "第三天前",
        "我住五號房",
        "坐三號線",
        "給我三點建議",
        "有一點累",
        "一日三餐",
        "2000年歷史的古城",
        "我花了300元",
        "版本2023.05.08",
        "電話0912345678",
        "我八月十五吃月餅",
        "三、四天前",
        "超過十年前的事",
        "考試前三天",
        "以前我住高雄",
        "之後再說",
        "週末我喜歡睡覺",
        "早上我喝咖啡",
        "晚上八點睡覺",
        "五月花號",
        "春天很舒服",
        "冬天我會滑雪",
        "三月前要交",
        "天天開心",
        "某天下午",
        "改天再約",
        "日後再說",
        "前後三年",
        "半年",
        "上下班很累",
        "每月五號領薪水",
        "我是天秤座",
        "上週末班車",
        "下一代",
        "大约五年前来的台湾",
        "我每个周末都去爬山",
        "我五年級",
        "我住五樓",
        "再過三天就放假了",
        "過兩天再說",
        "我十一點睡覺",
        "我在十月咖啡店上班",
        "星期三我休假",
        "我國中三年都住校",
        "半年後要回國",
        "結婚十年了",
        "我聊了星期五的故事",
        "大概是兩個月前",
    ],
)
def test_chinese_words_that_name_no_date_invent_none(text):
    assert find(text, WEDNESDAY) == ()


def day(year, month, number=1, zone=TAIPEI):
    return datetime(year, month, number, tzinfo=zone)


def test_a_time_says_when_it_begins_and_ends_how_exact_it_is_and_where_it_stands():
    assert find("We met in May 2023, again.", WEDNESDAY) == (
        When(start=day(2023, 5), end=day(2023, 6), precision="month", place=(10, 18)),
    )


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("yesterday at 3pm", timedelta(seconds=1)),
        ("yesterday", timedelta(days=1)),
        ("last week", timedelta(days=7)),
        ("last weekend", timedelta(days=2)),
        ("February 2024", timedelta(days=29)),
        ("winter 2023", timedelta(days=91)),
        ("去年", timedelta(days=366)),
        ("December 2024", timedelta(days=31)),
    ],
)
def test_a_time_lasts_as_long_as_its_unit(text, length):
    (when,) = find(text, WEDNESDAY)
    assert when.end - when.start == length


@pytest.mark.parametrize(
    ("quote", "validity"),
    [
        ("I broke my leg yesterday", (day(2025, 3, 11), None, "day")),
        ("I joined Siemens in May 2023", (day(2023, 5), None, "month")),
        ("I lived in Rome from 2015 to 2019", (day(2015, 1), day(2020, 1), "year")),
        ("The fair runs March 3-5, 2026", (day(2026, 3, 3), day(2026, 3, 6), "day")),
        ("I have lived in Berlin since 2018", (day(2018, 1), None, "year")),
        ("I was at IBM from 2019 until now", (day(2019, 1), None, "year")),
        ("I'm in Vienna until June", (None, day(2025, 7), "month")),
        ("I was a nurse until 2016", (None, day(2017, 1), "year")),
        ("我昨天跌倒了", (day(2025, 3, 11), None, "day")),
        ("2015到2019年我在羅馬", (day(2015, 1), day(2020, 1), "year")),
        ("2021年以來我在家工作", (day(2021, 1), None, "year")),
        ("我從2019年到現在都在台積電", (day(2019, 1), None, "year")),
        ("簽證到2026年12月31日為止", (None, day(2027, 1), "day")),
        ("我住到明年六月", (None, day(2026, 7), "month")),
        ("I met him yesterday, yes, yesterday", (day(2025, 3, 11), None, "day")),
    ],
)
def test_a_fact_is_dated_by_the_one_time_that_its_quote_names(quote, validity):
    assert of_fact(quote, WEDNESDAY) == validity


@pytest.mark.parametrize(
    "quote",
    [
        "I live in Berlin",
        "I moved in 2015 and in 2019",
        "I visited Japan in 2019 and 2020",
        "We met last week and again yesterday",
        "Before 2015 I lived in Madrid",
        "I moved here after May 2020",
        "Around 2010 I lived in Rome",
        "not on Friday, but I'll see",
        "I feel tired today",
        "Today I work at Google",
        "今天我很累",
        "我2015年搬家，2019年又搬家",
        "2019年之前我住高雄",
        "二〇一九年之前我住高雄",
        "大約2019年我搬家",
        "2019年左右我搬家",
        "現在我住台北",
    ],
)
def test_a_fact_with_no_time_several_or_an_uncertain_one_says_so(quote):
    assert of_fact(quote, WEDNESDAY) == NOTHING


def test_today_is_a_day_to_ask_for_though_it_dates_no_fact():
    assert told("What did I plan for today?") == "2025-03-12"
    assert told("今天有什麼事") == "2025-03-12"


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("I saw her on May 12", "2024-05-12"),
        ("I will see her on May 12", "2025-05-12"),
        ("Concert on May 12", "2025-05-12"),
        ("Concert on January 12", "2025-01-12"),
        ("Concert on October 1", ""),
        ("我十月一日看了醫生", "2024-10-01"),
        ("我十月一日要看醫生", "2025-10-01"),
        ("十月一日看醫生", ""),
    ],
)
def test_the_tense_tells_the_year_of_a_day_and_without_it_only_a_clearly_nearer_one_counts(text, times):
    assert told(text) == times


@pytest.mark.parametrize(
    ("question", "bound", "first"),
    [
        ("Who came in May?", "in", "2024-05-01"),
        ("Who is coming in May?", "in", "2025-05-01"),
        ("Who did I call on the 31st?", "in", "2025-01-31"),
        ("Who came since May?", "since", "2024-05-01"),
        ("Who came before May?", "before", "2024-05-01"),
        ("Who came after May?", "after", "2024-05-01"),
        ("Who stayed until May 2024?", "until", "2024-05-01"),
        ("Who came around May 2024?", "in", "2024-05-01"),
        ("五月之前誰來了？", "before", "2024-05-01"),
        ("五月以後誰來過？", "after", "2024-05-01"),
        ("去年前往哪裡？", "in", "2024-01-01"),
    ],
)
def test_a_question_means_one_time_where_a_statement_leaves_it_open(question, bound, first):
    (each,) = asked(question, WEDNESDAY)
    assert (each.bound, each.when.start.date().isoformat()) == (bound, first)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where did I live?", "past"),
        ("Have I seen it?", "past"),
        ("Where do I live?", "present"),
        ("Where will I live?", "future"),
        ("What am I doing?", "future"),
        ("Can you tell me where I went?", "past"),
        ("my trips", None),
        ("我吃了什麼", "past"),
        ("我要吃什麼", "future"),
        ("我喜歡什麼", None),
    ],
)
def test_the_verbs_of_a_question_tell_its_tense(question, expected):
    assert tense(question) == expected


@pytest.mark.parametrize(
    ("weekday", "times"),
    [(10, "2025-03-17"), (12, "2025-03-17"), (15, "2025-03-17"), (16, "2025-03-17")],
)
def test_next_monday_is_the_monday_of_next_week(weekday, times):
    assert told("See you next Monday", WEDNESDAY.replace(day=weekday)) == times


def test_next_friday_said_before_friday_may_be_either_and_is_left_open():
    assert told("See you next Friday") == ""
    assert told("See you next Friday", WEDNESDAY.replace(day=15)) == "2025-03-21"


def test_a_weekday_of_last_week_in_chinese_is_not_merely_the_latest():
    sunday = WEDNESDAY.replace(day=16)
    assert told("上週五", sunday) == "2025-03-07"
    assert told("I fell last Friday", sunday) == "2025-03-14"


@pytest.mark.parametrize("text", ["31 February 2024", "2023-02-29", "2024年2月30日", "32 May 2020", "13月5日", "25:70"])
def test_a_day_that_the_calendar_lacks_is_no_date(text):
    assert [each for each in find(text, WEDNESDAY) if each.precision == "day"] == []


def test_a_weekday_that_contradicts_its_date_makes_both_unclear():
    assert told("on Wednesday, May 8, 2024") == "2024-05-08"
    assert told("on Friday, May 8, 2024") == ""


def test_the_zone_of_the_speaker_is_kept_and_decides_the_day():
    berlin = datetime(2025, 3, 30, 1, 30, tzinfo=ZoneInfo("Etc/GMT-1"))
    (when,) = find("yesterday", berlin)
    assert (when.start, when.start.tzinfo) == (datetime(2025, 3, 29, tzinfo=berlin.tzinfo), berlin.tzinfo)
    (when,) = find("yesterday", datetime(2025, 3, 30, 1, 30))  # noqa: DTZ001
    assert when.start == day(2025, 3, 29, UTC)


def test_a_zone_in_the_text_is_converted_to_the_speakers():
    (when,) = find("logged 2023-05-08T14:30:00-04:00", WEDNESDAY)
    assert when.start == datetime(2023, 5, 9, 2, 30, tzinfo=TAIPEI)
    assert when.start.tzinfo == TAIPEI


@pytest.mark.parametrize(
    "text", ["yesterday", "昨天", "three years ago", "去年", "last week", "150年前", "last winter"]
)
def test_what_lies_before_the_first_year_is_not_found(text):
    assert find(text, datetime(1, 1, 1, tzinfo=TAIPEI)) == ()


@pytest.mark.parametrize("text", ["tomorrow", "明天", "明年", "next week", "next year", "150 years from now"])
def test_what_lies_after_the_last_year_is_not_found(text):
    assert find(text, datetime(9999, 12, 31, 23, 59, tzinfo=TAIPEI)) == ()


def test_a_day_that_begins_before_the_first_year_in_utc_is_not_found():
    assert find("yesterday", datetime(1, 1, 2, tzinfo=TAIPEI)) == ()
    assert told("yesterday", datetime(1, 1, 2, tzinfo=UTC)) == date(1, 1, 1).strftime("%Y-%m-%d")


@pytest.mark.parametrize(
    ("text", "clock"), [("tomorrow at 12pm", "12:00"), ("tomorrow at 12:05am", "00:05"), ("明天中午12點", "12:00")]
)
def test_twelve_is_noon_or_the_beginning_of_the_day(text, clock):
    assert told(text) == f"2025-03-13T{clock}:00"


@pytest.mark.parametrize("text", ["tomorrow at 3", "tomorrow at 3:30", "明天三點"])
def test_an_hour_of_either_half_of_the_day_leaves_the_day(text):
    assert told(text) == "2025-03-13"


def test_figures_of_full_width_are_read():
    assert told("２０２３年５月８日，２０２４／０１／０５") == "2023-05-08 2024-01-05"


@pytest.mark.parametrize("text", ["1號到昨天", "the 5th until yesterday"])
def test_a_day_without_a_month_takes_none_from_a_whole_date(text):
    assert told(text) in ("", "2025-03-11")


DAYS = st.dates(date(1900, 1, 1), date(2099, 12, 30))
MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, TAIPEI, timezone(-timedelta(hours=3, minutes=30))]))
MONTHS = "January February March April May June July August September October November December".split()
FIGURES = "〇一二三四五六七八九"


def chinese(number):
    tens, ones = divmod(number, 10)
    return ("" if tens < 2 else FIGURES[tens]) + "十" * (tens > 0) + (FIGURES[ones] if ones else "")


def written(when):
    """The same day in the ways that people write it."""
    name = MONTHS[when.month - 1]
    return [
        when.isoformat(),
        f"{when.year}/{when.month}/{when.day}",
        f"{when.day}.{when.month}.{when.year}",
        f"{name} {when.day}, {when.year}",
        f"{when.day} {name} {when.year}",
        f"{name[:3]} {when.day} {when.year}",
        f"the {when.day}th of {name}, {when.year}",
        f"{when.year}年{when.month}月{when.day}日",
        f"{when.year}年{chinese(when.month)}月{chinese(when.day)}號",
        "".join(FIGURES[int(each)] for each in str(when.year)) + f"年{chinese(when.month)}月{chinese(when.day)}日",
    ]


@given(
    DAYS,
    MOMENTS,
    st.integers(0, 9),
    st.sampled_from(["", "I saw it on ", "我在"]),
    st.sampled_from(["", " in Rome.", "。"]),
)
def test_a_written_day_is_read_back(when, said_at, form, before, after):
    words = written(when)[form]
    (found,) = find(before + words + after, said_at)
    assert (found.start.date(), found.precision, found.start.tzinfo) == (when, "day", said_at.tzinfo)
    assert found.end - found.start == timedelta(days=1)
    assert words.endswith((before + words + after)[slice(*found.place)])


@given(st.integers(1, 99), DAYS)
def test_days_ago_are_counted_from_the_day_of_saying(count, said_on):
    said_at = datetime(said_on.year, said_on.month, said_on.day, 23, 59, tzinfo=TAIPEI)
    expected = (said_on - timedelta(days=count)).isoformat()
    for text in (f"I fell {count} days ago", f"我{count}天前跌倒了", f"我{chinese(count)}天前跌倒了"):
        assert told(text, said_at) == expected


@given(st.integers(1, 99), DAYS)
def test_months_ago_is_the_month_so_many_before(count, said_on):
    said_at = datetime(said_on.year, said_on.month, said_on.day, tzinfo=TAIPEI)
    year, month = divmod(said_on.year * 12 + said_on.month - 1 - count, 12)
    for text in (f"I fell {count} months ago", f"我{chinese(count)}個月前跌倒了"):
        assert told(text, said_at) == f"{year:04}-{month + 1:02}"


PIECES = st.sampled_from(
    """yesterday today last next this week weekend month year Friday May march 12 3rd 2019 from to until since in on of at
    3pm 14:30 noon ago two three days between and the summer winter 1/2/2020 2023-05-08 before every will went - , .
    昨天 前 後 去年 上週 五 三月 八號 2019年 到 下午 三點半 兩 個 天 星期 日 每 了 要 從 以來 民國 九十九 年 底 李 ４""".split()
)


@given(st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(PIECES).map(" ".join)), MOMENTS)
def test_any_text_said_at_any_time_is_read_without_an_error(text, said_at):
    found = find(text, said_at)
    assert [each.place for each in found] == sorted(each.place for each in found)
    for each in found:
        begin, end = each.place
        assert 0 <= begin < end <= len(text)
        assert each.start < each.end
        assert each.start.tzinfo is each.end.tzinfo is said_at.tzinfo
        each.start.astimezone(UTC), each.end.astimezone(UTC)
    assert all(one.place[1] <= other.place[0] for one, other in itertools.pairwise(found))
    since, until, precision = of_fact(text, said_at)
    assert (precision is None) == (since is None and until is None)
    assert since is None or until is None or since < until


@pytest.mark.parametrize(
    ("without", "dated"),
    [
        (
            "I really like drinking green tea with my colleagues at the office and I hate coffee.",
            "I really like drinking green tea with my colleagues at the office since March 3, 2024.",
        ),
        (
            "我很喜歡跟同事在辦公室喝綠茶，不太喜歡咖啡。我住在台北市的一間小公寓裡，養了兩隻貓。",
            "我很喜歡跟同事在辦公室喝綠茶，不太喜歡咖啡。我三天前住進台北市的一間小公寓，養了兩隻貓。",
        ),
    ],
)
def test_a_sentence_without_a_date_costs_next_to_nothing(without, dated, cpu_seconds):
    assert (len(find(without, WEDNESDAY)), len(find(dated, WEDNESDAY))) == (0, 1)

    def often(text):
        for _ in range(200):
            find(text, WEDNESDAY)

    # A tenth of what the grammar takes; were the grammar tried, it would be as much.
    plain, full = (min(cpu_seconds(lambda text=text: often(text)) for _ in range(5)) for text in (without, dated))
    assert plain < full / 4


@pytest.mark.parametrize(
    "piece", ["in may ", "三天前", "週五了 ", "march 3 to ", "12:30 ", "十", "a", "from 2015 to ", "the "]
)
def test_the_time_to_read_grows_with_the_length_and_no_faster(piece, grows_linearly):
    grows_linearly(lambda text: find(text, WEDNESDAY), lambda size: (piece * size)[:size], small=10_000, large=80_000)
