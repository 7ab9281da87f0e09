"""Chinese, both scripts: how a name is written, and statements of who is what to whom (我太太叫小美)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mnemic.names.english import FREE, PERSON, Tie, clean_latin
from mnemic.names.keys import HAN
from mnemic.names.lexicon import alternatives, lexicon

ZH_END = r"(?=[^\u3400-\u9fff·A-Za-z0-9]|\Z|今年|今天|現在|现在|昨天|明天|上週|上周|下週|下周|是|在|和|跟|與|与|也|很|最|的|會|会|要|就|都|已|剛|刚|喜歡|喜欢|住|每|吧|啦|喔|哦|，)"
_ZH_VERB = "(?=[想上從从說说去有對对討讨不沒没考當当做開开比又約约吃聊見见一])"
_ZH_LEFT = r"(?:(?<![\u3400-\u9fff])|(?<=[跟和與与同找約约陪問问叫讓让請请給给對对幫帮把被識识到歡欢愛爱見见教送是替為为且事友]))"
_NOT_SHORT = "時时孩心說说吃學学組组費费事店鎮镇朋姐區区提米聲声腿麥麦型鳥鸟籠笼我他她你二三四五六一手腳脚腹的氣气車车狗貓猫妹弟哥姊便腦脑嬰婴兒儿伙偷丑丘數数於于到的名公母拉里根富北兵姨伯爸媽妈"
# What makes another word of a short name: 小英雄, 小明星, 小龍蝦.
_LONGER = "子兒儿學学書书蝦虾籠笼雄星女帽花機机俠侠宙宅動动房身味景飾饰傷伤物使獸兽蛋糕碗菜包"


@dataclass(frozen=True, slots=True)
class _Chinese:
    named: re.Pattern[str]
    is_role: re.Pattern[str]
    has: re.Pattern[str]
    role_only: re.Pattern[str]
    strict: re.Pattern[str]
    free: re.Pattern[str]
    place: re.Pattern[str]
    place_start: re.Pattern[str]
    role: re.Pattern[str]
    role_before: re.Pattern[str]


@functools.cache
def patterns_zh() -> _Chinese:
    """The patterns that are made of the words, compiled once."""
    data = lexicon()
    short = f"{data.short_given}{data.surnames}林周"
    twice = rf"(?P<twice{{0}}>[{data.given}圓圆豆毛點点妞糖球多嘟嚕噜咪旺肉果布])(?P=twice{{0}})"
    titled = rf"[{''.join(sorted(data.all_surnames))}](?:{data.titles_zh})"
    full = rf"(?:[{data.surnames}]小[{data.short_given}]|[{data.surnames}][{data.given}]{{1,2}}|[{''.join(sorted(data.all_surnames))}][{data.given}]{{2}})"
    strict = rf"(?:{titled}|[小阿][{short}]|老[{data.surnames}林周]|{full})"
    latin = FREE
    loose = rf"(?:{latin}|[\u3400-\u9fff·]{{1,5}}?{ZH_END})"
    owner = r"(?P<owner>我們|我们|咱們|咱们|我|咱|俺|用戶|用户|使用者)(?:的|家的?|家裡的?|家里的?)?"
    whose = rf"(?:{owner}|(?P<who>{strict}|{PERSON}) ?的)"
    adjective = r"(?P<adjective>(?:以前的?|前|新|老|親|亲|國中|高中|大學|大学|公司的?|最好的|好){0,2}?)"
    role = rf"(?P<role>{data.zh_roles})(?![氣气])(?:的(?P<second>{data.zh_roles}))?"
    called = r"(?:的?(?:中文|英文)?(?:名字|全名|小名|本名|乳名))?(?:就|都|也)?(?:叫(?:做|作)?|名叫|取名(?:叫|為|为)?|名字(?:是|叫|為|为)|(?<=名字)是|(?<=名)是)"
    loose_names = rf"(?P<names>{loose}(?:(?:、|和|跟|與|与) ?{loose}){{0,4}})"
    near = rf"(?:[{data.given}]{{2}}(?:{ZH_END}|{_ZH_VERB})|[小阿](?![{_NOT_SHORT}])[\u3400-\u9fff](?![{_LONGER}])|{strict}|{twice.format(1)}{ZH_END}|{latin})"
    return _Chinese(
        named=re.compile(
            rf"{whose}{adjective}{role}(?:{called} ?(?P<q>[「『《“\"])?{loose_names}|(?P<link>是| |　|（|\(|「|)(?P<strict>{near}))"
        ),
        is_role=re.compile(
            rf"(?:{_ZH_LEFT})(?P<names>{strict}|[{data.given}]{{2}}|{latin}) ?(?:就)?是 ?{owner}{adjective}{role}(?=[^\u3400-\u9fff]|\Z|[啦喔哦呢，])"
        ),
        has=re.compile(
            r"(?P<owner>我們|我们|我家|我|家裡|家里|用戶|用户)[^，。！？,.!?\n]{0,8}?(?:養|养|有|領養|领养|收養|收养)(?:了|過|过|著|着)?"
            r"(?:一|兩|两|二|三|四|五|\d)?(?:隻|只|條|条|匹|個|个|位)?(?P<adjective>[\u3400-\u9fff]{0,4}?)"
            rf"(?P<role>{data.zh_roles})(?P<second>(?!))?[，, ]{{0,2}}[牠它他她]?(?:們|们)?(?:分別|分别)?{called} ?{loose_names}"
        ),
        role_only=re.compile(rf"{owner}{adjective}{role}"),
        strict=re.compile(rf"{strict}\Z"),
        free=re.compile(
            rf"{_ZH_LEFT}(?:(?P<titled>{titled})|(?P<short>[小阿][{short}]|老[{data.surnames}林周])(?![{_LONGER}])|(?P<full>{full})(?:{ZH_END}|{_ZH_VERB}|(?={data.titles_zh})))"
        ),
        place=re.compile(
            rf"(?<![馬马])(?P<place>(?:{alternatives(data.places_zh)})[市縣县省]?(?:(?![的和跟與与到去在是有到])[\u3400-\u9fff]{{1,3}}?[區区縣县鄉乡])?)"
            r"(?![人話话語语文菜籍式幣币面麵餐腔])(?!料理)"
        ),
        role=re.compile(data.zh_roles),
        role_before=re.compile(rf"(?:{data.zh_roles})(?:叫|名叫)? ?\Z"),
        place_start=re.compile(alternatives(data.places_zh)),
    )


def chinese_ties(text: str) -> Iterator[Tie]:
    """Who `text` says is what to whom: 我太太叫小美, Dana 是我同事, 我養了一隻貓叫咪咪."""
    if not HAN.search(text):
        return
    patterns = patterns_zh()
    if not patterns.role.search(text):
        return
    for match in patterns.named.finditer(text):
        groups = match.groupdict()
        names = (_several_zh(groups["names"]) if groups["names"] else _several_zh(groups["strict"], strict=True))[
            : 5 if groups["names"] and len(groups["names"]) > 1 else 1
        ]
        if match["link"] == "是" and not _ZH_CLOSED.match(text, match.end()):
            continue
        yield from _tie_zh(match, names)
    for match in patterns.is_role.finditer(text):
        yield from _tie_zh(match, _several_zh(match["names"]))
    for match in patterns.has.finditer(text):
        yield from _tie_zh(match, _several_zh(match["names"]), has=True)


_ZH_CLOSED = re.compile(r"[^\u3400-\u9fffA-Za-z0-9]|\Z|[啦喔哦呢，]|(?:和|跟|也|在|會|会|住|今年|現在|现在)")
_ZH_LIST = re.compile(r"[、，,和跟與与] ?")


def _several_zh(names: str, *, strict: bool = False) -> tuple[str, ...]:
    parts = [names] if strict else _ZH_LIST.split(names)
    return tuple(cleaned for part in parts if (cleaned := clean_chinese(part.strip())))


def clean_chinese(name: str) -> str | None:
    """`name` where it can be a person's or a pet's: in Latin letters, or Han without common words."""
    if not name:
        return None
    if not HAN.search(name):
        return clean_latin(name)
    data = lexicon()
    if not data.not_in_names_zh.isdisjoint(name) or name[:2] in data.not_people_zh or name in data.roles:
        return None
    return None if patterns_zh().place_start.match(name) else name


def _tie_zh(match: re.Match[str], names: tuple[str, ...], *, has: bool = False) -> Iterator[Tie]:
    groups = match.groupdict()
    if not names:
        return
    who = clean_chinese(groups["who"]) if groups.get("who") else None
    if groups.get("who") and who is None:
        return
    roles = tuple(role for role in (groups["role"], groups.get("second")) if role)
    words = (
        f"我的{roles[0]}"
        if has
        else match.string[
            match.start("owner") if groups.get("owner") else match.start() : match.end(
                "second" if groups.get("second") else "role"
            )
        ]
    )
    yield Tie(
        owner=who,
        roles=roles,
        adjective="" if has else groups["adjective"],
        names=names,
        alias=words if len(names) == 1 else None,
        chinese=True,
    )


def is_sure(name: str) -> bool:
    """Whether it is a name by how it is written."""
    return not HAN.search(name) or bool(patterns_zh().strict.match(name))
