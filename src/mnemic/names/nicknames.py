"""Other names of one person: "everyone calls him Bob", 大家都叫我阿德, "I'm Dana"."""

from __future__ import annotations

import re

from mnemic.names.book import Book, kind_of_speaker
from mnemic.names.chinese import ZH_END, clean_chinese, is_sure
from mnemic.names.english import FREE, PERSON, TOKEN, clean_latin
from mnemic.names.keys import key

_CALLED_BY = re.compile(
    rf"(?:(?P<name>{PERSON}),? (?:but |and |though |although |yet )?)?(?:[Ee]veryone|[Ee]verybody|[Pp]eople|[Ff]riends|(?:his|her|their|my|our) \w{{1,12}}|[Ww]e|[Tt]hey|I)"
    rf"(?: (?:all|just|always|usually|mostly|often|sometimes))? calls? (?P<who>him|her|them|it|me) (?P<nick>{PERSON})"
)
_KNOWN_AS = re.compile(
    rf"(?P<name>{PERSON}),? (?:\(?(?:a\.?k\.?a\.?|also known as|better known as|known as|nicknamed)|(?:but |and )?goes by|is short for) (?P<nick>{PERSON})(?P<nick2>)"
)
_IN_BRACKETS = re.compile(rf"(?P<name>{TOKEN}) (?:\((?P<nick>{TOKEN})\)|[\"“](?P<nick2>{TOKEN})[\"”] (?={TOKEN}))")
_MYSELF = re.compile(
    rf"(?<![\w'’])(?:(?:[Mm]y|(?:[Tt]he )?[Uu]ser['’]s) (?:full |first |real |given |nick|middle )?name(?: is|['’]s)|(?:I|[Ee]veryone|[Ff]riends|[Pp]eople)(?:['’]m| am)? (?:named|called|go by|goes by|calls? me)"
    rf"|[Cc]all me|(?:I['’]m|I am|[Tt]his is)(?= {TOKEN}(?:[.,!]|\Z| and | from | by ))) (?P<name>{PERSON})"
)
_NICK_ZH = re.compile(
    rf"(?:大家|朋友們?|朋友们|家人|我們|我们|我|同事們?|同事们)都?(?:叫|喊|稱呼|称呼)(?P<who>他|她|牠|它|我) ?(?P<nick>{FREE}|[\u3400-\u9fff·]{{1,5}}?{ZH_END})"
    rf"|(?P<self>(?:小名|綽號|绰号|外號|外号|暱稱|昵称|英文名字?)(?:叫(?:做|作)?|是)) ?(?P<nick2>{FREE}|[\u3400-\u9fff·]{{1,5}}?{ZH_END})"
)
_MYSELF_ZH = re.compile(
    rf"(?:(?<![\u3400-\u9fff])我(?:的)?(?:中文|英文)?(?:名字|全名|本名)?(?:就)?(?:叫(?:做|作)?|名叫|是叫|(?<=名字)是|(?<=名)是)|叫我) ?(?P<name>{FREE}|[\u3400-\u9fff·]{{2,5}}?{ZH_END})"
    rf"|(?<![\u3400-\u9fff])我是 ?(?P<strict>{PERSON}|[\u3400-\u9fff]{{2,3}})(?=[，。！,.!]|\Z)"
)


def nicknames(text: str, subject: str | None, book: Book, owner: str | None, *, named: bool) -> None:
    """Enters into the book what `text` says somebody is also called. `named`: the fact is about a name."""
    if _NAMING.search(text):
        _english_nicknames(text, subject, book, owner)
    if _NAMING_ZH.search(text):
        _chinese_nicknames(text, subject, book, owner, named=named)


_NAMING = re.compile(r"call|name|known as|aka|a\.k\.a|goes? by|short for|I['’]m|I am|This is|this is|[(\"“]")
_NAMING_ZH = re.compile(r"[叫喊名]|稱呼|称呼|綽號|绰号|外號|外号|暱稱|昵称|我是")


def _english_nicknames(text: str, subject: str | None, book: Book, owner: str | None) -> None:
    for match in _CALLED_BY.finditer(text) if "call" in text else ():
        nick = clean_latin(match["nick"])
        if nick and match["who"] == "me":
            _own(book, owner, nick)
        elif nick and (name := (clean_latin(match["name"]) if match["name"] else None) or _only_person(subject, book)):
            book.alias(name, book.kind_of(name) or "person", nick)
    for match in (*_KNOWN_AS.finditer(text), *_IN_BRACKETS.finditer(text)):
        name, nick = clean_latin(match["name"]), clean_latin(match["nick"] or match["nick2"])
        if name and nick:
            book.alias(name, "person", nick)
    for match in _MYSELF.finditer(text):
        if name := clean_latin(match["name"]):
            _own(book, owner, name)


def _chinese_nicknames(text: str, subject: str | None, book: Book, owner: str | None, *, named: bool) -> None:
    for match in _NICK_ZH.finditer(text):
        nick = clean_chinese(match["nick"] or match["nick2"])
        if nick and match["who"] == "我":
            if named or is_sure(nick):
                _own(book, owner, nick)
        elif nick and (name := _only_person(subject, book)):
            book.alias(name, book.kind_of(name) or "person", nick)
    for match in _MYSELF_ZH.finditer(text):
        name = clean_chinese(match["name"] or match["strict"])
        if name and (named or is_sure(name)):
            _own(book, owner, name)


def _own(book: Book, owner: str | None, name: str) -> None:
    if owner is not None:
        kind = kind_of_speaker(owner)
        book.add(owner, kind)
        book.alias(owner, kind, name)


def _only_person(subject: str | None, book: Book) -> str | None:
    """Whom "him" or "她" means: whom the fact is about, else the only one it has named so far."""
    if subject and subject not in ("user", "assistant"):
        return book.name_of(subject) if book.knows(subject) else subject if not key(subject).startswith("@") else None
    people = [entry.name for entry in book.entries.values() if entry.kind in ("person", "thing")]
    return people[0] if len(people) == 1 else None
