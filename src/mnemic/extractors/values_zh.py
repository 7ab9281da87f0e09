"""What a Chinese clause says of its subject: which attribute, which value, and whether it stopped being so.

Every pattern is matched after the subject and the words of time and manner that may follow it, so a
不 or a 可能 in between keeps it from matching. A value is always a stretch of the clause. The patterns
are written in Traditional characters and match both scripts.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mnemic import slots
from mnemic.extractors.claims import Reading, Rule, by_key
from mnemic.extractors.names import is_place
from mnemic.extractors.words_zh import TIME


def read(clause: str, *, job: Callable[[], bool]) -> Reading | None:
    """What `clause` ("上個月搬到台中了", its subject taken off) states as being so now, or as having ended.

    `job` tells whether the sentence is about a change of work, so that 現在在華碩 is no whereabouts.
    """
    lead = _LEAD.match(clause)
    start = lead.end() if lead else 0
    if _PAST.search(clause, 0, start) or _PAST.match(clause, start):
        return None
    if match := _FAVOURITE.match(clause, start):
        return Reading(attribute="favourite_" + match["thing"], object=_trimmed(match["object"]))
    candidates = set(_BY_KEY[""])
    for character in set(clause[:_LOOK].lower()):
        candidates.update(_BY_KEY.get(character, ()))
    for place in sorted(candidates):
        rule = _RULES[place]
        if rule.job and not (rule.pattern.match(clause, start) and job()):
            continue
        if match := rule.pattern.match(clause, start):
            groups = match.groupdict()
            value = _trimmed(groups.get("object") or "") or None
            if rule.attribute in _STATES and not rule.ends and _FUTURE.search(clause, 0, start):
                return Reading(attribute="plan", object=_trimmed(match.group()))
            if value and not rule.ends and _DENIED.search(value):
                continue
            if value and rule.attribute in _NAMED and _NO_NAME.match(value):
                continue
            return Reading(attribute=_settled(rule.attribute, value), object=value, ends=rule.ends)
    return _mine(clause, start)


def _mine(clause: str, start: int) -> Reading | None:
    """For 我的健身房是世界健身, 房租漲到一萬八了: what somebody calls theirs by a noun alone."""
    for pattern in _MINE:
        if match := pattern.match(clause, start):
            attribute, value = mine(match["noun"]), _trimmed(match["object"])
            # Without 的 the noun must be one that is known, or be said to have changed.
            known = clause.startswith("的") or match["change"] or attribute in slots.known()
            if attribute and known and not _NO_VALUE.search(value):
                return Reading(attribute=attribute, object=value)
    return None


def mine(noun: str) -> str | None:
    """The attribute of what somebody calls 我的`noun`; None where that is not one lasting thing."""
    noun = _NEW.sub("", noun)
    if not noun or _NO_THING.search(noun):
        return None
    attribute = slots.canonical("my_" + noun)
    return attribute if attribute and slots.single(attribute) and not slots.of_thing(attribute) else None


_LOOK = 80  # characters of a clause that hold its verb and its value
_DENIED = re.compile(r"\A(?:不(?!丹)|沒|没|未)|[不沒没未]\Z")


# Whose values are names: words of wishing, denying and supposing before them are none (我想離職, 我差點離職了).
_NAMED = frozenset(["home", "employer?", "employer!", "school", "hometown"])
_NO_NAME = re.compile(
    r"(?:想|差一?[點点]|險些|险些|幾乎|几乎|不(?!丹)|沒|没|未(?!來|来)|無法|无法|打算|考慮|考虑|準備|准备|計畫|计划|計劃|預計|预计|預備|预备|希望|可能|也許|也许|"
    r"應該|应该|快(?:要|[點点])?\Z|要(?!塞)|會|会\Z|將(?:要|會)?\Z|将(?:要|会)?\Z|即將|即将|還(?:沒|在|不|想)|还(?:没|在|不|想)|很|真的|一直|正在|猶豫|犹豫|差不多|怕|敢|害怕|[被讓让跟和](?!泰))"
)


_STATES = frozenset(["home", "employer?", "occupation", "school", "relationship_status"])
_FUTURE = re.compile(
    r"明天|後天|后天|明年|後年|后年|下(?:個|个)?(?:月|週|周|星期|禮拜|礼拜)|即將|即将"
)  # 我下個月結婚: not so yet


def _trimmed(value: str) -> str:
    return value.strip(" \t「」『』\"“”'，,。.！!：:～~")


def _settled(attribute: str | None, value: str | None) -> str | None:
    """在台北工作 names a town, 在台積電工作 a firm; 離開 is said of both."""
    if attribute in ("employer?", "employer!") and value and is_place(value):
        return "home" if attribute == "employer!" else "office"
    return attribute.rstrip("?!") if attribute else None


# Traditional characters of the patterns below, each with its Simplified form.
_PAIRS = (
    "於于 個个 們们 偶偶 傳传 價价 儲储 優优 兒儿 內内 兩两 兇凶 冊册 別别 剛刚 創创 務务 動动 勞劳 區区 醫医 協协 單单 嚴严 員员 問问 啟启 喪丧 國国 園园 圓圆 團团 報报 場场 塊块 壞坏 壽寿 夠够 夢梦 "
    "夥伙 奮奋 媽妈 學学 實实 對对 專专 將将 導导 層层 屬属 島岛 帶带 師师 幣币 幾几 庫库 廠厂 廢废 廣广 廳厅 張张 強强 彈弹 後后 從从 復复 應应 戶户 戰战 戲戏 戀恋 態态 慣惯 愛爱 懷怀 掛挂 換换 據据 "
    "擔担 擇择 擅擅 數数 斷断 時时 書书 會会 東东 條条 業业 極极 樂乐 樣样 機机 檢检 歐欧 歲岁 歡欢 殘残 沒没 決决 況况 測测 滿满 漢汉 漲涨 潔洁 濟济 為为 無无 煙烟 熱热 燒烧 營营 爺爷 牆墙 狀状 "
    "猶犹 獎奖 現现 瑪玛 產产 畢毕 畫画 異异 當当 發发 癮瘾 癥症 癲癫 盜盗 監监 盤盘 眾众 碩硕 確确 礙碍 禮礼 種种 稱称 穩稳 競竞 節节 範范 糧粮 約约 級级 紅红 紙纸 終终 組组 結结 絡络 給给 統统 經经 "
    "綠绿 維维 網网 練练 緊紧 線线 總总 績绩 織织 繳缴 繼继 續续 罷罢 義义 習习 聖圣 聞闻 聯联 職职 聽听 肅肃 腦脑 腫肿 臟脏 臨临 與与 興兴 舊旧 舉举 船船 莊庄 華华 萬万 葉叶 葷荤 藝艺 藥药 虛虚 號号 "
    "蝦虾 蟲虫 術术 衛卫 衝冲 補补 裝装 裡里 見见 規规 視视 覺觉 親亲 觀观 計计 訂订 訊讯 討讨 記记 訪访 設设 許许 診诊 評评 試试 詢询 該该 誌志 認认 語语 說说 課课 調调 請请 論论 講讲 謝谢 證证 識识 "
    "譯译 護护 讀读 變变 負负 財财 貓猫 貝贝 貨货 貸贷 費费 資资 賓宾 賣卖 質质 購购 賽赛 贏赢 趕赶 跡迹 踐践 車车 軍军 軟软 較较 輛辆 輩辈 轉转 辦办 辭辞 農农 運运 過过 達达 違违 遠远 適适 遲迟 遷迁 "
    "選选 還还 邊边 郵邮 鄉乡 醬酱 釋释 銀银 錄录 鍵键 鎮镇 長长 門门 開开 間间 關关 閱阅 陽阳 階阶 際际 隊队 隻只 雙双 雖虽 離离 難难 雲云 電电 靈灵 頭头 題题 顏颜 願愿 顧顾 類类 風风 飛飞 飯饭 飲饮 "
    "養养 館馆 馬马 駕驾 駐驻 騎骑 驗验 體体 鬥斗 魚鱼 鮮鲜 鳥鸟 鸚鹦 鵡鹉 鹽盐 麗丽 麥麦 麵面 黃黄 點点 齡龄 龜龟 喚唤 倉仓 氣气 憂忧 鬱郁 慮虑 癌癌 糖糖 壓压 獲获 攬揽 僱雇 簽签 薦荐 幹干 崗岗 擬拟 "
    "寵宠 婦妇 嬰婴 孫孙 診诊 術术 額额 齊齐 遊游 賬账 帳帐 魷鱿 塵尘 螨螨 堅坚 檸柠 鋼钢 彈弹 羅罗 韓韩 蘭兰 臺台 廚厨 闆板 鬚须 傷伤 凍冻 剩剩 徵征 錯错 週周 跳跳 購购 賠赔 輪轮 陸陆 陳陈 籃篮 麼么 載载 稅税 "
    "預预 籍籍 導导 執执 奪夺 諮咨 顧顾 築筑 劃划 編编 輯辑 創创 設设 檔档 盡尽 減减 撐撑 姊姐 誤误 這这 來来 個个 國国 厭厌 膩腻 銜衔 麩麸 責责 準准 領领 買买 話话 碼码 紀纪 備备 歸归 丟丢 賭赌 寫写 鍾钟 鐘钟 採采 榮荣 樓楼 幫帮 賺赚 蠻蛮 連连 臘腊 蝟猬 鴨鸭 雞鸡 豬猪 餅饼 憶忆 檢检 貼贴 脫脱 裏里 麗丽 癢痒 綁绑 亞亚 圍围 晉晋 奧奥 純纯 腸肠 腳脚 貴贵 貧贫 輕轻 轎轿 項项 順顺 馳驰 獵猎 爾尔 搖摇 腎肾 處处 製制 參参 豐丰 暫暂 囉啰 損损 幾几"
)
_BOTH = {pair[0]: pair for pair in _PAIRS.split() if pair[0] != pair[1]}


def _both(pattern: str) -> str:
    """`pattern`, with each Traditional character standing for its Simplified form too."""
    out: list[str] = []
    inside = False
    for character in pattern:
        if character in "[]":
            inside = character == "["
        pair = _BOTH.get(character)
        out.append(character if pair is None else pair if inside else f"[{pair}]")
    return "".join(out)


def _rules(attribute: str | None, keys: str, *patterns: str, ends: bool = False, job: bool = False) -> list[Rule]:
    """Rules for `patterns`, of which every fitting text has one of the characters `keys` (any, when it is empty)."""
    both = frozenset(_both(f"[{keys}]")[1:-1] if keys else "")
    return [Rule(attribute=attribute, source=_both(each), keys=both, ends=ends, job=job) for each in patterns]


# What may stand between the subject and the verb.
_LEAD = re.compile(
    _both(
        rf"(?:(?!(?:\d{{1,3}}|[一二三四五六七八九十]{{1,3}})\s*歲){TIME}(?:的時候|開始|起)?|目前|現在|如今|就|也|都|已經|已(?!婚)|剛剛|剛|正式|終於|正在(?=[住養學開])|還|還是|一直|後來|決定|其實|又|才|平常|自己|人(?=在)|一個人|全家|"
        r"(?:跟|和|與|陪)[^\s，,。的]{1,6}?(?=搬|住|結婚|離婚|分手)|早就|突然|順利|最後|另外|主要|真的|主動|自願|被迫|毅然|果斷|我|的|開始(?!學|吃)|，|,|\s){0,8}"
    )
)
_PAST = re.compile(_both(r"(?<![年月天週周日])(?:以前|之前|曾經|曾|當時|那時候?|小時候|原本|本來|原來|過去|從前|當年)"))

_MARKS = r"，,；;。！!？?、~～…：:\n「」（）()"
_END = rf"(?=\s*(?:了|啦|喔|哦|囉|啊|耶|呢|嘛|吧|而已|唷|噢|呦|的?時候?了)*\s*(?:[{_MARKS}]|\Z|(?<=[\u4e00-\u9fff])\s|(?:但|可是|所以|因為|而且|並且|並|然後|不過)))"
_O = rf"(?P<object>[^{_MARKS}]"
_ANY = rf"\s*{_O}{{1,20}}?){_END}"
_SHORT = rf"\s*{_O}{{1,12}}?)"
_NUMBER = r"[\d一二兩三四五六七八九十百]"
_NOT_A_FIRM = r"(?![家哪找學這那外一忙]|努力|認真|拼命|線上|路上|早上|晚上|白天|半夜|週|周|星期|\d)"
_WORKS = r"(?:上班|任職|工作|服務|就職|實習|打工|擔任|當(?!時|初)|做事)(?!過|的時|的那|坊|室|日|到|經驗|狂)"
_ANIMAL = (
    r"(?:狗狗?|貓咪?|鳥|魚|兔子?|倉鼠|烏龜|鸚鵡|寵物|柴犬|柯基|黃金獵犬|貴賓|臘腸|馬|蛇|蜥蜴|天竺鼠|刺蝟|貂|雞|鴨|豬)"
)
_JOBS = (
    r"(?:師傅?|員|工人|農夫|漁夫|保母|保姆|獸醫|牙醫|中醫|空姐|房仲|業務|行銷|企劃|人資|工程|設計|攝影|模特兒?|店長|木匠|裁縫|水電工|技工|清潔工|保全|保安|前台|銷售|講師|博士後|學者|詩人|畫師|廚子|醫生|護士|學生|研究生|博士生|教授|經理|記者|老闆|作家|司機|主廚|軍人|軍醫|自由業|自由職業者?|公務員|主婦|主夫|媽媽|會計|律師|法官|檢察官|警察|消防員|組長|主管|總監|主任|店長|副理|協理|執行長|課長|處長|部長|科長|"
    r"校長|院長|顧問|助理|秘書|畫家|演員|歌手|導演|編輯|翻譯|教練|實習生|志工|創業者|創辦人|科學家|專家|PM|產品經理|專案經理|CEO|CTO)"
)
_KIDS = r"(?:小孩|孩子|女兒|兒子|寶寶|男孩|女孩|雙胞胎|女生|男生)"
_LANGUAGES = r"(?:日文|英文|法文|德文|韓文|中文|泰文|越南文|西班牙文|俄文|日語|英語|法語|德語|韓語|西班牙語|俄語|粵語|廣東話|台語|臺語|客語|客家話|普通話|國語|華語|阿拉伯文|義大利文|葡萄牙文|手語)"
_ILLNESS = r"(?:糖尿病|氣喘|哮喘|高血壓|低血壓|憂鬱症|焦慮症|恐慌症|關節炎|偏頭痛|過動症?|失眠|胃病|胃炎|心臟病|腎臟病|肝炎|白內障|青光眼|脂肪肝|貧血|感冒|流感|[\u4e00-\u9fff]{1,6}(?:癌|症|炎|病))"
_BECAME = r"(?:就?是|變成|換成|改成|改為|改用|換到|變|叫做|叫|:|：)"

# What is called 我的…: one lasting thing, with a value that is a name, a number or a make.
_SINCE = r"(?:現在|目前|如今|最近|這個月|今年|一個月|每個月|每月|都|已經|也|就)"
_MINE = [
    re.compile(_both(pattern), re.IGNORECASE)
    for pattern in (
        rf"(?P<noun>(?:(?!{_SINCE}|不|沒|會|要|在|有|想|覺得|是|的)[\u4e00-\u9fffA-Za-z]){{2,8}}?)的?{_SINCE}*(?:是|叫做?|用的?是|(?P<change>(?:換|變|改|漲|升|降|跌|調|加|減|轉)(?:成|到|為|用|至)))了?{_ANY}",
        rf"(?P<noun>(?:(?!{_SINCE}|不|沒)[\u4e00-\u9fff]){{2,6}}?)(?P<change>)(?:現在|目前)?(?:一個月|每個月|每月|一年|每年)(?:要|是)?{_O}{{0,3}}?(?:\d[\d,.]*|[一二兩三四五六七八九十百千]+)[^{_MARKS}]{{0,6}}?){_END}",
        rf"(?:把|將)(?:我的?)?(?P<noun>[\u4e00-\u9fffA-Za-z]{{2,8}}?)(?P<change>換成|改成|改用|換到|轉到)了?{_ANY}",
        rf"(?P<change>換)了?(?:新的?|一[個台家間支部])?(?P<noun>[\u4e00-\u9fff]{{2,6}}?)了?[，, ]+(?:現在|目前|改|新的)*(?:是|用的?是?|改用){_ANY}",
    )
]
_NEW = re.compile(r"^(?:新的?|現在的?|现在的?|目前的?)(?=..)")
# Nouns of talk, of what passes, of what people have several of; and what is gone.
_NO_THING = re.compile(
    _both(
        r"(?:^(?:前|舊|老(?!公|婆|闆|板|爸|媽|師)|以前|之前|原本|第|下|上|這|那|每|某|其他|另|最|有|沒|很|真|今|昨|明|剛|想|覺|感|個人)|(?:意思|想法|問題|看法|建議|夢想|目標|計畫|願望|興趣|嗜好|愛好|專長|強項|弱點|缺點|優點|感覺|心情|經驗|"
        r"錯|重點|答案|理解|觀點|立場|需求|選擇|順序|部分|地方|時候|事情|事|東西|人生|生活|世界|一天|狀況|情況|原因|理由|結論|習慣|方法|做法|態度|期待|希望|擔心|印象|反應|預算|報告|作業|作品|專案|版本|檔案|電腦|網路|螢幕|程式|行程|會議|航班|訂單|時間|日期|任務|朋友|同事|意見|個性|壓力|責任|回答|話|人|天|年|家)\Z)"
    )
)
_NO_VALUE = re.compile(
    _both(
        r"^(?:很|太|非常|真|超|好|最|更|也|都|不|沒|無|我|你|他|她|因為|為了|要|會|想|去|說|對|怎|什|甚|哪|誰|個|這|那|一樣|可以|應該|如果|希望)|(?:的|了|過)$|嗎|呢"
    )
)

_FAVOURITE = re.compile(
    _both(
        rf"最(?:喜歡|愛)的(?P<thing>[\u4e00-\u9fffA-Za-z]{{1,6}}?)(?:現在|目前|已經|也|還|一直|就)*(?:是|變成了?|換成了?|改成了?|叫|:|：)(?!不|什麼|哪){_ANY}"
    ),
    re.IGNORECASE,
)

_RULES: list[Rule] = [
    # Work. The first rule that fits wins, so what changes comes before what merely is.
    *_rules(
        "employer?",
        "主任來僱入公到加去取受回在家就工從效新是服由的考至被進離",
        rf"(?:從|由|離開)(?P<former>[^{_MARKS}]{{1,16}}?)(?:離職|辭職|跳槽|轉職|換|轉)?(?:了)?(?:後|之後)?[，, ]*(?:現在|就|就去|來)?(?:到|去了?|加入了?|進了?|入職|轉到|跳到){_SHORT}(?:上班|工作|任職|服務)?{_END}",
        rf"(?:跳槽|轉職|轉任|換工作|換公司|調職|調動|跳|調)(?:到|去|至|進|來)了?{_SHORT}(?:上班|工作|任職|服務|當\S{{1,8}}|去)?{_END}",
        rf"(?:加入|入職|進入|進了|考進|報到|錄取)了?(?!.{{0,12}}(?:群|會員|健身|社團|球隊|俱樂部|遊戲|好友|討論|行列|青春期|狀況)){_SHORT}(?:上班|工作|任職|服務|的?團隊)?{_END}",
        rf"到{_SHORT}(?:報到|上任)",
        rf"(?:找到|換了?|換到|拿到|得到)了?(?:一份|新的?|個)*(?:在)?{_SHORT}的(?:新)?(?:工作|職位|職缺){_END}",
        rf"(?:在|到|去|回)\s*{_NOT_A_FIRM}(?P<object>[^{_MARKS}]{{1,20}}?)\s*(?:裡面?|那邊)?{_WORKS}",
        rf"(?:是|任職於|就職於|服務於|受僱於|效力於)(?<!是){_ANY}",
        rf"(?:新)?(?:公司|東家|雇主|僱主|工作單位)(?:現在)?(?:是|叫|在|換成|變成|改成){_SHORT}(?:上班|工作)?{_END}",
        rf"新工作(?:是)?在{_SHORT}(?:上班|工作)?{_END}",
        rf"被{_SHORT}(?:挖角|挖走|挖去|聘用|聘請|雇用)了?",
    ),
    *_rules(
        "employer?",
        "到去至進",
        rf"(?:換|轉|調)(?:到|去|至|進)了?(?P<object>[^{_MARKS}]{{1,16}}?)(?:上班|工作|任職|服務)",
    ),
    *_rules(
        "employer?",
        "到去在改進",
        rf"(?:人)?在(?!找|家|忙|想|哪){_ANY}",
        rf"(?:去|到|改去|換到|進){_SHORT}(?:上班|工作)?{_END}",
        job=True,
    ),
    *_rules(
        "employer!",
        "了去在失把掉被辭離",
        rf"(?:不再?|沒(?:再)|沒有再)在\s*(?P<object>[^{_MARKS}]{{1,20}}?)\s*(?:上班|工作|任職|做|服務)了?",
        rf"沒有?在\s*(?P<object>[^{_MARKS}]{{1,20}}?)\s*(?:上班|工作|任職|做|服務)了",  # without 了 it never was so
        rf"(?:從|由)?\s*(?P<object>[^{_MARKS}]{{1,16}}?)?(?:離職|辭職)(?:了|成功|{_END})",
        rf"(?:辭掉|辭了|辭去|丟了|丟掉|失去)了?(?:在)?\s*(?P<object>[^{_MARKS}的]{{1,16}})?(?:的)?(?:工作|職務|飯碗)",
        rf"把\s*(?P<object>[^{_MARKS}]{{1,16}}?)?的?工作(?:給)?辭(?:掉)?了",
        rf"被\s*(?P<object>[^{_MARKS}]{{1,12}}?)?(?:公司)?(?:裁員|資遣|開除|解僱|炒魷魚|裁|fire)(?:掉)?了",
        rf"(?:離開)了?(?!我|他|她|你|這|那){_ANY}",
        r"(?:失業|沒工作|被炒)了",
        ends=True,
    ),
    *_rules(
        "occupation",
        ":任做升在成改是晉當行轉退：",
        rf"(?:升(?:上|為|任|職成|成)?了?|晉升(?:為|成)?|當上?了?|成為了?|擔任|轉行(?:去)?(?:做|當)|改行(?:去)?(?:做|當)|改(?:做|當)|轉(?:做|當|任)|做|是)(?:了)?(?:一名|一個|一位|個|名|位)?(?P<object>[^{_MARKS}的]{{0,10}}?{_JOBS})(?:{_END}|(?=在))",
        rf"(?:職業|工作|職稱|職位|職務|頭銜)(?:現在)?(?:是|:|：|變成|換成|改成)(?!在){_ANY}",
        r"(?P<object>退休)了",
        rf"(?:在(?P<former>[^{_MARKS}]{{1,12}}?))(?:當|做|擔任)(?:一名|一個|一位|個)?(?P<object>[^{_MARKS}]{{0,10}}?{_JOBS}){_END}",
    ),
    # Who.
    *_rules(
        "name",
        "全叫名大姓改本",
        rf"(?:的)?(?:名字|全名|本名|大名)(?:現在)?{_BECAME}{_ANY}",
        rf"改名(?:字)?(?:叫|為|成|了?[，,]?叫)+{_ANY}",
        rf"叫(?!他|她|你|外|車|了|不|做|人|醒|我|大家|計程){_ANY}",
        rf"姓(?!名){_ANY}",
    ),
    *_rules(
        "birthday",
        "年月生",
        rf"生日(?:是|在)(?!.{{0,6}}(?:派對|過)){_ANY}",
        rf"(?:是)?(?:在)?(?P<object>(?:{_NUMBER}{{2,4}}年)?(?:{_NUMBER}{{1,3}}月)(?:{_NUMBER}{{1,3}}[日號])?|{_NUMBER}{{4}}年)(?:出生|生的|生){_END}",
    ),
    *_rules(
        "age",
        "年歲",
        rf"(?:滿|已滿|快要?|是|才|今年)*\s*(?P<object>{_NUMBER}{{1,4}})\s*歲(?!的?(?:時|那|開|就|以|生日))",
        rf"(?:年齡|年紀|歲數)(?:是|:|：)?(?P<object>{_NUMBER}{{1,4}})",
    ),
    *_rules(
        "email",
        "@",
        rf"(?:新的?)?(?:信箱|郵箱|email|e-mail|電子郵件)(?:地址)?(?:現在)?{_BECAME}了?\s*(?P<object>[A-Za-z0-9._%+-]{{1,64}}@(?:[A-Za-z0-9-]{{1,60}}\.){{1,4}}[A-Za-z]{{2,20}})",
    ),
    *_rules(
        "phone",
        "手新聯號門電",
        rf"(?:新的?)?(?:電話|手機|號碼|聯絡電話|門號){{1,3}}(?:現在)?{_BECAME}了?\s*(?P<object>[+(]?\d[\d() -]{{2,24}}\d)",
        r"新的(?:號碼)?是\s*(?P<object>[+(]?\d[\d() -]{6,24}\d)",
    ),
    # Where.
    *_rules(
        "home",
        "住回在定家搬移落遷",
        rf"(?:從[^{_MARKS}]{{1,10}}?)?(?:搬家?|遷居?|移居|移民)(?:到|去|來|回|至|進|過來|過去)了?(?!我家?$){_SHORT}(?:去|來)?(?:住|定居|生活|工作|上班|發展|唸書|讀書)?{_END}",
        rf"(?:定居|落腳|長住)(?:在|於|到)?了?{_ANY}",
        rf"在\s*(?P<object>[^{_MARKS}]{{1,10}}?)\s*(?:住|定居|長住|生活)(?!院|宿|過|在)",
        rf"住(?:在|到|進)?(?!院|宿|過|的|了|址|校|不|得|飯|一|哪|這|那|家裡)(?:的是)?{_SHORT}(?:住)?(?:了?{_NUMBER}{{1,3}}(?:幾)?(?:年|個月))?{_END}",
        rf"家(?:現在|目前|就)?(?:住|在|搬到)(?:在)?{_ANY}",
        rf"回{_SHORT}(?:定居|長住){_END}",
    ),
    *_rules("rent", "退", r"退租了", ends=True),
    *_rules(
        "address", "住地", rf"(?:新的?)?(?:家裡?的?)?(?:地址|住址)(?:現在)?(?:是|:|：|改成|換成|變成|改為)了?{_ANY}"
    ),
    *_rules(
        "home",
        "住在搬",
        rf"(?:不|沒)(?:再|有)?住(?:在)?{_SHORT}了",
        rf"(?:不|沒)(?:再|有)?在{_SHORT}住了",
        rf"(?:搬離|搬出)了?(?!來|去){_ANY}",
        ends=True,
    ),
    *_rules(
        "hometown",
        "在家故是老自",
        rf"來自{_ANY}",
        rf"老家(?:就)?(?:是|在)?{_ANY}",
        rf"(?:家鄉|故鄉)(?:是|在){_ANY}",
        rf"是(?P<object>[^{_MARKS}的個]{{1,6}}人){_END}",
        rf"(?:是)?在{_SHORT}(?:長大|出生)",
    ),
    *_rules(
        "nationality",
        "入化拿籍",
        rf"國籍(?:是|:|：|改成|換成){_ANY}",
        rf"(?:入籍|歸化)(?:了|為|成)?{_ANY}",
        rf"拿到了?{_SHORT}(?:護照|公民身分|公民身份|國籍)",
    ),
    # Whom.
    *_rules(
        "relationship_status",
        "分婚身",
        r"(?:跟|和)?\S{0,4}?分手了",
        r"(?:解除|取消)了?婚約",
        r"(?:不是|脫離)(?P<object>單身)了",
        ends=True,
    ),
    *_rules(
        "relationship_status",
        "交偶再分婚已新未脫身",
        rf"(?:是|恢復|變成|目前|依然|還)*(?P<object>單身|已婚|未婚|離婚|結婚|訂婚|喪偶|分居|新婚|再婚|脫單)(?:了|的|中|狀態|人士|{_END})(?!.{{0,3}}(?:典禮|紀念|照))",
        r"(?P<object>交了?(?:一個|個|了)?(?:新)?[女男](?:朋)?友)",
        rf"(?:跟|和)(?P<with>[^{_MARKS}]{{1,6}}?)(?P<object>結婚|離婚|訂婚)了",
    ),
    *_rules(
        "children",
        "了有生",
        rf"(?:有|生)了?(?P<object>{_NUMBER}(?:個|對|胎|位)?[^{_MARKS}]{{0,4}}?{_KIDS})",
        r"(?P<object>生了|當(?:爸|媽|爸爸|媽媽)了)",
    ),
    *_rules(
        "pet",
        "了把",
        rf"(?:不|沒)(?:再|有)?養(?:了)?(?P<object>[^{_MARKS}]{{0,6}}?{_ANIMAL})了",
        rf"(?:沒有|不再有)(?P<object>[^{_MARKS}]{{0,4}}?{_ANIMAL})了",
        rf"(?P<object>[^{_MARKS}]{{0,4}}?{_ANIMAL})[^{_MARKS}]{{0,6}}?(?:過世|去世|死掉?|走|往生|去當天使|不在)了",
        rf"把(?:我的?|家裡的?)?(?P<object>[^{_MARKS}]{{0,4}}?{_ANIMAL})(?:送人|送走|送養|賣掉?|還給\S{{1,6}})了?",
        ends=True,
    ),
    *_rules(
        "pet",
        "收有認買領養",
        rf"(?:養|領養|收養|認養|買)(?:了|著|有|到)?(?P<object>(?:{_NUMBER}|新的?|另外)?{_NUMBER}?(?:隻|條|匹|頭|只)?[^{_MARKS}的]{{0,6}}?{_ANIMAL})",
        rf"有(?P<object>{_NUMBER}(?:隻|條|匹|頭|只)[^{_MARKS}的]{{0,6}}?{_ANIMAL})",
    ),
    # Body and health.
    *_rules(
        "diet",
        "了吃",
        r"(?:不|沒)(?:再)?(?:是)?(?P<object>吃素|素食者?|純素|生酮)了",
        r"(?:改|開始|恢復|又|可以)*吃(?:葷|肉)了",
        r"開葷了",
        ends=True,
    ),
    *_rules(
        "diet",
        "乳低吃清無生素",
        r"(?:改|開始|變成|變|轉|成為|是|決定|都|在)*(?P<object>吃(?:全|蛋奶|純|長|早|方便)?素)(?!人|材|質)",
        r"(?:改|開始|變成|成為|是|在|執行|採)*(?:一個|吃)?(?P<object>(?:純|全)?素食(?:者|主義者?)?|(?:純|全)素(?:者|主義者?)?|乳糖不耐(?:症)?|生酮(?:飲食)?|清真|無麩質(?:飲食)?|低碳(?:飲食)?)",
    ),
    *_rules("allergy", "敏", rf"對{_SHORT}(?:已經|就)*(?:不|沒有|沒)(?:再|會)*過敏了", ends=True),
    *_rules(
        "allergy",
        "吃敏",
        rf"對{_SHORT}(?:會|有點|很|嚴重|也|都|重度|輕微)*過敏",
        r"(?:有)?(?P<object>海鮮|花生|花粉|塵螨|牛奶|堅果|蝦子?|螃蟹|雞蛋|芒果|小麥|麩質|貓毛|狗毛|盤尼西林|酒精|乳製品)(?:會|也會)?過敏",
        rf"吃{_SHORT}(?:就)?會過敏",
        rf"過敏(?:原|源)是{_ANY}",
    ),
    *_rules(
        "health",
        "孕左得患有確罹色診近",
        rf"(?:有|得了|得到|確診(?:了|為|是)?|患有|罹患|被?診斷(?:出|為|是)?(?:有|得了|患有)?)(?P<object>(?:輕微的?|嚴重的?|第[一二]型)?{_ILLNESS})",
        r"(?P<object>懷孕)(?!的)",
        r"(?:是|有)?(?P<object>色盲|近視|左撇子|色弱)",
    ),
    *_rules(
        "weight",
        "k公斤",
        r"(?:體重)?(?:是|已經|現在|只剩|瘦到|胖到|減到|降到|變成|掉到|回到|有|:|：)*\s*(?P<object>\d[\d.]*\s?(?:公斤|kg|斤))",
    ),
    *_rules("height", "身", r"(?:身高)(?:是|有|現在|長到|:|：)*\s*(?P<object>\d[\d.]*\s?(?:公分|cm|厘米|公尺|米)?)"),
    # What one knows, does, owns.
    *_rules("native_language", "母", rf"母語是(?P<object>[^{_MARKS}]{{1,8}}){_END}"),
    *_rules(
        "language",
        "學很得會能",
        rf"(?:會|能)(?:說|講)(?:一點|流利的?|一些)?(?P<object>[^{_MARKS}]{{1,12}}){_END}",
        rf"(?:正在|在|開始)?學(?:習)?(?P<object>{_LANGUAGES})",
        rf"(?P<object>{_LANGUAGES})(?:很|說得|講得)(?:好|流利|溜)",
    ),
    *_rules(
        "school",
        "到在就校考",
        rf"(?:正?在)\s*(?P<object>[^{_MARKS}]{{1,14}}?)\s*(?:唸書|念書|讀書|上學|就讀|唸|念|讀|求學)",
        rf"(?:就讀於?|轉學到|考上了?|轉到)\s*(?P<object>[^{_MARKS}]{{0,14}}?(?:大學|高中|國中|小學|研究所|學院|台大|清大|交大|成大|政大|北大|復旦|清華|交通|幼兒園))",
        rf"(?:學校)是{_ANY}",
    ),
    *_rules(
        "education",
        "博唸士就念畢考讀",
        rf"(?:畢業於)\s*{_ANY}",
        rf"(?:從)?\s*(?P<object>[^{_MARKS}]{{2,14}}?)畢業",
        rf"(?:就讀|考上|念|唸|讀).{{0,4}}?(?P<object>[^{_MARKS}]{{0,12}}?(?:大學|研究所|碩士|博士|高中|系)){_END}",
        rf"(?:有|拿到了?|取得了?|獲得了?)\s*(?P<object>[^{_MARKS}]{{0,12}}?(?:學士|碩士|博士)(?:學位)?)",
    ),
    *_rules("major", "主", rf"主修(?:是|改成|改為)?{_ANY}"),
    *_rules("hobby", "上是迷", rf"(?:興趣|嗜好|愛好)(?:就)?是{_ANY}", rf"(?:迷上|愛上)了?(?!你|他|她){_ANY}"),
    *_rules(
        "hobby",
        "了",
        r"(?:不|沒)(?:再|有)?(?:在)?(?:學|練|打|玩|彈|跳)(?P<object>鋼琴|吉他|小提琴|羽球|網球|籃球|桌球|高爾夫|瑜珈|瑜伽|舞|太極|圍棋|書法|畫畫|陶藝)了",
        ends=True,
    ),
    *_rules(
        "skill",
        "擅是會精",
        rf"(?:會|擅長|精通)(?P<object>(?:彈|寫|游|開|騎|做|修|打|唱|跳|煮|畫|拉)[^{_MARKS}]{{1,10}}){_END}",
        rf"(?:擅長|精通|專長是){_ANY}",
    ),
    *_rules(
        "car",
        "成把換改買車開",
        rf"(?:把[^{_MARKS}]{{1,12}}?換成|開|換了?|買了?|改開|換開|換成|改成)(?:的是)?(?:了)?(?P<object>{_NUMBER}?(?:台|輛|部)?(?:新的?)?[^{_MARKS}]{{0,8}}?(?:特斯拉|Tesla|Toyota|豐田|本田|Honda|BMW|賓士|奔馳|Audi|奧迪|福斯|Mazda|馬自達|福特|Ford|Volvo|Lexus|Porsche|保時捷|電動車|休旅車|轎車|跑車|比亞迪)[^{_MARKS}了]{{0,10}}?){_END}",
        rf"(?:的)?車(?:子)?(?:現在|目前)?(?:是|換成了?|改成了?){_ANY}",
        rf"(?:改)?開的(?:車子?)?(?:現在|目前)?是{_ANY}",
        rf"換(?:了)?(?:新|一?[台輛部]|新的)*車(?:子)?了?[，, ]*(?:現在|目前|改|換)*開(?:的是)?{_ANY}",
    ),
    *_rules(
        "car",
        "了",
        r"(?:把)?(?:我的?)?(?P<object>(?:汽|轎|跑|休旅)?車子?)賣(?:掉)?了",
        r"賣(?:掉)?了(?P<object>車子?)",
        r"(?:不|沒)(?:再)?開(?P<object>車)了",
        ends=True,
    ),
    *_rules(
        "project",
        "在正負",
        rf"(?:正在|在)(?:做|開發|負責|忙)(?:一個)?(?P<object>[^{_MARKS}]{{2,16}}?(?:專案|項目|計畫|論文|系統|App|網站|小說|書)){_END}",
        rf"負責(?P<object>[^{_MARKS}]{{2,16}}?(?:專案|項目|計畫|系統)){_END}",
    ),
    *_rules(
        "budget",
        "算",
        rf"預算(?:現在|大概|大約)*(?:是|有|:|：|改成|增加到|提高到|調高到|降到|減到|砍到|變成|拉到|加到)*\s*(?P<object>[^{_MARKS}]{{0,3}}(?:\d[\d,.]*|[一二兩三四五六七八九十百千]+)[^{_MARKS}]{{0,8}}?){_END}",
    ),
    *_rules(
        "plan",
        "即想打會準要計預",
        rf"(?P<object>(?:要|會|準備|計畫|預計|打算|想|即將)(?:去|到|跟|和|搬|出|參|結|開|考|回|飛|辦|換|買|學)[^{_MARKS}]{{0,20}}?){_END}",
        rf"(?:計畫|預計)(?:在)?(?:今年|明年|下個月)?{_ANY}",
    ),
    *_rules(
        "place_visited",
        "了到去",
        rf"(?:去過|到過)(?!了){_ANY}",
        rf"(?:去|到)了(?P<object>[^{_MARKS}]{{1,8}}?)(?:玩|旅行|旅遊|出差|度假|一趟|觀光){_END}",
    ),
    # Taste.
    *_rules("likes", "了", rf"(?:不|沒)(?:再|那麼|有)?(?:喜歡|愛(?:吃|喝|看|聽|玩)?)(?!你|他|她){_SHORT}了", ends=True),
    *_rules("dislikes", "了", rf"(?:不|沒)(?:再|那麼)?(?:討厭|怕|排斥)(?!你|他|她){_SHORT}了", ends=True),
    *_rules(
        "dislikes",
        "不受惡排法痛討",
        rf"(?:真的|很|超級?|最|非常|比較|都|也|一直|從小|特別|實在|蠻|滿|有點|向來)*(?:不(?:太|是很|怎麼|大)?(?:喜歡|愛(?!人))|討厭|痛恨|受不了|排斥|厭惡|無法接受)(?!你|他這|她這|這樣|那樣){_ANY}",
    ),
    *_rules(
        "likes",
        "偏喜愛死熱鍾鐘",
        rf"(?:真的|很|超級?|最|非常|比較|都|也|一直|從小|特別|蠻|滿|挺|更|還是|就|其實|向來)*(?:喜歡(?:上了?)?|熱愛|偏好|偏愛|愛(?=吃|喝|看|聽|玩|逛|穿|用)|鍾愛|愛死)(?!你|他這|她這|這樣|那樣){_ANY}",
    ),
    # Anything that ended, under no attribute.
    *_rules(
        None,
        "了戒取停註退從由放不",
        rf"(?:把|將)(?:我的?|家裡的?)?(?P<object>[^{_MARKS}]{{1,12}}?)(?:給)?(?:賣|退|捐|丟|送人|送走|取消|停|關|註銷|刪)(?:掉|走|給\S{{1,4}})?了",
        rf"(?:賣掉|賣|退掉|取消|停掉|停用|註銷|退訂)了?(?:我的?)(?P<object>[^{_MARKS}了]{{1,12}}?){_END}",
        rf"(?:取消|停掉|停用|退訂|解約|註銷)了?(?P<object>[^{_MARKS}了]{{1,12}}?)(?:的)?(?:訂閱|會員|帳號|方案|合約)?{_END}",
        rf"(?:不|沒)(?:再|有)?(?:在)?(?:用|使用|去|上|訂|看|玩|喝|吃|學|練|開|騎|抽)(?P<object>[^{_MARKS}了]{{1,12}}?)了(?=\s*(?:[{_MARKS}]|\Z))",
        rf"(?:從|由)(?P<object>[^{_MARKS}]{{1,12}}?)(?:換成|改用|換到|轉到|轉用|跳到|換)了?(?=[^{_MARKS}])",
        rf"(?:放棄|停止|不再)(?:繼續)?(?P<object>[^{_MARKS}了]{{1,12}}?)了?{_END}",
        rf"戒(?:掉)?了?(?P<object>菸|煙|酒|糖|咖啡|賭|手搖|手搖飲|毒|甜食|[^{_MARKS}了]{{1,6}})(?:了|{_END})",
        rf"(?:不|沒)(?:再|有)?(?:在)?(?P<object>(?!是|會|要|想|能|行|知|用|好|說|過|敢|了|對|同|小心|見|錯|怎|管|夠)[^{_MARKS}]{{1,10}}?)了(?=\s*(?:[{_MARKS}]|\Z))",
        ends=True,
    ),
]


_BY_KEY = by_key(_RULES)


def read_thing(clause: str, limit: str | None) -> Reading | None:
    """What `clause` ("改到星期五了") states of a thing, or of the `limit` (截止日期, 預算) it has."""
    if match := _THING_STATUS.match(clause):
        return Reading(attribute="status", object=match["object"])
    match = _THING_VALUE.match(clause)
    if not match:
        return None
    value = _trimmed(match["object"])
    if limit:
        attribute = "budget" if limit[0] in "預预" else "deadline"
    elif _TIME_VALUE.match(value):
        attribute = "date"
    elif match["verb"].endswith("在"):
        attribute = "place"
    else:
        return None
    return Reading(attribute=attribute, object=value)


_THING_VALUE = re.compile(
    _both(rf"\s*(?P<verb>[^{_MARKS}\d]{{0,8}}?(?:到|成|為|至|在|是|剩))了?(?!不|沒|什麼|哪){_ANY}")
)
_THING_STATUS = re.compile(
    _both(
        r"\s*(?:已經|又|被|全部|終於|正式)*(?P<object>取消|完成|結束|暫停|上線|通過|結案|延期|延後|卡住|掛|當機|簽|交)了"
    )
)
_TIME_VALUE = re.compile(
    _both(
        rf"(?:{TIME}|[上下這本]?(?:個)?(?:週|周|星期|禮拜)|[上下]?(?:個)?月|\d|[一二三四五六七八九十]+(?:月|號|點)|明|後|今|早上|下午|晚上|中午|年底|月底|週末)"
    )
)
