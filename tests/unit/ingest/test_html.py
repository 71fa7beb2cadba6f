from __future__ import annotations

from pathlib import Path

from citewise.ingest.parse import html
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored


def read(folder: Path, content: str | bytes) -> ParsedDocument:
    path = folder / "a.html"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    document = html.parse(path, source="a.html")
    assert_anchored(document)
    return document


def outline(document: ParsedDocument) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(block.kind, document.text[block.start : block.end], block.headings) for block in document.blocks]


def test_a_page_becomes_blocks_with_heading_paths(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "<title>Tides &amp; times</title><body><h1>One</h1><p>Some <b>bold</b>\n  text<br>next&nbsp;line</p>"
        "loose words<h2>Two</h2><ul><li>first<li><p>second</p></ul><pre>a\n  b</pre><h1>Three</h1><p>end",
    )
    assert document.title == "Tides & times"
    assert outline(document) == [
        ("heading", "One", ()),
        ("paragraph", "Some bold text\nnext line", ("One",)),
        ("paragraph", "loose words", ("One",)),
        ("heading", "Two", ("One",)),
        ("list_item", "first", ("One", "Two")),
        ("list_item", "second", ("One", "Two")),
        ("code", "a\n  b", ("One", "Two")),
        ("heading", "Three", ()),
        ("paragraph", "end", ("Three",)),
    ]


def test_tables_have_a_row_per_line(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "<table><caption>Boats</caption><tr><th>Name<th>Crew</tr><tr><td>Sula<script>x</script><td><ul><li>2</ul></table>",
    )
    assert outline(document) == [("caption", "Boats", ()), ("table", "Name | Crew\nSula | 2", ())]


def test_a_table_that_lays_out_the_page_is_read_as_what_it_holds(tmp_path: Path) -> None:
    document = read(tmp_path, "<table><tr><td><h1>Title</h1><td><p>Words</p></table><table><tr><td>alone</table>")
    assert [kind for kind, _, _ in outline(document)] == ["heading", "paragraph", "paragraph"]


def test_what_no_reader_sees_is_dropped_and_reported(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "<nav>menu</nav><script>code()</script><script>more()</script><style>p{}</style><template>t</template>"
        "<p hidden>secret</p><p style='color:red; display: none'>secret</p><!-- secret --><p>Words</p>",
    )
    assert document.text == "Words"
    assert document.report.left_out == (
        "2 hidden parts",
        "navigation (1)",
        "2 scripts",
        "style sheets (1)",
        "templates (1)",
    )


def test_a_page_of_scripts_alone_has_no_text(tmp_path: Path) -> None:
    assert read(tmp_path, "<html><body><script>app()</script></body></html>").text == ""


def test_the_declared_encoding_is_used(tmp_path: Path) -> None:
    assert read(tmp_path, '<meta charset="windows-1251"><p>Привет</p>'.encode("cp1251")).text == "Привет"
    assert read(tmp_path, '<meta charset="no-such"><p>Grüße aus Köln'.encode("latin-1")).text == "Grüße aus Köln"


def test_very_deep_pages_are_read(tmp_path: Path) -> None:
    assert "deep" in read(tmp_path, "<div>" * 5_000 + "deep").text


def test_images_are_counted_and_described(tmp_path: Path) -> None:
    document = read(tmp_path, "<p>See <img src=a.png alt='the chart'> here</p>")
    assert document.text == "See the chart here"
    assert document.report.images == 1
