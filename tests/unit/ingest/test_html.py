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


def tables(document: ParsedDocument) -> list[tuple[str, str, str]]:
    return [
        (document.text[block.start : block.end], block.header, block.caption)
        for block in document.blocks
        if block.kind == "table"
    ]


def test_the_header_of_a_table_is_what_its_elements_say(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "<table><caption>Boats</caption><thead><tr><td>a<td>b<tr><td>c<td>d</thead><tr><td>e<td>f</table>"
        "<table><tr><td><th>2019<th>2018<tr><th>Sales<td>5<td>4</table>"
        "<table><tr><td>Name<td>Crew<tr><td>Sula<td>2</table><table><tr><td>1<td>2<tr><td>3<td>4</table>",
    )
    assert tables(document) == [
        ("a | b\nc | d\ne | f", "a | b\nc | d", "Boats"),
        ("| 2019 | 2018\nSales | 5 | 4", "| 2019 | 2018", ""),
        ("Name | Crew\nSula | 2", "Name | Crew", ""),
        ("1 | 2\n3 | 4", "", ""),
    ]


def test_cells_that_span_rows_stand_in_each_and_those_that_span_columns_in_the_first(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "<table><tr><th rowspan=2>Isle<th colspan=2>Pairs<th>Note<tr><th>2019<th>2020"
        "<tr><td rowspan=2>Bellan<td>1<td>2<td rowspan=9>x<tr><td colspan=2>none<tr><td>Orsay<td>3<td>4</table>",
    )
    ((text, header, _),) = tables(document)
    assert text.split("\n") == [
        "Isle | Pairs |  | Note",
        "Isle | 2019 | 2020",
        "Bellan | 1 | 2 | x",
        "Bellan | none |  | x",
        "Orsay | 3 | 4 | x",
    ]
    assert header == "Isle | Pairs |  | Note\nIsle | 2019 | 2020"


def test_columns_that_only_keep_others_apart_are_left_out(tmp_path: Path) -> None:
    row = "<tr><td>{}<td>&nbsp;<td colspan=2>{}<td>{}"
    document = read(tmp_path, f"<table>{row.format('Name', '2019', '2018')}{row.format('Sales', '5', '4')}</table>")
    assert document.text == "Name | 2019 | 2018\nSales | 5 | 4"


def test_a_table_within_a_table_is_read_by_itself(tmp_path: Path) -> None:
    document = read(tmp_path, "<table><tr><td>out<td><table><tr><td>Name<td>Crew<tr><td>Sula<td>2</table></table>")
    assert outline(document) == [("paragraph", "out", ()), ("table", "Name | Crew\nSula | 2", ())]


def test_wild_spans_stay_within_bounds(tmp_path: Path) -> None:
    document = read(
        tmp_path, "<table><tr><td colspan=99999999 rowspan=99999999>a<td>b<td colspan=-1>c<tr><td>d</table>"
    )
    assert len(document.text) < 1_000


def test_the_caption_of_a_figure_is_that_of_its_table(tmp_path: Path) -> None:
    table = "<table><tr><th>a<th>b<tr><td>1<td>2</table>"
    above = read(tmp_path, f"<figure><figcaption>Table <b>1</b></figcaption><div>{table}</div></figure>")
    below = read(tmp_path, f"<figure>{table}<figcaption>Table 1</figcaption></figure>")
    assert [block.kind for block in above.blocks] == ["caption", "table"]
    assert [block.kind for block in below.blocks] == ["table", "caption"]
    assert tables(above)[0][2] == tables(below)[0][2] == "Table 1"


def test_lists_keep_their_numbers_and_their_depth(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "<ol start=3><li>three<ol type=a><li>a<li><p>b</p><p>more</p></ol><li value=7>seven<ul><li>x</ul><li></ol>"
        "<dl><dt>Skerry<dd>A rock.</dl>",
    )
    assert document.text == ("3. three\n  a. a\n  b. b\n  more\n7. seven\n  x\nSkerry\nA rock.")


def test_what_stands_around_the_main_part_is_left_out_and_said(tmp_path: Path) -> None:
    words = "<p>" + "The boat leaves at noon. " * 20
    document = read(
        tmp_path,
        f"<header>Site name<div>Log in</div></header><div><main><header>Kept</header>{words}<aside>Kept too</aside>"
        "<ul class='vector-menu-list'><li><a href=a>Deutsch</a></ul>"
        "<nav>1 2 3</nav></main><aside>Read also</aside></div><footer>Imprint</footer>",
    )
    assert document.text.startswith("Kept\n\nThe boat")
    assert document.text.endswith("Kept too")
    assert document.report.left_out == ("2 navigation", "page footers (1)", "page headers (1)", "sidebars (1)")


def test_a_header_with_the_title_is_kept(tmp_path: Path) -> None:
    words = "The boat leaves at noon. " * 20
    document = read(tmp_path, f"<header><h1>Timetable</h1></header><article>{words}</article><footer>x</footer>")
    assert document.text.startswith("Timetable\n\nThe boat")


def test_without_a_main_part_only_menus_of_links_are_left_out(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "<header>Kept</header><ul class='main-nav'><li><a href=a>One</a><li><a href=b>Two</a></ul>"
        "<div id=menu>Soup of the day, with <a href=c>bread</a></div><article>Short.</article><footer>Kept</footer>",
    )
    assert document.text == "Kept\n\nSoup of the day, with bread\n\nShort.\n\nKept"
    assert document.report.left_out == ("navigation (1)",)


def test_a_page_of_nothing_but_menus_is_read_for_them(tmp_path: Path) -> None:
    assert read(tmp_path, "<div class=menu><a href=a>One</a></div>").text == "One"


def test_xhtml_elements_that_end_at_once_do(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "<?xml version='1.0' encoding='ISO-8859-1'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/>"
        "<script src='a.js'/></head><body><a id='x'/><p>Caf\u00e9<br/>au lait</p><hr/></body></html>".encode("latin-1"),
    )
    assert outline(document) == [("paragraph", "Caf\u00e9\nau lait", ())]


def test_formulas_are_read_once(tmp_path: Path) -> None:
    formula = "<math><mi>E</mi><mo>=</mo><mi>m</mi><annotation encoding=TeX>E=m</annotation></math>"
    assert read(tmp_path, f"<p>So {formula} holds").text == "So E=m holds"
