"""The patterns `rules_en.py` decides by, in the order in which it asks for them.

All are written for text with plain apostrophes. Repeats are bounded, so no input makes them slow.
"""

from __future__ import annotations

import re


def _pattern(*alternatives: str, case: bool = False) -> re.Pattern[str]:
    return re.compile("(?:" + "|".join(alternatives) + ")", 0 if case else re.IGNORECASE)


# Function words that other Latin-script languages do not share.
FUNCTION = frozenset(
    """the and is are was were my our your his her their i'm i've i'll i'd i you we he she they it this that with have
has had of to for from what where when who how why can could would please not don't doesn't just at call never
always thanks than but there been got went moved lives works likes loves""".split()
)

_NAME = r"(?-i:[A-Z])[\w'-]{1,20}"
_TITLE = r"(?:Dr|Mr|Mrs|Ms|Prof|Professor)\.? "

# Function words of other languages in Latin script.
FOREIGN = frozenset(
    """der die das und ist nicht ein eine einen ich wir mein meine für mit auf von le la les et est une des du je nous
mon ma mes dans pour avec el los las y es una que yo mi mis por con para muy il di che è sono ho mio mia per non
os um uma eu meu minha não em het een ik mijn niet van och jag är det jeg ikke og jestem mam nie się ben bir ve
saya dan yang soy tengo vivo danke hallo hola gracias bonjour merci ciao grazie ja oui sí j'ai c'est""".split()
)
# A word with its apostrophe, in small letters: "i'm".
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")

# Fillers, interjections and vocatives before the statement, and "remember that": the rest is what is said.
LEAD_IN = re.compile(
    r"""(?:\s*(?:
      (?:(?i:well|oh|ah|um+|uh+|hm+|so|ok(?:ay)?|yeah|yes|yep|yup|no|nope|nah|sure|right|actually|honestly|anyway|btw|fyi|hey|hi|
         hello|wow|aw+|whoa|gosh|man|dude|(?:thanks|thank\ you)(?:\ (?:a\ lot|so\ much|very\ much))?(?:\ for\ [\w' ]{1,40})?|
         cool|great|nice|awesome|exactly|absolutely|definitely|totally|of\ course|by\ the\ way|for\ what\ it's\ worth|
         you\ know(?:\ what)?|i\ mean|to\ be\ honest|in\ fact|as\ a\ matter\ of\ fact|speaking\ of\ which|just\ so\ you\ know|
         just\ fyi|p\.?s\.?|one\ more\ thing|also|guess\ what|good\ (?:morning|evening|afternoon)|congrats|sorry|
         (?:please\ )?(?:note|correction|update|reminder))
         (?:,?\ [A-Z][\w'-]{1,20}(?=\s*[,!.:;—–-]))?
         (?:\s*[,!.:;—–]+\s*|\s+-+\s+|\.{2,}\s*)
      | (?:[A-Z][\w'-]{1,20},\s+(?=(?:I|I'm|I've|my|My|we|We)\b))
      | (?i:(?:and|but|so|well|oh|also|plus|yeah|actually)\s+(?=(?:i|i'm|i've|i'll|i'd|my|we|we're|we've|our|she|he|they)\b)))
      | (?i:(?:please\ )?(?:remember|note|keep\ in\ mind|be\ aware|don't\ forget)\ (?:that\ |this:\ ?)
         | (?:please\ )?(?:remember|note|keep\ in\ mind|don't\ forget)[,:]?\ (?=(?:i|i'm|i've|my|we|our)\b)
         | (?:i\ (?:want|would\ like)|i'd\ like)\ you\ to\ (?:know|remember)\ (?:that\ )?
         | (?:just\ )?(?:so\ you\ know|letting\ you\ know)\ (?:that\ )?
         | (?:did\ i\ (?:tell|mention)(?:\ (?:to\ )?you)?)\ that\ (?=(?:i|my|we)\b))
    )){1,4}""",
    re.VERBOSE,
)

# Whole sentences that say nothing lasting, by the reason they are refused for.
_TO = r"(?:[\s,]+(?:there|all|everyone|everybody|guys|friend|buddy|again|to you(?: too)?|too|" + _NAME + r"))?"
_END = r"[\s!.?~,…:)]*"
_SOFT = r"(?:so |really |very |just |that's |that is |it's |this is |sounds? |looks? |how |pretty |absolutely |such |totally |all )"
SMALL_TALK: dict[str, re.Pattern[str]] = {
    "greeting": _pattern(
        rf"(?:hi+|hello+|hey+|heya|hiya|yo|howdy|greetings|good (?:morning|afternoon|evening|day)|morning|welcome(?: back)?|"
        rf"long time no (?:see|talk)|(?:nice|good|great|lovely) to (?:see|meet|hear from) you){_TO}{_END}",
        rf"(?:(?:hi|hey|hello){_TO}[\s,!.]+)?(?:how are you(?: doing)?(?: today)?|how's it going|what's up|how have you been|"
        rf"what's new|how do you do|(?:it's |so |really )*(?:nice|good|great|lovely) to (?:see|meet|hear from) you){_TO}{_END}",
    ),
    "thanks": _pattern(
        r"(?:(?:ok|okay|great|awesome|cool|perfect|wow|yeah|aw+|oh)[\s,!.]+)?(?:many |much )?(?:thanks?|thx|ty|tysm|cheers|thank (?:you|u))\b"
        r"(?:[\s,]+(?:you|a (?:lot|bunch|million|ton)|so much|very much|again|everyone|all|man|buddy|" + _NAME + r"))*"
        r"(?:[\s,]+for (?:the|your|being|sharing|asking|helping|all|that|this|everything|always|letting)[^,.!?]{0,60})?"
        + _END,
        r"(?:i (?:really )?appreciate (?:it|that|you|your|the|everything)|much appreciated|i'm (?:so |really |very )?(?:grateful|thankful) for (?:you|your|the (?:help|support)))\b[^,.!?]{0,60}"
        + _END,
    ),
    "farewell": _pattern(
        rf"(?:(?:good ?)?bye+(?:[\s-]bye)?|see (?:you|ya)(?: (?:soon|later|then|around|tomorrow|next \w+))?|later|take care|"
        rf"good ?night|talk (?:to you )?(?:soon|later)|catch (?:you|ya) (?:later|soon)|ttyl|cya|"
        rf"have a (?:good|great|nice|lovely|wonderful|fantastic) (?:one|day|night|evening|weekend|week|time|trip)){_TO}"
        rf"(?:[\s,]+(?:then|for now|and take care))?{_END}",
    ),
    "small_talk": _pattern(
        rf"{_SOFT}*(?:ok(?:ay|ie)?|k+|yes|yeah+|yep|yup|no+|nope|nah|sure(?: thing)?|right|true|exactly|indeed|agreed|absolutely|"
        r"definitely|totally|of course|got it|gotcha|i see|understood|(?:that )?makes (?:total |perfect |a lot of )?sense|alright|fine|cool|nice|great|good|awesome|"
        r"amazing|wonderful|perfect|excellent|fantastic|lovely|beautiful|sweet|neat|brilliant|incredible|inspiring|"
        r"interesting|fun|exciting|impressive|tough|sad|awful|terrible|adorable|cute|wow+|whoa|omg|oops|hm+|mm+|uh+|um+|"
        r"a(?:w+|h+)|oh+|huh|ha(?:ha)+h?|hehe|lol+|lmao|rofl|yay+|ugh|congrats|congratulations|well done|good job|great job|way to go|good luck|"
        r"no (?:problem|worries|way|idea|thanks)|np|my mistake|wrong chat|oops|whoops|you're (?:welcome|right)|my pleasure|same here|me too|never ?mind|"
        r"i (?:agree|understand|know(?: right)?|guess(?: so)?|think so|hope so|don't know|don't think so|totally agree)|"
        r"not really|maybe|perhaps|please|done|noted|roger|will do|let's go|for sure|go on|continue|next|stop|wait|hang on|"
        r"one (?:sec|second|moment)|sorry(?: about that| to hear that)?|my bad|(?:great|good|nice) (?:idea|point|work|to hear|to know)|"
        r"what a (?:day|surprise|shame|relief|coincidence)|you too|sounds? (?:like (?:a )?(?:fun|plan|great time))|no doubt|keep it up|you (?:got this|rock)|"
        rf"can't wait|i can't wait|that(?:'s| is) (?:so |really )?(?:great|good|nice) to (?:hear|know)|yes please|any ?time|i'm good|i'm fine|all good)"
        rf"(?:[\s,]+(?:then|to me|man|dude|buddy|too|lol|haha|indeed|for you|" + _NAME + rf"))*{_END}",
    ),
}

