"""Two hundred generated changes of state, with facts around them that must not be touched.

    python evals/write/changes.py                  rules, no model
    python evals/write/changes.py --llm NAME [--base-url URL] [--limit 20]
    python evals/write/changes.py --failures

A change is a subject, an attribute, an old value, a new value and a way to say it, drawn with a
fixed seed; half are Chinese, a third are about somebody else. Around it stand the same attribute of
another subject, another attribute of the same subject, and things that only add up. Scored: the
current view holds the new value and not the old one; nothing else was retired; and where that is
right, a question about the former value finds it, and undoing the change brings back the view from
before it.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from wilson import Share

from mnemic import Memory
from mnemic.errors import MnemicError

SEED = 20260513
BEGIN = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One thing that has one value, and how people say it. `{s}` is the subject, `{v}` the value."""

    name: str
    values: tuple[str, ...]
    said: tuple[str, ...]
    changed: tuple[str, ...]
    asked: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """One generated change."""

    id: str
    language: str
    own: bool
    attribute: str
    old: str
    new: str
    before: str
    after: str
    question: str
    bystanders: tuple[str, ...]


EN_FIRST = (
    Attribute(
        name="employer",
        values=("Halden Logistics", "Brightwell", "Kestrel Media", "Fern Bank", "Orchid Labs", "Tern Software"),
        said=("I work at {v}.", "I work for {v}", "I'm employed at {v}."),
        changed=(
            "I work at {v} now.",
            "I now work for {v}.",
            "I started a new job at {v}.",
            "I changed jobs, I work at {v} these days",
            "I joined {v} last week.",
        ),
        asked="Where did I work before?",
    ),
    Attribute(
        name="home",
        values=("Leeds", "Bristol", "Utrecht", "Tampa", "Glasgow", "Malmo", "Ghent"),
        said=("I live in {v}.", "I'm living in {v}", "I'm based in {v}."),
        changed=(
            "I live in {v} now.",
            "I moved to {v} last month.",
            "we relocated to {v}, so I live in {v} now",
            "I've just moved to {v}!",
        ),
        asked="Where did I live before?",
    ),
    Attribute(
        name="job",
        values=("nurse", "teacher", "carpenter", "translator", "baker", "pharmacist"),
        said=("I work as a {v}.", "I'm a {v} by profession.", "My job is {v}."),
        changed=("I work as a {v} now.", "I'm now working as a {v}.", "My job is {v} now."),
        asked="What was my job before?",
    ),
    Attribute(
        name="age",
        values=("31", "32", "33", "34", "35"),
        said=("I'm {v} years old.", "I am {v}."),
        changed=("I'm {v} years old now.", "I just turned {v}.", "I am {v} now."),
        asked="How old was I before?",
    ),
    Attribute(
        name="car",
        values=("Mazda 3", "Skoda Fabia", "Volvo V60", "Honda Jazz", "Fiat Panda"),
        said=("I drive a {v}.", "My car is a {v}."),
        changed=("I drive a {v} now.", "My car is a {v} now.", "I switched cars and drive a {v} now."),
        asked="What car did I drive before?",
    ),
    Attribute(
        name="phone",
        values=("555-0142", "555-0177", "555-0136", "555-0191"),
        said=("My phone number is {v}.", "my number is {v}"),
        changed=("My phone number is {v} now.", "My new phone number is {v}.", "I changed my phone number to {v}."),
        asked="What was my old phone number?",
    ),
    Attribute(
        name="email",
        values=("kim@oak.example", "k.lund@pine.example", "kimlund@birch.example"),
        said=("My email is {v}.", "My email address is {v}"),
        changed=("My email is {v} now.", "My new email address is {v}."),
        asked="What was my email before?",
    ),
    Attribute(
        name="favourite colour",
        values=("teal", "orange", "maroon", "violet"),
        said=("My favourite colour is {v}.", "my favorite color is {v}"),
        changed=("My favourite colour is {v} now.", "My favorite color is now {v}."),
        asked="What was my favourite colour before?",
    ),
    Attribute(
        name="favourite restaurant",
        values=("Luigi's", "Hanoi Corner", "The Copper Pot", "Casa Azul"),
        said=("My favourite restaurant is {v}.", "my favorite restaurant is {v}"),
        changed=("My favourite restaurant is {v} now.", "These days my favorite restaurant is {v}."),
        asked="What was my favourite restaurant before?",
    ),
    Attribute(
        name="manager",
        values=("Ruth Adeyemi", "Paul Lindqvist", "Ines Duarte", "Hugo Brandt"),
        said=("My manager is {v}.", "{v} is my manager."),
        changed=("My manager is {v} now.", "My new manager is {v}.", "{v} is my manager now."),
        asked="Who was my manager before?",
    ),
    Attribute(
        name="doctor",
        values=("Dr. Novak", "Dr. Okoro", "Dr. Lindgren", "Dr. Sato"),
        said=("My doctor is {v}.", "my GP is {v}"),
        changed=("My doctor is {v} now.", "My new doctor is {v}.", "My doctor is now {v}."),
        asked="Who was my doctor before?",
    ),
    Attribute(
        name="relationship",
        values=("single", "engaged", "married", "divorced"),
        said=("I'm {v}.", "I am {v}"),
        changed=("I'm {v} now.", "I am now {v}!"),
        asked="What was my relationship status before?",
    ),
    Attribute(
        name="diet",
        values=("vegetarian", "vegan", "pescatarian"),
        said=("I'm {v}.", "I am {v}"),
        changed=("I'm {v} now.", "I've become {v}.", "I am now {v}"),
        asked="What diet did I follow before?",
    ),
    Attribute(
        name="laptop",
        values=("ThinkPad X1", "Framework 13", "Zenbook 14", "Dell XPS"),
        said=("My laptop is a {v}.", "I use a {v} as my laptop"),
        changed=("My laptop is a {v} now.", "My new laptop is a {v}."),
        asked="What laptop did I have before?",
    ),
    Attribute(
        name="deadline",
        values=("12 March", "26 March", "9 April", "30 April"),
        said=("The deadline of the Atlas report is {v}.", "The Atlas report is due on {v}."),
        changed=(
            "The deadline of the Atlas report is {v} now.",
            "The Atlas report is now due on {v}.",
            "The Atlas report deadline moved to {v}.",
        ),
        asked="What was the former deadline of the Atlas report?",
    ),
    Attribute(
        name="status",
        values=("in planning", "in testing", "on hold", "in production"),
        said=("The Atlas project is {v}.", "Project Atlas is {v}"),
        changed=("The Atlas project is {v} now.", "The Atlas project is now {v}."),
        asked="What was the status of the Atlas project before?",
    ),
    Attribute(
        name="rent",
        values=("900 euros", "950 euros", "1,100 euros", "1,250 euros"),
        said=("My rent is {v} a month.", "My rent is {v}"),
        changed=("My rent is {v} a month now.", "My rent is now {v}.", "My rent went up to {v}."),
        asked="What was my rent before?",
    ),
    Attribute(
        name="school",
        values=("Northgate University", "Elmwood College", "Larch Institute"),
        said=("I study at {v}.", "I'm studying at {v}"),
        changed=("I study at {v} now.", "I transferred to {v}.", "I'm studying at {v} now."),
        asked="Where did I study before?",
    ),
)

