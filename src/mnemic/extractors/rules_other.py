"""Sentences in languages without a grammar of their own: kept when they speak in the first person.

The words cover the most spoken languages; in any other, a sentence that opens with a name is kept.
"""

from __future__ import annotations

import re

from mnemic.extractors.claims import FAINT, Claim


def lead_in(text: str) -> int:  # noqa: ARG001
    """No fillers are known."""
    return 0


def small_talk(text: str) -> str | None:
    """Greetings, thanks, farewells and acknowledgements of common languages."""
    words = text.strip(" \t.!¡¿?,;…。！？、\u3000").lower()
    for reason, phrases in _PHRASES.items():
        if words in phrases:
            return reason
    return "small_talk" if len(words) < _SHORT else None


def asks(text: str) -> str | None:
    """Questions by their mark (or Japanese and Korean ending), requests by their opening."""
    if _QUESTION.search(text):
        return "question"
    return "request" if _REQUEST.search(text) else None


def beside_the_ask(text: str) -> list[tuple[int, int]]:
    """What stands before the last comma of a question."""
    comma = _LAST_COMMA.search(text)
    return [(0, comma.start())] if comma else []


def idle(text: str) -> str | None:
    """Only what opens with "if"."""
    return "hypothetical" if _HYPOTHETICAL.match(text) else None


def claim(text: str) -> Claim | None:
    """A sentence of some length in the first person, or one that opens with a name."""
    if len(text) < _STATEMENT or idle(text):
        return None
    if _FIRST_PERSON.search(text):
        return Claim(about="speaker", confidence=FAINT)
    name = _NAMED.match(text)
    return Claim(about="person", subject=name[1], confidence=FAINT) if name else None


def correction(text: str) -> Claim | None:  # noqa: ARG001
    """Not known here."""
    return None


def owns_mistake(text: str) -> bool:  # noqa: ARG001
    """Not known here."""
    return False


def promise(text: str) -> Claim | None:  # noqa: ARG001
    """Not known here."""
    return None


def echoes(text: str) -> bool:  # noqa: ARG001
    """Not known here."""
    return False


def takes_back(text: str) -> bool:
    """Only the mark that is the same everywhere."""
    return text == "/s"


_SHORT = 2  # a single letter
_STATEMENT = 6  # characters; Japanese and Korean say much in few