# Orders that are meant to last, and what to be called: these are kept.
STANDING_ORDER = _pattern(
    r"(?:please )?(?:always|never(?! mind)|from now on|in (?:the )?future|going forward)[,\s]+(?:please |always |never |don't )*"
    r"(?:answer|reply|respond|use|write|speak|talk|call|address|ask|give|send|explain|keep|include|add|show|format|mention|suggest|recommend|start|end|avoid|say|tell|be|don't|do not)\b",
    r"(?:please )?(?:don't|do not|stop) (?:ever )?(?:call(?:ing)?|us(?:e|ing)|mention(?:ing)?|suggest(?:ing)?|recommend(?:ing)?|send(?:ing)?) (?:me |any )?.{2,80}\b(?:again|anymore|any more|ever)\b",
)
CALL_ME = re.compile(
    r"(?:(?i:please |you can |just |everyone |everybody |people |friends ))*(?:[Cc]alls? me )(?!(?i:back|when|later|if|at|on|tomorrow|today|crazy|a)\b)\w"
)

# Orders to the listener.
_IMPERATIVE = (
    r"(?:recommend|suggest|tell (?:me|us)|give (?:me|us)|show (?:me|us)|write|explain|describe|help (?:me|us)|list|find(?: me)?|generate|create|draft|"
    r"summari[sz]e|translate|compare|analy[sz]e|calculate|compute|convert|rewrite|rephrase|proofread|fix|debug|"
    r"implement|provide|outline|search|look up|look for|google|check|remind me|set (?:a|an|up|my)|schedule|book|order|send|open|"
    r"play|turn (?:on|off)|let(?:'s| me| us)|remember to|don't forget to|keep me|do not|don't|try|come on|go ahead|consider|"
    r"add|remove|delete|update|change|sort|rename|undo|redo|skip|shorten|make (?:me|it|a|an|sure|this|the)|teach me|walk me|guide me|share|"
    r"imagine|think about|tell|read|pick|choose|name (?:a|an|some|three|five|the)|come up with|act as|pretend|use)\b"
)
_REQUEST = (
    r"(?:please\b|(?:can|could|would|will) (?:you|u)\b|(?:can|could|may) i (?:get|have|ask|see)\b|would you mind|"
    r"i(?: was|'m|'ve been| am)? (?:just )?(?:wondering|curious) (?:if|whether|what|how|about|why|which|where)|"
    r"i (?:would like|want|need|'d like)(?: to (?:know|ask|hear|see (?:some|a list))| you to| (?:some |your |a few |any |a bit of |a little )?"
    r"(?:help|advice|recommendations?|suggestions?|tips|ideas|information|guidance|opinion)\b)|i'd (?:like|love)(?: to (?:know|hear|ask)| you to| (?:some |your )?"
    r"(?:help|advice|recommendations?|suggestions?|tips|ideas|opinion))\b|let me know|feel free|do me a favou?r|any (?:help|advice|tips|suggestions|recommendations)\b)"
)
REQUEST = _pattern(
    rf"(?:(?:also|and|so|now|then|ok|okay|just|next)[,\s]+)*(?:{_REQUEST}|{_IMPERATIVE}(?!\w* (?:is|was|are)\b))"
)
# A comma or a joining word, and the request after it.
BEFORE_REQUEST = _pattern(
    rf"\s*(?:[,;:—–…]|\s-)+\s*(?:(?:and|so|but|then|also|therefore)\s+)?(?:{_REQUEST}|(?:recommend|suggest|tell me|give me|show me|"
    r"help me|explain|remind me|write me|find me|list|plan)\b)",
    rf"\s+(?:and|so|but)\s+(?:{_REQUEST}|was wondering if|(?:recommend|suggest|tell me|give me|show me|help me|remind me)\b)",
)

# Questions by their word order, with or without the mark.
_PERSON = r"(?:i|you|we|they|he|she|it|there|this|that|these|those|the|my|your|our|his|her|any|anyone|anybody|someone|people)\b"
_AUX = r"(?:do|does|did|is|are|was|were|can|could|would|will|shall|should|have|has|had|may|might|am)(?:n't)?"
_WH_ASK = (
    rf"(?:(?:what|where|when|who|how|why|which)(?:'s|'re|'d)?\s+(?:else\s+)?{_AUX}\s+(?:not )?\w|(?:what|where|how|who|when)(?:'s|'re)\s|how (?:much|many|long|often|far|old|about|come)\b|"
    rf"what (?:about|kind|sort|time|type|if|else)\b|which (?:one|of)\b|(?:what|which) \w+ (?:{_AUX})\b|"
    rf"any (?:idea|suggestions?|recommendations?|tips|advice|thoughts|chance|plans|news)\b|got any\b|{_AUX}\s+{_PERSON})"
)
INVERTED = _pattern(
    rf"(?:(?:and|so|but|then|well|or|also|now)[,\s]+)*(?!what a\b|how (?:much|many|often) (?:i|we)\b){_WH_ASK}"
)
BEFORE_QUESTION = _pattern(
    rf"\s*(?:[,;:—–…]|\s-)+\s*(?:(?:and|so|but|then|or)\s+)?(?!who|when |where |how (?:much|many)|what if|are the|is the|was the|had the){_WH_ASK}",
    rf"\s+(?:and|so|but)\s+(?!how (?:much|many)\b|(?:what|where|when|who) (?!should|can|could|would|do|does)|is |are |was |were |has |had |have |did |does |do ){_WH_ASK}",
)
# ", right?" and ", what about you?": the tag asks, what stands before states.
BEFORE_TAG = _pattern(
    r"\s*[,;—–-]+\s*(?:right|correct|huh|eh|no|yeah|ok|okay|you|and you|how about you|remember|you know)\s*\?+\W*\Z",
    r"[,;—–]\s*[^,;—–]{1,80}\?+\W*\Z",
)
BECAUSE = _pattern(r"(?:since|because|as|given that|seeing that)\s+(?=(?:i|i'm|i've|my|we|we're|our)\b)")
REASON_AFTER = _pattern(
    r"(?:,?\s+(?:since|because|given that|as)|[,;—–])\s+(?P<reason>(?:i|i'm|i've|my|we|we're|we've|our)\b(?!'d| would| could| should| can\b))"
)

