"""A day's log of an assistant: little in it is worth keeping, and the rules have to find that little."""

import random
from datetime import UTC, datetime

import pytest

from mnemic.extractors.rules import RuleExtractor
from mnemic.types import ExtractionRequest, Turn

NOW = datetime(2025, 3, 5, 10, 23, tzinfo=UTC)
TURNS = 1_000

FACTS_EN = """I work as a paramedic in Leeds.
My daughter Ella turned seven last Saturday.
I'm allergic to penicillin.
We adopted a greyhound called Biscuit.
My new phone number is 07700 900123.
I moved to Sheffield in January.
I can't stand olives.
My mother lives in a care home near Hull.
I've been learning Welsh since last autumn.
I have a job interview at Northern Rail on 14 May.
My favourite author is Ursula Le Guin.
I'm lactose intolerant.
My brother Tom got married in Prague.
I drive an old Skoda Octavia.
I swim every Tuesday evening.
My landlord is called Mr Patel.
I quit smoking two years ago.
Our budget for the kitchen is 8,000 pounds.
The deadline for my thesis is 30 June.
I studied chemistry at Durham University.
My wife works at the Royal Infirmary.
I wear size 43 shoes.
I take metformin for my diabetes.
My email is pat.howe@example.org.
I usually get up at half past five.
My best friend Nadia runs a bookshop in York.
I play the cello in a community orchestra.
I was born in Gdansk.
My son has a peanut allergy.
I don't eat meat on Fridays.
We're planning to visit Iceland in October.
I broke my wrist skiing in February.
I prefer emails to phone calls.
My manager is Denise Okoro.
I support Sheffield Wednesday.
I have three siblings.
My passport expires in November 2027.
I got promoted to shift leader last week.
My grandfather was a miner.
I hate driving at night.
Please always answer me in British English.
I left the army in 2016.
My dentist is Dr. Lindqvist on Park Road.
I collect vintage postcards.
My car needs its inspection before 3 July.
I'm training for the Manchester marathon.
I changed my name to Pat Howe after the divorce.
My cat Miso is diabetic.
I live on the third floor without a lift.
I speak Polish with my parents.""".splitlines()

FACTS_ZH = """我在消防局當救護員。
我女兒上週六滿七歲了。
我對盤尼西林過敏。
我們領養了一隻叫餅乾的灰狗。
我的新電話是0912-345-678。
我一月搬到新竹了。
我超討厭吃香菜。
我媽住在台南的安養院。
我從去年秋天開始學法文。
我五月十四日要去台鐵面試。
我最喜歡的作家是金庸。
我有乳糖不耐症。
我弟弟在布拉格結婚了。
我開一台很舊的豐田。
我每週二晚上都去游泳。
我的房東姓陳。
我兩年前戒菸了。
廚房裝修的預算是三十萬。
我論文的截止日期是六月三十日。
我大學念的是化學系。
我太太在榮總上班。
我的鞋子穿43號。
我因為糖尿病每天吃藥。
我的信箱是pat.howe@example.org。
我通常五點半就起床。
我最好的朋友娜娜在台中開書店。
我在社區樂團拉大提琴。
我出生在花蓮。
我兒子對花生過敏。
我星期五不吃肉。
我們打算十月去冰島。
我二月滑雪的時候摔斷手腕。
比起電話我更喜歡用email聯絡。
我的主管是林淑芬。
我是中信兄弟的球迷。
我有三個兄弟姊妹。
我的護照2027年11月到期。
我上週升組長了。
我爺爺以前是礦工。
我很討厭晚上開車。
以後請都用繁體中文回答我。
我2016年退伍。
我的牙醫是公園路的黃醫師。
我有收集老明信片的習慣。
我的車七月三日前要驗車。
我正在為台北馬拉松訓練。
我离婚之后改名叫何佩。
我的猫咪得了糖尿病。
我住在没有电梯的三楼。
我跟爸妈都说客家话。""".splitlines()