_PHRASES = {
    "greeting": frozenset(
        [
            "hola",
            "buenos días",
            "buenas tardes",
            "buenas noches",
            "bonjour",
            "salut",
            "bonsoir",
            "hallo",
            "guten morgen",
            "guten tag",
            "guten abend",
            "moin",
            "servus",
            "ciao",
            "buongiorno",
            "buonasera",
            "olá",
            "oi",
            "bom dia",
            "boa tarde",
            "boa noite",
            "привет",
            "здравствуйте",
            "доброе утро",
            "добрый день",
            "こんにちは",
            "おはよう",
            "おはようございます",
            "こんばんは",
            "안녕",
            "안녕하세요",
            "مرحبا",
            "السلام عليكم",
            "नमस्ते",
            "สวัสดี",
            "สวัสดีครับ",
            "สวัสดีค่ะ",
            "xin chào",
            "merhaba",
            "halo",
            "selamat pagi",
            "cześć",
            "dzień dobry",
        ],
    ),
    "thanks": frozenset(
        [
            "gracias",
            "muchas gracias",
            "merci",
            "merci beaucoup",
            "danke",
            "danke schön",
            "vielen dank",
            "grazie",
            "grazie mille",
            "obrigado",
            "obrigada",
            "спасибо",
            "большое спасибо",
            "ありがとう",
            "ありがとうございます",
            "감사합니다",
            "고마워",
            "고맙습니다",
            "شكرا",
            "धन्यवाद",
            "ขอบคุณ",
            "ขอบคุณครับ",
            "ขอบคุณค่ะ",
            "cảm ơn",
            "teşekkürler",
            "terima kasih",
            "dziękuję",
        ],
    ),
    "farewell": frozenset(
        [
            "adiós",
            "hasta luego",
            "hasta mañana",
            "au revoir",
            "à bientôt",
            "à demain",
            "tschüss",
            "auf wiedersehen",
            "bis bald",
            "bis morgen",
            "arrivederci",
            "tchau",
            "até logo",
            "пока",
            "до свидания",
            "さようなら",
            "またね",
            "おやすみ",
            "おやすみなさい",
            "안녕히 가세요",
            "잘 가",
            "잘 자",
            "وداعا",
            "ลาก่อน",
            "tạm biệt",
            "güle güle",
            "sampai jumpa",
            "do widzenia",
        ],
    ),
    "small_talk": frozenset(
        [
            "sí",
            "si",
            "vale",
            "claro",
            "de acuerdo",
            "genial",
            "perfecto",
            "oui",
            "d'accord",
            "ça marche",
            "super",
            "ja",
            "nein",
            "no",
            "genau",
            "alles klar",
            "gut",
            "prima",
            "va bene",
            "certo",
            "sim",
            "não",
            "tudo bem",
            "да",
            "нет",
            "хорошо",
            "ладно",
            "понятно",
            "はい",
            "いいえ",
            "うん",
            "そうですね",
            "なるほど",
            "わかりました",
            "了解",
            "네",
            "아니요",
            "응",
            "알겠습니다",
            "نعم",
            "لا",
            "हाँ",
            "ठीक है",
            "ครับ",
            "ค่ะ",
            "evet",
            "tamam",
            "ya",
            "tidak",
            "tak",
            "dobrze",
            "ok",
            "okay",
        ],
    ),
}

_QUESTION = re.compile(r"[?？؟]\W*\Z|(?:ですか|ますか|でしょうか|ませんか|습니까|나요|까요)[。.！!]?\Z|^¿")
_REQUEST = re.compile(
    r"(?:^(?:por favor|s'il (?:te|vous) pla[îi]t|bitte|per favore|пожалуйста|empfiehl|recomi[eé]nda(?:me)?|recommande|"
    r"dime|dis-moi|sag mir|dimmi|me diga|расскажи|посоветуй|explícame|explique|erkläre)\b"
    r"|(?:てください|て下さい|お願いします|해\s?주세요|알려\s?줘|추천해\s?줘)[。.！!]?\Z)",
    re.IGNORECASE,
)
_LAST_COMMA = re.compile(r"[,，、،;]\s*[^,，、،;]{1,200}\Z")
_HYPOTHETICAL = re.compile(r"(?:si|wenn|falls|se|если|もし|만약|jeśli|eğer|لو)\b", re.IGNORECASE)
_FIRST_PERSON = re.compile(
    r"(?:\b(?:ich|mein\w{0,2}|mir|mich|wir|unser\w{0,2}|je|j['’]\w+|mon|ma|mes|moi|nous|notre|yo|mi|mis|me|soy|estoy|tengo|"
    r"vivo|trabajo|nuestr[oa]s?|nosotr[oa]s|io|sono|ho|mio|mia|miei|noi|eu|meu|minha|sou|tenho|moro|nós|nosso|я|мой|моя|моё|"
    r"мои|меня|мне|мы|наш\w?|jestem|mam|mój|moja|ben|benim|saya|aku|tôi|mình|ik|mijn|jag|jeg|min)\b"
    r"|私|僕|俺|わたし|ぼく|저는|제가|나는|내가|저희|우리|제\s|내\s|ผม|ฉัน|ดิฉัน|أنا|मैं|मेर[ाीे])",
    re.IGNORECASE,
)
_NAMED = re.compile(r"([^\W\d_a-z][^\W\d_]{2,20})\s+[^\W\d_A-Z]{2,}")