# Somebody else's words: "…", he said.
QUOTED = _pattern(
    r"[\"“].{1,300}[\"”]\s*,?\s*(?:\w+\s){1,3}?(?:said|says|asked|told|replied|wrote)\b",
    r"[\"“].{1,300}[\"”],?\s*(?:said|says|replied) ",
)
# A line of a form: "Allergies: peanuts".
LABELLED = _pattern(
    r"(?:name|e-?mail|phone|address|birthday|age|job|occupation|allerg(?:y|ies)|diet|hobb(?:y|ies)|likes?|dislikes?|location|city|hometown|languages?|pets?)\s?:\s?\S"
)

# Not stated as true.
HYPOTHETICAL = _pattern(
    r"^(?:if|suppose|supposing|imagine|assuming|what if|unless|let's say|say i)\b",
    r"\b(?:i|we) (?:really )?wish\b",
    r"\bif (?:only )?(?:i|we) (?:had|were|won|could|was|ever)\b",
    r"\bif i (?:ever )?(?:get|got|become|became|have|find|win) .{0,80}\bi(?:'d|'ll| would| will| could)\b",
)
# A file, a line or a part of the work at hand.
_AT_HAND = (
    r"(?:(?:the|this|that|your|my) )?(?:[\w.-]{1,40}\.(?:txt|md|docx?|xlsx?|pptx?|pdf|csv|json|py|js|ts|html?|css|java|cpp|sh|ya?ml|toml|log|zip|png|jpe?g|mp[34]|sql|ipynb|exe|ini|cfg)\b|"
    r"(?:\w+ )?(?:file|link|document|doc|page|tab|version|draft|line|row|column|step|section|attachment|chapter|slide|spreadsheet|folder|window|screenshot)\b)"
)
# Talk about the conversation, the listener or a passing feeling about either.
CHATTER = _pattern(
    r"^(?:that|this|it|those|these|there)(?:'s|'re| is| are| was| were| must| sounds?| looks?| seems?| feels?| would| will| can| has| have|'ll|'d) "
    r"(?:so |really |very |such |quite |a |an |be |just |truly |always |definitely |have been |like |all |been |pretty |to be |been so |not )*"
    r"(?:great|good|nice|cool|awesome|amazing|wonderful|perfect|lovely|beautiful|fun|exciting|interesting|impressive|inspiring|"
    r"tough|hard|sad|awful|terrible|true|right|fair|correct|important|incredible|fantastic|rough|sweet|cute|fine|ok|okay|enough|"
    r"(?:great|good|nice|cool|awesome|amazing|wonderful|lovely|beautiful|fun|big|tough|special|important|fair|solid|super) "
    r"(?:idea|point|question|news|plan|feeling|way|thing|one|time|choice|deal|step|goal|attitude|gift|start|job|work))\b(?!.{0,120}\b(?:my|our|i|i'm|i've|we|me|us)\b)",
    r"^(?:sounds?|looks?|seems?|feels?|love (?:that|it|this|your|the)|glad|happy (?:to hear|for you|that you)|nice|great|good|awesome|congrat\w*|hope (?:you|it|that|your|we|to)|wish|"
    r"keep|no (?:problem|worries)|so (?:glad|happy|proud|excited|sorry|cool|great|nice|sweet)|can't wait|cannot wait|sorry|way to|what an?|how (?:\w+ )?(?:is|was|great|nice|cool|exciting|wonderful|amazing)|wow|well done|good (?:luck|job)|looking forward|enjoy|stay|take|best of|welcome|sure)\b"
    r"(?!.{0,160}\b(?:my|our|i|i'm|i've|we)\b)",
    r"^(?:i|i'm|i am|we're|i was|we)(?: just| really| so| also| definitely| totally| completely| truly| always| can't help but)*(?: am)? (?:so |really |very |super |just |glad and |truly |sure )*(?:glad|happy|proud|excited|sorry|thrilled|grateful|thankful|pleased|delighted|impressed|here|rooting|behind|with you|touched|honored|honoured)"
    r"\b.{0,40}\b(?:to hear|you|your|you're|that|this|it|for you|of you)\b(?!.{0,160}\b(?:my|i|i've|our)\b)",
    r"^(?:i|we)(?: just| really| so| also| definitely| totally| completely| truly| do| can| can't| could| couldn't| absolutely)* (?:agree|understand|get (?:it|that|you|what)|see (?:what|that|why|how)|hear you|know (?:what|how|that feeling|the feeling|you|it's|that)|"
    r"appreciate|hope (?:you|it|that|your|we|so|this)|bet|imagine|believe (?:you|it|in you)|feel you|admire|respect|promise|mean|wonder|doubt|relate|suppose|guess (?:so|it|that|you))\b(?!.{0,160}\b(?:my|our|i've|i was|i had)\b)",
    r"^(?:i|we)(?:'d| would)? (?:think|feel|believe|feel like|guess|reckon) (?:so\b|that's|that is|it's|it is|it was|it'll|it will|this is|you|your|that would|it would|they're|that you)(?!.{0,160}\b(?:my|our|i|me)\b)",
    r"^i (?:love|like|loved|liked|adore) (?:that|it|this|your|how you|what you|the way you|these|those|hearing|seeing you|the idea)\b(?!.{0,160}\b(?:my|our|i|me|when|since|because)\b)",
    r"^i(?:'ll| will| can|'d) (?:keep (?:that|it|you)|let you know|check (?:it|that|them|this)|think about (?:it|that)|take a look|look (?:into|it)|do that|give (?:it|that|you)|remember that|be (?:here|there|sure|back)|have to (?:check|try|give|see)|definitely|try that|see you|totally|for sure)\b.{0,60}\Z",
    r"^(?:i have|i've got|i had) (?:a |an |one |another |some )?(?:quick |small )*(?:questions?|idea|problem|thought)\W*\Z",
    r"^(?:hm+,? )?let me (?:think|see|check)",
    r"^(?:happy|merry) (?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|weekend|holidays|new year|christmas|easter)\b.{0,20}\Z",
    r"^(?:the weather(?:'s| is| was)|what(?:'s| is) with the weather)\b[^\d]{0,30}\Z",
    r"^(?:ok(?:ay)?|well|so|ugh|phew|yay|meh|whatever|anyway|brb|bbl|afk|back|gtg|not sure|no idea|who knows|long story|my bad|fingers crossed|finally|one (?:sec|moment)|just a (?:sec|moment)|"
    r"quick question|still (?:broken|nothing|waiting)|never mind|moving on|next(?: one)?|another one|it works(?: now)?)(?:[, ]+(?:great|next|then|lol|haha|again|so|anyway|though))*\W*\Z",
    r"^(?:i )?can't wait (?:to (?:hear|see (?:it|what|how|you|your|that|them)|try|check)|for (?:you|it|that|your))",
    r"^i (?:don't|do not|didn't) (?:know|understand|get it|think so|mind|mean|care)\b.{0,40}\Z",
    r"^i(?:'m| am) (?:good|fine|okay|ok|great|doing (?:good|well|great|fine|okay)|back|here|sure|confused|not sure|done|ready|listening|kidding|just kidding|in|up for (?:it|that))\b.{0,30}\Z",
    r"^(?:i'm|i am|i feel|feeling|we're|i was) (?:(?:so|really|very|too|super|a bit|kind of|just|pretty|still|already|all|getting|feeling|quite) )*(?:tired|bored|hungry|thirsty|sleepy|exhausted|starving|late|busy|cold|hot|freezing|lost|confused|stressed|annoyed|frustrated|"
    r"happy|sad|excited|nervous|awake|home|out|away|off|free|full|stuck|fed up|speechless|impressed|curious|better|worried|lazy|drained|hangry|on my way|almost there|in a (?:meeting|hurry|rush|call)|on (?:a call|the (?:bus|train|phone|way))|at (?:work|home|lunch)|about to \w+|running late|having (?:lunch|dinner|breakfast|coffee))"
    r"(?: (?:today|now|right now|again|tonight|rn|lol|haha|already|this (?:morning|evening|afternoon)|too|tbh|atm|at the moment|for now))*\W*\Z",
    r"^(?:that|this|it)(?:'s| is| was|'re)? (?:not|n't|isn't|wasn't|didn't|doesn't|isnt)\b.{0,60}\Z(?<!my)",
    r"^(?:i|we) (?:really |just |totally |so |still )*(?:need|want|could use|could do with|crave|deserve) (?:a |an |some |more |another |my |to )*(?:coffee|tea|sleep|food|breaks?|naps?|drinks?|beer|wine|water|snacks?|minutes?|moments?|seconds?|sec|hug|holiday|vacation|rest|help|time|chocolate|cake|fresh air|shower|lunch|dinner|breakfast|"
    r"go|eat|think|check|leave|run|pee|relax|rest|lie down|get going|get back|sit down|see (?:it|this|that))\b.{0,24}\Z",
    r"^i (?:have no|don't have (?:a|any)|haven't (?:a|the)|got no) (?:\w+ )?(?:clue|idea|words|comment|opinion|preference)\b",
    r"^(?:i|we) (?:can't|cannot|can not|can|could|couldn't|can hardly) (?:even|believe|hear|see|tell|read|open|find|access|log ?in|load|say|think|decide|remember|wait|imagine)\b.{0,40}\Z(?<!my)",
    r"^(?:i|i'm|i am|i was|i've|i had|i have|we|we're)\b(?: just| really| totally| completely| had| have| almost| already| still| was| am| also| only| simply)* (?:forgot|forget|(?:know|see|wonder|wondered|guess|mean|forgot|understand) (?:what|how|why|where|that|if|it|this)|joking|kidding|listening|thinking|waiting|asking|lost you|"
    r"trying to (?:find|say|understand|figure|get)|looking (?:at|for) (?:it|this|that|the)|wrong|mistaken|had (?:no|an) idea|no idea|expected (?:that|this|it|more|less)|assumed|figured|(?:want|need|would like|wanted) to (?:see|read|know|hear|check|ask|say|try|compare|understand))\b(?!.{0,160}\b(?:my|our)\b)",
    r"^(?:he|she|they)(?:'s| is|'re| are| was| were) (?:so|too|such)\b(?!.{0,80}\b(?:my|our)\b)",
    r"^my (?:head|back|neck|stomach|tummy|feet|foot|eyes|throat|legs?|arms?|brain) (?:really |so |still )*(?:hurts?|aches?|is killing me|is sore|is fried)\b.{0,16}\Z",
    r"^we (?:should|could|must|ought to|need to|have to) (?:really |definitely |totally |all )*(?:do|try|go|meet|talk|hang out|catch up|get together|chat|see|celebrate|start|stop|leave|continue)\b(?!.{0,80}\d).{0,40}\Z",
    r"^i(?:'ll| will|'m going to|'m gonna| am going to) (?:just |probably |have to |go |be |try |do |see |take |get |look |check |read |think |sleep |eat |have |make |let |come |give |call |ask |wait |use |start |finish |pick |leave )[^\d]{0,40}?(?:later|now|then|soon|first|in a (?:bit|sec|minute|moment)|tonight|back|again|instead|anyway|a (?:try|go|shot|look|break|minute|sec))\W*\Z",
    r"^i (?:just )?(?:woke up|got (?:home|back|up|here)|ate|had (?:lunch|dinner|breakfast)|finished (?:work|eating|it)|arrived|logged in|restarted|refreshed|clicked (?:it|that)|tried (?:it|that|again))\W*\Z",
    r"^(?:that|this|it) (?:isn't|wasn't|didn't|doesn't|won't|can't)\b(?!.{0,60}\b(?:my|our|me|us)\b)",
    r"^(?:it's|it is|it was|it'll be|it will be) (?:(?:so|really|very|too|getting|still|quite|a bit|pretty|already|just|going to|super) )*(?:rain\w*|snow\w*|sunny|cloudy|windy|foggy|hot|cold|warm|chilly|freezing|humid|dark|late|early|monday|friday|weekend|noisy|quiet|lunch ?time|over)\b(?!.{0,80}\b(?:my|our|i|me)\b)",
    r"^(?:you|your|you're|you've|you'll|you'd)\b(?!.{0,200}\b(?:my|our|i|me|us|we)\b)",
    # What happens on the screen just now, and where one goes for a moment.
    r"^(?:my|the|our) (?:screen|computer|pc|mouse|keyboard|browser|tab|page|terminal|cursor|monitor|internet|wi-?fi|connection|app|laptop|phone|mic|camera|audio|video)(?: just| has| is| keeps)* (?:fro(?:ze|zen)|freez\w*|crash\w*|hung|lag\w*|died|down|slow|stuck|black|blank|off|restarting|loading|reload\w*|not (?:working|loading|responding)|cut out|dropped|ringing)\b",
    rf"^(?:i'm|i am|we're|we are|i'll be) (?:almost |nearly |all |now |just |still )*(?:done|finished|through|looking|working through|going through|stuck|getting|seeing|reading|checking|on (?:line|page|step|row|file))\b(?:.{{0,12}}\b(?:the|this|that|a|an|my|with|at|on|to go) )?{_AT_HAND}",
    rf"^(?:i|we)(?: just| have| already|'ve| finally)* (?:think |guess )?(?:opened|closed|clicked(?: on)?|saved|loaded|reloaded|renamed|deleted|uploaded|downloaded|pasted|copied|scrolled to|looked at|finished|read|ran|re-?ran|checked) {_AT_HAND}",
    rf"^(?:i (?:think|guess|believe) )?{_AT_HAND}(?: file)? (?:is|isn't|looks|seems|was|are|won't|doesn't|didn't|has|got) (?:broken|corrupt\w*|empty|missing|wrong|fine|ok(?:ay)?|done|ready|gone|open|load\w*|too \w+|slow|stuck|weird|changed)\b",
    r"^(?:i|we)(?: just| keep| still| always)* (?:got|get|getting|see|have|hit) (?:an? |the |this |that |same |another )*(?:\w+ )?(?:error|warning|exception|code|message|popup|404|500)\b(?: \d+)?(?: again| now| too| here| on .{1,30}| in .{1,30}| for .{1,30})?\W*\Z",
    r"^(?:i'm |i am )?(?:just |now )*(?:going|gonna|about|off|need) to (?:quickly )?(?:grab|get|have|take|make|eat|drink|fetch|go for)\b.{0,40}?(?:\W(?:brb|back (?:soon|in)|be right back|one (?:sec|moment))\b|\b(?:coffee|tea|sandwich|snack|breaks?|naps?|bite|water|lunch|dinner|breakfast|walk|shower)\b.{0,12}\Z)",
    r"^we(?:'re| are) (?:almost|nearly|about) (?:done|there|finished|ready)\b",
)