EN_THIRD = (
    Attribute(
        name="employer",
        values=EN_FIRST[0].values,
        said=("{s} works at {v}.", "{s} works for {v}"),
        changed=("{s} works at {v} now.", "{s} now works for {v}.", "{s} started a new job at {v}."),
        asked="Where did {s} work before?",
    ),
    Attribute(
        name="home",
        values=EN_FIRST[1].values,
        said=("{s} lives in {v}.", "{s} is living in {v}"),
        changed=("{s} lives in {v} now.", "{s} moved to {v}.", "{s} has just moved to {v}"),
        asked="Where did {s} live before?",
    ),
    Attribute(
        name="job",
        values=EN_FIRST[2].values,
        said=("{s} works as a {v}.", "{s} is a {v}."),
        changed=("{s} works as a {v} now.", "{s} is a {v} now."),
        asked="What was the job of {s} before?",
    ),
    Attribute(
        name="car",
        values=EN_FIRST[4].values,
        said=("{s} drives a {v}.", "{s} has a {v} as a car."),
        changed=("{s} drives a {v} now.", "{s} now drives a {v}."),
        asked="What car did {s} drive before?",
    ),
    Attribute(
        name="age",
        values=("41", "42", "43", "44"),
        said=("{s} is {v} years old.",),
        changed=("{s} is {v} years old now.", "{s} just turned {v}."),
        asked="How old was {s} before?",
    ),
    Attribute(
        name="favourite food",
        values=("lasagne", "ramen", "pierogi", "paella"),
        said=("{s}'s favourite food is {v}.", "{s}'s favorite food is {v}"),
        changed=("{s}'s favourite food is {v} now.", "{s}'s favorite food is now {v}."),
        asked="What was {s}'s favourite food before?",
    ),
)