# Each line of noise: role, then the text. {n} is a number, {h} an hour, {w} a word.
NOISE_EN = """user|hey
user|good morning!
user|morning :)
user|hiya
user|hello again
user|thanks a lot
user|thank you, that helped
user|great, thanks
user|cheers mate
user|ok
user|okay cool
user|sounds good to me
user|perfect
user|got it
user|lol
user|hahaha that's hilarious
user|nice one
user|no worries
user|brb
user|gotta go, talk later
user|see you tomorrow
user|good night
user|hmm let me think
user|wait what
user|oh wow
user|really?
user|never mind
user|yes please
user|no thanks
user|not now
user|sure, go ahead
user|that's annoying
user|It's raining again.
user|What a day.
user|This is so boring.
user|I'm back
user|I'm so tired today
user|I'll think about it.
user|Let's do that.
user|One moment please.
user|Can you make it shorter?
user|What's the weather like in {w}?
user|How do I convert {n} miles to kilometres?
user|What time is it in {w} right now?
user|Who won the match last night?
user|how many grams in {n} ounces
user|why is the sky blue
user|is there a train to {w} at {h}:30?
user|Could you translate this into Spanish?
user|write me a haiku about {w}
user|summarise the last message
user|try again with fewer words
user|Set a timer for {n} minutes.
user|remind me to stretch at {h}:00
user|turn off the lights in the hallway
user|play some {w} music
user|Explain recursion like I'm five.
user|Give me {n} ideas for a birthday card.
user|Fix the bug in the function above.
user|next question
user|what's {n} times {n}?
user|show me the second option again
user|are you sure?
user|do you have feelings?
user|That's not what I asked.
user|The answer was wrong, try again.
user|Hope you have a nice weekend!
user|That makes sense, thanks!
user|I see what you mean.
user|I don't get it.
user|Sounds like a plan.
user|no idea tbh
user|👍
user|😂😂
user|...
user|?
user|test
user|asdf
user|https://news.example.com/article/{n}
user|{{"status": "ok", "items": [{n}, {n}]}}
user|$ git push origin main
user|Traceback (most recent call last):\\n  File "run.py", line {n}, in <module>\\nKeyError: 'id'
user|npm ERR! code ELIFECYCLE\\nnpm ERR! errno {n}
user|2025-03-05 0{h}:12:44 INFO server started on port {n}
user|[{h}:15:02] build #{n} passed
user|error: failed to push some refs to 'origin'
user|Exit code: {n}
user|| id | name |\\n| {n} | {w} |
user|127.0.0.1 - - [05/Mar/2025:0{h}:00:01] "GET /health HTTP/1.1" 200 {n}
user|SELECT * FROM orders WHERE id = {n};
user|[timer] {n} minutes left
user|heartbeat ok
user|ping
user|pong
user|Reminder: standup in {n} minutes
user|Job {n} finished in 3.2 s
user|cron: backup.sh started
user|*/5 * * * * /usr/bin/sync
user|Timer finished.
user|Alarm: {h}:00
user|Battery at {n}%
user|Status: idle
user|Connection restored
user|Download complete (48 MB)
user|Missed voice call
user|You joined the group
user|Dana is typing...
user|Seen {h}:42
user|Delivered
user|Read {h}:10
user|This message was deleted
user|Dana left the group
user|Voice message (0:{n})
user|[photo]
user|[sticker]
user|Backup completed successfully.
user|CPU usage is at {n} percent.
user|Deployment {n} succeeded.
user|Uploading... {n}%
user|Sync finished, {n} files updated
tool|{{"temperature": {n}, "city": "{w}"}}
tool|Found {n} results for "{w}".
tool|The current weather in {w} is 12 degrees and cloudy.
tool|Dana lives in {w} and works at Siemens.
tool|Error: timeout after {n} s
system|You are a helpful assistant.
system|The user prefers short answers.
system|Session {n} started.
assistant|Good morning! How can I help you today?
assistant|You're welcome!
assistant|Sure, here is a shorter version.
assistant|The capital of Australia is Canberra.
assistant|{n} miles are about {n} kilometres.
assistant|Recursion is when a function calls itself until it reaches a base case.
assistant|Here are {n} ideas for your card. You could draw a balloon, or write a short poem.
assistant|I'm sorry to hear that. Let me know if there is anything else.
assistant|You told me you like spicy food, so this fits well.
assistant|So you live in {w}, that's a lovely town!
assistant|As you mentioned, your sister works at a bank.
assistant|It sounds like you had a long day.
assistant|That's a great question! The sky is blue because of Rayleigh scattering.
assistant|To reset your password, open the settings and choose Security.
assistant|I understand that you are allergic to nuts, thanks for telling me.
assistant|Great, I've noted that you moved to {w}.
assistant|Paris has many museums. The Louvre is the largest.
assistant|```python\\nprint({n})\\n```
assistant|I can't access the internet.
assistant|Would you like me to continue?
assistant|The timer is set. It will ring in {n} minutes.
assistant|In general, people who sleep well learn faster.
assistant|Let's break it down step by step.
assistant|Congratulations on your new job at {w} Motors!""".splitlines()