# The work at hand: "I like the first version more" is no taste.
TASK = _pattern(
    r"\b(?:the|this|that|these|those|your)(?: (?:first|second|third|last|next|previous|other|new|old|shorter|longer|full|whole|original|final|same|\w+er))? "
    r"(?:versions?|options?|answers?|responses?|replies|reply|text|tone|wording|sentences?|paragraphs?|drafts?|examples?|lines?|words?|list|code|functions?|output|format|formatting|summary|titles?|headings?|sections?|style|layout|results?|bullets?|table|translation|suggestions?|explanation|spelling|grammar|prompt|one)\b"
)

# Said without being sure, said by others, said in jest, denied.
HEDGED = _pattern(
    r"\b(?:maybe|perhaps|probably|possibly|might|may be|i guess|i suppose|not sure|i think i|thinking (?:about|of)|considering|could be|supposedly|allegedly|kind of|kinda)\b"
)
REPORTED = _pattern(
    r"\b(?:he|she|they|people|someone|somebody|everyone|[a-z]+|you) (?:said|says|told (?:me|us|him|her|them)|claims?|claimed|thinks?|thought|believes?|mentioned|joked|insists?|heard)\b(?: that)?\s+\w",
    r"\b(?:according to|i(?:'ve)? (?:heard|read)|rumou?r has it|apparently|in my dream|i dreamt|i dreamed|pretend\w*)\b",
)
PAST = re.compile(r"\bused to\b", re.IGNORECASE)
JEST = _pattern(
    r"(?:\s/s\b|\bjust kidding\b|\bj/k\b|\bjk\b|\byeah,? right\b|\bas if\b|\bsarcas\w+|\blol,? not\b|\bnot!\s*\Z|🙄|🙃)"
)
TAKEN_BACK = _pattern(
    r"(?:/s|(?:i'm |i am )?(?:just |only )?(?:kidding|joking)|jk|j/k|not|yeah,? right|as if|psych|sarcasm)[\s!.]*"
)
NEGATED = _pattern(
    r"\b(?:not|never|no|none|nobody|nothing|without|cannot|neither|nor|hardly|barely|stopped|quit|anymore|isnt|dont|doesnt|didnt|cant|wont|used to|\w+n't)\b"
)

