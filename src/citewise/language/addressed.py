"""Text that speaks to an AI assistant and not to a reader: orders to ignore its instructions and the like.

Found by phrases, so it can be missed and it can be meant honestly, as in a text about the
matter. It is therefore pointed out, and nothing else is done: such text is data, as all is.
Of 15,000 abstracts and articles (scifact, cranfield, squad2, clapnq, msmarco, pubmedqa) one is
pointed out; of plain requests in a text that name nobody (bipia) hardly any.
"""

from __future__ import annotations

import re
import unicodedata

from citewise.language.hidden import visible

_EARLIER = r"(?:previous|prior|above|earlier|preceding|foregoing|existing|original|initial|system|given|other|former)"
_ORDERS = r"(?:instructions?|prompts?|rules|directions|directives|guidelines|commands|orders|constraints)"
_MACHINE = r"(?:ai|llm|assistant|chatbot|chat bot|language model|chatgpt|gpt(?:-?\d)?|claude|gemini|copilot)"
_FILL = r"(?:all|any|the|your|of|these|those|my|every|each|and|or)"
_ANSWER = r"(?:answer|response|reply|summary|output)"

# What a phrase has in it, by semicolons, so that it is only looked for where that stands, and the phrase.
_PHRASES: tuple[tuple[str, str], ...] = (
    # English
    (
        "ignor;disregard;forget;overrid;bypass;discard;neglect",
        r"\b(?:ignore|disregard|forget|override|bypass|discard|neglect) (?:"
        rf"(?:{_FILL} ){{0,4}}{_EARLIER} (?:\w+ ){{0,2}}{_ORDERS}\b"
        rf"|(?:{_FILL} ){{0,3}}{_ORDERS} (?:above|before|given)\b"
        r"|(?:all|everything|anything) (?:above|before|you (?:were|have been) told|that (?:came|was said))\b)",
    ),
    (
        "prompt;instruction;message",
        r"\b(?:reveal|print|show|repeat|output|leak|disclose|display|quote|tell me) (?:me )?(?:your|the) (?:\w+ )?"
        r"(?:system|hidden|initial|secret) (?:prompt|instructions?|message)\b"
        r"|\b(?:new|updated|real|actual|important|hidden|secret) (?:system )?instructions?(?: for you)?\s*:",
    ),
    (
        "you are;you're;act as;pretend to be;behave as;you will be",
        r"\b(?:you are|you're|act as|pretend to be|behave as|you will be) (?:now |no longer |henceforth )?"
        rf"(?:an? |the )?(?:\w+ ){{0,3}}{_MACHINE}\b"
        r"|\byou are (?:now|no longer) (?:in |an? |the )?(?:\w+ ){0,2}(?:mode|bound|restricted|limited|dan)\b",
    ),
    ("from now on", r"\bfrom now on,? you (?:are|will|must|shall|should)\b"),
    (
        "dear;hey;attention;hello;note to;notice to;message;instruction;if you are",
        r"\b(?:dear|hey|attention|hello|note to|notice to|message to|message for|instructions? (?:for|to)|if you are)"
        rf" (?:an? |the |any |all )?(?:\w+ )?{_MACHINE}s?\b(?!['’]s)",
    ),
    (
        "ai:;ai,;assistant;chatbot;model;gpt;claude;gemini;copilot;llm",
        rf"(?:^|[\n.!?:;\"(\[*#>-]) ?{_MACHINE}[,:] (?:please |you )?(?:must |should |now |always |do not |don't )?"
        r"(?:ignore|answer|reply|respond|say|write|output|print|include|add|append|end|begin|translate|stop|send|tell"
        r"|visit|call)\b",
    ),
    (
        "the user",
        r"\b(?:do not|don't|never) (?:tell|mention|inform|reveal|disclose)(?: (?:this|it|that))?(?: to)? the user\b"
        r"|\bwithout (?:telling|informing) the user\b|\btell the user (?:that|to)\b",
    ),
    (
        "respond;reply;answer",
        r"\b(?:respond|reply|answer) (?:only )?with (?:only |exactly |nothing but )(?:the )?"
        r"(?:words?|phrase|text|sentence|following)\b",
    ),
    (
        "your answer;your response;your reply;your summary;your output",
        rf"\b(?:in|to|at the end of) your {_ANSWER},? (?:always )?(?:include|add|append|insert|embed|render|write)\b"
        rf"|\b(?:include|add|append|insert|embed|render) (?:\w+ ){{0,8}}(?:in|into|to|at the end of) your {_ANSWER}\b",
    ),
    (
        "<|;[inst];[/inst];<<sys>>;<</sys>>",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id)\|>|\[/?inst\]|<</?sys>>",
    ),
    (
        "system;developer",
        r"(?:^|\n)\s*(?:#{2,} ?)?(?:system|developer) ?(?:prompt|message|override|instruction)?:\s*you\b"
        r"|\bend of (?:the )?(?:system prompt|user input|untrusted|sources?|context|document)\b[^\n]{0,40}\bsystem\b",
    ),
    # German
    (
        "ignorier;vergiss;vergessen;missacht;übergeh",
        r"\b(?:ignorier(?:e|en)|vergiss|vergessen sie|missachte[nt]?|übergeh(?:e|en)) (?:sie )?"
        r"(?:alle |alles |die |deine |ihre |jede |sämtliche )*(?:vorherig|bisherig|obig|früher|vorangehend"
        r"|vorangegangen|vorig|ursprünglich)en? (?:\w+ )?"
        r"(?:anweisung\w*|instruktion\w*|befehle?|regeln|vorgaben|prompts?)",
    ),
    (
        "du bist;sie sind",
        rf"\b(?:du bist|sie sind) (?:jetzt|nun|ab sofort|von nun an) (?:ein|eine|der|die) (?:\w+ )?"
        rf"(?:ki|{_MACHINE}|assistent\w*|sprachmodell)\b",
    ),
    (
        "liebe;achtung;hinweis an;anweisung",
        r"\b(?:liebe[rs]?|achtung|hinweis an(?: die| den| das)?|anweisung(?:en)? (?:an|für)(?: die| den| das)?) "
        r"(?:ki|assistent\w*|ki-\w+|sprachmodell|chatbot)\b",
    ),
    # French
    (
        "ignore;oublie;néglige;compte",
        r"\b(?:ignore[rz]?|oublie[rz]?|néglige[rz]?|ne (?:tiens|tenez) (?:pas|aucun) compte (?:de |des )?)\s*(?:de )?"
        r"(?:toutes |tous |les |tes |vos |ces )*(?:instructions?|consignes?|directives?|règles?|ordres?) "
        r"(?:précédent|antérieur|ci-dessus|initial)",
    ),
    (
        "tu es;vous êtes",
        r"\b(?:tu es|vous êtes) (?:maintenant|désormais) (?:une? )?(?:\w+ )?(?:ia|assistant\w*|modèle de langage)\b",
    ),
    # Spanish, Portuguese
    (
        "ignor;olvid;descart;esqueça;esqueca;desconsidere;omit",
        r"\b(?:ignor[ae]r?|olvid[ae]r?|descart[ae]r?|esque[çc]a|desconsidere|omit[ae]) "
        r"(?:todas |todos |las |los |as |os |tus |sus |suas )*"
        r"(?:instrucciones|indicaciones|reglas|órdenes|instruções|regras|ordens|orientações) "
        r"(?:anteriores|previas|prévias|precedentes|de arriba|acima)",
    ),
    (
        "ahora eres;agora você;partir de ahora",
        r"\b(?:ahora eres|agora você é|a partir de ahora eres) (?:una? |uma? )?(?:\w+ )?"
        r"(?:ia|asistente|assistente|chatbot|modelo de (?:lenguaje|linguagem))\b",
    ),
    # Italian, Dutch, Polish
    (
        "ignora;dimentica;trascura",
        r"\b(?:ignora|dimentica|trascura)(?:re|te)? (?:tutte |tutti |le |gli |i |tue )*"
        r"(?:istruzioni|indicazioni|regole|ordini|direttive) (?:precedenti|sopra|di cui sopra|anteriori|iniziali)",
    ),
    (
        "negeer;negeren;vergeet",
        r"\b(?:negeer|vergeet|negeren) (?:alle |de |je |jouw |uw )*(?:vorige|eerdere|voorgaande|bovenstaande) "
        r"(?:instructies|aanwijzingen|opdrachten|regels)",
    ),
    (
        "ignoruj;zapomnij;pomiń",
        r"\b(?:zignoruj|ignoruj|zapomnij|pomiń)(?:cie)? (?:wszystkie |o |wszystkich )*"
        r"(?:poprzedni|wcześniejsz|powyższ)\w+ (?:instrukcj\w+|poleceni\w+|zasad\w*)",
    ),
    # Russian, Ukrainian, Turkish
    (
        "игнорируй;забудь;ігноруй",
        r"(?:игнорируй|забудь|ігноруй)(?:те)? (?:все |всі |о |про )*(?:предыдущи|прежни|прошлы|попередн)\w+ "
        r"(?:инструкци|указани|команд|правил|інструкці|вказівк)\w*",
    ),
    ("önceki", r"önceki (?:tüm )?(?:talimatları|komutları|yönergeleri) (?:yok say|unut|görmezden gel)"),
    # Chinese, Japanese, Korean
    (
        "忽略;无视;無視;忽視;忘记;忘記;不要理会",
        r"(?:忽略|无视|無視|忽視|忘记|忘記|不要理会).{0,10}(?:指令|指示|提示词|提示詞|说明|說明|规则|規則|命令)",
    ),
    (
        "無視;忘れ",
        r"(?:以前|上記|これまで|前|先ほど|すべて|全て)の.{0,8}(?:指示|命令|プロンプト|ルール).{0,6}(?:無視|忘れ)",
    ),
    ("무시;잊", r"(?:이전|위의|앞의|지금까지의).{0,8}(?:지시|명령|지침|프롬프트).{0,8}(?:무시|잊)"),
    # Arabic, Hindi
    ("تجاهل;انس", r"(?:تجاهل|انس|تجاهلي).{0,20}(?:التعليمات|الأوامر|الإرشادات|تعليمات)"),
    ("अनदेखा;अंदाज़;भूल", r"(?:पिछले|उपरोक्त|पहले के).{0,20}(?:निर्देश|आदेश).{0,20}(?:अनदेखा|अंदाज़|भूल)"),
)
_BEFORE, _AFTER = 60, 200  # characters around a cue that a phrase can reach


_LOOKED_FOR = tuple((cues.split(";"), re.compile(phrase)) for cues, phrase in _PHRASES)
_SPACES = re.compile(r"[^\S\n]+")
_WRAPPED = re.compile(r"(?<=[\w,])\n(?=[a-z])")


def addresses_assistant(text: str) -> bool:
    """Whether a text has a phrase that is meant for an AI assistant."""
    plain = unicodedata.normalize("NFKC", visible(text)).lower()
    plain = _WRAPPED.sub(" ", _SPACES.sub(" ", plain))
    return any(_stands(plain, cue, phrase) for cues, phrase in _LOOKED_FOR for cue in cues)


def _stands(text: str, cue: str, phrase: re.Pattern[str]) -> bool:
    at = text.find(cue)
    while at >= 0:
        if phrase.search(text, max(0, at - _BEFORE), at + _AFTER):
            return True
        at = text.find(cue, at + len(cue))
    return False
