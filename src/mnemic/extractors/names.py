"""Names that tell a place from a company, for verbs that are said of both ("moved to", "left").

The lists are small on purpose: they only break a tie, and a name on neither list is left to the verb.
"""

from __future__ import annotations

import re


def is_company(name: str) -> bool:
    """Whether `name` is a well-known company, or says by its form that it is one."""
    return bool(_COMPANY.search(name))


def is_place(name: str) -> bool:
    """Whether `name` is a country or one of the large cities, in English or Chinese."""
    words = name.strip().casefold().removeprefix("the ").split(",")[0]
    return words in _PLACES or words.removesuffix("市") in _PLACES


_COMPANY = re.compile(
    r"\b(?:Inc|Ltd|LLC|GmbH|AG|Corp|Corporation|Co|Company|Group|Bank|Labs?|Studios?|Hospital|University|College|Institute|Agency|Partners|Consulting|"
    r"Systems|Technologies|Software|Solutions|Industries|Airlines|Insurance|Media|Motors|Pharma\w*|Logistics|startup|firm|"
    r"Google|Apple|Microsoft|Amazon|Meta|Facebook|Netflix|Tesla|Nvidia|Intel|AMD|IBM|Oracle|SAP|Siemens|Bosch|Samsung|Sony|Toyota|Honda|BMW|Audi|Volkswagen|Mercedes|"
    r"Airbus|Boeing|Uber|Lyft|Airbnb|Spotify|Stripe|Shopify|Adobe|Salesforce|Twitter|TikTok|ByteDance|Alibaba|Tencent|Huawei|Xiaomi|Foxconn|TSMC|MediaTek|Asus|Acer|"
    r"Deloitte|KPMG|PwC|EY|McKinsey|Accenture|Goldman Sachs|JPMorgan|Morgan Stanley|HSBC|UBS|Pfizer|Novartis|Roche|Bayer|Nestl[eé]|Unilever|IKEA|Nike|Adidas|Starbucks|McDonald's|Walmart|"
    r"OpenAI|Anthropic|DeepMind|Qualcomm|Ericsson|Nokia|Philips|Cisco|Dell|HP|LinkedIn|PayPal|Zoom|Slack|Dropbox|GitHub|GitLab|Atlassian|Canva|Grab|Shopee)\b"
    r"|公司|集團|集团|銀行|银行|醫院|医院|學校|学校|大學|大学|工作室|事務所|事务所|科技|台積電|台积电|聯發科|联发科|鴻海|鸿海|華碩|华硕|宏碁|廣達|广达|騰訊|腾讯|阿里|字節|字节|華為|华为|小米|百度|京東|京东|美團|美团|滴滴",
)
_PLACES = frozenset(
    """london|paris|berlin|munich|hamburg|cologne|frankfurt|vienna|zurich|geneva|bern|rome|milan|naples|turin|florence|venice|madrid|barcelona|valencia|seville|lisbon|porto|amsterdam|rotterdam|
brussels|antwerp|copenhagen|oslo|bergen|stockholm|gothenburg|malmö|helsinki|reykjavik|dublin|edinburgh|glasgow|manchester|liverpool|bristol|leeds|cambridge|oxford|cardiff|belfast|warsaw|
krakow|prague|brno|budapest|bucharest|sofia|athens|istanbul|ankara|kyiv|moscow|tallinn|riga|vilnius|belgrade|zagreb|ljubljana|new york|nyc|boston|chicago|seattle|portland|san francisco|los angeles|
la|san diego|denver|austin|dallas|houston|miami|atlanta|philadelphia|washington|detroit|phoenix|las vegas|toronto|montreal|vancouver|ottawa|calgary|mexico city|bogota|lima|santiago|
buenos aires|sao paulo|são paulo|rio de janeiro|rio|caracas|havana|cairo|lagos|nairobi|cape town|johannesburg|accra|casablanca|tunis|dubai|abu dhabi|doha|riyadh|tel aviv|jerusalem|beirut|
tehran|karachi|lahore|delhi|new delhi|mumbai|bangalore|chennai|kolkata|dhaka|colombo|kathmandu|bangkok|hanoi|singapore|kuala lumpur|jakarta|bali|manila|hong kong|macau|shanghai|beijing|shenzhen|
guangzhou|chengdu|hangzhou|taipei|taichung|tainan|kaohsiung|hsinchu|seoul|busan|tokyo|osaka|kyoto|nagoya|fukuoka|sapporo|sydney|melbourne|brisbane|perth|adelaide|auckland|wellington|
england|scotland|wales|uk|united kingdom|ireland|france|germany|austria|switzerland|italy|spain|portugal|netherlands|belgium|luxembourg|denmark|norway|sweden|finland|iceland|poland|czech republic|
slovakia|hungary|romania|bulgaria|greece|turkey|ukraine|russia|estonia|latvia|lithuania|serbia|croatia|slovenia|us|usa|united states|america|canada|mexico|brazil|argentina|chile|peru|colombia|cuba|
egypt|nigeria|kenya|south africa|ghana|morocco|israel|lebanon|iran|iraq|india|pakistan|bangladesh|nepal|thailand|vietnam|malaysia|indonesia|philippines|china|taiwan|japan|korea|south korea|
australia|new zealand|europe|asia|africa|california|texas|florida|ohio|oregon|bavaria|
台北|臺北|新北|桃園|桃园|新竹|苗栗|台中|臺中|彰化|南投|雲林|云林|嘉義|嘉义|台南|臺南|高雄|屏東|屏东|宜蘭|宜兰|花蓮|花莲|台東|台东|基隆|澎湖|金門|金门|北京|上海|廣州|广州|深圳|杭州|南京|蘇州|苏州|成都|重慶|重庆|武漢|武汉|
西安|天津|青島|青岛|廈門|厦门|長沙|长沙|大連|大连|香港|澳門|澳门|東京|东京|大阪|京都|名古屋|福岡|福冈|首爾|首尔|釜山|新加坡|曼谷|河內|河内|吉隆坡|雅加達|雅加达|馬尼拉|马尼拉|倫敦|伦敦|巴黎|柏林|慕尼黑|羅馬|罗马|米蘭|米兰|
馬德里|马德里|巴塞隆納|里斯本|阿姆斯特丹|維也納|维也纳|紐約|纽约|波士頓|波士顿|芝加哥|西雅圖|西雅图|舊金山|旧金山|洛杉磯|洛杉矶|溫哥華|温哥华|多倫多|多伦多|雪梨|悉尼|墨爾本|墨尔本|
台灣|台湾|臺灣|中國|中国|日本|韓國|韩国|美國|美国|加拿大|英國|英国|法國|法国|德國|德国|義大利|意大利|西班牙|荷蘭|荷兰|瑞士|瑞典|挪威|澳洲|紐西蘭|新西兰|泰國|泰国|越南|馬來西亞|马来西亚|印尼|菲律賓|菲律宾|印度""".replace(
        "\n", ""
    ).split("|")
)