EN_PEOPLE = ("My sister", "My brother", "My wife", "My colleague Anna", "My friend Dele", "Marcus")

ZH_FIRST = (
    Attribute(
        name="employer",
        values=("台積電", "長榮航空", "誠品書店", "國泰銀行", "聯合報社"),
        said=("我在{v}上班。", "我在{v}工作", "我任職於{v}。"),
        changed=("我現在在{v}上班。", "我換工作了，現在在{v}上班", "我跳槽到{v}了。"),
        asked="我以前在哪裡上班？",
    ),
    Attribute(
        name="employer",
        values=("腾讯", "华为", "美团", "顺丰", "招商银行"),
        said=("我在{v}上班。", "我在{v}工作"),
        changed=("我现在在{v}上班。", "我跳槽了，现在在{v}工作", "我换到{v}上班了。"),
        asked="我以前在哪里上班？",
    ),
    Attribute(
        name="home",
        values=("台北", "新竹", "台南", "花蓮", "嘉義"),
        said=("我住在{v}。", "我家住{v}"),
        changed=("我現在住在{v}。", "我搬到{v}了。", "我上個月搬到{v}了"),
        asked="我以前住在哪裡？",
    ),
    Attribute(
        name="home",
        values=("杭州", "成都", "青岛", "厦门", "南京"),
        said=("我住在{v}。", "我现在住{v}"),
        changed=("我现在住在{v}。", "我搬到{v}了。", "我上个月搬家了，现在住在{v}"),
        asked="我以前住在哪里？",
    ),
    Attribute(
        name="job",
        values=("護理師", "國小老師", "麵包師傅", "翻譯"),
        said=("我是{v}。", "我的職業是{v}。"),
        changed=("我現在是{v}。", "我的職業現在是{v}。", "我轉行當{v}了。"),
        asked="我以前的職業是什麼？",
    ),
    Attribute(
        name="age",
        values=("30岁", "31岁", "32岁", "33岁"),
        said=("我今年{v}。", "我{v}"),
        changed=("我今年{v}了。", "我现在{v}。"),
        asked="我以前几岁？",
    ),
    Attribute(
        name="phone",
        values=("0912-345-678", "0987-111-222", "0933-808-707"),
        said=("我的電話是{v}。", "我的手機號碼是{v}"),
        changed=("我的電話現在是{v}。", "我的新手機號碼是{v}。", "我的電話改成{v}了"),
        asked="我以前的電話是幾號？",
    ),
    Attribute(
        name="car",
        values=("比亚迪汉", "大众朗逸", "红旗H5", "小鹏P7"),
        said=("我开的是{v}。", "我的车是{v}。"),
        changed=("我现在开的是{v}。", "我换车了，现在开{v}", "我的车现在是{v}。"),
        asked="我以前开什么车？",
    ),
    Attribute(
        name="favourite colour",
        values=("墨綠色", "藍色", "橘色", "紫色"),
        said=("我最喜歡的顏色是{v}。", "我最愛的顏色是{v}"),
        changed=("我現在最喜歡的顏色是{v}。", "我最喜歡的顏色變成{v}了。"),
        asked="我以前最喜歡什麼顏色？",
    ),
    Attribute(
        name="favourite singer",
        values=("周深", "毛不易", "陈粒", "李健"),
        said=("我最喜欢的歌手是{v}。",),
        changed=("我现在最喜欢的歌手是{v}。", "我最喜欢的歌手换成{v}了。"),
        asked="我以前最喜欢的歌手是谁？",
    ),
    Attribute(
        name="manager",
        values=("陳怡君", "林志豪", "許雅雯"),
        said=("我的主管是{v}。", "我主管是{v}"),
        changed=("我的主管現在是{v}。", "我的新主管是{v}。", "我主管換成{v}了"),
        asked="我以前的主管是誰？",
    ),
    Attribute(
        name="relationship",
        values=("單身", "已婚", "離婚了"),
        said=("我{v}。", "我目前{v}"),
        changed=("我現在{v}。",),
        asked="我以前的感情狀況是什麼？",
    ),
    Attribute(
        name="deadline",
        values=("3月12号", "3月26号", "4月9号", "4月30号"),
        said=("报告的截止日期是{v}。", "报告的截止时间是{v}"),
        changed=("报告的截止日期现在是{v}。", "报告的截止日期改成{v}了。", "报告的截止时间推迟到{v}了"),
        asked="报告原来的截止日期是什么时候？",
    ),
    Attribute(
        name="rent",
        values=("一萬二", "一萬五", "一萬八", "兩萬"),
        said=("我的房租是{v}。", "我房租一個月{v}"),
        changed=("我的房租現在是{v}。", "我房租漲到{v}了。", "我房租現在一個月{v}"),
        asked="我以前的房租是多少？",
    ),
)

