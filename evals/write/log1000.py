"""A day of chatter with a few facts in it: 1,000 turns, of which 50 hold something that lasts.

    python evals/write/log1000.py                     rules, an English log and a Chinese one
    python evals/write/log1000.py --llm NAME --turns 100 --batch 20
    python evals/write/log1000.py --failures

The promise is that at least 45 of the 50 are kept and at most 15 other memories; with fewer turns, in
the same proportion. Every message that was refused must say why. Turns are drawn with a fixed seed.
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wilson import Share

from mnemic import Memory

SEED = 1000
BEGIN = datetime(2026, 4, 6, 8, 0, tzinfo=UTC)
ONE_FACT_IN = 20  # turns


@dataclass(frozen=True)
class Turn:
    """A message, and the words by which its fact is known; None for chatter."""

    role: str
    content: str
    key: str | None = None


# What lasts: no two are about the same thing, so that none takes another's place.
FACTS = {
    "en": (
        ("I live in Lisbon.", "Lisbon"),
        ("I work at Halden Logistics as a buyer.", "Halden"),
        ("my name is Renata Okafor", "Renata"),
        ("I'm allergic to walnuts.", "walnuts"),
        ("My wife Dana is a dentist.", "Dana"),
        ("I have a cat named Olive.", "Olive"),
        ("I have a dog named Bruno", "Bruno"),
        ("I speak Portuguese and some Danish.", "Danish"),
        ("My birthday is 3 May.", "3 May"),
        ("I don't drink alcohol.", "alcohol"),
        ("my favourite colour is teal", "teal"),
        ("My favourite film is Spirited Away.", "Spirited Away"),
        ("I play the cello on Sunday evenings.", "cello"),
        ("I drive a Mazda 3.", "Mazda"),
        ("My daughter Nora is 6 years old.", "Nora"),
        ("My son Felix goes to Larch Primary.", "Felix"),
        ("I'm vegetarian.", "vegetarian"),
        ("i get migraines from red wine", "migraines"),
        ("My manager is Paul Lindqvist.", "Lindqvist"),
        ("The Atlas report is due on 12 June.", "12 June"),
        ("We decided to use Postgres for the billing service.", "Postgres"),
        ("I prefer short answers in bullet points.", "bullet points"),
        ("My sister lives in Toronto.", "Toronto"),
        ("My flight to Oslo is on 9 August.", "9 August"),
        ("I was born in Accra.", "Accra"),
        ("I'm training for the Bergen marathon.", "Bergen"),
        ("my phone number is 555-0142", "555-0142"),
        ("I have a dentist appointment on 18 May at nine.", "18 May"),
        ("I hate flying, I take the train when I can.", "hate flying"),
        ("My blood type is O negative.", "O negative"),
        ("I collect old maps.", "maps"),
        ("My brother Sam is a pilot.", "Sam"),
        ("I studied chemistry at Northgate University.", "Northgate"),
        ("My landlord is Mr. Osei.", "Osei"),
        ("I take 20 mg of Lipidex every morning.", "Lipidex"),
        ("I can't swim.", "swim"),
        ("We're planning to go to Croatia in September.", "Croatia"),
        ("My goal is to save 10,000 euros by December.", "10,000"),
        ("I use a ThinkPad for work.", "ThinkPad"),
        ("My passport expires on 9 January 2028.", "passport"),
        ("I've been to Peru twice.", "Peru"),
        ("I volunteer at the animal shelter on Saturdays.", "shelter"),
        ("My mother is diabetic.", "diabetic"),
        ("I'm learning Korean.", "Korean"),
        ("Our wedding anniversary is 9 October.", "9 October"),
        ("My best friend Dele moved to Seoul.", "Dele"),
        ("I wear size 42 shoes.", "42"),
        ("I'm scared of heights.", "heights"),
        ("The staging server is called heron.", "heron"),
        ("I usually get up at five.", "get up at five"),
    ),
    "zh": (
        ("我住在新竹。", "新竹"),
        ("我在台積電上班", "台積電"),
        ("我叫陳宥廷", "陳宥廷"),
        ("我對花生過敏。", "花生"),
        ("我太太是牙醫。", "牙醫"),
        ("我養了一隻貓叫咪咪", "咪咪"),
        ("我有一隻狗叫旺財。", "旺財"),
        ("我會說日文", "日文"),
        ("我的生日是五月三號。", "五月三號"),
        ("我不喝酒。", "喝酒"),
        ("我最喜歡的顏色是墨綠色", "墨綠色"),
        ("我最喜歡的電影是《海角七號》。", "海角七號"),
        ("我每週日晚上練大提琴。", "大提琴"),
        ("我開的是Toyota Yaris", "Yaris"),
        ("我女兒今年六歲。", "六歲"),
        ("我兒子念光明國小。", "光明國小"),
        ("我吃素。", "吃素"),
        ("我一喝紅酒就偏頭痛", "偏頭痛"),
        ("我的主管是林志豪。", "林志豪"),
        ("報告的截止日期是6月12號。", "6月12號"),
        ("我們決定用PostgreSQL當資料庫。", "PostgreSQL"),
        ("我喜歡簡短的回答。", "簡短"),
        ("我妹妹住在墨爾本。", "墨爾本"),
        ("我8月9號要飛奧斯陸。", "奧斯陸"),
        ("我是屏東人", "屏東"),
        ("我住過京都兩年。", "京都"),
        ("我的手機號碼是0912-345-678", "0912"),
        ("我5月18號要看皮膚科。", "皮膚科"),
        ("我很怕坐飛機。", "怕坐飛機"),
        ("我血型是B型", "B型"),
        ("我有收集郵票的習慣。", "郵票"),
        ("我哥哥是機師。", "機師"),
        ("我是成大化學系畢業的。", "成大"),
        ("我房東姓許。", "許"),
        ("我每天早上吃一顆降血壓藥。", "降血壓藥"),
        ("我不会游泳。", "游泳"),
        ("我们打算九月去青岛。", "青岛"),
        ("我的目标是年底存够十万块。", "十万"),
        ("我工作用的电脑是联想。", "联想"),
        ("我的护照2028年1月9号到期。", "护照"),
        ("我去过西安两次。", "西安"),
        ("我每周六去流浪猫救助站当志愿者。", "志愿者"),
        ("我妈妈有糖尿病。", "糖尿病"),
        ("我在学韩语。", "韩语"),
        ("我们的结婚纪念日是10月9号。", "纪念日"),
        ("我最好的朋友小赵是律师。", "小赵"),
        ("我穿42码的鞋。", "42码"),
        ("我恐高。", "恐高"),
        ("我喜欢吃火锅。", "火锅"),
        ("我每天五点起床。", "五点"),
    ),
}
OPENERS = {
    "en": ("", "", "", "btw ", "oh, ", "by the way, ", "hey, "),
    "zh": ("", "", "", "對了，", "欸，", "順便說一下，"),
}

USER_CHATTER = {
    "en": (
        "hi", "Hello!", "good morning", "hey there", "morning :)", "good night!", "thanks", "thank you so much",
        "ok", "ok great", "cool", "lol", "haha", "hahaha that's funny", "nice", "sounds good", "got it", "sure",
        "yes please", "no thanks", "perfect", "hmm", "wait", "one sec", "brb", "I'm back", "back", "sorry, typo",
        "never mind", "I see", "I think so", "I guess", "I don't know", "not sure", "maybe", "that makes sense",
        "you're right", "good point", "I agree", "wow", "really?", "are you sure?", "what do you mean?", "why?",
        "how are you?", "what's up", "can you repeat that?", "go on", "continue", "try again", "that's wrong",
        "this doesn't work", "it works now!", "still broken", "I'm ready", "I have a question", "quick question",
        "let me check", "let me think about it", "I'll be right back", "see you tomorrow", "talk later", "👍", "🙂",
        "nice weather today", "it's raining again", "happy friday!", "I'm so tired today", "I'm hungry lol",
        "I need a coffee", "what time is it?", "what's the weather like?", "tell me a joke", "another one",
        "what's the capital of Peru?", "how many calories are in a banana?", "write a poem about the sea",
        "summarise this please", "make it shorter", "translate 'good luck' into French", "fix the bug in line 12",
        "show me three recipes with rice", "what is 17 times 23?", "how do I exit vim?", "open the second link",
        "do I need an umbrella?", "can you explain recursion?", "what should I cook tonight?", "rename the file",
        "where were we?", "what did I just ask?", "ok next", "please use a table", "undo that", "stop", "thanks again!",
    ),
    "zh": (
        "嗨", "你好", "早安", "早", "晚安", "午安～", "謝謝", "谢谢你", "感謝", "好", "好的", "好喔", "嗯", "嗯嗯", "哈哈",
        "哈哈哈哈", "笑死", "太好了", "不錯", "可以", "沒問題", "收到", "了解", "知道了", "我知道了", "不用了", "算了", "等一下",
        "等等", "我回來了", "打錯了", "抱歉", "我看看", "我想一下", "我不知道", "不確定", "大概吧", "有道理", "你說得對", "真的嗎？",
        "確定嗎？", "什麼意思？", "為什麼？", "你好嗎？", "在嗎", "再說一次", "繼續", "再試一次", "不對", "還是不行", "可以了！",
        "我有個問題", "明天見", "掰掰", "再聊", "👍", "今天天氣真好", "又下雨了", "週五快樂", "好累喔", "肚子餓了", "想喝咖啡", "幾點了？",
        "今天天氣怎麼樣？", "講個笑話", "再一個", "祕魯的首都是哪裡？", "香蕉有多少卡路里？", "寫一首關於海的詩", "幫我總結一下", "短一點",
        "「祝你好運」的法文怎麼說？", "帮我改一下第12行的错误", "给我三个米饭的食谱", "17乘23等于多少？", "怎么退出vim？", "打开第二个链接",
        "需要带伞吗？", "解释一下递归", "今晚吃什么好？", "把文件改个名字", "刚才说到哪了？", "下一个", "请用表格", "撤销", "停", "辛苦了",
    ),
}  # fmt: skip
# With slots, so that chatter is rarely the same twice: what is kept of it is then counted each time.
USER_FORMS = {
    "en": (
        "I'm so {mood} today", "feeling {mood} right now", "I need a {break_}", "going to grab a {break_}, brb",
        "I'll be back in {n} minutes", "give me {n} minutes", "show me {n} recipes with {food}", "what is {n} times 7?",
        "translate '{food}' into {tongue}", "write a short poem about {food}", "rename {file} please", "open {file}",
        "what's in {file}?", "I think {file} is broken", "I'm looking at {file} now", "I don't understand line {n}",
        "can you delete {file}?", "how do you say '{food}' in {tongue}?", "is {food} healthy?", "ok let's do {file} next",
        "I just opened {file}", "the test on line {n} fails", "I got error {n} again", "hold on, phone is ringing",
        "we are almost done, {n} to go", "did {file} change?", "I like this one better", "I love it, thanks",
        "lol {n} times in a row", "remind me what {file} does", "that took {n} seconds", "my screen froze for {n} seconds",
        "make {file} {n} lines shorter", "which is better, {food} or bread?", "I can't find {file}", "count to {n}",
        "the download is at {n} percent", "where did I put {file}?", "let's take a {break_} first", "omg {n} emails already",
        "say hi in {tongue}", "page {n} please", "it's {n} degrees outside, crazy", "I'm getting the {tongue} version now",
        "did you mean {file}?", "sort it by column {n}", "I was just asking about {food}", "ok I'm done with {file}",
    ),
    "zh": (
        "我今天好{mood}", "現在有點{mood}", "我需要{break_}", "我去{break_}一下", "等我{n}分鐘", "給我{n}個{food}的食譜",
        "{n}乘7是多少？", "「{food}」的{tongue}怎麼說？", "寫一首關於{food}的短詩", "把{file}改個名字", "打開{file}", "{file}裡面有什麼？",
        "我覺得{file}壞了", "我正在看{file}", "第{n}行我看不懂", "可以刪掉{file}嗎？", "{food}健康嗎？", "接下來弄{file}",
        "我刚打开{file}", "第{n}行的测试没过", "又是错误{n}", "等下，电话响了", "快好了，还剩{n}个", "{file}改了吗？", "我比较喜欢这个",
        "太棒了我喜欢", "刚才用了{n}秒", "屏幕卡了{n}秒", "把{file}缩短{n}行", "{food}跟麵包哪個好？", "我找不到{file}", "從一數到{n}", "下載到百分之{n}了",
        "用{tongue}打個招呼", "第{n}頁，謝謝", "外面{n}度，好誇張", "先{break_}好了", "你是說{file}嗎？", "按第{n}列排序", "我弄完{file}了",
    ),
}  # fmt: skip
SLOTS = {
    "en": {
        "mood": ("tired", "sleepy", "bored", "hungry", "happy", "stressed", "cold"),
        "break_": ("coffee", "nap", "snack", "break", "sandwich"),
        "food": ("rice", "lentils", "tofu", "pumpkin", "salmon", "cabbage"),
        "tongue": ("French", "Polish", "Thai", "Greek"),
        "file": ("notes.txt", "main.py", "budget.xlsx", "the second file", "report_v2.docx"),
    },
    "zh": {
        "mood": ("累", "睏", "餓", "無聊", "開心", "冷"),
        "break_": ("喝咖啡", "休息", "吃點東西", "睡一下"),
        "food": ("米飯", "豆腐", "南瓜", "鮭魚", "高麗菜"),
        "tongue": ("法文", "泰文", "德文"),
        "file": ("notes.txt", "main.py", "第二個檔案", "預算表"),
    },
}
ASSISTANT_CHATTER = {
    "en": (
        "Hello! How can I help you today?", "You're welcome!", "Sure, here it is.", "Of course.", "Happy to help!",
        "Here are three options you could try.", "The answer is 391.", "Lima is the capital of Peru.",
        "I'm sorry, could you say that again?", "Good question.", "Let me know if you need anything else.",
        "A medium banana has about 105 calories.", "Great, what would you like to do next?", "That's a fair point.",
        "I'm not able to open that link.", "Recursion is when a function calls itself.", "Done.", "Done, it is shorter now.",
        "It looks like rain, so an umbrella is a good idea.", "Why did the scarecrow win a prize? He was outstanding.",
    ),
    "zh": (
        "你好！有什麼可以幫你的嗎？", "不客氣！", "好的，這是結果。", "當然可以。", "以下是三個建議。", "答案是391。", "祕魯的首都是利馬。",
        "抱歉，可以再說一次嗎？", "好問題。", "还有什么需要帮忙的吗？", "一根香蕉大约有105卡路里。", "递归就是函数调用自己。", "完成了。",
        "看起來會下雨，建議帶傘。", "好的，已經縮短了。", "我無法打開那個連結。",
    ),
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llm")
    parser.add_argument("--base-url")
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=10, help="turns an add")
    parser.add_argument("--failures", action="store_true", help="list what was missed and what else was kept")
    given = parser.parse_args()
    kept_all = True
    for language in ("en", "zh"):
        memory = Memory(":memory:", llm=given.llm, llm_base_url=given.base_url)
        result = score(memory, generate(given.turns, language), batch=given.batch)
        memory.close()
        print(f"{language}: facts kept {result.kept} of {result.facts}, others kept {len(result.others)}", end="; ")
        print(f"refused without a reason {result.unexplained}, pending or failed {result.pending}")
        if given.failures:
            for line in (*(f"missed: {text}" for text in result.missed), *(f"other: {text}" for text in result.others)):
                print(f"  {line}")
        kept_all = kept_all and result.holds(given.turns)
    print(f"the promise (45 of 50 kept, at most 15 others): {'kept' if kept_all else 'BROKEN'}")
    return 0 if kept_all else 1


def generate(turns: int, language: str, seed: int = SEED) -> list[Turn]:
    """So many turns, of which one in twenty holds a fact; at most 1,000."""
    draw = random.Random(f"{seed}-{language}")
    facts = draw.sample(FACTS[language], min(turns // ONE_FACT_IN, len(FACTS[language])))
    said = [Turn("user", draw.choice(OPENERS[language]) + text, key) for text, key in facts]
    places = sorted(draw.sample(range(turns), len(said)))
    log = [_chatter(draw, language, number) for number in range(turns)]
    for place, turn in zip(places, said, strict=True):
        log[place] = turn
    return log


def _chatter(draw: random.Random, language: str, number: int) -> Turn:
    what = draw.random()
    if what < 0.28:
        return Turn("user", draw.choice(USER_CHATTER[language]))
    if what < 0.45:
        filled = {name: draw.choice(words) for name, words in SLOTS[language].items()}
        return Turn("user", draw.choice(USER_FORMS[language]).format(n=draw.randrange(2, 60), **filled))
    if what < 0.7:
        return Turn("assistant", draw.choice(ASSISTANT_CHATTER[language]))
    if what < 0.85:
        return Turn("tool", _tool(draw, language))
    if what < 0.93:
        return Turn("system", f"[timer] poll_inbox fired at {(BEGIN + timedelta(minutes=number)).isoformat()}")
    return Turn("user", draw.choice((f"[cron] heartbeat #{number} ok", f"ping {number}", f"[timer] check #{number}")))


def _tool(draw: random.Random, language: str) -> str:
    number = draw.randrange(1, 4000)
    forms = {
        "en": (
            f'{{"status": "ok", "rows": {number}, "took_ms": {draw.randrange(400)}}}',
            f"===== {number} passed, {draw.randrange(9)} skipped in {draw.randrange(99)}.{draw.randrange(9)}s =====",
            f"Error: ENOENT: no such file or directory, open '/tmp/{number}.txt'",
            f'{{"city": "Oslo", "temp_c": {draw.randrange(-9, 30)}, "conditions": "rain"}}',
            f"drwxr-xr-x  2 app app 4096 Apr {draw.randrange(1, 30)} 10:0{draw.randrange(9)} build-{number}",
            f"Page {number}: Contact us. Terms of service. I accept all cookies. My account.",
            f"commit {number:07x}: fix typo in readme",
            f"search results: {number} hits. 1. Best hikes near Lisbon 2. I live in Spain: a blog",
        ),
        "zh": (
            f'{{"狀態": "成功", "筆數": {number}}}',
            f'{{"城市": "台北", "溫度": {draw.randrange(12, 36)}, "天氣": "多雲"}}',
            f"错误：找不到文件 /tmp/{number}.txt",
            f"搜尋結果：共{number}筆。1. 我住在東京的日子 2. 台北景點推薦",
            f"第{number}页：联系我们。使用条款。我的账户。",
        ),
    }
    return draw.choice(forms[language])


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was kept of a log."""

    facts: int
    missed: tuple[str, ...]
    others: tuple[str, ...]
    unexplained: int
    """Messages refused without a reason."""
    pending: int

    @property
    def kept(self) -> Share:
        return Share(self.facts - len(self.missed), self.facts)

    def holds(self, turns: int) -> bool:
        """Whether the promise of 1,000 turns is kept in proportion."""
        return self.kept.value >= 0.9 and len(self.others) <= max(turns * 15 / 1000, 1) and not self.unexplained