NOISE_ZH = """user|嗨
user|早安啊
user|早～
user|午安
user|你好呀
user|哈囉哈囉
user|謝謝你喔
user|感謝感謝
user|谢谢，很有帮助
user|好喔
user|好的好的
user|OK啊
user|了解了
user|收到，謝謝
user|哈哈哈哈
user|笑死我了
user|太好笑了吧
user|不錯耶
user|沒關係啦
user|先這樣，掰掰
user|我先去忙了
user|晚安囉
user|明天聊
user|嗯嗯嗯
user|等我一下
user|蛤？
user|真的嗎？
user|算了算了
user|好啊麻煩你了
user|先不用
user|不用了謝謝
user|好煩喔
user|又下雨了。
user|今天好累
user|今天好熱喔
user|好無聊啊
user|我回來了
user|我想想看
user|我再考慮一下
user|就這樣吧
user|可以再短一點嗎？
user|{w}今天天氣怎麼樣？
user|{n}英里是幾公里
user|現在{w}幾點？
user|昨晚誰贏了？
user|為什麼天空是藍的
user|{h}點半有去{w}的火車嗎
user|幫我翻成西班牙文
user|寫一首關於{w}的俳句
user|總結一下上面那段
user|再試一次，字少一點
user|設一個{n}分鐘的計時器
user|{h}點提醒我伸展一下
user|把走廊的燈關掉
user|放一點{w}的音樂
user|用小孩聽得懂的方式解釋遞迴
user|給我{n}個生日卡片的點子
user|修一下上面那個函式的bug
user|下一題
user|{n}乘以{n}等於多少
user|再給我看一次第二個選項
user|你確定嗎
user|你有感情嗎？
user|這不是我問的
user|答案錯了，再試一次
user|祝你週末愉快！
user|原來如此，謝謝
user|我懂你的意思
user|看不懂
user|聽起來不錯
user|不知道耶
user|👍
user|😂😂
user|……
user|？
user|測試
user|啊啊啊
user|https://news.example.com/article/{n}
user|{{"status": "ok", "items": [{n}, {n}]}}
user|$ git push origin main
user|Traceback (most recent call last):\\n  File "run.py", line {n}, in <module>\\nKeyError: 'id'
user|2025-03-05 0{h}:12:44 INFO 伺服器已啟動，埠號 {n}
user|[{h}:15:02] 建置 #{n} 成功
user|錯誤：無法連線到資料庫
user|錯誤代碼：{n}
user|SELECT * FROM orders WHERE id = {n};
user|[計時器] 還剩{n}分鐘
user|heartbeat ok
user|ping
user|提醒：{n}分鐘後開會
user|工作 {n} 已完成，耗時 3.2 秒
user|排程：backup.sh 已啟動
user|系統訊息：連線已恢復
user|系统消息：您已加入群聊
user|计时器结束
user|鬧鐘：{h}:00
user|電量剩餘 {n}%
user|狀態：閒置
user|下載完成（48 MB）
user|阿明已收回訊息
user|小美撤回了一条消息
user|對方已取消
user|[貼圖]
user|[圖片]
user|[语音]
user|[動畫表情]
user|未接來電
user|未接語音通話
user|通話時間 3:{n}
user|通话时长 00:{n}
user|您已加入群組
user|小華已離開群組
user|小華邀請阿明加入群組
user|對方正在輸入...
user|已讀 {h}:42
user|已讀不回
user|已送達
user|訊息已刪除
user|語音訊息 0:{n}
user|以上是打招呼的内容
user|你已添加了小李，现在可以开始聊天了
user|備份完成。
user|CPU 使用率 {n}%
user|第{n}次部署成功
user|上傳中…{n}%
user|同步完成，更新了{n}個檔案
tool|{{"溫度": {n}, "城市": "{w}"}}
tool|找到 {n} 筆關於「{w}」的結果。
tool|{w}目前氣溫12度，多雲。
tool|小明住在{w}，在台積電上班。
tool|錯誤：逾時 {n} 秒
system|你是一個有用的助理。
system|使用者喜歡簡短的回答。
assistant|早安！今天想聊什麼呢？
assistant|不客氣！
assistant|當然，這是比較短的版本。
assistant|澳洲的首都是坎培拉。
assistant|{n}英里大約是{n}公里。
assistant|遞迴就是函式呼叫自己，直到遇到終止條件。
assistant|這裡有{n}個卡片點子：你可以畫一顆氣球，或寫一首短詩。
assistant|很遺憾聽到這個消息，有需要隨時告訴我。
assistant|你之前說過你喜歡吃辣，所以這家很適合你。
assistant|原來你住在{w}，那裡很漂亮！
assistant|就像你提到的，你姊姊在銀行上班。
assistant|聽起來你今天過得很辛苦。
assistant|這是個好問題！天空是藍色的，是因為瑞利散射。
assistant|要重設密碼，請打開設定並選擇安全性。
assistant|我了解你對堅果過敏，謝謝你告訴我。
assistant|好的，我已經記下你搬到{w}了。
assistant|巴黎有很多博物館，羅浮宮是最大的一座。
assistant|我無法連上網路。
assistant|需要我繼續嗎？
assistant|計時器已設定，{n}分鐘後會響。
assistant|一般來說，睡得好的人學得比較快。
assistant|我們一步一步來看。
assistant|恭喜你到{w}汽車上班！""".splitlines()