# Who it is about.
SPEAKER = re.compile(
    r"(?:(?:[Mm]y|[Oo]ur|[Tt]he|[A-Z]\w+)(?:\s\w+){0,4}\s+and\s+(?:I|i|me)\b|[Mm]e and (?:my )?\w+\b|I\b|i\b(?![.)])|[Ww]e\b)(?:'(?:m|ve|re|s)\b)?\s*",
)
_RELATIONS = (
    r"(?:(?:step|grand|half-?|ex-?|co-?|great-?)*(?:mother|father|mom|mum|mommy|mummy|dad|daddy|ma|pa|parents?|sister|brother|sis|bro|siblings?|son|daughter|child|children|kids?|"
    r"baby|toddler|twins?|wife|husband|hubby|spouse|partner|fianc[ée]e?|girlfriend|boyfriend|gf|bf|aunt(?:ie)?|uncle|cousin|nephew|niece|"
    r"ma|pa|parent|family|in-laws?|mother-in-law|father-in-law|sister-in-law|brother-in-law|grandma|grandpa|granny|nana|friend|bestie|buddy|pal|mate|"
    r"best friend|neighbou?r|roommate|flatmate|housemate|colleague|coworker|co-worker|worker|boss|manager|supervisor|mentor|team|teammate|"
    r"teacher|professor|coach|tutor|doctor|dentist|therapist|vet|landlord|landlady|assistant|intern|student|classmate|client|customer|"
    r"dog|cat|puppy|kitten|pup|pet|bird|parrot|rabbit|bunny|hamster|turtle|fish|horse|crush|date|guy|folks))s?"
)
_EVENT = (
    r"(?:deadline|due date|budget|meeting|appointment|stand-?up|flight|interview|exam|party|wedding|launch|release|trip|conference|workshop|demo|"
    r"presentation|review|concert|delivery|surgery|rehearsal|project|event|kick-?off|check-?up|contract|report|essay|paper|thesis|assignment|homework|invoice|proposal|server|website|app)"
)
RELATED = re.compile(
    rf"(?:(?i:my|our)\s+(?P<relation>(?:(?!(?:and|is|was|has|with|to|on|in|at|of|for)\b)[\w-]{{1,20}}\s+){{0,3}}?(?<!password )(?<!package )(?<!file )(?<!task )(?<!window )(?<!voice )(?<!virtual )(?i:{_RELATIONS})\b(?!\s+(?i:{_EVENT})\b)(?:'s\s+(?:\w+\s+)?(?i:{_RELATIONS})\b)?)"
    rf"(?:,?\s+(?P<name>{_NAME})\b)?|(?i:an?)\s+(?P<mine>(?:\w+\s+)?(?i:{_RELATIONS}))\s+of\s+mine\b|(?i:one of (?:my|our))\s+(?P<one>(?:\w+\s+)?(?i:{_RELATIONS}))\b)(?:,[^,]{{1,60}},)?\s*",
)
MY_THING = _pattern(r"(?:my|our|mine|ours|for me|to me|the rent)\b")
# The part of a subject's match that belongs to the predicate: "I'm".
AUXILIARY = re.compile(r"'(?:m|ve|re|s|d|ll)\s*\Z")
# Things that have a date, a limit or a state of their own: "the deadline for the report", "our team meeting".
_LIMIT = r"(?:deadline|due date|budget)"
THING = re.compile(
    r"(?i:the|our|my)\s+(?:(?i:new|current|next)\s+)?"
    rf"(?P<thing>(?:(?!(?:is|was|has|and|of|for|in|on|at|to|with|i|we|favou?rite)\b)[\w-]{{1,20}}\s+){{0,3}}?(?i:{_EVENT}))\b"
    rf"(?!\s+(?i:{_EVENT}|manager|lead|member|room)\b)(?:'s\s+(?P<limit>(?i:{_LIMIT})))?"
    r"(?:\s+(?i:for|of|with)\s+(?:(?i:the|our|my)\s+)?(?P<of>[\w'-]{1,20}(?:\s[\w'-]{1,20}){0,3}?)(?=\s+(?i:is|was|has|got|moved|changed|will|went|slipped|shifted)\b))?\s*",
)
# "Project Atlas is in planning", "the Atlas project is on hold".
PROJECT = re.compile(
    r"(?:(?i:the|our|my)\s+)?(?P<thing>(?i:project)\s+[A-Z][\w'-]{1,20}(?:\s[A-Z0-9][\w'-]{0,20})?|[A-Z][\w'-]{1,20}(?:\s[A-Z0-9][\w'-]{0,20})?\s+(?i:project))\b(?=\s+(?i:is|was|has|got|went|will|moved|entered|now|are)\b|'s\b)\s*"
)
ENDS_IN_LIMIT = re.compile(rf"(?:(?P<owner>.+?)\s+)?(?P<limit>{_LIMIT})\Z", re.IGNORECASE)
# People who are named by who they are to the speaker: "my boss is Carla". Of these somebody has several.
SEVERAL = re.compile(
    r"(?:sister|brother|sis|bro|sibling|son|daughter|child|kid|baby|twin|aunt|auntie|uncle|cousin|nephew|niece|parent|family|friend|bestie|buddy|pal|mate|neighbou?r|roommate|flatmate|housemate|"
    r"colleague|co-?worker|worker|teammate|teacher|professor|tutor|student|classmate|client|customer|dog|cat|puppy|kitten|pup|pet|bird|parrot|rabbit|bunny|hamster|turtle|fish|horse|crush|date|guy|folks|"
    r"grandma|grandpa|granny|grandmother|grandfather|in-law|old|former|previous|ex)s?\b|\bex-",
    re.IGNORECASE,
)
# "my cat Momo died".
DIED = re.compile(
    r"(?:(?:has|just|sadly|recently|suddenly|unfortunately)\s+)*(?:died|passed(?: away)?|was put (?:down|to sleep)|had to be put (?:down|to sleep)|is (?:dead|gone|no longer with us)|crossed the rainbow bridge)\b",
    re.IGNORECASE,
)
ANIMAL = re.compile(
    r"\b(?:my|our)\s+(?:[\w-]+\s+){0,2}?(?:dog|cat|puppy|kitten|pup|pet|bird|parrot|rabbit|bunny|hamster|turtle|fish|horse)\b",
    re.IGNORECASE,
)
IS_NAMED = re.compile(
    rf"(?:'s name)?\s*(?:is|'s)\s+(?:(?:now|currently|called|named|actually)\s+)*(?P<name>(?:{_TITLE})?{_NAME}(?: {_NAME}){{0,2}})(?:\s+(?:now|these days|nowadays))?\s*(?:[.!,;]|\Z|and\b)"
)
# "Hugo Brandt is my manager now".
IS_MY = re.compile(
    r"(?:is|'s|became|has become)\s+(?:(?:now|currently|also)\s+)*(?:my|our)\s+(?P<noun>[\w'-]{2,20}(?:\s[\w'-]{2,20}){0,2}?)(?:\s+(?:now|these days|nowadays|at the moment|since .{1,20}))?\s*(?:[.!,;]|\Z)"
)
JOB_CHANGE = _pattern(
    r"\b(?:(?:switched|changed|changing|new|swapped) (?:jobs?|companies|employers?|role|position)|quit|resigned|used to work|no longer (?:work|at|with|employed)|"
    r"(?:don't|doesn't|do not|not) (?:work(?:ing)? )?(?:at|for) .{1,40} any ?more|job change|change of job|left (?:my|the) (?:job|company|firm|old)|laid off|"
    r"got (?:a|the) (?:new )?job|got hired|years (?:at|with)|(?:moved|jumped) (?:jobs|companies|ship)|career change|after leaving|left (?-i:[A-Z]))"
)
# Where the next clause of a sentence begins.
CLAUSE = _pattern(
    r"\s*(?:[,:](?!\d)|[;—–])\s*(?:(?:and|but|so|then|now|since then|nowadays|currently|today|these days|actually|instead)\s+)*"
    r"|\s+(?:and|but|so|then)\s+(?:(?:then|now|recently|currently|today|instead|these days)\s+)*"
    r"|\s+-\s+"
)
OWN_NAME = re.compile(r"[^\s,.;:!?]+(?: (?-i:[A-Z])[\w'-]+){0,2}")
PRONOUN = _pattern(
    r"(?:she|he|they|her|his|their|both of them|everyone|the (?:kids|boys|girls|family|team|doctor|baby|dogs?|cats?|children|twins|whole family))\b(?:'\w+)?\s*"
)
_VERB = (
    r"(?:is|was|has|had|'s|'d|will|'ll|(?<!s )(?:and|can|could|just|also|really|still|always|never|recently)|won't|doesn't|didn't|isn't|wasn't|hasn't|does|did|might|must|would|"
    r"quit|sold|paid|cut|put|broke|caught|fell|flew|drove|chose|spoke|rode|sang|saw|slept|spent|wore|woke|went|got|came|took|made|gave|told|said|left|met|won|lost|bought|brought|ran|taught|wrote|grew|became|began|sent|found|felt|kept|"
    r"\w{2,18}ed|thinks|lives|works|likes|loves|hates|prefers|wants|needs|plays|speaks|studies|teaches|runs|owns|goes|comes|makes|takes|gets|knows|says|tells|"
    r"uses|eats|drinks|drives|moves|starts|feels|enjoys|collects|believes|keeps|visits|plans|hopes|looks|seems|helps|gives|calls|writes|reads|paints|sings|travels|sells|builds|cooks|dances|suffers|turns|"
    r"stays|sleeps|smokes|leads|leaves|means|trains|volunteers|manages|attends|practices|practises|hikes|bakes|swims|skis|rides)"
)
NAMED = re.compile(
    rf"(?P<name>(?:{_TITLE})?{_NAME}(?:\s+(?:(?:de|van|von|da|del|la)\s+)?{_NAME}){{0,2}})(?:\s+and\s+{_NAME})?(?=\s+{_VERB}\b|'s\b)\s*"
)
# Capitalised only because they open a sentence.
NOT_A_NAME = re.compile(
    r"(?:That|This|It|There|Here|What|Where|When|Who|How|Why|Which|The|These|Those|They|You|Your|He|She|His|Her|Its|Their|We|Our|My|One|Some|Many|Most|All|"
    r"Any|Every|Each|Both|Nothing|Something|Everything|Anything|Everyone|Someone|Anyone|Nobody|People|Life|Time|Today|Yesterday|Tomorrow|Tonight|"
    r"And|But|So|Or|If|Because|Since|After|Before|While|As|At|In|On|For|From|With|Without|By|Not|No|Yes|Yeah|Well|Just|Also|Then|Now|Still|Even|Only|"
    r"Maybe|Perhaps|Sometimes|Usually|Often|Always|Never|Please|Thanks|Thank|Sorry|Sure|Ok|Okay|Wow|Oh|Hey|Hi|Hello|Great|Good|Nice|Cool|Awesome|"
    r"Sounds|Looks|Seems|Glad|Happy|Hope|Love|Really|Definitely|Absolutely|Such|Same|Other|Another|Music|Art|Family|Nature|Work|Change|Hard|Being|"
    r"Step|Let|Let's|Can|Could|Would|Will|Do|Does|Did|Have|Has|Is|Are|Was|Were|Got|Went|Been|Had|\w+ing|\w{2,}ly|\w+n't|Lots|Tons|Super|Next|Last|Cozy|Small|Little|Big|New|Old|Note|Run|Build|Timer|Tests?|Job|Task|Process|Server|System|Deploy|Reminder|Status|Request|Response|File|Data|Error|Section|Figure|Chapter)(?:'\w+)?(?:\s|\Z)",
)
# "Moved to Berlin last year.", "Been painting for years.", "Working on a novel.": the "I" is left out.
ELLIPSIS = _pattern(
    r"(?:(?:just|still|recently|finally|also|even|already|currently|actually|only|used to|always|never|mostly|usually)\s+)*(?:got|went|been|moved|started|had|took|made|bought|found|"
    r"met|came|spent|saw|won|lost|ran|wrote|left|gave|tried|visited|joined|finished|adopted|signed|graduated|married|quit|ate|"
    r"learned|learnt|grew up|was|did|planned|decided|booked|working on|working at|living in|planning|learning|studying|training|trying to|going to|"
    r"heading to|thinking (?:of|about)|allergic to|vegetarian|vegan|born in|from)\b(?!\s+(?:it|that|this|you|your)\b\W*\Z)",
)
OPENING_CLAUSE = re.compile(
    r"(?:[^,;:—–]{1,80}[,;:—–]\s*|(?i:last|next|this|every)\s+(?:\w+\s+)?\w+\s+(?=(?:I|we|my|our)\b)|(?i:(?:it )?turns out(?: that)?|these days|nowadays|right now|at the moment|as of (?:now|today|this \w+)|from now on|yesterday|today|tomorrow|tonight|recently|lately|sometimes|usually|currently|now|once|and|but|so|because|since|when|while|although|though|as|then|plus|honestly)\s+)(?:(?i:and|but|so|then)\s+)?"
)
FIRST_PERSON = re.compile(
    r"\b(?:I|I'm|I've|I'd|I'll|i'm|i've|my|My|our|Our|me|we|We|we're|we've|mine|myself|ourselves)\b"
)
CAPITAL_I = re.compile(r"\bI\b")
MINE = _pattern(r"\b(?:my|our|mine|ours)\b")
SAYS_I = re.compile(r"\b(?:I|I'm|I've|I'd|I'll|i'm|i've|we|We|we're|we've)\b")
# A name or a title in it (for an assistant also a number), and a verb that tells of it.
NAMES_SOMETHING = re.compile(r"(?<=[a-z,;:] )(?!I\b)[A-Z][a-z]{2,}|[\"“「《][^\"”」》]{2,80}[\"”」》]")
CONCRETE = re.compile(r"(?<=[a-z,;:] )[A-Z][a-z]{2,}|\d|[\"“「《][^\"”」》]{2,80}[\"”」》]|\b[A-Z]{2,6}\b")
SOMETHING_HAPPENED = _pattern(
    r"\b(?:was|were|had|went|took|got|came|happened|named|called|is|are|\w{2,18}ed|\w{2,18}'s)\b"
)

