"""Lines that programs write into a chat: timers, job states, receipts and notes of a messenger.

They are told by their form, in English and Chinese, and only when a whole sentence has it: "Job 4711
finished in 3.2 s" is a notice, "my job finished me off" is not.
"""

from __future__ import annotations

import re


def is_notice(text: str) -> bool:
    """Whether the whole of `text`, one sentence or line, is such a line."""
    return len(text) <= _LONGEST and bool(_NOTICE.fullmatch(text.strip()) and not _PERSONAL.search(text))


_LONGEST = 160  # characters

# A person speaks: "Reminder: I'm allergic to nuts", 提醒：我對花生過敏.
_PERSONAL = re.compile(r"\b(?:I|I'm|I've|my|My|we|our|Our|me)\b|我(?!已|方)|咱")

_END = r"[\s.。!！…~～)）]*"
_WHO = r"(?:[\w.'’@-]{1,20}(?: [\w.'’@-]{1,20}){0,2}|對方|对方)"
_CLOCK = r"\d{1,2}[:：]\d\d(?:[:：]\d\d)?(?:\s?[ap]m)?"
_MEASURE = r"\d[\d.,:]*\s?(?:%|％|percent|ms|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|[kmgt]b|files?|items?|rows?|秒|分鐘?|分钟?|小時|小时|個?檔案|个?文件|筆|笔|條|条)?"
_SUBJECT = (
    r"(?:(?:the |an? )?(?:[\w-]{1,20} )?(?:jobs?|tasks?|builds?|deploy(?:ment|s)?|pipelines?|workflows?|back-?ups?|sync(?:ing|hroni[sz]ation)?|upload(?:ing|s)?|download(?:ing|s)?|install(?:ing|ation)?|"
    r"connection|servers?|services?|process(?:es)?|daemon|container|pod|cron(?:job)?|schedule[dr]?|scan(?:ning)?|index(?:ing)?|import|export|migration|tests?|checks?|health ?check|heartbeat|timers?|alarms?|countdown|stopwatch|"
    r"session|cache|database|queue|worker|node|cluster|script|request|response|webhook|battery|cpu(?: usage)?|memory(?: usage)?|ram|disk(?: usage| space)?|gpu|network|wi-?fi|bluetooth|update|progress|recording|rendering|payment|order|package|parcel|delivery))"
)
_STATE = (
    r"(?:(?:is|are|was|were|has|have|has been|have been|now|successfully|automatically|currently|already|still)\s+){0,3}"
    r"(?:started|starting|finished|finishing|completed?|completing|failed|failing|passed|passing|succeeded|stopped|stopping|running|restarted|restarting|aborted|cancell?ed|queued|pending|skipped|killed|crashed|restored|lost|ended|"
    r"expired|ok|okay|healthy|unhealthy|idle|ready|online|offline|connected|disconnected|up to date|updated|done|full|low|charged|charging|shipped|delivered|processed|received|sent|saved|loaded|created|deleted|"
    r"timed out|triggered|paused|resumed|up|down|alive|at|remaining|left|successful(?:ly)?|in progress)"
)
# The pattern is written with blanks for the reader: those that count are escaped.
_WHO, _CLOCK, _MEASURE, _SUBJECT, _STATE = (
    part.replace(" ", r"\ ") for part in (_WHO, _CLOCK, _MEASURE, _SUBJECT, _STATE)
)
_NOTICE = re.compile(
    rf"""(?:
      \[\s*[\w /:.-]{{2,24}}\s*\]\s*(?=.*(?:\d|\b{_STATE}\b|remind|alert|ping|tick|剩|提醒|完成|成功|失敗|失败)).*      # [timer] 10 minutes left
    | \(?(?:auto(?:matic)?[- ]?reply|auto-?generated|automated message|do not reply)\b.*
    | (?:reminder|alarm|alert|notification|notice|event|calendar|timer)\s?[:：]\s?.*?(?:\bin\ {_MEASURE}|\bat\ \d|{_CLOCK}|\bnow|\bdue\b.*|\bstart(?:s|ing|ed)?\b.*|\btime'?s\ up|{_MEASURE}\ left){_END}
    | (?:status|state|progress|exit\ code|error(?:\ code)?|result|uptime|latency|version|pid|eta|battery|volume|code|retry|attempt|step)\s?[:：=]\s?[\w\ %./-]{{1,60}}
    | {_SUBJECT}\s?(?:[\#:]?\s?[\w./-]{{1,30}})?[\s:：,]+{_STATE}\b(?:[^.!?]|\.(?=\d)){{0,80}}
    | {_SUBJECT}(?:\s(?:usage|level))?\s?(?:is|[:：])?\s?(?:at\s)?{_MEASURE}(?:\s(?:remaining|left|used|full))?
    | (?:up|down)load(?:ing|ed)?(?:\.{{2,}}|…|:)?\s?[^.!?]{{0,40}}
    | (?:{_STATE}|loading|processing|thinking|connecting|reconnecting|syncing|searching|typing|please\ wait)[\s:]*(?:(?:in|after|at|of|for)?\s*(?:\d[\d.,:/]*\s?\w{{0,8}}|\(.{{1,40}}\))(?:\.{{2,}}|…)?|\.{{2,}}|…)
    | {_MEASURE}\s(?:left|remaining|elapsed|to\ go|until\ .{{1,30}})
    | (?:ping|pong|heartbeat|keep-?alive|tick|tock|ack|nack|noop|health\ ?check|test(?:ing)?(?:\ ?\d(?:[\s,]+\d)*)?|echo|beep|asdf\w*|qwerty\w*|foo(?:bar)?|hello\ world)(?:\s(?:ok|okay|\d+|received|sent|success(?:ful)?|test))*
    | (?:motion|movement|smoke|sound|person|leak|intruder|fault|glass\ break|(?:new|unusual|suspicious)\ (?:login|log-in|sign-?in|device|activity))(?:\ (?:was|has\ been|is))?(?:\ (?:detected|from|on|in)).{{0,60}}
    | your\ (?:verification\ code|otp|one-time\ (?:code|password)|code|session|parcel|package|order|delivery|driver|ride|subscription|trial|password|download|file|account|storage)\ (?:is|was|has|will|expires|arrives|for).{{0,80}}
    | (?:otp|code|pin)\s?[:：]\s?\w{{4,8}}
    | {_WHO}\ (?:reacted|liked|loved|disliked|replied|responded|voted).{{0,80}}["”:].{{0,40}}
    | [\w\ ]{{2,20}}\ sensor\s?[:：].{{1,30}}
    | (?:temperature|humidity|pressure|speed|signal)\ (?:is\ )?{_MEASURE}.{{0,40}}
    | time'?s\ up|time\ is\ up
    # Messengers.
    | {_WHO}\ (?:has\ |have\ |just\ )?(?:joined|left|created|entered|exited|was\ added\ to|were\ added\ to|was\ removed\ from|started|ended|muted|unmuted)(?:\ using\ .{{1,40}}|\ (?:the|this|a|your)?\ ?(?:group(?:\ chat)?|chat|channel|call|meeting|conversation|server|room|video\ chat|voice\ chat|huddle)\b.{{0,40}})
    | {_WHO}\ (?:added|removed|invited|kicked|blocked|unblocked)\ {_WHO}(?:\ (?:to|from)\ .{{1,40}})?
    | {_WHO}\ (?:changed|updated|edited|renamed|set)\ (?:the|this|their)\ (?:group|subject|chat|channel|icon|topic|description|phone\ number|name|photo|settings|theme|nickname)\b.{{0,60}}
    | {_WHO}\ (?:pinned|unpinned|deleted|unsent|recalled|edited|forwarded|liked|loved|reacted\ to|replied\ to|emphasized|laughed\ at)\ (?:an?|this|the|your|that)\ (?:message|photo|image|video|story|file|call|status).{{0,40}}
    | (?:{_WHO}|several\ people)\ (?:is|are)\ (?:typing|recording(?:\ audio|\ a\ voice\ message)?|online|offline|away|calling(?:\\ you)?|in\ a\ call|sharing\ (?:his|her|their|the)\ screen)
    | {_WHO}\ (?:sent|shared)\ (?:an?|the)\ (?:photo|image|sticker|gif|video|voice\ message|file|attachment|location|contact|document|poll|link)
    | (?:this|your|the|a|one)?\s?message\ (?:was|has\ been|is|could\ not\ be|couldn't\ be|not|wasn't)?\s?(?:deleted|edited|unsent|recalled|removed|delivered|sent|pinned|forwarded|unavailable|not\ delivered|read).{{0,30}}
    | (?:you|{_WHO})\ (?:deleted|unsent)\ (?:this|a)\ message
    | (?:missed|incoming|outgoing|declined|ended|cancell?ed|rejected|unanswered|no\ answer)(?:\ group)?(?:\ (?:voice|video|audio|phone|facetime))?(?:\ (?:call|chat))?(?:\ (?:from|to|at|with|by)\ .{{1,30}})?(?:[\s,(]+(?:{_CLOCK}|{_MEASURE})\)?)?
    | (?:voice|video|audio|phone|group|facetime)\ (?:message|call|chat|note|memo)(?:\ (?:ended|started|missed|declined|cancell?ed))?(?:[\s,:(·]+(?:{_CLOCK}|{_MEASURE})\)?)?
    | call\ (?:ended|started|duration|declined|failed|time|length)(?:[\s:,(]+.{{0,20}})?
    | (?:seen|delivered|read|sent|edited|forwarded|unread|failed\ to\ send|not\ delivered|sending)(?:\ (?:by\ .{{1,30}}|at|on|yesterday|today|just\ now))*(?:\ ?{_CLOCK})?
    | <?(?:media|image|photo|video|audio|sticker|gif|document|contact\ card|attachment|file|voice\ message|location)(?:\ file)?\ (?:omitted|attached|removed|expired|unavailable)>?
    | messages?\ and\ calls\ are\ .{{1,120}}|your\ security\ code\ with\ .{{1,60}}|.{{1,30}}\ is\ a\ contact|new\ messages?|unread\ messages?|\d{{1,3}}\ (?:new|unread)\ messages?|(?:today|yesterday)\ (?:at\ )?{_CLOCK}
    | (?:[\d*]{{1,3}}(?:/\d+)?(?:,[\d*]+)*\s+|\*\s+){{4,5}}\S.*                                                        # a line of cron
    # Chinese: timers and jobs.
    | (?:系統|系统|自動|自动|官方|服務|服务)(?:訊息|消息|讯息|通知|提示|公告|回覆|回复)\s?[:：].*
    | (?:溫馨|温馨|會議|会议|行程|日曆|日历|待辦|待办|喝水)?(?:提醒|鬧鐘|闹钟|鬧鈴|闹铃|通知|公告|日程|行事曆|計時器?|计时器?|倒數|倒数|倒計時|倒计时)(?:\s?[:：]|已|時間|时间|結束|结束|響|响).*
    | (?:狀態|状态|進度|进度|錯誤(?:代碼|碼|訊息)?|错误(?:代码|码|信息)?|結果|结果|電量|电量|電池|电池|版本|耗時|耗时|剩餘(?:時間|電量)?|剩余(?:时间|电量)?|代碼|代码|警告|排程|日誌|日志)\s?[:：]?\s?(?:剩餘|剩余|還剩|还剩|剩|僅剩|仅剩|已啟動|已启动|正常|異常|异常|{_MEASURE}|(?<=[:：])|(?<=[:：]\s)).{{0,60}}
    | (?:工作|任務|任务|作業|作业|建置|构建|構建|編譯|编译|部署|備份|备份|同步|下載|下载|上傳|上传|安裝|安装|更新|掃描|扫描|測試|测试|匯入|匯出|导入|导出|排程|連線|连接|連接|網路|网络|伺服器|服务器|服務|服务|資料庫|数据库|程序|系統|系统|檔案|文件|快取|缓存|錄音|录音|轉檔|支付|付款|訂單|订单|包裹|快遞|快递|心跳|健康檢查|第\s?\d+\s?次\S{{2,6}})
      \s?[\#＃]?\s?[\w./-]{{0,24}}\s?[:：，,]?\s?(?:已經|已经|已|正在|全部|自動|自动|執行|执行)?\s?(?:完成|成功|失敗|失败|結束|结束|啟動|启动|開始|开始|恢復|恢复|中斷|中断|斷開|断开|逾時|超时|停止|重啟|重启|通過|通过|更新|取消|送達|送达|發貨|发货|出貨|正常|異常|异常|排隊中|中|ok){_END}(?:[（(，,].{{0,40}})?
    | (?:正在)?(?:上傳|上传|下載|下载|載入|载入|加載|加载|連線|连接|處理|处理|同步|搜尋|搜索|輸入|输入|錄音|录音|思考)中?\s?(?:…|\.{{2,}}|中)\s?(?:{_MEASURE})?
    | (?:還|还)?(?:剩下?|剩餘|剩余)\s?{_MEASURE}
    | (?:cpu|gpu|記憶體|内存|硬碟|硬盘|磁碟|磁盘|電池|电池|電量|电量|網路|网络)\s?(?:使用率|用量|占用|空間|空间|溫度|温度|剩餘|剩余)?\s?[:：為为]?\s?{_MEASURE}
    | {_MEASURE}(?:後|后)(?:開會|开会|開始|开始|結束|结束|提醒)
    # Chinese messengers.
    | [^，。！？\s]{{0,12}}\s?(?:已)?(?:收回|撤回|刪除|删除)了?(?:一)?(?:條|条|則|则|個|个|此)?(?:訊息|消息|讯息|貼文|照片)
    | (?:此|該|该|這則|这条|本)?(?:訊息|消息|讯息)(?:已|未|無法|无法)?(?:經|经|被|能)?(?:收回|撤回|刪除|删除|送達|送达|傳送|传送|發送|发送|過期|过期|送出)(?:失敗|失败|成功)?
    | (?:對方|对方|你|您|[^，。！？\s]{{1,8}}(?=已|正在|.{{0,6}}(?:通話|通话|語音|语音|來電|来电)))\s?(?:已|正在)?(?:取消|拒絕|拒绝|掛斷|挂断|接聽|接听|忙線|忙线|無應答|无应答|未接聽|未接听|輸入|输入|錄音|说话|講話|讲话)(?:了|中|通話|通话|語音|语音|來電|来电|請求|请求){{0,2}}(?:…|\.{{2,}})?
    | (?:[^，。！？\s]{{1,12}}\s?)(?:已|被)?(?:經|经)?(?:加入|離開|离开|退出|踢出|移出|建立|解散)了?(?:本|此|這個|这个|該|该)?(?:群組|群组|群聊|群|聊天室|聊天|頻道|频道|會議|会议|通話|通话|房間|房间)
    | [^，。！？\s]{{1,12}}?(?:邀請|邀请|將|将|把)\s?[^，。！？\s]{{1,16}}?(?:加入|移出|踢出|新增到|拉進|拉进|拉入|退出)了?(?:群組|群组|群聊|群|聊天室|記事本)
    | [^，。！？\s]{{1,12}}?(?:修改|變更|变更|更改|更新|設定|设定|设置|把|將|将)了?(?:群組|群组|群聊|群|聊天室)?(?:名稱|名称|名|公告|頭像|头像|圖片|图片|背景|大頭貼|照片)(?:為|为)?.{{0,30}}
    | [^，。！？\s]{{1,12}}?(?:拍了拍|戳了戳|tickled).{{1,20}}
    | [^，。！？\s]{{1,12}}?(?:傳送|传送|發送|发送|發出|发出|分享)了?(?:一)?(?:張|张|個|个|則|则|段|條|条)?(?:照片|貼圖|贴图|圖片|图片|影片|视频|語音|语音|檔案|文件|位置|紅包|红包|連結|链接|名片)
    | 未接(?:來電|来电|語音|语音|視訊|视频|通話|通话|電話|电话){{0,3}}(?:[（(\s:：]*(?:\d+|{_CLOCK}).{{0,6}})?
    | (?:語音|语音|視訊|视频|群組|群组)?(?:通話|通话|來電|来电)(?:時間|时间|時長|时长|結束|结束|已結束|已结束|已取消|取消|中斷|中断|中|已拒絕|無人接聽|未接聽){{0,2}}\s?[:：]?\s?(?:{_CLOCK}|{_MEASURE})?
    | (?:語音|语音|視訊|视频)(?:訊息|消息|讯息|留言)\s?[:：]?\s?(?:{_CLOCK}|{_MEASURE})?
    | (?:已讀不回|已读不回|已讀|已读|未讀|未读|已送達|已送达|已發送|已发送|已傳送|已编辑|已編輯|已轉發|已转发|傳送失敗|发送失败|對方離線|在線|离线)\s?(?:{_CLOCK}|\d+)?
    | 你已添加了.{{1,20}}(?:聊天了)?|以上是(?:打招呼|打招呼的|招呼).{{0,10}}|你們已成為好友.{{0,20}}|(?:我)?通過了你的朋友驗證請求.{{0,30}}|.{{1,12}}(?:開啟了朋友驗證|开启了朋友验证).{{0,40}}|.{{1,12}}(?:領取了|领取了).{{1,12}}(?:紅包|红包)|以下(?:為|为|是)?(?:新|未讀|未读)(?:訊息|消息)
    | [^，。！？\s]{{1,12}}?(?:置頂|置顶|收藏|轉發|转发|編輯|编辑|取消置頂)了(?:一)?(?:則|则|條|条|個|个|你的)?(?:訊息|消息|貼文|留言|公告)
    | [^，。！？\s]{{1,12}}?(?:對|对|给|給).{{0,10}}(?:按|點|点)(?:了)?(?:讚|赞|愛心|爱心)|[^，。！？\s]{{1,8}}(?:拒絕|拒绝|取消|接受|掛斷|挂断)了(?:你|您)?的?(?:語音|语音|視訊|视频)?(?:通話|通话|邀請|邀请|請求|请求)
    | (?:消息|訊息|信息)已(?:發出|发出|傳出)[，,].{{1,20}}
    | (?:您|你)的(?:驗證碼|验证码|包裹|訂單|订单|快遞|快递|登入|登录|密碼|密码|帳號|帐号|账号|訂閱|订阅|外送|司機|司机|餐點|下載).{{1,60}}
    | (?:驗證碼|验证码|取件碼|取件码|動態密碼|动态密码)\s?(?:是|為|为|[:：])\s?\w{{3,8}}.{{0,40}}
    | [^，。！？\s]{{0,8}}(?:偵測|检测|檢測|侦测)到.{{1,24}}|[^，。！？\s]{{1,8}}(?:感測器|传感器|感應器)\s?[:：].{{1,20}}|(?:溫度|温度|濕度|湿度|血壓|血压|心率)\s?[:：]?\s?{_MEASURE}.{{0,24}}|警報(?:解除|響起)?|警报(?:解除)?|(?:電量|电量)(?:不足|過低|过低)
    | \d{{1,3}}\s?(?:則|则|條|条)(?:新|未讀|未读)(?:訊息|消息)
    ){_END}""",
    re.VERBOSE | re.IGNORECASE,
)