def score(memory: Memory, log: list[Turn], *, batch: int) -> Result:
    """Add the log and look at what is there."""
    unexplained = pending = 0
    for first in range(0, len(log), batch):
        messages: list[Any] = [
            {"role": turn.role, "content": turn.content, "at": BEGIN + timedelta(minutes=first + place)}
            for place, turn in enumerate(log[first : first + batch])
        ]
        for outcome in memory.add(messages, user_id="log")["receipt"]["messages"]:
            unexplained += outcome["state"] == "refused" and not outcome["reason"]
            unexplained += sum(not refused["reason"] for refused in outcome["refused"])
            pending += outcome["state"] in ("pending", "failed")
    kept = memory.get_all(user_id="log", top_k=1000)["results"]
    facts = [turn for turn in log if turn.key is not None]
    texts = [(item["memory"], [source["quote"] for source in item["sources"]]) for item in kept]
    return Result(
        facts=len(facts),
        missed=tuple(turn.content for turn in facts if not any(_is_of(turn, *each) for each in texts)),
        others=tuple(
            text for text, quotes in texts if not any(quote in fact.content for quote in quotes for fact in facts)
        ),
        unexplained=unexplained,
        pending=pending,
    )


def _is_of(turn: Turn, text: str, quotes: list[str]) -> bool:
    """A memory made of this turn that has its words."""
    return any(quote in turn.content for quote in quotes) and (turn.key or "").casefold() in text.casefold()


if __name__ == "__main__":
    sys.exit(main())