# What kind of statement it is.
PROCEDURE = _pattern(
    r"^(?:the way (?:i|we)|how i|my (?:\w+ )?(?:routine|method|process|trick|workflow|recipe|approach|technique) (?:for|is|to))\b",
    r"\b(?:i|we) (?:always|usually|first|normally|typically)\b.{2,120}\b(?:and then|, then|then|before|after that|followed by)\b",
    r"^(?:to|when|for) .{3,80}, i (?:always|usually|first|just|normally)\b",
)
PREFERENCE = _pattern(
    r"(?:(?:am|'m|is|'s|are|really|just|also|absolutely|do|does|don't|doesn't|do not|still|always|both|never|have|has|'ve|'d|would|can't|cannot|so|kind of|kinda|totally|quite|actually|much|rather)\s+)*(?:like[sd]?|love[sd]?|hate[sd]?|prefers?|preferred|"
    r"enjoy(?:s|ed)?|adores?|dislikes?|loathes?|detests?|stand|fond of|into|obsessed with|crazy about|(?:a )?(?:big |huge )?fan of|passionate about|can't stand|fancy|favou?r|rather)\b",
    r"(?:my|our|'s)?\s*(?:\w+ )?favou?rite\b",
)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
_UNIT = r"(?:day|night|week|weekend|month|year|spring|summer|autumn|fall|winter|morning|afternoon|evening|hour|minute)"
WHEN = _pattern(
    rf"\b(?:yesterday|today|tomorrow|tonight|last (?:\w+ )?{_UNIT}|last {_DAY}|next (?:\w+ )?{_UNIT}|next {_DAY}|this (?:past |coming )?(?:{_UNIT}|{_DAY})|on {_DAY}\b|(?:in|on|by|until) {_MONTH}\b|{_MONTH} \d{{1,2}}|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}|(?<!since )in (?:19|20)\d\d|"
    rf"(?:a|an|\d+|two|three|four|five|six|few|couple of) {_UNIT}s? ago|in (?:a|an|\d+|two|three|four|five|six|a few) {_UNIT}s?|the other day|at \d{{1,2}}(?::\d\d)? ?(?:am|pm|o'clock)?|\d{{1,2}}(?::\d\d)? ?[ap]m|\d{{4}}-\d\d-\d\d|just (?:got|came|moved|started|finished|had|bought|adopted|signed|won|returned|went)|(?:back )?in (?:high school|college)|when i was|recently)\b",
)
HABIT = _pattern(
    rf"\b(?:every|each|usually|always|often|daily|weekly|on (?:{_DAY}s)|since (?:19|20)\d\d|for (?:the past |the last |about |over )?(?:\d+|a|an|two|three|four|five|six|seven|eight|nine|ten|many|several) (?:{_UNIT}|decade)s?)\b"
)