ZH_THIRD = (
    Attribute(
        name="employer",
        values=ZH_FIRST[0].values,
        said=("{s}在{v}上班。", "{s}在{v}工作"),
        changed=("{s}現在在{v}上班。", "{s}換工作了，現在在{v}上班"),
        asked="{s}以前在哪裡上班？",
    ),
    Attribute(
        name="home",
        values=ZH_FIRST[3].values,
        said=("{s}住在{v}。", "{s}家住{v}"),
        changed=("{s}现在住在{v}。", "{s}搬到{v}了。"),
        asked="{s}以前住在哪里？",
    ),
    Attribute(
        name="job",
        values=("律师", "会计", "厨师", "司机"),
        said=("{s}是{v}。", "{s}的职业是{v}。"),
        changed=("{s}现在是{v}。", "{s}的职业现在是{v}。"),
        asked="{s}以前的职业是什么？",
    ),
    Attribute(
        name="favourite food",
        values=("滷肉飯", "水餃", "壽司", "咖哩飯"),
        said=("{s}最喜歡的食物是{v}。",),
        changed=("{s}現在最喜歡的食物是{v}。", "{s}最喜歡的食物變成{v}了。"),
        asked="{s}以前最喜歡的食物是什麼？",
    ),
)

ZH_PEOPLE = ("我妹妹", "我哥哥", "我老婆", "我同事小李", "我朋友阿明", "王大明")

