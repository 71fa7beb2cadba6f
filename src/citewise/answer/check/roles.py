"""Are the parts in a sentence played by those who play them in its quote?

Who does what to whom is read off the order of words around a verb that both share, turned round
for the passive, and off the preposition before a name. It is a rule of thumb, made to be silent
rather than wrong: it objects only where two things have changed places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from citewise.answer.check.reading import ARTICLES, Reading, Word, closest

_TO_BE_WORDS = """
    is are was were be been being am gets got get wird werden wurde wurden worden est sont fut furent ete etait
    etaient es son fue fueron sido era eran
"""
_TO_BE = frozenset(_TO_BE_WORDS.split())
_BY = frozenset(("by", "von", "vom", "durch", "par", "por"))
_PREPOSITIONS_WORDS = """
    by to from of than over into onto for with against around at in on under behind before after through towards von
    vom durch an aus als fur mit gegen par pour avec contre que por para con contra sobre zu zum zur nach
"""
_PREPOSITIONS = frozenset(_PREPOSITIONS_WORDS.split())
_STOPS_WORDS = """
    and or und oder et ou y o
"""
_STOPS = frozenset(_STOPS_WORDS.split())
_PARTICIPLE = (
    "ed",
    "en",
    "wn",
    "ld",
    "nt",
    "pt",
    "ung",
    "ught",
    "ught",
    "t",
    "e",
    "es",
    "ee",
    "ees",
    "do",
    "da",
    "dos",
)
_REACH = 8  # words between a verb and who plays a part in it, at most

Roles = dict[str, tuple[str, ...]]
"""Part → terms of those who play it: ``doer``, ``done to``, or a preposition."""


def swapped(claim: Reading, quoted: Sequence[Reading]) -> tuple[str, str] | None:
    """Two words of the claim, as written, that have changed places between it and its quotes."""
    near = closest(claim, quoted)
    found: tuple[str, str] | None = None
    for sentence in near:
        exchanged = _exchanged(claim, sentence)
        if exchanged is None:
            return None  # one sentence that fits is enough
        found = found or exchanged
    written = {word.term: word.text for word in claim.words}
    return (written[found[0]], written[found[1]]) if found else None


def _exchanged(claim: Reading, sentence: Reading) -> tuple[str, str] | None:
    shared = claim.terms & sentence.terms
    for pivot, mine in _parts(claim, shared):
        theirs = [roles for term, roles in _parts(sentence, shared) if term == pivot]
        pairs = [_exchange(mine, roles, claim, sentence) for roles in theirs]
        if pairs and all(pairs):
            return pairs[0]
    return None


def _exchange(mine: Roles, theirs: Roles, claim: Reading, sentence: Reading) -> tuple[str, str] | None:
    here = {term: role for role, terms in mine.items() for term in terms}
    there = {term: role for role, terms in theirs.items() for term in terms}
    moved = [term for term in here if term in there and here[term] != there[term]]
    for one in moved:
        for other in moved:
            if one != other and here[one] == there[other] and here[other] == there[one]:
                return one, other
    # The part is played by another one, though both are named in both sentences.
    names = _names(claim) & _names(sentence)
    for role in ("doer", "done to"):
        own = [term for term in mine.get(role, ()) if term in names]
        other_names = [term for term in theirs.get(role, ()) if term in names]
        if own and other_names and not set(mine[role]) & set(theirs[role]):
            return own[0], other_names[0]
    return None


def _names(reading: Reading) -> set[str]:
    return {word.term for word in reading.words if word.term and word.capital}


def _parts(reading: Reading, shared: set[str]) -> Iterator[tuple[str, Roles]]:
    """Each shared word that could be a verb or an adjective, with who plays a part around it."""
    for index, word in enumerate(reading.words):
        is_name = word.capital and index
        if word.term in shared and word.figure < 0 and not is_name and not _follows_article(reading.words, index):
            yield word.term, _roles(reading.words, index)


def _follows_article(words: Sequence[Word], index: int) -> bool:
    before = words[index - 1].folded if index else ""
    if before == "a" and index + 1 < len(words):  # "a racheté le groupe": French has
        return words[index + 1].folded not in ARTICLES
    return before in ARTICLES


def _roles(words: Sequence[Word], index: int) -> Roles:
    passive = _is_passive(words, index)
    before = _group(words, index, step=-1)
    roles: Roles = {}
    if before:
        roles["done to" if passive else "doer"] = before
    for role, group in _after(words, index):
        name = role or ("done to" if not passive else "")
        if role in _BY and passive:
            name = "doer"
        if name and name not in roles:
            roles[name] = group
    if passive:  # German puts the doer before the participle
        for at in range(index - 1, max(-1, index - _REACH), -1):
            if words[at].clause == words[index].clause and words[at].folded in ("von", "vom", "durch"):
                group = _run(words, at + 1, step=1)
                roles["doer"] = group
                first = _group(words, at, step=-1)
                if first:
                    roles["done to"] = first
                break
    return roles


def _is_passive(words: Sequence[Word], index: int) -> bool:
    word = words[index].folded
    following = words[index + 1].folded if index + 1 < len(words) else ""
    if following in ("by", "par", "por") and word.endswith(_PARTICIPLE):
        return True
    back = [
        words[at].folded
        for at in range(index - 1, max(-1, index - _REACH), -1)
        if words[at].clause == words[index].clause
    ]
    if word.endswith(_PARTICIPLE) and any(one in _TO_BE for one in back[:3]):
        return True
    return word.startswith("ge") and any(one in ("wurde", "wurden", "wird", "werden") for one in back)


def _group(words: Sequence[Word], index: int, *, step: int) -> tuple[str, ...]:
    """The nearest run of content words before or after a word, in its clause."""
    at = index + step
    while 0 <= at < len(words) and abs(at - index) <= _REACH and words[at].clause == words[index].clause:
        if words[at].folded in _STOPS:
            return ()
        if words[at].term or words[at].figure >= 0:
            return _run(words, at, step=step)
        at += step
    return ()


def _run(words: Sequence[Word], at: int, *, step: int) -> tuple[str, ...]:
    run = []
    clause = words[at].clause if 0 <= at < len(words) else -1
    started = False
    while 0 <= at < len(words) and words[at].clause == clause:
        if words[at].term:
            run.append(words[at].term)
            started = True
        elif started or words[at].folded not in ARTICLES:
            break
        at += step
    return tuple(run)


def _after(words: Sequence[Word], index: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The groups after a word in its clause, each with the preposition before it."""
    preposition = ""
    at = index + 1
    while at < len(words) and at - index <= 2 * _REACH and words[at].clause == words[index].clause:
        word = words[at]
        if word.folded in _STOPS:
            return
        if word.folded in _PREPOSITIONS:
            preposition = word.folded
        elif word.term:
            group = _run(words, at, step=1)
            yield preposition, group
            at += len(group)
            preposition = ""
            continue
        elif word.figure >= 0:
            preposition = preposition or "figure"
        at += 1