# What an assistant binds itself to.
COURTESY = _pattern(
    r"\b(?:happy|glad|here|love|delighted) to (?:help|assist|hear)\b|\b(?:i'm|i am) (?:here|sorry|glad|happy|unable)\b|\bi(?:'ll| will) (?:do my best|try my best|be (?:here|happy|glad))\b|\bi(?:'d| would) (?:be (?:happy|glad)|love to)\b|\blet me know\b",
)
ECHO = _pattern(
    r"(?:(?:so|ah|oh|okay|ok|right|great|noted|got it|i see|perfect|sure|yes|and|since|because|given that|as|well)[,!.]?\s+)*"
    r"(?:you (?:(?:have |had |also |just |already |previously |recently |earlier )*(?:told|mentioned|said|shared|noted|wrote|asked|live|lived|work|worked|like|liked|love|loved|prefer|have|had|are|were|moved|enjoy|hate|want|wanted|need|own|study|speak|grew|started|joined|got|use)\b)|"
    r"you(?:'re|'ve)\b(?! welcome)|your [\w ]{1,30} (?:is|are|was|were|works|lives|has)\b|"
    r"(?:i|i've|i have|i'll|i will|i can|i'm|we)\s+(?:now |also |already |just |will |definitely |always |make a note |make sure to )*(?:understand|understood|see|hear|heard|remember|remembered|recall|know|note|noted|noting|keep in mind|saved|recorded|gather|take it|aware|made a note|updated my notes|stored|learned|learnt)"
    r"(?: down| it| my notes| in mind|,)*(?: the fact)?(?: that)?,? (?:you(?!\w)|your\b)|"
    r"(?:thanks|thank you) for (?:telling|sharing|letting|mentioning|reminding)|congrat(?:s|ulations)\b|(?:it )?(?:sounds|looks|seems) like you\b|"
    r"(?:based on|according to|from) what you\b|(?:just )?to (?:recap|summari[sz]e|confirm)\b)",
)
PROMISE = _pattern(
    r"i(?:'ll| will| promise| won't) (?:not |never |always |to |also |definitely )*(?:remind|remember|send|call|check|book|schedule|follow up|keep|email|prepare|update|use|avoid|answer|reply|notify|add|save|note|address|stop|make sure|include|share|speak|write|be (?:back|in touch)|have|get)\b",
    r"i(?:'ve| have) (?:just |now |already )?(?:set|scheduled|booked|saved|added|noted|sent|created|updated|reserved|ordered|cancelled|canceled|emailed|reminded|placed|submitted|filed|changed)\b",
    r"(?:my name is|you can call me|i(?:'m| am) (?:called|named|an? (?:ai|assistant|language model|virtual|chatbot))|i(?:'m| am) (?-i:[A-Z])\w+, )",
)
RECOMMENDS = _pattern(
    r"(?:i(?:'d| would)?(?: highly| strongly| also| definitely| really)? (?:recommend|suggest|advise)|my (?:recommendation|suggestion|advice|top pick|pick) (?:is|would be|for)|you (?:should|could) (?:try|visit|read|watch|check out|go to)|try (?-i:[A-Z])|consider (?-i:[A-Z]))\b"
)