# None of these shares a subject and an attribute with a change, and each could be mistaken for one.
EN_AROUND = (
    "I have a dog named Bruno.",
    "I have a cat named Olive.",
    "I speak Portuguese.",
    "I play the piano.",
    "I'm allergic to walnuts.",
    "My neighbour works at Bluebird Recruiting.",
    "My cousin Rita lives in Porto.",
    "My uncle drives a Toyota Yaris.",
    "My grandmother is 84 years old.",
    "My favourite film is Spirited Away.",
    "I like climbing on Thursdays.",
    "I've been to Iceland twice.",
    "My aunt's favourite colour is grey.",
    "The Borealis report is due on 2 May.",
)
ZH_AROUND = (
    "我養了一隻貓叫咪咪。",
    "我会弹钢琴。",
    "我對花生過敏。",
    "我去过西安。",
    "我鄰居在鴻海上班。",
    "我表姐住在大连。",
    "我奶奶今年八十四歲。",
    "我最喜欢的电影是《霸王别姬》。",
    "我喜歡爬山。",
    "我会说法语。",
    "我阿姨最喜歡的顏色是灰色。",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llm")
    parser.add_argument("--base-url")
    parser.add_argument("--limit", type=int, default=200, help="how many of the changes")
    parser.add_argument("--failures", action="store_true")
    given = parser.parse_args()
    memory = Memory(":memory:", llm=given.llm, llm_base_url=given.base_url)
    changes = generate(200)[: given.limit]
    scored = [score(memory, change) for change in changes]
    memory.close()
    print(table(scored))
    if given.failures:
        for one in scored:
            for fault in one.faults:
                print(f"{one.change.id}: {fault}")
    return 0


def generate(amount: int, seed: int = SEED) -> list[Change]:
    """Distinct changes, the same for one seed: half Chinese, about a third of each in the third person."""
    draw = random.Random(seed)
    changes: list[Change] = []
    seen: set[tuple[str, str]] = set()
    while len(changes) < amount:
        language = ("en", "zh")[len(changes) % 2]
        own = len(changes) % 6 < 4
        change = _draw(draw, f"{language}-{len(changes):03}", language, own=own)
        if (change.before, change.after) not in seen:
            seen.add((change.before, change.after))
            changes.append(change)
    return changes


def _draw(draw: random.Random, name: str, language: str, *, own: bool) -> Change:
    attributes = {("en", True): EN_FIRST, ("en", False): EN_THIRD, ("zh", True): ZH_FIRST, ("zh", False): ZH_THIRD}
    attribute = draw.choice(attributes[language, own])
    subject = "" if own else draw.choice(EN_PEOPLE if language == "en" else ZH_PEOPLE)
    old, new = draw.sample(attribute.values, 2)
    if attribute.name in ("age", "rent"):  # neither goes down
        old, new = sorted((old, new), key=attribute.values.index)
    return Change(
        id=f"{name}-{attribute.name.replace(' ', '-')}",
        language=language,
        own=own,
        attribute=attribute.name,
        old=old,
        new=new,
        before=draw.choice(attribute.said).format(s=subject, v=old),
        after=draw.choice(attribute.changed).format(s=subject, v=new),
        question=attribute.asked.format(s=subject[:1].lower() + subject[1:] if subject.startswith("My ") else subject),
        bystanders=tuple(draw.sample(EN_AROUND if language == "en" else ZH_AROUND, 6)),
    )


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What one change did."""

    change: Change
    right: Share
    collateral: Share
    found: Share
    undone: Share
    faults: tuple[str, ...] = field(default=())


def score(memory: Memory, change: Change) -> Scored:
    """Say everything, change it, look, ask, undo, look again."""
    user = change.id
    for number, text in enumerate((*change.bystanders[:3], change.before, *change.bystanders[3:])):
        memory.add(text, user_id=user, at=BEGIN + timedelta(days=number))
    before = _view(memory, user)
    answer = memory.add(change.after, user_id=user, at=BEGIN + timedelta(days=90))
    after = _view(memory, user)

    old = {key for key, held in before.items() if any(quote in change.before for quote in held.quotes)}
    bystanders = before.keys() - old
    lost = bystanders - after.keys()
    faults = []
    if not old:
        faults.append(f"not kept: {change.before!r}")
    if any(change.old in after[key].text and change.new not in after[key].text for key in old & after.keys()):
        faults.append(f"still current: {change.before!r} after {change.after!r}")
    if not any(change.new in held.text for key, held in after.items() if key not in bystanders):
        faults.append(f"not current: {change.after!r}")
    right = Share(int(not faults), 1)
    faults += [f"collateral: {before[key].text!r} after {change.after!r}" for key in lost]

    hits = memory.search(change.question, user_id=user, top_k=5)["results"]
    found = any(change.old in hit["memory"] for hit in hits)
    if right.right and not found:
        faults.append(f"not found by {change.question!r}: {change.old}")
    undone = _undone(memory, user, answer, before)
    if undone.right < undone.of:
        faults.append(f"not undone: {change.after!r}")
    return Scored(
        change=change,
        right=right,
        collateral=Share(len(lost), len(bystanders)),
        found=Share(int(found), 1) if right.right else Share(),
        undone=undone if right.right else Share(),
        faults=tuple(faults),
    )


@dataclass(frozen=True, kw_only=True)
class Held:
    """A memory of the current view."""

    text: str
    quotes: frozenset[str]


def _view(memory: Memory, user: str) -> dict[str, Held]:
    return {
        item["id"]: Held(text=item["memory"], quotes=frozenset(source["quote"] for source in item["sources"]))
        for item in memory.get_all(user_id=user, top_k=100)["results"]
    }


def _undone(memory: Memory, user: str, answer: Any, before: dict[str, Held]) -> Share:
    """Whether undoing the change brings back exactly the view from before it."""
    try:
        memory.undo(answer["receipt"]["change_id"])
    except MnemicError:
        return Share(0, 1)
    return Share(int(_view(memory, user) == before), 1)


def table(scored: Sequence[Scored]) -> str:
    """One row a language and person, and one for all."""
    rows = []
    for language in ("en", "zh"):
        for own in (True, False):
            of = [one for one in scored if one.change.language == language and one.change.own == own]
            rows.append((f"{language}, {'first' if own else 'third'} person", of))
    rows.append(("ALL", list(scored)))
    lines = [("", "superseded right", "collateral", "former value found", "undone")]
    for name, of in rows:
        sums = [sum((getattr(one, key) for one in of), Share()) for key in ("right", "collateral", "found", "undone")]
        lines.append((name, *map(str, sums)))
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


if __name__ == "__main__":
    sys.exit(main())
