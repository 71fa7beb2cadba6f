from __future__ import annotations

from citewise.retrieve.openers import is_about_a_title, openers
from citewise.types import Block, BlockKind

PROSE = (
    "The boats of the trust leave from the old pier in the morning, and all of them are back by the evening of the "
    "same day. Nobody lands in fog. The wardens have the last word on the tides and on the weather at the pier."
)


def asked(*lines: str, kind: BlockKind = "heading", title: str = "Hut handbook", prose: str = PROSE) -> list[str]:
    """The questions of a document that has these headings, or lines of another kind, and some prose."""
    text, blocks = "", []
    for line in lines:
        blocks.append(Block(kind, len(text), len(text) + len(line)))
        text += f"{line}\n\n"
    blocks.append(Block("paragraph", len(text), len(text) + len(prose)))
    return openers(title, text + prose, blocks)


def about(topic: str) -> list[str]:
    return [f"What does “Hut handbook” say about {topic}?"]


def test_headings_become_questions_without_numbers_and_capitals() -> None:
    assert asked("2.1 Tides and Weather") == about("tides and weather")
    assert asked("## Landing on Skua Rock") == about("landing on Skua Rock")
    assert asked("Table 3. Old Boats") == about("old boats")


def test_names_keep_their_capitals() -> None:
    assert asked("Manse Pier, Ennisholm") == about("Manse Pier, Ennisholm")
    assert asked("VHF channels") == about("VHF channels")
    assert asked("Manx shearwater") == about("Manx shearwater")


def test_headings_in_capitals_are_written_as_the_text_writes_them() -> None:
    assert asked("TIDES AND WEATHER") == about("tides and weather")
    assert asked("HBCEAK KLDSC AASLS") == []  # misread


def test_a_heading_with_a_name_in_it_keeps_its_capitals() -> None:
    assert asked("Old Boats of Ennisholm") == about("Old Boats of Ennisholm")
    assert asked("The Boats of Ennisholm") == about("the Boats of Ennisholm")


def test_headings_that_ask_are_asked_as_they_are() -> None:
    assert asked("3. Who may land?") == ["Who may land?"]
    assert asked("Who may land") == ["Who may land?"]
    assert asked("What to bring") == ["What should you bring?"]
    assert asked("How to moor a boat") == ["How do you moor a boat?"]


def test_headings_that_nobody_can_ask_about_are_left_out() -> None:
    for heading in (
        "Keep the door shut",
        "On the old pier",
        "If things go wrong",
        "The boats are back",
        "How many, where and when",
        "What we provide",
        "Contents",
        "Introduction and summary",
        "The hut handbook",
        "Weather",
    ):
        assert asked(heading) == [], heading


def test_a_documents_own_questions_come_first() -> None:
    found = asked("How far ahead must I book?", "About nine weeks.", kind="list_item")
    assert found == ["How far ahead must I book?"]
    assert asked("Q: May I fly a drone?", kind="paragraph") == ["May I fly a drone?"]


def test_questions_that_need_what_stands_before_them_are_left_out() -> None:
    for line in ("What is it for?", "Can I get married there?", "Who is who?", "And then what?", "Really, all of it?"):
        assert asked(line, kind="list_item") == [], line
    assert asked("Is there a shop?", kind="list_item") == ["Is there a shop?"]


def test_definitions_are_asked_for() -> None:
    prose = f"{PROSE} “Warden” means a person who is paid. A storm petrel is a small bird. A nest is a nest."
    assert asked(prose=prose) == ["What is meant by “Warden”?", "What is a storm petrel?"]


def test_captions_of_tables_are_topics() -> None:
    text = f"{PROSE}\n\na | b"
    table = Block("table", len(PROSE) + 2, len(text), caption="Table 2: Boats and tides")
    assert openers("Hut handbook", text, [table]) == about("boats and tides")


def test_other_languages_are_asked_in_their_own_words() -> None:
    prose = (
        "Die Boote fahren am Morgen von der alten Mole ab, und sie sind am Abend wieder da. Bei Nebel wird nicht "
        "angelegt. Die Wärter haben bei den Gezeiten und beim Wetter das letzte Wort."
    )
    found = asked("Wann fahren die Boote?", "Anreise und Unterkunft", prose=prose)
    assert found == ["Wann fahren die Boote?", "Anreise und Unterkunft"]


def test_long_titles_are_cut_and_names_of_sites_left_out() -> None:
    (question,) = asked("Tides and weather", title="The guide | Somewhere")
    assert question == "What does “The guide” say about tides and weather?"
    assert is_about_a_title(question)
    (question,) = asked("Tides and weather", title="The guide to everything that one could want to know of it")
    assert question == "What does “The guide to everything that one could want to…” say about tides and weather?"


def test_headings_of_a_text_too_short_to_tell_its_language_are_left_out() -> None:
    assert openers("Chart", "Wild duck observations", [Block("heading", 0, 22)]) == []


def test_nothing_is_made_of_nothing() -> None:
    assert openers("Empty", "", []) == []
