"""The parts of a Word document that are the same in every one, and the elements that need care.

Elements stand in the order that ECMA-376 asks for; Word refuses some files that have them in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_INDENT = 360  # twentieths of a point for each level of a list
_FIRST_NUMBERED = 10  # lists of numerals have ids from here on
_WIDTH = 9070  # of the text, in twentieths of a point


def _root(name: str, inner: str) -> str:
    return f'{_DECLARATION}<w:{name} xmlns:w="{_MAIN}" xmlns:r="{_OFFICE}">{inner}</w:{name}>'


# --- the whole parts ------------------------------------------------------------------


def document(body: str) -> str:
    """The main part."""
    section = (
        '<w:sectPr><w:footerReference w:type="default" r:id="rId5"/><w:pgSz w:w="11906" w:h="16838"/>'
        '<w:pgMar w:top="1418" w:right="1418" w:bottom="1418" w:left="1418" w:header="709" w:footer="709" '
        'w:gutter="0"/></w:sectPr>'
    )
    return _root("document", f"<w:body>{body}{section}</w:body>")


def footnotes(notes: str) -> str:
    """The part that holds the footnotes, and the lines above them, which Word asks for."""
    lines = "".join(
        f'<w:footnote w:type="{kind}" w:id="{number}"><w:p><w:pPr><w:spacing w:after="0" w:line="240" '
        f'w:lineRule="auto"/></w:pPr><w:r><w:{kind}/></w:r></w:p></w:footnote>'
        for number, kind in ((-1, "separator"), (0, "continuationSeparator"))
    )
    return _root("footnotes", lines + notes)


def numbering(starts: Sequence[int]) -> str:
    """The lists: one of bullets, and one for each list of numerals, which begins at its own number."""
    levels = range(9)
    bullets = "".join(_level(one, 1, "bullet", "•◦▪"[one % 3]) for one in levels)
    numerals = "".join(_level(one, 1, "decimal", f"%{one + 1}.") for one in levels)
    begun = "".join(
        f'<w:num w:numId="{_FIRST_NUMBERED + index}"><w:abstractNumId w:val="1"/>'
        + "".join(
            f'<w:lvlOverride w:ilvl="{level}"><w:startOverride w:val="{start}"/></w:lvlOverride>' for level in levels
        )
        + "</w:num>"
        for index, start in enumerate(starts)
    )
    return _root(
        "numbering",
        f'<w:abstractNum w:abstractNumId="0"><w:multiLevelType w:val="hybridMultilevel"/>{bullets}</w:abstractNum>'
        f'<w:abstractNum w:abstractNumId="1"><w:multiLevelType w:val="hybridMultilevel"/>{numerals}</w:abstractNum>'
        f'<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>{begun}',
    )


def _level(level: int, start: int, kind: str, text: str) -> str:
    return (
        f'<w:lvl w:ilvl="{level}"><w:start w:val="{start}"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text}"/>'
        f'<w:lvlJc w:val="left"/><w:pPr><w:ind w:left="{_INDENT * (level + 1)}" w:hanging="{_INDENT}"/></w:pPr></w:lvl>'
    )


def properties(title: str, created: str) -> str:
    """Title and date; ``created`` as ``2026-11-21T19:05:00Z``."""
    return (
        f'{_DECLARATION}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{title}</dc:title><dc:creator>Citewise</dc:creator>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{created}</dcterms:created></cp:coreProperties>'
    )


# --- elements -------------------------------------------------------------------------


def bullet(level: int) -> str:
    """Properties of a paragraph that is an item of a list with bullets."""
    return f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>'


def numeral(level: int, number: int) -> str:
    """Properties of an item of the how-many-eth list of numerals, counted from 1."""
    return f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{_FIRST_NUMBERED + number - 1}"/></w:numPr>'


def indented(level: int) -> str:
    """Properties of a paragraph within an item; none outside of lists (-1)."""
    return f'<w:ind w:left="{_INDENT * (level + 1)}"/>' if level >= 0 else ""


def row(cells: Iterable[str], *, header: bool) -> str:
    """A row of a table; each cell is a paragraph."""
    head = "<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>" if header else "<w:trPr><w:cantSplit/></w:trPr>"
    shade = '<w:shd w:val="clear" w:color="auto" w:fill="F1F3F7"/>' if header else ""
    return f"<w:tr>{head}{''.join(f'<w:tc><w:tcPr>{shade}</w:tcPr>{cell}</w:tc>' for cell in cells)}</w:tr>"


def table(rows: str, *, columns: int) -> str:
    """A table, and the paragraph that has to stand behind one."""
    sides = ("top", "left", "bottom", "right", "insideH", "insideV")
    borders = "".join(f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="C9CFDA"/>' for side in sides)
    grid = f'<w:gridCol w:w="{_WIDTH // max(columns, 1)}"/>' * columns
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="5000" w:type="pct"/><w:tblBorders>{borders}</w:tblBorders></w:tblPr>'
        f'<w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl><w:p><w:pPr><w:pStyle w:val="Cell"/></w:pPr></w:p>'
    )


def footnote(number: int, runs: str) -> str:
    """A footnote with its number in front."""
    mark = '<w:r><w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr><w:footnoteRef/></w:r>'
    paragraph = f'<w:p><w:pPr><w:pStyle w:val="FootnoteText"/></w:pPr>{mark}{runs}</w:p>'
    return f'<w:footnote w:id="{number}">{paragraph}</w:footnote>'


def footnote_reference(number: int) -> str:
    """Where a footnote is first referred to: Word numbers it itself, in this order."""
    return (
        f'<w:bookmarkStart w:id="{number}" w:name="_RefNote{number}"/><w:r><w:rPr>'
        f'<w:rStyle w:val="FootnoteReference"/></w:rPr><w:footnoteReference w:id="{number}"/></w:r>'
        f'<w:bookmarkEnd w:id="{number}"/>'
    )


def further_reference(number: int) -> str:
    """A further reference to the same footnote: Word has one place for each, and fields for the others."""
    return (
        f'<w:fldSimple w:instr=" NOTEREF _RefNote{number} \\f \\h "><w:r><w:rPr>'
        f'<w:rStyle w:val="FootnoteReference"/></w:rPr><w:t>{number}</w:t></w:r></w:fldSimple>'
    )


# --- how it looks ---------------------------------------------------------------------


def _style(style_id: str, name: str, paragraph: str = "", run: str = "", *, based: str = "Normal") -> str:
    base = f'<w:basedOn w:val="{based}"/>' if based else ""
    default = "" if based else ' w:default="1"'
    return (
        f'<w:style w:type="paragraph"{default} w:styleId="{style_id}"><w:name w:val="{name}"/>{base}<w:qFormat/>'
        f"<w:pPr>{paragraph}</w:pPr><w:rPr>{run}</w:rPr></w:style>"
    )


def _character(style_id: str, name: str, run: str) -> str:
    return f'<w:style w:type="character" w:styleId="{style_id}"><w:name w:val="{name}"/><w:rPr>{run}</w:rPr></w:style>'


def _spacing(before: int, after: int, line: int = 264) -> str:
    return f'<w:spacing w:before="{before}" w:after="{after}" w:line="{line}" w:lineRule="auto"/>'


def _size(half_points: int) -> str:
    return f'<w:sz w:val="{half_points}"/><w:szCs w:val="{half_points}"/>'


def _bar(side: str, colour: str, size: int) -> str:
    return f'<w:pBdr><w:{side} w:val="single" w:sz="{size}" w:space="8" w:color="{colour}"/></w:pBdr>'


_SOFT = '<w:color w:val="5C6475"/>'
_SHADE = '<w:shd w:val="clear" w:color="auto" w:fill="F5F6F9"/>'
_MONO = '<w:rFonts w:ascii="Consolas" w:hAnsi="Consolas" w:cs="Consolas"/>'
_STYLES = _root(
    "styles",
    "<w:docDefaults><w:rPrDefault><w:rPr>"
    '<w:rFonts w:ascii="Calibri" w:eastAsia="Calibri" w:hAnsi="Calibri" w:cs="Calibri"/>'
    f'<w:color w:val="1D2230"/>{_size(22)}<w:lang w:val="en-GB"/></w:rPr></w:rPrDefault><w:pPrDefault/></w:docDefaults>'
    + _style("Normal", "Normal", _spacing(0, 140, 276), based="")
    + _style("Title", "Title", f"<w:keepNext/>{_spacing(0, 60)}", f"<w:b/>{_size(44)}")
    + _style("Subtitle", "Subtitle", _spacing(0, 240), f"{_SOFT}{_size(20)}")
    + _style("Legend", "Legend", f"{_SHADE}{_spacing(0, 200)}", _size(19))
    + _style(
        "Heading1",
        "heading 1",
        f'<w:keepNext/><w:keepLines/>{_bar("top", "D9DDE6", 6)}{_spacing(480, 160)}<w:outlineLvl w:val="0"/>',
        f"<w:b/>{_size(28)}",
    )
    + "".join(
        _style(
            f"Heading{level}",
            f"heading {level}",
            f'<w:keepNext/><w:keepLines/>{_spacing(220, 80)}<w:outlineLvl w:val="{level - 1}"/>',
            f"<w:b/>{_size(26 - level)}",
        )
        for level in (2, 3, 4)
    )
    + _style("ListBullet", "List Bullet", f"{_spacing(0, 60)}<w:contextualSpacing/>")
    + _style("ListNumber", "List Number", f"{_spacing(0, 60)}<w:contextualSpacing/>")
    + _style("Quote", "Quote", f'{_bar("left", "C9CFDA", 18)}{_spacing(0, 140)}<w:ind w:left="284"/>', "<w:i/>")
    + _style("Code", "Code", f"{_SHADE}{_spacing(60, 140, 240)}", f"{_MONO}{_size(19)}")
    + _style("Rule", "Rule", f"{_bar('bottom', 'D9DDE6', 6)}{_spacing(0, 140)}")
    + _style("Cell", "Cell", _spacing(20, 20, 252), _size(20))
    + _style("Ending", "Ending", f'{_bar("left", "8A5A00", 24)}{_SHADE}{_spacing(120, 160)}<w:ind w:left="200"/>')
    + _style("Checks", "Checks", f"{_SHADE}{_spacing(0, 0)}", _size(19))
    + _style("Facts", "Facts", _spacing(120, 0), f"{_SOFT}{_size(18)}")
    + _style("Footer", "footer", f'{_spacing(0, 0)}<w:jc w:val="right"/>', f"{_SOFT}{_size(18)}")
    + _style("FootnoteText", "footnote text", f'{_spacing(0, 60, 240)}<w:ind w:left="227" w:hanging="227"/>', _size(18))
    + _character("FootnoteReference", "footnote reference", '<w:vertAlign w:val="superscript"/>')
    + _character("CodeChar", "Code Char", f"{_MONO}{_SOFT}"),
)
_SETTINGS = _root(
    "settings",
    '<w:zoom w:percent="100"/><w:defaultTabStop w:val="709"/>'
    '<w:footnotePr><w:footnote w:id="-1"/><w:footnote w:id="0"/></w:footnotePr>'
    '<w:compat><w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" '
    'w:val="15"/></w:compat>',
)
_FOOTER = _root(
    "ftr",
    '<w:p><w:pPr><w:pStyle w:val="Footer"/></w:pPr><w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r>'
    "</w:fldSimple></w:p>",
)
_OWN = {  # parts beside the main one, by id
    "rId1": "styles",
    "rId2": "numbering",
    "rId3": "settings",
    "rId4": "footnotes",
    "rId5": "footer",
}


def _relationships(rows: Iterable[str]) -> str:
    return f'{_DECLARATION}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(rows)}</Relationships>'


FIXED: dict[str, str] = {
    "[Content_Types].xml": (
        f'{_DECLARATION}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_TYPE}.document.main+xml"/>'
        + "".join(f'<Override PartName="/word/{one}.xml" ContentType="{_TYPE}.{one}+xml"/>' for one in _OWN.values())
        + '<Override PartName="/docProps/core.xml" '
        'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>'
    ),
    "_rels/.rels": _relationships(
        [
            f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>',
            f'<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties" '
            'Target="docProps/core.xml"/>',
        ]
    ),
    "word/_rels/document.xml.rels": _relationships(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{name}" Target="{name}.xml"/>' for key, name in _OWN.items()
    ),
    "word/styles.xml": _STYLES,
    "word/settings.xml": _SETTINGS,
    "word/footer.xml": _FOOTER,
}
"""Parts that do not depend on what is written, by their name in the zip."""
