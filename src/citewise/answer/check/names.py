"""Are those whom a sentence names also named in its quotes?"""

from __future__ import annotations

from collections.abc import Sequence

from citewise.answer.check.reading import ARTICLES, Reading, Word, closest
from citewise.language.detect import detect
from citewise.language.terms import STOP_WORDS, fold, term_of

_NATIONS = """
    france/french germany/german italy/italian spain/spanish britain/british england/english scotland/scottish
    ireland/irish wales/welsh netherlands/dutch switzerland/swiss sweden/swedish norway/norwegian denmark/danish
    finland/finnish poland/polish greece/greek turkey/turkish china/chinese japan/japanese portugal/portuguese
    russia/russian ukraine/ukrainian hungary/hungarian austria/austrian belgium/belgian brazil/brazilian
    canada/canadian mexico/mexican america/american india/indian israel/israeli egypt/egyptian europe/european
    africa/african asia/asian australia/australian korea/korean iran/iranian iraq/iraqi vietnam/vietnamese
    usa/american us/american uk/british
"""
_NATION = {word: pair.split("/")[0] for pair in _NATIONS.split() for word in pair.split("/")}
_LABEL = 60  # characters of what stands before a colon in a list of points
_ADJECTIVE = ("al", "ic", "ive", "ous", "ful", "ary", "able", "ible", "ly")
_AUXILIARIES_WORDS = """
    is was are were has have had will did hat a ha est
"""
_AUXILIARIES = frozenset(_AUXILIARIES_WORDS.split())
_TITLES_WORDS = """
    mr mrs ms dr prof sir lady herr frau madame monsieur i
"""
_TITLES = frozenset(_TITLES_WORDS.split())


def missing_names(claim: Reading, quoted: Sequence[Reading]) -> list[str]:
    """Names of the claim, as written, that do not stand in the quotes."""
    present = {term for one in quoted for term in one.terms}
    together = " ".join(one.text for one in quoted)
    found: list[str] = []
    last = -2
    for word in _named(claim, quoted):
        if word.folded in _TITLES or _stands(word, present, together, claim):
            continue
        at = claim.words.index(word)
        if at == last + 1:
            found[-1] += f" {word.text}"
        elif word.text not in found:
            found.append(word.text)
        last = at
    return found


def elsewhere(claim: Reading, quoted: Sequence[Reading]) -> tuple[str, str] | None:
    """A name of the claim, and another one of which the quotes say what the claim says of it.

    ``Go is used for the scheduler, while Rust is used for the parser`` does not say that Rust is used
    for the scheduler, though it has all the words.
    """
    for sentence in closest(claim, quoted)[:1]:
        clauses = sentence.clauses
        bags = [{word.term for word in clause if word.term} for clause in clauses]
        shared = claim.terms & sentence.terms
        single = {
            term: at
            for term in shared
            for at in [i for i, bag in enumerate(bags) if term in bag]
            if sum(term in bag for bag in bags) == 1
        }
        names = {word.term: word.text for word in claim.words if word.capital and word.term in single}
        for name, written in names.items():
            others = {single[term] for term in single if term not in names}
            if len(others) != 1 or single[name] in others:
                continue
            there = others.pop()
            rival = next((w for w in clauses[there] if w.capital and w.term and w.term not in claim.terms), None)
            if rival and bags[there] & bags[single[name]]:
                return written, rival.text
    return None


def _named(claim: Reading, quoted: Sequence[Reading]) -> list[Word]:
    german = detect(claim.text) == "de" or detect(" ".join(one.text for one in quoted)) == "de"
    label = claim.text.find(": ") if ":" in claim.text[:_LABEL] else -1
    found = []
    for index, word in enumerate(claim.words):
        if not word.term or not word.text[0].isalpha() or word.folded in STOP_WORDS:
            continue
        capitals = sum(character.isupper() for character in word.text)
        if word.start < label or (word.text.isupper() and claim.text[word.start - 1 : word.start] == "("):
            continue  # "Simplified physics: …"; "the cardiothoracic ratio (CTR)"
        if capitals > 1 and not _all_capitals(claim):
            found.append(word)
        elif not capitals or (german and not _is_bare(claim, index)):
            continue
        elif (index and not _starts(claim, word)) or _is_subject_name(claim, index, quoted):
            found.append(word)
    return found


def _is_bare(claim: Reading, index: int) -> bool:
    """Whether a word of German, where every noun has a capital, stands as names do: without an article."""
    before = claim.words[index - 1].folded if index else ""
    return not index or before in ("in", "aus", "von", "nach", "bei", "durch") or claim.words[index - 1].capital


def _all_capitals(claim: Reading) -> bool:
    letters = [character for character in claim.text if character.isalpha()]
    return sum(character.isupper() for character in letters) > len(letters) / 2


def _starts(claim: Reading, word: Word) -> bool:
    before = claim.text[: word.start].rstrip(" \t\n\"'“”‘’«»([*_-•–—#>|")
    return not before or before[-1] in ".!?:;"


def _is_subject_name(claim: Reading, index: int, quoted: Sequence[Reading]) -> bool:
    """Whether the first word is a name: another follows, or another stands at its place in the quotes."""
    verb = _next_term(claim.words, index)
    if verb is None or verb.clause != claim.words[index].clause or verb.folded.endswith(_ADJECTIVE):
        return False
    if verb.capital:
        return True
    for sentence in closest(claim, quoted):
        for at, word in enumerate(sentence.words[:-1]):
            if word.capital and word.term and not word.folded.endswith("ing"):
                following = _next_term(sentence.words, at)
                bare = not at or sentence.words[at - 1].folded not in ARTICLES
                if bare and following and following.term == verb.term:
                    return True
    return False


def _next_term(words: Sequence[Word], index: int) -> Word | None:
    """The next word, or the one after an auxiliary, if it is a content word."""
    following = words[index + 1 : index + 3]
    if following and not following[0].term and following[0].folded in _AUXILIARIES:
        following = following[1:]
    return following[0] if following and following[0].term else None


def _stands(word: Word, present: set[str], together: str, claim: Reading) -> bool:
    if set(term_of(word.text)) <= present:
        return True
    folded = word.folded
    nation = _NATION.get(folded)
    if nation and any(_NATION.get(term) == nation for term in _folded_words(together)):
        return True
    if word.text.isupper() and len(word.text) > 1:
        return word.text.replace(".", "") in _initials(together)
    # Spelled out here, by its initials there.
    run = _run_of(claim, word)
    return len(run) > 1 and "".join(one[0] for one in run).casefold() in _folded_words(together)


def _folded_words(text: str) -> set[str]:
    return {fold(word).strip(".,;:()") for word in text.split()}


def _initials(text: str) -> set[str]:
    """The initials of every run of capitalised words, small ones between them passed over."""
    found: set[str] = set()
    run: list[str] = []
    for written in (*text.split(), "."):
        word = written.strip(".,;:()\"'“”")
        if word[:1].isupper():
            run.append(word[0])
        elif not (run and word in ("of", "the", "for", "and", "de", "der", "des", "für", "und")):
            run = []
        found |= {"".join(run[start:]) for start in range(len(run))}
    return found


def _run_of(claim: Reading, word: Word) -> list[str]:
    run: list[str] = []
    inside = False
    for one in claim.words:
        if one.capital and one.term:
            run.append(one.text)
            inside = inside or one is word
        elif one.folded not in ("of", "the", "for", "and"):
            if inside:
                break
            run = []
    return run if inside else []