# What was said just before, put right.
MISTAKE = _pattern(
    r"(?:(?:no|nope|nah|sorry|oops|whoops|oh|ah|um|wait|hang on|hold on|actually|well|ok|okay|hm+|my (?:bad|mistake)|correction|apologies|pardon|"
    r"i (?:misspoke|mistyped|misremembered|said (?:that|it) wrong|got (?:that|it) wrong|was wrong|made a (?:mistake|typo))|wrong (?:day|date|time|name|place|city|number|word|one)|typo|scratch that|strike that|"
    r"let me correct (?:that|myself)|that(?:'s| was| is) (?:wrong|not right|a typo|a mistake|incorrect)|that's not (?:right|what i (?:meant|said))|not quite)"
    r"\b[\s,.!:;—–-]*(?:but |and )?){1,5}"
)
OWNED_MISTAKE = _pattern(
    r"\b(?:sorry|oops|whoops|my bad|my mistake|correction|apologies|misspoke|mistyped|misremembered|wrong|typo|mistake|scratch|strike|incorrect|let me correct|not right|not what)\b"
)
# "She's 7, I misspoke": the mistake is owned at the end. "Oops, 5pm": nothing but the right value.
CLOSING_MISTAKE = _pattern(
    r"[\s,;.–—-]+(?:(?:sorry|oops|whoops|my (?:bad|mistake)|typo|i (?:misspoke|mistyped|misremembered|got (?:that|it) wrong))[\s,.!]*){1,2}\Z"
)
BARE_VALUE = re.compile(
    r"(?:(?:at|on|in|to|for)\s+)?(?!\w+'\w|(?:it|that|this|he|she|i|we|they|the|my|our|not|no)\b)(?P<right>[^\s,;!?()]+(?: [^\s,;!?()]+){0,2}?)[\s.!]*",
    re.IGNORECASE,
)
NOT_A_VOCATIVE = _pattern(rf"\d|@|\b{_DAY}\b|\b{_MONTH}\b(?! )")
EXPLICIT_MISTAKE = _pattern(
    r"\b(?:correction|typo|misspoke|mistyped|misremembered|wrong|scratch|strike|incorrect|let me correct)\b"
)
_RIGHT = r"(?P<right>[^,;!?()]{1,60}?)"
_WRONG = r"(?P<wrong>[^,;!?()]{1,40}?)[\s.!]*\Z"
_IT_IS = r"(?:it|that|this|he|she|(?:the|her|his|its|their) (?:name|date|time|day|age|birthday|number|address|city|place))(?:'s| is| was| should (?:be|have been|say|read))(?: actually| really| supposed to be)?"
_MEANT = r"(?P<meant>i (?:meant|mean)(?: to (?:say|write|type))?|what i meant (?:was|is)|i should have said|make (?:that|it))"
_NOT_MEANT = r"(?!it\b|well\b|what\b|to\b|every\b|no\b|that (?:as|in)\b|business|a lot|sure\b|not\b)"
PUT_RIGHT = (
    _pattern(
        rf"(?:{_MEANT}|{_IT_IS.replace('(?:it', '(?:i meant|it')})\s+{_NOT_MEANT}{_RIGHT},?\s+(?:and )?(?:not|instead of|rather than)\s+{_WRONG}"
    ),
    _pattern(
        rf"(?:(?:{_IT_IS}|i meant|it|that)?\s*(?:not|isn't|wasn't)|i (?:didn't|did not) (?:mean|say))\s+(?P<wrong>[^,;!?()]{{1,40}}?)(?:,? but(?: rather)?|[,;]|\.|—|–)\s*(?:{_IT_IS}\s+|i (?:meant|said)\s+)?{_NOT_MEANT}{_RIGHT}[\s.!]*\Z"
    ),
    _pattern(
        rf"(?:when )?i (?:said|wrote|typed) (?P<wrong>[^,;!?()]{{1,40}}?),? (?:but |and )?(?:i )?(?:actually )?(?:meant|mean)(?: to (?:say|write|type))? {_RIGHT}[\s.!]*\Z"
    ),
    _pattern(rf"{_MEANT}\s+{_NOT_MEANT}(?P<right>[^;!?()]{{1,100}}?)[\s.!]*\Z"),
    _pattern(
        r"(?P<right>[^,;!?()\s]+(?: [^,;!?()\s]+){0,3}), not (?P<wrong>[^,;!?()\s]+(?: [^,;!?()\s]+){0,3}?)[\s.!]*\Z"
    ),
    _pattern(rf"{_IT_IS}\s+{_NOT_MEANT}(?P<right>[^,;!?()]{{1,60}}?)[\s.!]*\Z"),
)
INSTEAD_OF = _pattern(
    rf",?\s+(?:and )?not\s+(?!now|anymore|yet|really|just|only|because|that|to\b|so\b|sure|too)(?:(?:at|in|on|for|to|a|an|the)\s+)?{_WRONG}"
)
LASTING_CHANGE = _pattern(
    r"\b(?:now|anymore|any more|any longer|no longer|since|recently|moved|switched|changed|joined|started)\b"
)
# A name, a number or a day: what "it's …" can put right.
SPECIFIC = _pattern(rf"(?-i:\b[A-Z])|@|\d|\b{_DAY}\b|\b{_MONTH}\b")
