"""The control words of rich text that stand for characters or begin a part of their own."""

from __future__ import annotations

CHARACTERS = {
    "tab": "\t",
    "line": "\n",
    "lbr": "\n",
    "emdash": "\u2014",
    "endash": "\u2013",
    "emspace": "\u2003",
    "enspace": "\u2002",
    "qmspace": "\u2005",
    "bullet": "\u2022",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "zwj": "\u200d",
    "zwnj": "\u200c",
    "ltrmark": "\u200e",
    "rtlmark": "\u200f",
}

CODE_PAGES = {  # by a font's character set; 0 and 1 mean that of the file
    2: 42,  # signs: no text
    77: 10000,
    128: 932,
    129: 949,
    130: 1361,
    134: 936,
    136: 950,
    161: 1253,
    162: 1254,
    163: 1258,
    177: 1255,
    178: 1256,
    186: 1257,
    204: 1251,
    222: 874,
    238: 1250,
    254: 437,
    255: 850,
}

COLLECTED = {
    "fonttbl": "fonttbl",
    "stylesheet": "stylesheet",
    "info": "info",
    "title": "title",
    "footnote": "footnote",
    "listtext": "label",
    "pntext": "label",
}
"""Groups whose text is not the paragraph's around them, and what becomes of it."""

READ = frozenset(
    {"shpinst", "shptxt", "shppict", "do", "dptxbxtext", "fldrslt", "result", "ud", "listtext", "footnote", "cs"}
)
"""Words behind ``\\*`` that are read all the same; others are for programs that know them."""

HEADERS = frozenset({"header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"})
"""Parts that repeat on every page."""

LEFT_OUT = {
    "annotation": "Comments.",
    "objdata": "Embedded objects.",
    "deleted": "Text that tracked changes delete.",
}
"""What to say of parts that are skipped."""

SKIPPED = (
    frozenset(
        {"colortbl", "filetbl", "listtable", "listoverridetable", "revtbl", "rsidtbl", "generator", "latentstyles"}
        | {"pict", "nonshppict", "objclass", "objname", "objdata", "shprslt", "sp", "fldinst", "datafield", "upr"}
        | {
            "xe",
            "tc",
            "tcn",
            "rxe",
            "txe",
            "bkmkstart",
            "bkmkend",
            "atnid",
            "atnauthor",
            "atnref",
            "atndate",
            "atrfstart",
        }
        | {
            "atrfend",
            "template",
            "author",
            "operator",
            "company",
            "subject",
            "keywords",
            "comment",
            "doccomm",
            "category",
        }
        | {
            "manager",
            "hlinkbase",
            "creatim",
            "revtim",
            "printim",
            "buptim",
            "themedata",
            "colorschememapping",
            "datastore",
        }
        | {
            "nonesttables",
            "nesttableprops",
            "pnseclvl",
            "pn",
            "ftnsep",
            "ftnsepc",
            "ftncn",
            "aftnsep",
            "aftnsepc",
            "aftncn",
        }
        | {"falt", "panose", "fname", "userprops", "xmlnstbl", "mmathPr"}
    )
    | HEADERS
    | {"annotation"}
)
"""Words that begin a group without text for a reader."""
