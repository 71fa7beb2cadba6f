"""Keeps keys out of everything that is written for people to read."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "[hidden]"

# Keys of the providers we speak to, and the headers they travel in. A pattern asks for
# enough characters that ordinary words ("sk-learn") stay readable.
_PATTERNS = (
    re.compile(r"\b(?:sk|pk|rk|xai|gsk|hf|co)[-_][A-Za-z0-9_\-]{12,}"),
    re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/\-]{8,}=*"),
    re.compile(r"(?i)\b(x-api-key|api[_-]?key|authorization|password|secret)(['\"]?\s*[:=]\s*['\"]?)[^\s'\",;]{6,}"),
)
_SHORTEST_SECRET = 6  # hiding shorter configured values would blacken ordinary text


def redact(text: str, *, secrets: Iterable[str] = ()) -> str:
    """Replace whatever looks like a key, and the given secrets, by ``[hidden]``.

    Args:
        text: Anything that is about to be logged or shown.
        secrets: Values that are known to be secret, whatever they look like; those under
            six characters are ignored.
    """
    for secret in sorted({secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    key, scheme, named = _PATTERNS
    text = key.sub(HIDDEN, text)
    text = scheme.sub(rf"\1 {HIDDEN}", text)
    return named.sub(_hide_value, text)


def _hide_value(match: re.Match[str]) -> str:
    # "Authorization: Bearer [hidden]" was dealt with by the pattern before.
    return match.group(0) if HIDDEN in match.group(0) else f"{match.group(1)}{match.group(2)}{HIDDEN}"
