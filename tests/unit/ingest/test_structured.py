from __future__ import annotations

import json
from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest.parse import structured, xml
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "blob"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read_json(folder: Path, content: str) -> ParsedDocument:
    document = structured.parse_json(write(folder, content), source="a.json")
    assert_anchored(document)
    return document


def read_xml(folder: Path, content: str | bytes) -> ParsedDocument:
    document = xml.parse(write(folder, content), source="a.xml")
    assert_anchored(document)
    return document


def parts(document: ParsedDocument) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks]


def test_a_list_of_records_is_a_block_for_each_and_keeps_its_lines(tmp_path: Path) -> None:
    content = json.dumps([{"name": "Skua", "n": 1}, {"name": "Tern", "n": 2}], indent=2)
    document = read_json(tmp_path, content)
    assert document.text == content
    assert ['"Skua"' in part for part in parts(document)] == [True, False]
    assert len(document.blocks) == 2


def test_a_small_object_is_one_block_and_a_large_one_is_cut_at_its_keys(tmp_path: Path) -> None:
    assert len(read_json(tmp_path, '{"a": {"b": 1}}').blocks) == 1
    large = {
        "small": 1,
        "birds": [{"name": f"bird {n}", "note": "x" * 50} for n in range(60)],
        "deep": {"a": "y" * 2000},
    }
    document = read_json(tmp_path, json.dumps(large, indent=1))
    paths = [block.headings for block in document.blocks]
    assert paths[0] == ("small",)
    assert paths.count(("birds",)) == 60
    assert paths[-1] == ("deep", "a")


def test_escaped_letters_are_read_as_letters_on_their_lines(tmp_path: Path) -> None:
    document = read_json(tmp_path, '["Gr\\u00fc\\u00dfe \\ud83d\\ude00",\n "\\\\u00fc \\u0022 \\u000a"]')
    assert document.text == '["Grüße 😀",\n "\\\\u00fc \\u0022 \\u000a"]'


@pytest.mark.parametrize(
    ("content", "reason"),
    [('{"a": 1', "line 1"), ("[1] more", "more text after the end"), ("[" * 100_000, "nested too deep")],
)
def test_what_is_no_json_is_read_as_text_and_said(tmp_path: Path, content: str, reason: str) -> None:
    document = read_json(tmp_path, content)
    assert document.text == content
    assert reason in document.report.warnings[0]


def test_every_line_of_json_lines_is_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = '{"a": 1}\n\n {"a": 2}\n{"a": 3}\n'
    document = structured.parse_jsonl(write(tmp_path, content), source="a.jsonl")
    assert_anchored(document)
    assert parts(document) == ['{"a": 1}', '{"a": 2}', '{"a": 3}']
    monkeypatch.setattr(structured, "MAX_RECORDS", 2)
    document = structured.parse_jsonl(write(tmp_path, content), source="a.jsonl")
    assert parts(document) == ['{"a": 1}', '{"a": 2}']
    assert document.report.unread == ("Everything after line 3: more than 2 records are not read.",)


NOTEBOOK = {
    "nbformat": 4,
    "cells": [
        {
            "cell_type": "markdown",
            "source": ["# Birds\n", "\n", "Counted *daily*.\n", "```py\n", "# no heading\n", "```"],
        },
        {
            "cell_type": "code",
            "source": "count()",
            "outputs": [
                {"output_type": "stream", "text": ["42\n"]},
                {"output_type": "display_data", "data": {"image/png": "iVBOR", "text/plain": "<Figure>"}},
                {"output_type": "error", "traceback": ["\x1b[31mValueError\x1b[0m", "at line 3"]},
            ],
        },
    ],
}


def test_a_notebook_is_its_cells_and_their_outputs(tmp_path: Path) -> None:
    document = structured.parse_notebook(write(tmp_path, json.dumps(NOTEBOOK)), source="a.ipynb")
    assert_anchored(document)
    assert [(block.kind, document.text[block.start : block.end]) for block in document.blocks] == [
        ("heading", "Birds"),
        ("paragraph", "Counted *daily*."),
        ("code", "```py\n# no heading\n```"),
        ("code", "count()"),
        ("code", "42"),
        ("code", "<Figure>"),
        ("code", "ValueError\nat line 3"),
    ]
    assert {place.part for place in document.places} == {"Cell 1", "Cell 2", "Output of cell 2"}
    assert document.report.left_out == ("1 image in the outputs.",)


@pytest.mark.parametrize("content", ['{"cells": ', "[]", '{"worksheets": 3}'])
def test_a_damaged_notebook_is_a_sentence(tmp_path: Path, content: str) -> None:
    with pytest.raises(IngestError, match=r"a\.ipynb is no notebook that can be read"):
        structured.parse_notebook(write(tmp_path, content), source="a.ipynb")


ARTICLE = """<?xml version="1.0"?>
<article><front><title>On Skuas</title></front>
<sec><title>Counts</title><p>We saw <b>many</b> of them<xref rid="1">[1]</xref>.</p>
<table><caption>Counts by year</caption><thead><tr><th>Year</th><th>n</th></tr></thead>
<tr><td>2023</td><td>4</td></tr></table></sec></article>"""


def test_an_article_reads_as_headings_paragraphs_and_tables(tmp_path: Path) -> None:
    document = read_xml(tmp_path, ARTICLE)
    assert [(block.kind, document.text[block.start : block.end]) for block in document.blocks] == [
        ("heading", "On Skuas"),
        ("heading", "Counts"),
        ("paragraph", "We saw many of them[1]."),
        ("caption", "Counts by year"),
        ("table", "Year | n\n2023 | 4"),
    ]
    assert document.blocks[-1].header == "Year | n"
    assert document.title == "On Skuas"
    assert "line 3" in {place.part for place in document.places}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_records_read_as_names_and_values(tmp_path: Path, encoding: str) -> None:
    content = '<?xml version="1.0" encoding="UTF-8"?><list>'
    content += '<bird><name>Skua</name><place x="1"/></bird><bird><name>Möwe</name></bird></list>'
    assert parts(read_xml(tmp_path, content.encode(encoding))) == ["name: Skua\nplace: x=1", "name: Möwe"]


def test_entities_are_not_followed_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    entities = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{tmp_path}/secret"><!ENTITY b "ha">]>'
    document = read_xml(tmp_path, f"{entities}<a><p>See &x; &b; &nbsp;&amp;</p></a>")
    assert "SECRET" not in document.text
    assert "&x;" in document.text
    assert any("&x;" in warning for warning in document.report.warnings)


def test_a_damaged_xml_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    document = read_xml(tmp_path, "<a><p>One.</p><p>Two.</p><b></a>")
    assert parts(document)[:2] == ["One.", "Two."]
    assert "damaged" in document.report.warnings[0]
    with pytest.raises(IngestError, match=r"a\.xml is no XML that can be read"):
        xml.parse(write(tmp_path, "no xml at all"), source="a.xml")


def test_entities_of_entities_and_depths_are_refused_with_the_reason(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    with pytest.raises(IngestError, match="is no XML that can be read"):
        read_xml(tmp_path, f'<!DOCTYPE l [<!ENTITY a0 "ha">{laughs}]><l><p>&a11;</p></l>')
    with pytest.raises(IngestError, match="depth"):
        read_xml(tmp_path, "<a>" * 3000 + "x" + "</a>" * 3000)
