from __future__ import annotations

import pytest

from citewise.retrieve.exactly import names_of
from citewise.retrieve.operators import Operators, fold, parse


@pytest.mark.parametrize(
    ("question", "text", "phrases", "without"),
    [
        ('what is "net zero" -carbon', "what is net zero", ("net zero",), ("carbon",)),
        ("„Klima Ziel“ und «le but»", "Klima Ziel und le but", ("Klima Ziel", "le but"), ()),
        ("“curly” pump", "curly pump", ("curly",), ()),
        ('pump -"old valve" -rust.', "pump .", (), ("old valve", "rust")),
        ("price -VAT, please", "price , please", (), ("VAT",)),
        ('机器 -学习 "深度学习"', "机器 深度学习", ("深度学习",), ("学习",)),
        ('("net zero") pump', "( net zero ) pump", ("net zero",), ()),
    ],
)
def test_operators_are_read(question: str, text: str, phrases: tuple[str, ...], without: tuple[str, ...]) -> None:
    read = parse(question)
    assert (read.asked, read.text, read.phrases, read.without) == (question, text, phrases, without)


@pytest.mark.parametrize(
    "question",
    [
        "e-mail at -5 °C, 10-20 or 10 -20",
        'a 5" pipe and a 6" pipe',
        "what does ls -a do, and --verbose?",
        "- a list\n- of things",
        '"unbalanced',
        '"" or "?!"',
        "the dog – which -, barks",
        "-pump",
        '-"old valve" -pump',
        'The abstract calls it a "linguistic filter" in a broad sense -roughly. ' + "More of it follows. " * 8,
        "",
    ],
)
def test_what_is_no_operator_stays_what_it_is(question: str) -> None:
    read = parse(question)
    assert not read
    assert (read.question, read.text) == (question, question)


@pytest.mark.parametrize(
    "question", ['Who sang "Hello Goodbye"?', "Is it “Hello Goodbye”? ", "was ist „Hello Goodbye“？"]
)
def test_what_a_question_quotes_comes_first_but_need_not_stand_in_every_hit(question: str) -> None:
    read = parse(question)
    assert (read.phrases, read.preferred) == ((), ("Hello Goodbye",))
    assert read.allow("The song is by The Beatles.")
    assert names_of(question, read.preferred).firm[0] == "hello goodbye"


def test_a_reranker_sees_the_quotation_marks_but_not_what_is_left_out() -> None:
    assert parse('the "net zero" target -carbon').question == 'the "net zero" target'


@pytest.mark.parametrize(
    ("phrase", "text", "stands"),
    [
        ("net zero", "The NET\n  zero target", True),
        ("net zero", "The internet zero", False),
        ("net zero", "net zeros", False),
        ("net zero", "zero net", False),
        ("the pump's", "The pump’s valve", True),
        ("impeller", "the im\u00ad\npeller of it", True),
        ("filter", "the ﬁlter", True),
        ("深度学习", "这是深度\n学习。", True),
        ("C++", "in C++ and C", True),
        ("a.b", "aXb", False),
    ],
)
def test_a_phrase_stands_whatever_the_case_and_the_white_space(phrase: str, text: str, stands: bool) -> None:
    assert Operators("", "", "", phrases=(phrase,)).allow(text) == stands
    assert Operators("", "", "", without=(phrase,)).allow(text) != stands
    assert Operators("", "", "", without=(phrase,)).excludes(text) == stands


def test_folding_unifies_what_reads_the_same() -> None:
    assert fold("Ｎet\t“Zero”—non‑stop") == 'net "zero"—non-stop'
