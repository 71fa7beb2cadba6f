"""Does a sentence deny what its quote says, or the other way round?

Read off by words of denial and what stands in their reach, within the clause that shares most
with the claim; and by words for opposites. No grammar is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from citewise.answer.check.reading import Reading, Word, closest
from citewise.language.terms import NEGATIONS, fold, stem, term_of

_MORE_NEGATIONS = """
    ne pas rien sans ohne weder niemand nichts keinem keiner sin nada nadie tampoco ningun hardly scarcely barely rarely
    seldom nobody impossible unable forbidden prohibited banned unmoglich verboten interdit prohibido imposible
    fail fails failed failing refuse refuses refused refusing lack lacks lacked lacking deny denies denied prevent
    prevents prevented
"""
_CUES = frozenset(NEGATIONS | set(_MORE_NEGATIONS.split()) | {"kaum", "ni"})
_HARMLESS = re.compile(
    r"\b(?:not|nicht|non|no) (?:only|just|merely|simply|nur|seulement|solo|sólo|solamente)\b"
    r"|\bwhether or not\b|\bno doubt\b|\bnot least\b|\bno(?:t)? (?:more|less|fewer|later|earlier) than\b|\bnot until\b"
    r"|\bno matter\b|\bnothing but\b|\bno\. ?\d|\bnon seulement\b",
    re.IGNORECASE,
)
_OPPOSITES = """
    increase/decrease increase/fall increase/drop increase/decline rise/fall rise/drop rise/decline rise/decrease
    grow/shrink gain/lose raise/lower raise/cut higher/lower high/low more/fewer more/less larger/smaller large/small
    bigger/smaller longer/shorter long/short heavier/lighter heavy/light faster/slower fast/slow older/younger old/new
    older/newer deeper/shallower wider/narrower strong/weak stronger/weaker better/worse best/worst early/late
    earlier/later before/after above/below over/under inside/outside open/closed open/shut opened/closed begin/end
    start/end start/stop win/lose won/lost accept/reject approve/reject allow/forbid allow/prohibit allow/ban
    permit/forbid permit/prohibit include/exclude included/excluded success/failure succeed/fail successful/failed
    manage/fail pass/fail passed/failed legal/illegal present/absent import/export enter/leave arrive/depart
    arrival/departure buy/sell bought/sold borrow/lend borrowed/lent add/remove safe/dangerous safe/unsafe
    healthy/sick alive/dead male/female men/women man/woman boys/girls left/right north/south east/west
    northern/southern eastern/western upper/lower hot/cold warm/cold wet/dry full/empty cheap/expensive rich/poor
    public/private required/optional mandatory/optional mandatory/voluntary compulsory/optional maximum/minimum
    most/least majority/minority positive/negative support/oppose supported/opposed agree/disagree agreed/disagreed
    love/hate true/false profit/loss profits/losses income/expense sooner/later first/last always/never enable/disable
    enabled/disabled active/inactive internal/external domestic/foreign temporary/permanent temporarily/permanently
    visible/invisible built/demolished created/destroyed appointed/dismissed hired/fired improved/worsened
    strengthened/weakened expanded/contracted accelerated/slowed
    steigen/sinken gestiegen/gesunken stieg/sank offen/geschlossen geoffnet/geschlossen erlaubt/verboten hoher/niedriger
    grosser/kleiner langer/kurzer vor/nach mehr/weniger schwerer/leichter alter/junger
    augmente/diminue ouvert/ferme ouverte/fermee autorise/interdit avant/apres plus/moins augmenté/baissé
    aumento/disminuyo abierto/cerrado permitido/prohibido antes/despues mayor/menor
