"""What an English clause says of its subject: which attribute, which value, and whether it stopped being so.

Every pattern is matched right after the subject ("I", "my sister", "Dana"), so a "not" or a "might"
in between keeps it from matching. A value is always a stretch of the clause. Repeats are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mnemic import slots
from mnemic.extractors.claims import Reading, Rule, by_key
from mnemic.extractors.names import is_company, is_place


def read(predicate: str, *, job: Callable[[], bool]) -> Reading | None:
    """What `predicate` ("'ve moved to Oslo last week") states as being so now, or as having ended.

    `job` tells whether the sentence is about a change of work, so that "I'm at Siemens now" is no whereabouts.
    """
    if match := _FAVOURITE.match(predicate):
        thing = match["thing"].lower()
        return Reading(
            attribute="favourite_" + _SPELLING.get(thing, thing).replace(" ", "_"), object=_trimmed(match["object"])
        )
    if reading := _no_favourite(predicate):
        return reading
    candidates = set(_BY_WORD[""])
    for word in _WORDS.findall(predicate[:_LOOK].lower()):
        candidates.update(_BY_WORD.get(word, ()))
    for place in sorted(candidates):
        rule = _RULES[place]
        if rule.job and not (rule.pattern.match(predicate) and job()):
            continue
        if match := rule.pattern.match(predicate):
            groups = match.groupdict()
            value = _trimmed(groups.get("object") or "") or None
            if rule.attribute in _STATES and not rule.ends and _NOT_YET.match(predicate, match.end()):
                return Reading(attribute="plan", object=_trimmed(match.group()))
            return Reading(
                attribute=_settled(rule.attribute, [value, groups.get("former")]), object=value, ends=rule.ends
            )
    return _mine(predicate)


def _no_favourite(predicate: str) -> Reading | None:
    """For "my favourite band isn't Wilco any more, it's Low"."""
    match = _FAVOURITE_NO_MORE.match(predicate)
    if match is None:
        return None
    thing = match["thing"].lower()
    attribute = "favourite_" + _SPELLING.get(thing, thing).replace(" ", "_")
    if match["object"]:
        return Reading(attribute=attribute, object=_trimmed(match["object"]))
    return Reading(attribute=attribute, object=_trimmed(match["former"]), ends=True)


def _mine(predicate: str) -> Reading | None:
    """For "my gym is Northside now", "use a Framework 13 as my laptop": what somebody calls theirs by a noun alone."""
    for pattern in _MINE:
        if (match := pattern.match(predicate)) and (attribute := mine(match["noun"])):
            value = _A_MONTH.sub("", _trimmed(match["object"]))
            if attribute in _PLAIN_WORDS or _SPECIFIC.match(value):
                return Reading(attribute=attribute, object=value)
    return None


def favourite(noun: str) -> str | None:
    """The attribute of "my favourite food"; None for what is no favourite of a kind."""
    match = _A_FAVOURITE.fullmatch(noun)
    thing = match["thing"].lower() if match else ""
    return "favourite_" + _SPELLING.get(thing, thing).replace(" ", "_") if thing else None


_A_FAVOURITE = re.compile(
    r"(?:(?:new|all-time|absolute|current) )*favou?rite (?P<thing>[a-z]+(?: [a-z]+)?)", re.IGNORECASE
)


def mine(noun: str) -> str | None:
    """The attribute of what somebody calls "my `noun`"; None where that is not one lasting thing.

    >>> mine("new password manager"), mine("hobby"), mine("old phone")
    ('my_password_manager', None, None)
    """
    noun = _ADJECTIVES.sub("", noun.lower()).strip()
    if not noun or _NO_THING.search(noun):
        return None
    attribute = slots.canonical("my_" + noun)
    return attribute if attribute and slots.single(attribute) and not slots.of_thing(attribute) else None


_STATES = frozenset(
    ["home?", "home", "employer", "employer?", "occupation", "school", "relationship_status", "spouse", "age"]
)
_NOT_YET = re.compile(
    r"\s*(?:on |from |starting )?(?:next (?:week|month|year|spring|summer|autumn|fall|winter|\w+day|january|february|march|april|may|june|july|august|september|october|november|december)|tomorrow|soon)\b",
    re.IGNORECASE,
)  # "I start at Contoso next Monday": what is not so yet

_LOOK = 200  # characters of a clause that hold its verb
_WORDS = re.compile(r"[a-z]+")
_SPELLING = {"color": "colour", "flavor": "flavour"}


def _trimmed(value: str) -> str:
    """Less the marks and the closing adverbs that are no part of the value."""
    return _TAIL.sub("", value.strip(_MARKS)).strip(_MARKS)


_MARKS = ' \t"“”.!…-–—'
_TAIL = re.compile(
    r"(?:\s+(?:now|again|too|instead|today|already|though|anymore|actually|lol|haha|btw|myself))+\Z", re.IGNORECASE
)


def _settled(attribute: str | None, values: list[str | None]) -> str | None:
    """For "moved to" and "left", which are said of homes and of jobs: what the values are names of."""
    if attribute == "home?":
        return "employer" if any(value and is_company(value) for value in values) else "home"
    if attribute == "employer?":
        return "home" if any(value and is_place(value) for value in values) else "employer"
    return attribute


def _rules(
    attribute: str | None, words: str, *patterns: str, ends: bool = False, job: bool = False, case: bool = False
) -> list[Rule]:
    keys = frozenset(words.split())
    flags = re.NOFLAG if case else re.IGNORECASE
    return [
        Rule(attribute=attribute, source=pattern, keys=keys, ends=ends, job=job, flags=flags) for pattern in patterns
    ]


# Where a value stops: at a mark, at a time, at the next clause.
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|march|april|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_NUMBER = r"(?:\d+|an?|two|three|four|five|six|seven|eight|nine|ten|a few|several|many|couple of)"
_UNIT = r"(?:hours?|days?|weeks?|months?|years?|yrs?|decades?|seasons?)"
_STOP = (
    rf"(?=\s*(?:,(?!\d{{3}}\b)|:(?!\d\d\b)|[;!?()—–\"”]|[.…!]*\s*\Z|\s-)"
    r"|\s(?:now|nowadays|these days|at the moment|currently|since|last|next|this|yesterday|today|tomorrow|tonight|recently|"
    r"lately|again|any ?more|any longer|instead|already|too|as well|though|actually|until|till|starting|from now|"
    r"and|but|because|so|where|who|which|that|when|while|after|before|as|if|with|full[- ]time|part[- ]time|"
    rf"in (?:\d{{4}}|{_MONTH}|spring|summer|autumn|fall|winter|the (?:past|last|spring|summer|autumn|fall|winter|end)|{_NUMBER} {_UNIT})|"
    rf"on {_DAY}|from {_DAY}|for (?:{_NUMBER} |the |about|over|almost|nearly|more than|now|good|work|him|her|me|us|my|our)|"
    rf"{_NUMBER} {_UNIT} ago|by (?:the way|then|now)|to (?:be|work|live|study|start|take|join|help|get))\b)"
)
_O = r"(?P<object>[^\s,;:!?()]"  # a value: opened here, closed by _UP
_UP = rf"(?:[^,;:!?()\n]|(?<=\d)[,:](?=\d\d)){{0,60}}?){_STOP}"
_ANY = _O + _UP
_CAP = rf"(?P<object>(?:the )?(?-i:[A-Z]){_UP}"
_LIST = r"(?P<object>[^\s,;:!?()](?:[^,;:!?()\n]|, ?| and | or ){0,60}?)(?=\s*(?:[;:!?()—–]|[.…!]*\s*\Z|, ?(?:so|but|which|and i|i|that)\b)|\s(?:now|since|but|so|because|which|that|and (?:i|my|have|had|am|it)|anymore|any more|as (?:a|of)|at all|from|when|while|these)\b)"

# What may stand between the subject and its verb.
_ADVERB = (
    r"(?:now|currently|just|recently|finally|also|actually|already|still|officially|both|happily|lately|presently|"
    r"newly|originally|really|absolutely|personally|usually|mostly|since|then|only)"
)
_A = rf"(?:(?:'ve|have|has|'s|do|does|'d)\s+)?(?:{_ADVERB}\s+)*(?:(?:'ve|have|has|got to)\s+)?(?:{_ADVERB}\s+)*"
_B = rf"(?:{_ADVERB}\s+)?(?:am|is|are|'m|'s|'re|(?:have|has|'ve|'s) been)\s+(?:{_ADVERB}\s+)*"
_NOT = r"(?:(?:am|is|are|'m|'s|'re)\s+(?:no longer|not)|isn't|aren't|ain't)\s+"
_NO_LONGER = r"(?:(?:do|does)(?:n't| not)(?=.{1,100}\b(?:any ?more|any longer)\b)|no longer)\s+"
_MY = r"(?:my|our|'s|the)\s+(?:(?:new|current|work|personal|private|main|primary|home|mobile|cell|actual|latest)\s+)*"
_IS = (
    rf"\s*(?:(?:is|are|'s|:|=|is called|was changed to|(?:has )?changed to|(?:has )?moved to|will be|becomes|became|went up to|went down to|"
    rf"has gone up to|dropped to|rose to|grew to|(?:got|has been|was|is) (?:moved|pushed(?: back)?|changed|brought forward|postponed|extended|raised|cut|set|increased|reduced|lowered|"
    rf"rescheduled|delayed) (?:to|until|at)|(?:has )?shifted to|slipped to)(?:\s+{_ADVERB})*)\s+(?:at|on|in|by)?\s*"
)

_FAVOURITE = re.compile(
    r"(?:(?:my|our|'s)\s+)?(?:(?:all-time|absolute|new|current)\s+)*favou?rite\s+(?P<thing>[a-z]+(?: [a-z]+)?)(?:\s+(?:now|currently))?\s+"
    rf"(?:is|are|has always been|has to be|(?:has )?changed to|became|has become)\s+(?:(?:now|currently|definitely|actually|still|also|always)\s+)*(?!not\b|to\b){_ANY}",
    re.IGNORECASE,
)
_FAVOURITE_NO_MORE = re.compile(
    r"(?:(?:my|our|'s)\s+)?(?:(?:all-time|absolute|new|current)\s+)*favou?rite\s+(?P<thing>[a-z]+(?: [a-z]+)?)\s+(?:isn't|is not|is no longer)\s+"
    r"(?P<former>[^,;:!?()\n]{1,40}?)(?:\s+any ?(?:more|longer))?(?:\s*(?:[.!]*\s*\Z|[,;]\s*(?:(?:but|now|it's now|it is now|it's|it is)\s+)*(?P<object>(?!it\b)[^,;:!?()\n]{1,40}?)(?:\s+now)?[.!]*\s*\Z))",
    re.IGNORECASE,
)
_NOT_AN_EMPLOYER = (
    r"(?!night|noon|home|least|most|all|once|last|times?|the (?:moment|weekend|time|bottom|top|same|end|beach|table|desk|office)|"
    r"\d|myself|free\b|a living|weekends?|it\b|them\b|him\b|her\b|you\b|me\b|us\b|this|that|what|hours?|(?:a|an|the) (?:[\w-]+ )?(?:while|pace|time|day|week|year|living|change|better|new (?:job|role|position))\b)"
)
_EMPLOYER = rf"{_NOT_AN_EMPLOYER}{_ANY}"
_ROLE = r"(?:(?:working|work|a|an|my|the|as|this|new|full[- ]time|part[- ]time|dream|job|role|position|gig|internship|contract|over|out|up)\s+|as an? (?:[\w-]+ ){1,3}?){0,6}?"
_KIN = r"(?:kids?|children|child|sons?|daughters?|baby|babies|boys?|girls?|twins)"
_ANIMAL = (
    r"(?:dogs?|cats?|pupp(?:y|ies)|kittens?|parrots?|rabbits?|hamsters?|turtles?|tortoises?|horses?|ponies|pony|guinea pigs?|gerbils?|"
    r"pets?|budgies?|goldfish|fish|ferrets?|snakes?|lizards?|geckos?|chickens?|birds?|labradors?|retrievers?|poodles?|beagles?|corgis?|huskies|husky|terriers?|bunny|bunnies)"
)
_JOB = (
    r"(?:\w{3,}(?:ologist|rician|matician|iatrist)|engineer|developer|programmer|teacher|nurse|doctor|lawyer|accountant|designer|writer|author|artist|"
    r"musician|chef|cook|student|professor|lecturer|scientist|researcher|manager|director|consultant|analyst|architect|dentist|vet|veterinarian|pilot|driver|"
    r"photographer|journalist|barista|librarian|electrician|plumber|carpenter|farmer|salesperson|freelancer|entrepreneur|dancer|actor|actress|coach|"
    r"counsell?or|therapist|physiotherapist|mechanic|translator|interpreter|editor|surgeon|pharmacist|firefighter|police officer|veteran|baker|butcher|tailor|waiter|waitress|"
    r"bartender|cashier|clerk|secretary|receptionist|principal|administrator|technician|paramedic|midwife|soldier|judge|banker|broker|trader|economist|"
    r"marketer|recruiter|trainer|instructor|tutor|painter|singer|poet|novelist|comedian|florist|hairdresser|stylist|welder|builder|contractor|gardener|"
    r"intern|apprentice|executive|officer|supervisor|team lead|tech lead|lead|head of [\w ]{2,30}|vp(?: of [\w ]{2,30})?|ceo|cto|cfo|founder|partner|associate|specialist|coordinator|"
    r"phd student|postdoc|homemaker|housewife|stay-at-home (?:mom|dad|parent)|nanny|cleaner|security guard|data scientist|retired|unemployed|self-employed)"
)
# What is said of a name rather than being one: "on the list", "hard to spell", "often mispronounced".
_NO_OWN_NAME = (
    r"(?-i:not|on|in|at|of|to|for|from|by|under|near|after|the|an?|my|your|his|her|their|very|too|so|quite|really|just|pretty|often|always|never|usually|"
    r"hard|easy|difficult|common|uncommon|rare|unusual|unique|long|short|weird|boring|important|missing|wrong|correct|right|mis\w+|spelled|spelt|written|pronounced|"
    r"listed|taken|already|also|being|based|derived|unknown|known|everywhere|nowhere|still|no|what|mud)\b(?=\s|[.!]*\Z)"
)
_LANGUAGE = (
    r"(?P<object>(?:(?:(?:a little|some|basic|fluent|a bit of)\s+)?(?-i:English|Spanish|French|German|Italian|Portuguese|Chinese|Mandarin|Cantonese|Taiwanese|Japanese|Korean|Russian|Ukrainian|"
    r"Arabic|Hindi|Urdu|Bengali|Tamil|Dutch|Swedish|Norwegian|Danish|Finnish|Icelandic|Polish|Czech|Hungarian|Romanian|Turkish|Thai|Vietnamese|Indonesian|Malay|Hebrew|Greek|Latin|Persian|Farsi|Swahili|Catalan|Welsh|Irish)"
    r"(?:,? and |, )?){1,6})"
)
_NATION = (
    r"(?:American|Australian|Austrian|Belgian|Brazilian|British|Bulgarian|Canadian|Chinese|Croatian|Czech|Danish|Dutch|Egyptian|English|Finnish|French|German|"
    r"Greek|Hungarian|Icelandic|Indian|Indonesian|Iranian|Irish|Israeli|Italian|Japanese|Korean|Lebanese|Malaysian|Mexican|Moroccan|New Zealander|Nigerian|Norwegian|Pakistani|"
    r"Peruvian|Filipino|Filipina|Polish|Portuguese|Romanian|Russian|Scottish|Serbian|Singaporean|Slovak|South African|Spanish|Swedish|Swiss|Syrian|Taiwanese|Thai|Turkish|Ukrainian|Vietnamese|Welsh)"
)
_DIET = (
    r"(?P<object>(?:(?:strict|lifelong|strictly|fully)\s+)?(?:vegetarian|vegan|pescatarian|pescetarian|flexitarian|carnivore|gluten[- ]free|lactose[- ]intolerant|dairy[- ]free|halal|kosher|"
    r"keto|paleo|low[- ]carb|plant[- ]based|fruitarian|omnivore)s?)\b"
)
_ILLNESS = (
    r"(?P<object>(?:(?:type (?:1|2|one|two)|chronic|severe|mild|high|seasonal|clinical)\s+)?(?:diabetes|asthma|adhd|autism|anxiety|depression|migraines?|cancer|arthritis|insomnia|hypertension|(?:high |low )?blood pressure|"
    r"epilepsy|celiac\w*|coeliac\w*|ibs|eczema|back pain|covid|a cold|the flu|psoriasis|anemia|anaemia|tinnitus|vertigo|glaucoma|sleep apnea|hay fever|a heart condition|crohn's(?: disease)?))\b"
)
_MARITAL = r"(?P<object>(?:happily |newly |recently )?(?:married|single|divorced|engaged|widowed|separated|dating(?: someone)?|in a relationship|a (?:widow|widower)))\b"

# What is called "my …": one lasting thing, with a value that is a name, a number or a make.
_NOUN = r"(?P<noun>(?:(?!(?:is|are|was|has|have|and|or|of|to|in|at|for|on|from|with|new|my)\b)[\w'-]{2,20} ){0,3}?(?!(?:is|are|was|has|have)\b)[\w'-]{2,20})"
_MY_NEW = r"(?:my|our|his|her|their|'s|the)\s+(?:(?:brand[- ])?new\s+)?"
_BECAME = rf"(?:\s+(?:a|per) (?:month|week|year)|\s+(?:these days|nowadays|{_ADVERB}))?{_IS}(?:(?:{_ADVERB}|called|named)\s+)*(?!not\b|no\b|so\b|too\b|very\b|to\b)"
_MINE = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_MY_NEW}{_NOUN}{_BECAME}{_ANY}",
        rf"{_A}(?:uses?|have|has|drives?|got|picked|chose|keeps?|'m using|'s using|am using|is using)\s+{_O}{_UP[: -len(_STOP)]}(?=\s+as\s)\s+as\s+(?:my|our|his|her|their|an?|the)\s+(?:new\s+)?{_NOUN}(?=\s*(?:[.,;!]|\Z)|\s(?:now|these|nowadays|since|and|but)\b)",
        rf"{_A}(?:switched|changed|moved|upgraded|replaced|swapped)\s+(?:my|our|his|her|their)\s+{_NOUN}(?:\s+from\s+[^,;:!?()\n]{{1,40}}?)?\s+(?:to|with|for)\s+{_ANY}",
        rf"{_A}(?:switched|changed)\s+(?P<noun>[\w'-]{{2,20}}(?: [\w'-]{{2,20}})?)s(?:,|\s+and|\s+so)\s+(?:(?:and|so|now|i|i'm|i am|we|my new one is|it's|currently)\s+)*(?:(?:see|use|go to|have|bank with|drive|with|at|on)\s+)?(?-i:(?=[A-Z]|an? [A-Z])){_ANY}",
        rf"{_A}(?:got|bought|have|has|ordered|picked up)\s+(?:myself\s+)?a (?:brand[- ])?new {_NOUN}(?:,|:|\s+[-—–])\s+(?:it's\s+|it is\s+|called\s+)?{_ANY}",
    )
]
_ADJECTIVES = re.compile(r"^(?:(?:new|current|latest|present|main|primary|go-to|usual|regular|brand-new|all-time)\s+)+")
# Nouns of talk, of what passes, of what people have several of; and what is gone.
_NO_THING = re.compile(
    r"^(?:old|former|previous|ex|first|second|third|last|next|other|late|temporary|spare|only|biggest|whole)\b|(?:^|\s)(?:"
    r"point|problem|question|guess|opinion|understanding|answer|advice|concern|issue|worry|fear|mistake|bad|fault|reason|experience|impression|feeling|feelings|message|thought|thoughts|idea|favou?rite|"
    r"turn|order|day|days|week|weekend|morning|evening|night|month|year|time|life|world|everything|thing|stuff|head|mind|eyes|hair|back|hands?|body|face|heart|english|"
    r"boy|girl|guy|man|woman|lady|everyone|way|part|rest|result|results|score|bill|ticket|task|homework|essay|report|code|computer|screen|internet|connection|file|draft|version|text|request|prompt|"
    r"recommendation|suggestion|pick|choice|priority|focus|dream|wish|hope|goal|plan|take|theory|assumption|preference|budget|deadline|progress|status|alarm|timer|order|delivery|package|flight|train|bus|appointment|meeting|trip|vacation|holiday)\Z"
    r"|^(?:ex|old|former|previous)-"
)
# Attributes whose values are ordinary words.
_PLAIN_WORDS = frozenset("major religion zodiac pronouns bedtime wake_time gender".split())
_SPECIFIC = re.compile(
    r"(?:(?-i:[A-Z])|[$€£¥₩]?\d|(?:an?|the|about|around|only)\s(?:[\w-]+\s){0,3}?(?:(?-i:[A-Z])|[$€£¥₩]?\d))",
    re.IGNORECASE,
)
_A_MONTH = re.compile(r"\s+(?:a|per|each|every) (?:month|week|year)\Z|\s+monthly\Z", re.IGNORECASE)

_RULES: list[Rule] = [
    # Work. The first rules that fit win, so what changes comes before what merely is.
    *_rules(
        "employer?",
        "left quit leaving",
        rf"{_A}(?:left|quit|leaving) (?:my (?:old )?job (?:at|with) )?(?P<former>[^,;:!?()\n]{{1,40}}?) (?:for|to (?:join|work (?:at|for))|and (?:(?:have |now )?joined|(?:i )?(?:now )?work (?:at|for)|started (?:at|with|working (?:at|for))|went to|moved to)) (?!{_NUMBER} {_UNIT}|a (?:bit|while)|good\b|ever\b|the (?:day|weekend|night|holidays)|personal|health|work\b){_ANY}",
    ),
    *_rules(
        "employer",
        "work works working worked been employed interning contracting consulting",
        rf"{_A}works?\s+(?:(?:now|full[- ]time|part[- ]time|remotely|again|currently|nights|days|over|as an? [\w -]{{1,30}}?|in (?!a\b|the\b)[\w ]{{1,20}}?)\s+)*(?:at|for)\s+{_EMPLOYER}",
        rf"{_B}(?:working|employed|interning|contracting|consulting|an intern)\s+(?:(?:now|full[- ]time|part[- ]time|remotely|again|currently|over|as an? [\w -]{{1,30}}?)\s+)*(?:at|for|by)\s+{_EMPLOYER}",
        rf"(?:'ve|have|has) (?:{_ADVERB} )?been (?:at|with) (?-i:(?=[A-Z])){_EMPLOYER} (?:for|since) ",
        rf"(?:'ve|have|has) (?:{_ADVERB} )?worked (?:as an? [\w -]{{1,30}}? )?(?:at|for) {_EMPLOYER} (?:for|since) ",
    ),
    *_rules(
        "employer",
        "started start began joined got landed took accepted found scored moved changed offer hired switched transferred recruited poached",
        rf"{_A}(?:started|began|start)\s+{_ROLE}(?:at|with|for)\s+{_EMPLOYER}",
        rf"{_A}(?:got|landed|took|accepted|found|scored)\s+(?:(?:a|an|the|my|this|new|dream|great|full[- ]time|part[- ]time|different|another)\s+){{0,4}}(?:job|position|role|post|gig|(?<=accepted a )job offer|(?<=accepted an )offer|(?<=accepted the )offer)\s+(?:as an? [\w -]{{1,30}}? )?(?:at|with|from)\s+{_EMPLOYER}",
        rf"{_A}(?:was |were |got |been |am )?(?:hired|recruited|poached|headhunted|taken on)\s+(?:as an? [\w -]{{1,30}}? )?(?:by|at)\s+{_EMPLOYER}",
        rf"{_A}(?:switched|transferred|changed|jumped|moved) (?:jobs|companies|employers|ship)(?: over)? (?:(?:from )(?P<former>[^,;:!?()\n]{{1,40}}?) )?to (?-i:(?=[A-Z])){_EMPLOYER}",
        rf"{_A}(?:joined|join) (?:the team (?:at|of) |forces with )?(?-i:(?=[A-Z])){_EMPLOYER}",
        rf"{_A}(?:joined|join) (?P<object>(?:an?|the) (?:[\w-]+ ){{0,4}}?(?:company|startup|start-up|firm|bank|hospital|agency|studio|lab|bakery|law firm|consultancy|clinic|brewery|newspaper|publisher|bookshop)(?: called [\w ]{{1,30}})?){_STOP}",
    ),
    *_rules(
        "employer",
        "now currently new",
        rf"(?:(?:am|is|are|'m|'s|'re)\s+(?:now|currently|newly)\s+(?:at|with|over at)|now (?:am|is|'m) (?:at|with))\s+(?-i:(?=[A-Z])){_EMPLOYER}",
    ),
    *_rules(
        "employer",
        "at with",
        rf"(?:now\s+|currently\s+)?(?:(?:am|is|are|'m|'s|'re)\s+)?(?:{_ADVERB}\s+)*(?:at|with|over at)\s+{_EMPLOYER}",
        job=True,
    ),
    *_rules(
        "employer",
        "switched transferred changed jumped",
        rf"{_A}(?:switched|transferred|changed|jumped) (?:over )?(?:(?:from )(?P<former>[^,;:!?()\n]{{1,40}}?) )?to (?-i:(?=[A-Z])){_EMPLOYER}",
        job=True,
    ),
    *_rules("employer", "joined started", rf"{_A}(?:joined|join|signed with)\s+{_EMPLOYER}", job=True),
    *_rules(
        "employer",
        "employer company job workplace office",
        rf"{_MY}(?:employer|company|workplace){_IS}{_ANY}",
        rf"{_MY}job(?:'s| is) (?:now )?(?:at|with) {_EMPLOYER}",
    ),
    *_rules(
        "employer",
        "quit left lost leaving resigned fired laid stopped work works working employed last let sacked redundant handed gave",
        rf"{_A}(?:quit|left|resigned from|gave up|walked out of|lost|leaving)\s+(?:my|his|her|their|our|the) (?:old |previous |current |day )?(?:job|position|role|post|company|firm)(?:\s+(?:at|with)\s+{_ANY})?",
        rf"{_A}(?:was|were|got|been|am|'m)\s+(?:just )?(?:fired|laid off|let go|sacked|made redundant|dismissed)(?:\s+(?:from|by)\s+(?:my job (?:at|with) )?{_ANY})?",
        rf"{_A}(?:resigned|quit|stopped working|handed in my (?:notice|resignation))(?:\s+(?:from|at|for|with)\s+{_ANY}|\s*(?=[.!,;]|\Z|(?:yesterday|today|last|this)\b))",
        rf"{_NO_LONGER}work (?:at|for|with) {_ANY}",
        rf"{_NO_LONGER}works? (?:there|here|for them|with them)\b",
        rf"{_A}(?:left|quit) (?:that|this|the) (?:place|job|company|firm)\b",
        rf"{_NOT}(?:working |employed )?(?:at|with|by|for) (?-i:(?=[A-Z])){_EMPLOYER}",
        rf"(?:(?:am|is|are|'m|'s|'re)\s+)no longer (?:working |employed )?(?:at|with|by|for) {_EMPLOYER}",
        ends=True,
    ),
    *_rules(
        "employer?",
        "left quit leaving",
        rf"{_A}(?:left|quit) (?!my\b|his\b|her\b|the (?!uk|us)|home\b|early|it\b|a\b|an\b|our\b|their\b|some|smoking|\w+ing\b)(?-i:(?=[A-Z])){_ANY}",
        ends=True,
    ),
    *_rules(
        "occupation",
        "a an am is are m s re the as promoted became become job role title position work works working retrained retired unemployed profession occupation employed",
        rf"{_A}(?:works?|started|start|began)\s+(?:working |work )?as (?:an?|the) (?P<object>[^\s,;:!?()]{_UP}",
        rf"{_B}working as (?:an?|the) {_ANY}",
        rf"{_A}(?:was |were |got |been )*(?:promoted to|made|appointed)\s+(?:an? |the )?(?P<object>(?:[\w-]+ ){{0,3}}?{_JOB}){_STOP}",
        rf"{_A}(?:became|become|retrained as|qualified as|turned)\s+(?:an? |the )?(?P<object>(?:[\w-]+ ){{0,3}}?{_JOB}){_STOP}",
        rf"(?:{_B})?(?:now |currently |also )*(?:an?|the) (?P<object>(?:[\w-]+ ){{0,3}}?{_JOB}s?)\b(?! (?:appointment|friend|of)\b)",
        rf"(?:{_B})?(?P<object>retired|unemployed|self-employed|freelancing|between jobs)\b",
        rf"{_A}(?P<object>retired)\b",
        rf"{_MY}(?:job|occupation|profession)(?: title)? (?:is|:)\s*(?:now )?(?!at\b|with\b|to\b|great|good|bad|hard|so\b|very|really|boring|stressful|fun|going|done|killing){_ANY}",
        rf"{_MY}(?:title|role|position) (?:is|:)\s*(?:now )?(?:an? )?(?P<object>(?:[\w-]+ ){{0,3}}?{_JOB}){_STOP}",
    ),
    # Who.
    *_rules(
        "name",
        "name surname called named go goes changed",
        rf"(?:my|our|'s) (?:(?:new|full|first|last|real|legal|middle|maiden) |sur)*name(?: is|'s|:)\s+(?:now |actually )?(?!{_NO_OWN_NAME}){_ANY}",
        rf"{_B}(?:called|named) (?-i:(?=[A-Z])){_ANY}",
        rf"{_A}(?:go|goes) by {_CAP}",
        rf"{_A}changed (?:my|her|his|their) (?:full |first |last |legal |sur)*name to {_ANY}",
    ),
    *_rules(
        "name",
        "",
        r"(?:am |'m )(?!\w{0,16}(?:ish|ese|ian|ean|can|ist|French|German|Dutch|Swiss|Greek|Czech|Thai|Muslim|Catholic|Hindu|Jewish)\b)(?P<object>(?-i:[A-Z][a-z]{2,15}(?: [A-Z][a-z]{2,15})?))(?=[.!]?\Z|,? (?:and )?(?:I'm|I am|I live|I work|I have)\b)",
    ),
    *_rules(
        "birthday",
        "birthday birth born",
        r"(?:(?:my|our|'s)\s*)?(?:birthday|date of birth|birth date|birthdate) (?:is|falls)(?: on)? (?!coming|soon|next|this|tomorrow|today|party|in \w+ (?:days|weeks))(?P<object>[^\s,;:!?()][^;:!?()\n]{0,40}?)(?=\s*(?:[;:!?()]|, ?(?!\d)|[.…!]*\s*\Z|\s(?:and|but|so|which)\b))",
        rf"(?:was |were |{_B})?born (?:on|in(?= (?:\d{{4}}|{_MONTH}\b))) (?P<object>[^\s,;:!?()][^;:!?()\n]{{0,40}}?)(?=\s*(?:[;:!?()]|, ?(?!\d)|[.…!]*\s*\Z|\s(?:and|but|so|in (?-i:[A-Z]))))",
    ),
    *_rules(
        "age",
        "",
        r"(?:(?:am|is|are|'m|'s|'re|have|has|'ve)\s+)?(?:(?:now|already|just|only|recently|finally|also|actually)\s+)*(?:turned |turn )?(?P<object>\d{1,3}|(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?))(?: years? old\b| years of age\b| yo\b| y\.?o\.?\b| now\b|\s*(?=[,;])|(?=\s+and (?:i|we|my|live|work)\b)|\s*[.!]*\s*\Z)",
        rf"{_A}(?:turned|turn|became) (?P<object>\d{{1,3}}|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?)\b",
        r"(?:my|'s) age is (?:now )?(?P<object>\d{1,3})",
        r"(?:(?:am|is|are|'m|'s|'re)\s+)?an? (?P<object>\d{1,3})[- ]years?[- ]old\b",
    ),
    *_rules(
        "email",
        "mail email",
        rf"(?:(?:{_MY})|new )?(?:new )?e-?mail(?: address)?{_IS}(?P<object>[\w.+-]{{1,64}}@(?:[A-Za-z0-9-]{{1,60}}\.){{1,4}}[A-Za-z]{{2,20}})",
        rf"{_A}(?:changed|switched)\s+(?:my )?e-?mail(?: address)? to (?P<object>[\w.+-]{{1,64}}@(?:[A-Za-z0-9-]{{1,60}}\.){{1,4}}[A-Za-z]{{2,20}})",
    ),
    *_rules(
        "phone",
        "phone number cell mobile",
        rf"(?:(?:{_MY})|new )?(?:new )?(?:phone|number|cell|mobile|telephone)(?: number)?{_IS}(?P<object>[+(]?\d[\d() /.-]{{2,24}}\d|\d{{3,}})",
        rf"{_A}(?:changed|switched|got)\s+(?:my |a new )?(?:phone |cell |mobile )*number(?: to|:|,? it's)\s+(?P<object>[+(]?\d[\d() /.-]{{2,24}}\d)",
    ),
    # Where.
    *_rules(
        "home?",
        "moved relocated emigrated immigrated back settled",
        rf"{_A}(?:moved|relocated|emigrated|immigrated|moved back|gone back|returned)(?:\s+(?:back|out|over|again|house|recently|permanently|here|home|away|with (?:my )?\w+))*(?:\s+from (?P<former>[^,;:!?()\n]{{1,30}}?))?\s+(?:to|into|in) (?!(?:last|next|this|early|late|mid|\d|a|two|three) ?|(?:january|february|march|april|may|june|july|august|september|october|november|december|spring|summer|autumn|fall|winter|the (?:spring|summer|autumn|fall|winter|morning|end|middle|beginning))\b|with\b|together|the (?:next|other|front|back|end|top|side)|tears|bed\b|my (?:next|own way)|with\b|\w+ing\b|work\b|normal|school\b|sleep\b|basics){_ANY}",
        rf"{_A}settled (?:down )?in {_CAP}",
    ),
    *_rules(
        "home",
        "live lives living based residing reside resides lived located",
        rf"{_A}(?:lives?|resides?|stay(?=s? in [A-Z]))s?\s+(?:(?:alone|together|now|here|over|right|out|up|down|with (?:my )?\w+|by myself|not far)\s+)*(?:in|at|near|on|outside|close to)\s+(?!the (?:past|moment|present|edge|now|future|same)|fear|peace|a (?:world|time|society|bubble|simulation)|times|hope|harmony){_ANY}",
        rf"(?:{_B})?(?:{_ADVERB} )?(?:living|based|residing|located|settled)\s+(?:(?:alone|together|now|here|over|right|out|with (?:my )?\w+|by myself)\s+)*(?:in|at|near|out of|outside)\s+(?!the (?:past|moment|present|edge)|fear|peace|a (?:world|time)){_ANY}",
        rf"(?:'ve|have|has) (?:{_ADVERB} )?lived in {_ANY}(?:(?= (?:for|since)\b))",
    ),
    *_rules(
        "address",
        "address",
        rf"{_MY}(?:address){_IS}(?P<object>[^\s;:!?()][^;:!?()\n]{{0,80}}?)(?=\s*(?:[;:!?()]|[.…!]*\s*\Z|\s(?:and|but|so|now)\b))",
    ),
    *_rules(
        "home",
        "home apartment flat house place",
        rf"(?:my|our) (?:new )?(?:home|apartment|flat|house|place)(?: is|'s) (?:now )?(?:in|at|on|near) {_ANY}",
        rf"home is (?:now )?(?!where){_CAP}",
    ),
    *_rules(
        "home",
        "live living moved left",
        rf"{_NO_LONGER}lives? (?:in|at|on|near) {_ANY}",
        rf"{_NO_LONGER}lives? (?:there|here)\b",
        rf"(?:{_NOT}|stopped |quit )living (?:in|at|on|near) {_ANY}",
        rf"{_A}moved (?:out of|away from) (?!here|home\b){_ANY}",
        ends=True,
    ),
    *_rules(
        "hometown",
        "from grew raised born hometown come comes",
        rf"(?:{_B})?(?:originally )?from {_CAP}",
        rf"(?:was |were |{_B}|{_A})?(?:grew up|born and raised|raised|brought up|born) (?:in|near|on) (?!\d|{_MONTH}\b){_ANY}",
        rf"{_A}(?:originally )?comes? from {_CAP}",
        rf"(?:my|our|'s) (?:hometown|home ?town|home country) is {_ANY}",
    ),
    *_rules(
        "nationality",
        "citizen citizenship passport nationality american australian austrian belgian brazilian british canadian chinese czech danish dutch egyptian english finnish french german greek hungarian indian indonesian irish israeli italian japanese korean malaysian mexican norwegian polish portuguese romanian russian scottish singaporean spanish swedish swiss taiwanese thai turkish ukrainian vietnamese welsh nigerian pakistani filipino",
        rf"(?:{_B}|{_A}(?:became|become) )(?:an? )?(?P<object>{_NATION})(?: citizen)?\b(?! \w)",
        rf"(?:{_B}|{_A}(?:became|become) )(?:an? )?(?P<object>{_NATION}|[\w]+) citizen\b",
        rf"{_A}(?:hold|holds|have|has|got) (?:an? )?(?P<object>{_NATION}) (?:passport|citizenship|nationality)",
        rf"{_MY}nationality is {_ANY}",
    ),
    # Whom.
    *_rules(
        "relationship_status",
        "broke broken split parted separated called ended married engaged together dating seeing single relationship",
        rf"{_A}(?:broke up|split up|have split|broken up|parted ways|called off (?:my|our|the) (?:engagement|wedding)|ended (?:my|our) relationship)\b",
        rf"{_NOT}(?P<object>married|engaged|together|dating|seeing each other|single|in a relationship)\b.{{0,40}}\b(?:any ?more|any longer)\b",
        r"(?:am|is|are|'m|'s|'re) no longer (?P<object>married|engaged|together|dating|single|in a relationship)\b",
        ends=True,
    ),
    *_rules("spouse", "married", rf"(?:{_B}|{_A}(?:got )?)married (?:to )?{_CAP}"),
    *_rules(
        "relationship_status",
        "married single divorced engaged widowed separated dating relationship widow widower proposed",
        rf"(?:{_B}|{_A}(?:got |getting |become |became |was |were )?){_MARITAL}(?! (?:in|with) (?:the )?(?:project|talks|task|bed|work)|-)(?! (?:handedly|parent|mom|malt|room|bed|use|day|thing|person|one)\b)",
        rf"{_MY}(?:relationship|marital) status (?:is|:|changed to) (?:now )?{_ANY}",
    ),
    *_rules(
        "children",
        "kid kids children child son sons daughter daughters baby babies boy girl boys girls twins birth mother father mom dad",
        rf"{_A}(?:have |has |had |got |'ve got |welcomed |adopted )?(?P<object>(?:a|an|\d|one|two|three|four|five|six|no|another|our|my) (?:[\w-]+ ){{0,3}}?{_KIN})\b(?:(?= (?:named|called|who|and|with|last|this|in|on|now|together)\b)|(?! \w))",
        rf"{_A}(?:have|has|had|got) (?P<object>{_KIN})\b(?! \w)",
        rf"{_A}(?P<object>gave birth(?: to (?:a|an|our|my|twins)?(?: [\w-]+){{0,3}})?|became (?:a )?(?:mother|father|mom|dad|parents?))\b",
    ),
    *_rules(
        "pet",
        "dog dogs cat cats puppy puppies kitten kittens parrot parrots rabbit rabbits hamster hamsters turtle turtles tortoise horse horses pony pig pigs gerbil gerbils pet pets budgie budgies goldfish fish ferret snake lizard gecko chickens bird birds labrador retriever poodle beagle corgi husky terrier bunny",
        rf"{_A}(?:have|has|got|'ve got|adopted|own|owns|bought|rescued|keep|keeps|raise|took in) (?:back )?(?P<object>(?:(?:a|an|\d+|one|two|three|four|five|some|another|the|my first|my own|our first) )?(?:(?!stuffed|toy|hot|animal|my|no|to|for)[\w-]+ ){{0,3}}?{_ANIMAL})\b(?! (?:food|person|people|hair|allergy|shelter|sitter|toys?|bed|video|photo)\b)",
    ),
    *_rules(
        "pet",
        "dog dogs cat cats puppy kitten parrot rabbit rabbits hamster turtle horse horses pony pig gerbil pet pets budgie goldfish fish snake lizard gecko chickens bird birds",
        rf"{_NO_LONGER}(?:have|own|keep) (?:(?:a|an|any|my|our|the) )?(?P<object>(?:[\w-]+ ){{0,2}}?{_ANIMAL})\b",
        rf"no longer (?:have|own|keep) (?:(?:a|an|any|my|our|the) )?(?P<object>(?:[\w-]+ ){{0,2}}?{_ANIMAL})\b",
        rf"{_A}(?:gave away|rehomed|sold|lost|gave up|put down|buried) (?:my|our|the) (?P<object>(?:[\w-]+ ){{0,2}}?{_ANIMAL})\b",
        rf"{_A}had to (?:give away|rehome|sell|give up|put down) (?:my|our|the) (?P<object>(?:[\w-]+ ){{0,2}}?{_ANIMAL})\b",
        ends=True,
    ),
    *_rules(
        "boss",
        "boss manager supervisor",
        r"(?:is|'s) (?:now )?(?:my|our) (?:new |current )?(?:boss|manager|supervisor)\b",
    ),
    # Body and health.
    *_rules(
        "diet",
        "vegetarian vegan pescatarian pescetarian flexitarian gluten lactose dairy halal kosher keto paleo low plant meat carnivore omnivore",
        rf"(?:{_B})?(?:(?:a|an|on a|on the|quite|very) )?{_DIET}",
        rf"{_A}(?:eat|eats|follow|follows|keep|keeps|do|am on|went on|started)\s+(?:only |an? |strictly |the )*{_DIET}",
        rf"{_A}(?:became|become|turned|gone|went|going|go|switched to(?: being)?)\s+(?:an? )?(?:fully )?{_DIET}",
    ),
    *_rules(
        "diet",
        "vegetarian vegan pescatarian gluten keto paleo halal kosher dairy meat again",
        rf"{_NOT}(?:an? )?{_DIET}",
        rf"{_A}(?:stopped being|gave up being|quit being|gave up on being) (?:an? )?{_DIET}",
        rf"{_A}(?:started eating|eat|eating) meat again",
        rf"{_A}(?:gone|went) back to (?:eating )?meat\b",
        ends=True,
    ),
    *_rules(
        "allergy",
        "allergic allergy allergies intolerant",
        rf"(?:{_B})?(?:{_A})?(?:became |become |turned out to be |severely |very |deathly |slightly |highly |mildly )*allergic to {_LIST}",
        rf"{_A}(?:have|has|got|developed) (?:an? |several |some |bad |severe )*(?P<object>(?:(?!no\b|any\b)[\w]+ ){{1,2}}?)allerg(?:y|ies)\b",
        rf"{_A}(?:have|has|got|developed) (?:an? |several |some |bad |severe )*allerg(?:y|ies) to {_LIST}",
        rf"(?:my )?allerg(?:y|ies)(?: is| are|:) {_LIST}",
    ),
    *_rules(
        "allergy",
        "allergic allergy outgrew outgrown",
        rf"(?:am|is|are|'m|'s|'re) no longer allergic to {_LIST}",
        rf"{_NOT}(?:actually |really )?allergic to {_ANY}(?= any ?(?:more|longer))",
        rf"{_NOT}(?:actually |really )?allergic to (?P<object>[^,;:!?()\n]{{1,40}}?)(?= after all)",
        rf"{_A}(?:outgrew|outgrown|got over) (?:my|the|her|his) (?P<object>[\w ]{{1,30}}?) ?allergy",
        ends=True,
    ),
    *_rules(
        "health",
        "diagnosed diabetes asthma adhd autism anxiety depression migraine migraines cancer arthritis insomnia hypertension pressure epilepsy celiac coeliac ibs eczema pain covid cold flu psoriasis anemia anaemia tinnitus vertigo glaucoma apnea fever heart crohn diabetic pregnant asthmatic blind epileptic left",
        rf"(?:was |were |{_B}|{_A}|got )*diagnosed with {_ANY}",
        rf"{_A}(?:have|has|suffers?(?: from)?|got|caught|live with|developed) (?:(?:an?|some|really|bad|my) )*{_ILLNESS}",
        rf"{_B}(?:suffering from|living with) {_ILLNESS}",
        rf"(?:{_B})(?:a )?(?:\w+ (?:weeks|months) )?(?P<object>diabetic|pregnant|asthmatic|colou?r-?blind|epileptic|left-handed)\b",
        rf"{_A}(?:got|became|fell) (?P<object>pregnant)\b",
    ),
    *_rules(
        "weight",
        "weigh weighs weight kg kilos lbs pounds",
        rf"{_A}weighs? (?:about |around |only |in at )*(?P<object>\d[\d.,]*\s?(?:kg|kgs|kilos?|kilograms?|lbs?|pounds|stone)?\b)",
        rf"(?:{_B})(?:about |around )?(?P<object>\d[\d.,]*\s?(?:kg|kilos?|lbs?|pounds))\b(?! (?:over|under|heavier|lighter|down|more|less))",
        rf"(?:{_B})?(?:down|up|back) to (?P<object>\d[\d.,]*\s?(?:kg|kilos?|lbs?|pounds))\b",
        rf"{_MY}weight{_IS}(?:about )?(?P<object>\d[\d.,]*\s?(?:kg|kilos?|lbs?|pounds)?\b)",
    ),
    *_rules(
        "height",
        "tall height",
        rf"(?:{_B})(?:about |around )?(?P<object>\d[\d.,'\"]*\s?(?:cm|m|metres|meters|feet|foot|ft)?(?:\s?\d{{1,2}}(?:\s?(?:in|inches|cm|\"))?)?) tall\b",
        rf"{_MY}height is (?:about )?(?P<object>\d[\d.,'\"]*\s?(?:cm|m|feet|ft)?)",
    ),
    # What one knows, does, owns.
    *_rules(
        "language",
        "speak speaks fluent learning studying language tongue",
        rf"(?:{_B}|{_A})(?:speaks?|fluent in|learning|studying) (?:(?!about\b)[a-z]+ )?{_LANGUAGE}",
    ),
    *_rules(
        "language",
        "stopped quit gave given learning studying dropped",
        rf"{_A}(?:(?:stopped|quit|gave up|given up)(?: on)? (?:learning |studying )?|dropped ){_LANGUAGE}",
        rf"{_NOT}(?:learning|studying) {_LANGUAGE}",
        ends=True,
    ),
    *_rules(
        "salary",
        "make makes earn earns paid",
        rf"{_A}(?:make|makes|earn|earns|am paid|get paid) (?:about |around |roughly |over )?(?P<object>(?:[$€£¥]\s?\d[\d.,]*\s?k?|\d[\d.,]*\s?k)\b(?: (?:euros|dollars|pounds))?(?: (?:a|per|an) (?:year|month|hour|week|day))?|\d[\d.,]* (?:euros|dollars|pounds)(?: (?:a|per|an) (?:year|month|hour|week))?)",
    ),
    *_rules("native_language", "language tongue", rf"{_MY}(?:native|first|mother) (?:language|tongue) is {_LANGUAGE}"),
    *_rules(
        "education",
        "graduated degree phd ph mba diploma master bachelor masters bachelors majored majoring major doctorate",
        rf"{_A}graduated (?:(?!from\b)\w+ ){{0,4}}?(?:from|at|in) (?-i:(?=[A-Z])){_ANY}",
        rf"(?:{_B}|{_A})(?:have|has|got|earned|doing|finished|hold|holds|completed|received) (?P<object>(?:an?|my|his|her|their) (?:\w+'?s? ){{0,2}}?(?:ph\.?d|mba|degree|diploma|master'?s|bachelor'?s|doctorate)\b)",
        rf"(?:{_B}|{_A})(?:majored|majoring|major|graduated|degree) in {_ANY}",
    ),
    *_rules(
        "school",
        "study studying studies attend attends attending enrolled school college university go goes",
        rf"(?:{_B}|{_A})(?:study|studying|studies|enrolled) (?:[\w]+ ){{0,4}}?(?:at|in) (?-i:(?=[A-Z])){_ANY}",
        rf"(?:{_B}|{_A})(?:attend|attends|attending) (?-i:(?=[A-Z])){_ANY}",
        rf"{_A}(?:go|goes) to (?P<object>(?-i:[A-Z])[\w'. -]{{1,50}}?(?:School|University|College|Academy|Institute))\b",
        rf"{_A}transferred to (?P<object>[\w'. -]{{1,50}}?(?:School|University|College|Academy|Institute))\b",
        rf"{_MY}(?:school|university|college|uni) is {_CAP}",
    ),
    *_rules(
        "hobby",
        "hobby hobbies pastime took taken taking picked started",
        rf"(?:(?:my|our|'s)\s+)?(?:main |favou?rite |new |biggest )*(?:hobby|hobbies|pastime)(?: is| are|:| include) {_LIST}",
        rf"(?:{_B}|{_A})(?:took up|taken up|taking up|picked up|got into) (?P<object>(?:\w+ )?(?:\w+ing|yoga|chess|pottery|guitar|piano|golf|tennis|photography|judo|karate|origami|ceramics|violin|cello|drums|pilates))\b",
    ),
    *_rules(
        "hobby",
        "stopped quit gave given",
        rf"{_A}(?:gave up|quit|given up) (?P<object>yoga|chess|pottery|guitar|piano|golf|tennis|photography|judo|karate|football|soccer|basketball|ballet|climbing|running|painting|knitting|skiing|surfing|swimming)\b",
        ends=True,
    ),
    *_rules(
        "skill",
        "play plays know knows good",
        rf"(?:can|{_A}know how to) (?P<object>(?:play|code|program|sew|knit|cook|weld|juggle|ski|surf|swim|drive|sing|dance|ride)\b[\w ]{{0,30}}?){_STOP}",
        rf"{_A}know how to {_ANY}",
    ),
    *_rules(
        "car",
        "drive drives driving car vehicle bought got have has own owns leased switched traded swapped exchanged",
        rf"{_A}(?:drive|drives) (?P<object>(?:an?|my) (?!lot|bit|bus|truck for|long)(?:[\w-]+ ){{0,4}}?[\w-]+){_STOP}",
        rf"{_B}driving (?P<object>an? (?!lot|bit)(?:[\w-]+ ){{0,3}}?(?-i:[A-Z])[\w-]+(?: [\w-]+)?){_STOP}",
        rf"{_MY}(?:car|vehicle){_IS}(?P<object>(?:an? )?(?!in\b|at\b|broken|dead|fixed|old\b|dirty|new\b|gone|parked|making|being)(?:[\w-]+ ){{0,3}}?[\w-]+){_STOP}",
        rf"{_A}(?:traded|swapped|exchanged)(?: in)? (?:my|our|the) (?:old )?[\w -]{{1,30}}? for (?P<object>an? (?:[\w-]+ ){{0,2}}?(?-i:[A-Z])[\w-]+(?: [\w-]+)?){_STOP}",
        rf"{_A}(?:bought|got|leased|have|has|own|owns|switched to|traded it in for) (?P<object>an? (?:(?!as\b|and\b|with\b|in\b|that\b|for\b|who\b)[\w-]+ ){{0,4}}?(?:car|suv|pickup|truck|van|tesla|toyota|honda|bmw|audi|ford|volvo|mazda|nissan|hyundai|kia|subaru|volkswagen|vw|skoda|mercedes|porsche|lexus|fiat|renault|peugeot|golf|jeep)(?: [\w-]+)?)\b",
    ),
    *_rules(
        "phone_model",
        "iphone pixel galaxy fairphone oneplus xiaomi nokia",
        rf"(?:{_B}|{_A})(?:have|has|use|uses|using|got|bought|upgraded to|switched to|changed to) (?P<object>(?:(?:an?|my|the) )?(?:new )?(?:iphone|(?:google )?pixel|(?:samsung )?galaxy|fairphone|oneplus|xiaomi|nokia)\b(?: \w+){{0,3}}?){_STOP}",
    ),
    *_rules(
        "laptop",
        "macbook thinkpad chromebook laptop",
        rf"(?:{_B}|{_A})(?:have|has|use|uses|using|got|bought|upgraded to|switched to|changed to) (?P<object>(?:(?:an?|my|the) )?(?:new )?(?:macbook|(?:lenovo )?thinkpad|chromebook)\b(?: \w+){{0,3}}?){_STOP}(?!\s+(?:for|at) )",
    ),
    *_rules(
        "wake_time",
        "wake wakes get gets up",
        rf"{_A}(?:(?:usually|always|normally|typically|mostly) )*(?:wake|get|am|gets?|wakes?)(?: up| out of bed)+ (?:at|around|by) (?P<object>\d{{1,2}}(?::\d\d)?(?: ?[ap]m)?|five|six|seven|eight|nine|ten)\b(?! (?:tomorrow|today|on))",
    ),
    *_rules(
        "bedtime",
        "bed sleep",
        rf"{_A}(?:(?:usually|always|normally|typically|mostly) )*(?:go|goes) to (?:bed|sleep) (?:at|around|by) (?P<object>\d{{1,2}}(?::\d\d)?(?: ?[ap]m)?|nine|ten|eleven|midnight|one)\b(?! (?:tomorrow|today|on))",
    ),
    *_rules(
        "grade",
        "grade year",
        rf"(?:{_B}|{_A})(?:in|started|starting|entered|now in|moved up to|begins?) (?:the )?(?P<object>(?:\d{{1,2}}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth) grade|(?:grade|year) \d{{1,2}})\b",
    ),
    *_rules(
        "car",
        "car",
        rf"{_A}(?:sold|got rid of|totalled|crashed|gave up|wrecked) (?:my|our|the) (?P<object>[\w-]+ car\b)?(?:car\b)?(?<=car)",
        rf"{_NO_LONGER}(?:have|own|drive) (?P<object>an? (?:[\w-]+ )?car)\b",
        ends=True,
    ),
    *_rules(
        "project",
        "working project",
        rf"{_B}working on (?!it\b|that\b|this\b|my\b|myself|a\b|an\b|the\b(?! (?-i:[A-Z]))|some|something){_ANY}",
        rf"{_B}working on (?P<object>(?:an?|the|my|our) (?:[\w'-]+ ){{0,4}}?(?:project|thesis|dissertation|novel|book|paper|app|game|album|website|startup|prototype|report)\b(?: (?:about|on|called|for) [\w ]{{1,40}}?)?){_STOP}",
        rf"{_MY}project{_IS}(?!going|done|late|due|finished|on\b|almost|over|delayed|behind){_ANY}",
    ),
    *_rules("deadline", "deadline", rf"{_MY}deadline{_IS}(?!not\b|tight|close|near|coming|soon\b){_ANY}"),
    *_rules(
        "budget",
        "budget",
        rf"(?:{_MY})?(?:[\w-]+ ){{0,2}}?budget(?: for (?:the |my |our )?[\w ]{{1,30}}?)?{_IS}(?:about |around |only |now )*(?P<object>[^\s,;:!?()]*\d[\d.,]*(?:\s?(?:k|euros?|dollars|usd|eur|pounds|million|€|\$|thousand|ntd|twd|a month|per month))*){_STOP}",
    ),
    *_rules(
        "plan",
        "going planning moving flying traveling travelling heading visiting starting getting plan plans intend intends",
        rf"(?:am|'m|are|'re|is|'s) (?:now )?(?P<object>(?:going|planning|moving|flying|travell?ing|heading|visiting|starting|getting|leaving)\b.{{0,80}}?\b(?:tomorrow|tonight|(?:next|this) \w+|on {_DAY}|in (?:{_NUMBER} {_UNIT}|{_MONTH}\b)))",
        rf"{_A}(?:plan|plans|intend|intends) to {_ANY}",
        rf"{_B}planning (?:to|on) {_ANY}",
    ),
    *_rules(
        "place_visited",
        "visited been went traveled travelled",
        rf"{_A}(?:visited|toured) (?-i:(?=[A-Z])){_ANY}",
        rf"(?:have|has|'ve) (?:{_ADVERB} )?been to {_CAP}",
        rf"{_A}(?:went|travell?ed|flew|took a trip) to {_CAP}",
    ),
    # Taste.
    *_rules(
        "likes",
        "like likes love loves enjoy enjoys prefer prefers adore adores fond",
        rf"(?:no longer|(?:do|does)(?:n't| not)(?: really)?) (?:like|love|enjoy|prefer) {_ANY}(?= any ?(?:more|longer))",
        rf"no longer (?:like|love|enjoy|prefer)s? {_ANY}",
        rf"{_A}(?:stopped|quit) (?:liking|loving|enjoying) {_ANY}",
        ends=True,
    ),
    *_rules(
        "dislikes",
        "hate hates dislike dislikes loathe loathes detest detests stand like love enjoy mind fan",
        rf"(?:no longer|(?:do|does)(?:n't| not)) (?:hate|dislike|mind) {_ANY}(?= any ?(?:more|longer))",
        rf"no longer (?:hate|dislike)s? {_ANY}",
        ends=True,
    ),
    *_rules(
        "dislikes",
        "hate hates dislike dislikes loathe loathes detest detests stand like love enjoy fan fond into care",
        rf"(?:{_ADVERB} |really |truly |so |always |absolutely )*(?:hates?|dislikes?|loathes?|detests?|despises?|(?:can't|cannot|can not) stand) (?!it\b|that\b|this\b|you\b|when\b|to\b|how\b|him\b|her\b|them\b){_LIST}",
        rf"(?:do|does)(?:n't| not) (?:really |much |particularly )*(?:like|love|enjoy|care for) (?!it\b|that\b|this\b|you\b|when\b|to be\b|how\b|him\b|her\b|them\b){_LIST}",
        rf"(?:am|is|are|'m|'s|'re) not (?:really |much |a |an |big |huge )*(?:fan of|fond of|into) {_LIST}",
    ),
    *_rules(
        "likes",
        "like likes love loves enjoy enjoys prefer prefers adore adores fond fan obsessed crazy into passionate",
        rf"(?:{_ADVERB} |really |truly |so |always |absolutely |do |much )*(?:likes?|loves?|enjoys?|prefers?|adores?) (?!it\b|that\b|this\b|you\b|when\b|how\b|him\b|her\b|them\b|to think|to hear|your\b){_LIST}",
        rf"{_B}(?:really |so |very |super |a |big |huge |such |quite )*(?:fond of|obsessed with|crazy about|fan of|passionate about|into) (?!it\b|that\b|this\b|you\b|him\b|her\b|them\b|the (?:next|second|final))(?!\d){_LIST}",
    ),
    # Anything that ended, under no attribute.
    *_rules(
        None,
        "stopped quit stepped gave given give giving dropped longer more anymore cancelled canceled closed sold donated got rid returned uninstalled deleted ditched left lost scrapped switched migrated changed moved replaced swapped traded exchanged ended retired done off unsubscribed deactivated finished",
        rf"{_A}(?:stopped|quit) (?:using|taking|going to|doing|having|wearing|paying for) (?:my |the )?{_ANY}",
        rf"{_A}(?:stopped|quit|gave up|given up|had to (?:stop|quit|give up)|finished with) (?:using |going to )?(?P<object>\w{{2,20}}ing\b[^,;:!?()\n]{{0,40}}?){_STOP}",
        rf"{_A}(?:quit|gave up|given up|had to give up|dropped out of|cancelled|canceled|unsubscribed from|deactivated|uninstalled|ditched) (?!on\b|my job|it\b)(?:my |our |the )?{_ANY}",
        rf"{_A}(?:sold|gave away|given away|donated|got rid of|gotten rid of|scrapped|closed|ended|deleted) (?:my|our) (?:old )?{_ANY}",
        rf"{_A}(?:sold|donated|got rid of) the {_ANY}",
        rf"{_A}(?:left|quit|stepped down (?:as|from)|dropped out of) (?:(?:the|my|our) )?(?P<object>(?:[\w'-]+ ){{0,3}}?(?:club|band|team|group|choir|committee|board|party|church|café|cafe|society|association|course|programme|program|captain|chair|president|treasurer|lead|orchestra|union|league))\b(?! (?:early|late|at|house|room))",
        rf"{_A}(?:switched|migrated|changed|moved over|moved) (?:over )?from (?!(?:my|our|his|her|their|the|a)\b){_O}[^,;:!?()\n]{{0,40}}?) (?:over )?to (?-i:(?=[A-Z\d])|\w+ing\b)",
        rf"{_A}(?:replaced|swapped|traded|traded in|exchanged|ditched|left|dropped) (?:my|our|the) (?:old )?{_O}[^,;:!?()\n]{{0,40}}?) (?:with|for|by) (?:an?|the|my|(?-i:[A-Z]))\b",
        rf"(?:do|does)(?:n't| not) (?:really )?(?:use|have|own|take|wear|do|go to) (?:a |an |any |my |the )?{_ANY}(?= any ?(?:more|longer))",
        r"(?:do|does)(?:n't| not) (?:really )?(?P<object>(?!think|know|want|need|care|believe|like|love|mind|feel|see|work|live)\w{2,16}\b[^,;:!?()\n]{0,40}?)(?= any ?(?:more|longer))",
        rf"{_NOT}(?P<object>\w{{2,20}}ing\b[^,;:!?()\n]{{0,40}}?)(?= any ?(?:more|longer))",
        rf"{_B}(?:done with|off) (?P<object>(?!to\b|work\b|today|tomorrow|the (?:list|second|first)|it\b|that\b|this\b)[^\s,;:!?()]{_UP}(?=\s*(?:for good|now|forever|[.!]*\Z))",
        rf"no longer (?:use |have |own |take |wear |go to |a |an |do |play )?(?:a |an |my |the )?{_ANY}",
        ends=True,
    ),
]

_BY_WORD = by_key(_RULES)


def read_thing(clause: str) -> Reading | None:
    """What `clause` ("deadline moved to Friday", "server is down") states of the thing it opens with."""
    if match := _LIMITED.match(clause):
        limit = match["limit"].lower()
        attribute = "deadline" if limit in ("deadline", "due date") else "price" if limit == "rent" else limit
        return Reading(attribute=attribute, object=_trimmed(match["object"]))
    for attribute, pattern in _OF_THINGS.items():
        if match := pattern.match(clause):
            value = _trimmed(match["object"])
            return Reading(attribute=attribute, object=_BEFORE_TIME.sub("", value) if attribute == "date" else value)
    return None


_BEFORE_TIME = re.compile(r"\A(?:on|at|in|by|for|until)\s+", re.IGNORECASE)


_HEAD = r"[\w' -]{1,60}?\s+"
_BECOMES = (
    rf"(?:(?:{_ADVERB}|now|still|also)\s+)*(?:(?:is|are|'s|was changed to|(?:has |have )?(?:changed|moved|shifted|slipped) to|will be|becomes|became|(?:has gone|went) (?:up|down) to|"
    rf"(?:dropped|rose|grew) to|(?:(?:got|has been|have been|was|is|were) )?(?:moved|pushed(?: back| out)?|changed|brought forward|postponed|extended|raised|cut|set|increased|reduced|lowered|"
    rf"rescheduled|delayed|scheduled|shifted) (?:to|until|till|for|on|at))\s+)(?:(?:{_ADVERB}|definitely|scheduled for)\s+)*"
)
_UNTIL_END = r"(?P<object>[^\s,;!?()](?:[^,;!?()\n]|(?<=\d),(?=\d{3}\b)){0,60}?)(?=\s*(?:,(?!\d{3}\b)|[;!?()—–]|[.…!]*\s*\Z)|\s(?:and|but|so|because|instead|now|as|which|since)\b)"
_WHEN = (
    rf"(?=(?:(?:on|at|in|by|for|until|next|this|the|early|late|end of)\s+){{0,3}}(?:{_DAY}|(?:mon|tue|wed|thu|fri|sat|sun)\b|{_MONTH}\b|tomorrow|tonight|today|noon|midnight|\d|week|month|year|spring|summer|autumn|fall|winter|morning|afternoon|evening|"
    r"weekend|(?:first|second|third|last) ))"
)
_LIMITED = re.compile(
    rf"(?:{_HEAD}|)(?P<limit>deadline|due date|budget|rent)\b(?:\s+(?:for|of)\s+[\w' -]{{1,40}}?)?\s+{_BECOMES}(?:at |on |in |by )?(?!not\b|tight|close|near|flexible|unclear|coming|so\b|too\b|very\b|really|over\b){_UNTIL_END}",
    re.IGNORECASE,
)
_OF_THINGS = {
    attribute: re.compile(_HEAD + pattern, re.IGNORECASE)
    for attribute, pattern in {
        "deadline": rf"(?:is|are|'s) (?:now )?due (?:on |by |at )?{_UNTIL_END}",
        "date": rf"(?:{_BECOMES}|(?:takes|take|starts|start|begins|happens) )(?:place )?{_WHEN}{_UNTIL_END}",
        "place": rf"(?:{_BECOMES}|takes place )(?:in|at) (?:the )?(?=(?-i:[A-Z])|room|office|cafe|library){_UNTIL_END}",
        "status": r"(?:(?:is|are|'s|was|were|got|has been|have been|went|moved (?:in)?to|has moved (?:in)?to|entered|has entered|is now|now)\s+(?:now |currently |still |already |just |officially |back )*)(?P<object>(?:in (?:the |its )?(?:final |early )?(?:planning|design|development|staging|qa|alpha|closed beta|maintenance|limbo|discovery|testing|implementation|research|rollout|build|pilot)(?: phase| stage)?|(?:planning|design|development|testing|production|maintenance)(?: phase| stage)?(?=[\s.!,]*(?:now)?[\s.!]*\Z)|under (?:review|construction|development)|at risk|stuck|stalled|frozen|shelved|scrapped|dead|closed|open|released|launched|on hold|cancell?ed|called off|delayed|postponed|done|finished|complete[d]?|"
        r"approved|rejected|live|down|up|offline|online|running|broken|fixed|in (?:beta|production|progress|review|testing|the shop)|blocked|ready|paused|shipped|signed|over|overdue|on track|behind schedule|ahead of schedule|archived|abandoned))\b",
    }.items()
}