WORDS_EN = ["Osaka", "Leeds", "jazz", "autumn", "Lisbon", "coffee"]
WORDS_ZH = ["大阪", "台中", "爵士", "秋天", "里斯本", "咖啡"]


def log_of(facts, noise, words, seed):
    """`TURNS` turns, with the facts strewn in, as (turn, whether it is a fact)."""
    dice = random.Random(seed)
    places = set(dice.sample(range(TURNS), len(facts)))
    left = iter(facts)
    for place in range(TURNS):
        if place in places:
            yield Turn(role="user", content=next(left), said_at=NOW), True
            continue
        role, _, text = dice.choice(noise).partition("|")
        text = text.format(n=dice.randint(2, 90), h=dice.randint(1, 9), w=dice.choice(words)).replace("\\n", "\n")
        yield Turn(role=role, content=text, said_at=NOW), False


@pytest.mark.parametrize(
    ("facts", "noise", "words"),
    [(FACTS_EN, NOISE_EN, WORDS_EN), (FACTS_ZH, NOISE_ZH, WORDS_ZH)],
    ids=["english", "chinese"],
)
@pytest.mark.parametrize("seed", [1, 2])
async def test_a_log_of_a_thousand_turns_keeps_its_facts_and_little_else(facts, noise, words, seed):
    log = list(log_of(facts, noise, words, seed))
    extraction = await RuleExtractor().extract(ExtractionRequest(turns=tuple(turn for turn, _ in log)))
    kept = {fact.turn for fact in extraction.facts}
    told = {place for place, (_, is_fact) in enumerate(log) if is_fact}
    others = [fact.text for fact in extraction.facts if fact.turn not in told]
    assert len(told & kept) >= 45, [log[place][0].content for place in sorted(told - kept)]
    assert len(others) <= 15, others
    assert all(refusal.reason for refusal in extraction.refusals)