"""
_SAME = 0.5  # share of the claim's words that a sentence must have to deny or contradict it
_LONGEST = 60  # words of a sentence whose denial counts
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "mis")


def denies(claim: Reading, quoted: Sequence[Reading]) -> bool:
    """Whether, in what both talk about, one of claim and quotes denies and the other does not."""
    # A row, or a passage without full stops, has a denial of something else too often.
    near = [one for one in _about_the_same(claim, quoted) if len(one.words) <= _LONGEST]
    return any(_clause_differs(clause, near) for clause in claim.clauses if not _concedes(clause))


def opposite(claim: Reading, quoted: Sequence[Reading]) -> tuple[str, str] | None:
    """A word of the claim and its opposite in the quotes, said of the same and both said or both denied."""
    own = {word.folded for word in claim.words} | claim.terms
    denied = _denied(claim.words)
    for sentence in _about_the_same(claim, quoted):
        against = _denied(sentence.words)
        present = {word.folded for word in sentence.words} | sentence.terms
        for index, word in enumerate(claim.words):
            if word.folded in present or (word.term and word.term in present):
                continue
            for at, other in enumerate(sentence.words):
                if other.folded in own or (other.term and other.term in own):
                    continue
                if _opposed(word.folded, other.folded) and (index in denied) == (at in against):
                    return word.text, other.text
    return None


def _about_the_same(claim: Reading, quoted: Sequence[Reading]) -> list[Reading]:
    """The closest sentences, where they hold enough of the claim to be said to talk about the same."""
    return [one for one in closest(claim, quoted) if len(claim.terms & one.terms) >= _SAME * len(claim.terms)]


def _concedes(clause: Sequence[Word]) -> bool:
    """``even if it is not …``: a case that a quote need not tell of."""
    return [word.folded for word in clause[:2]] in (["even", "if"], ["even", "though"])


def _clause_differs(clause: Sequence[Word], near: Sequence[Reading]) -> bool:
    wanted = {word.term for word in clause if word.term}
    if not wanted:
        return False
    own = {clause[index].term for index in _denied(clause) if clause[index].term}
    best = 0.0
    differs = False
    for sentence in near:
        for other in sentence.clauses:
            shared = wanted & {word.term for word in other if word.term}
            if not shared or 2 * len(shared) < len(wanted):
                continue
            theirs = {other[index].term for index in _denied(other) if other[index].term}
            one_differs = _differ(own, theirs, shared, other)
            if len(shared) > best:
                best, differs = len(shared), one_differs
            elif len(shared) == best:
                differs = differs and one_differs  # one that fits is enough
    return differs


def _differ(own: set[str], theirs: set[str], shared: set[str], clause: Sequence[Word]) -> bool:
    here, there = own & shared, theirs & shared
    if here and there:
        return not here & there
    if own and theirs:
        return False  # both deny; what exactly, the words they share do not tell
    return bool(here) != bool(there)


def _denied(words: Sequence[Word]) -> set[int]:
    """Positions of the words that are in the reach of an odd number of denials."""
    counts: dict[int, int] = {}
    for reach in _reaches(words):
        for index in reach:
            counts[index] = counts.get(index, 0) + 1
    return {index for index, count in counts.items() if count % 2}


def _reaches(words: Sequence[Word]) -> Iterator[list[int]]:
    spoken = " ".join(word.folded for word in words)
    harmless = bool(_HARMLESS.search(spoken))
    french_ne = any(word.folded == "ne" or word.folded.startswith("n'") for word in words)
    for index, word in enumerate(words):
        if not _is_cue(word.folded) or (french_ne and word.folded in ("pas", "jamais", "rien", "aucun", "aucune")):
            continue
        if harmless and _HARMLESS.match(" ".join(one.folded for one in words[max(0, index - 2) : index + 3])):
            continue
        if harmless and _HARMLESS.match(" ".join(one.folded for one in words[index : index + 3])):
            continue
        after = [at for at in range(index + 1, len(words)) if words[at].clause == word.clause]
        if word.folded.startswith("n'"):
            after = [index, *after]
        if not any(words[at].term or words[at].figure >= 0 for at in after):
            after = [at for at in range(index) if words[at].clause == word.clause]
        yield after


def _is_cue(folded: str) -> bool:
    return folded in _CUES or folded.endswith(("n't", "n’t")) or folded.startswith("n'")


def _key(folded: str) -> str:
    return stem(folded)


@lru_cache(maxsize=1)
def _pairs() -> frozenset[tuple[str, str]]:
    found = set()
    for pair in _OPPOSITES.split():
        one, other = (fold(word) for word in pair.split("/"))
        for first, second in ((one, other), (_key(one), _key(other))):
            found |= {(first, second), (second, first)}
    return frozenset(found)


def _opposed(one: str, other: str) -> bool:
    if (one, other) in _pairs() or (_key(one), _key(other)) in _pairs():
        return True
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return len(shorter) >= 4 and bool(term_of(shorter)) and any(longer == prefix + shorter for prefix in _PREFIXES)
