"""HTML: what stands around the text of a page on every page of its site."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

_ROLES = {"navigation": "navigation", "search": "search forms", "banner": "page headers", "contentinfo": "page footers"}
_AROUND = {"header": "page headers", "footer": "page footers", "aside": "sidebars", "form": "forms"}
_ROLES_AROUND = {"complementary": "sidebars"}
_LEAST_MAIN = 200  # characters without which a main part is none
_LEAST_SHARE = 0.3  # of all words of the page likewise
_LINKED = 0.7  # share of the words of a menu that are links
_MOST_LETTERS = 1_000_000  # looked at in menus of one page: those within others are looked at again
_MENU = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|navbox|menu|breadcrumbs?|sidebar|toc|pagination|pager)(?:$|[\s_-])", re.I
)


class Boilerplate:
    """Tells navigation, headers and footers of a page from its text.

    What the page marks as its main part (``main``, or its only ``article``) is kept, and around it
    headers, footers and sidebars are left out. Everywhere, what is marked as navigation is left
    out, and what is called a menu and consists of links.
    """

    def __init__(self, tree: LexborHTMLParser) -> None:
        main = _main_part(tree)
        self._has_main = main is not None
        self._letters_left = _MOST_LETTERS
        self._inside = {node.mem_id for node in main.traverse()} if main is not None else set()
        self._above = {main.mem_id} if main is not None else set()
        above = main.parent if main is not None else None
        while above is not None:
            self._above.add(above.mem_id)
            above = above.parent

    def kind(self, node: LexborNode) -> str:
        """Return what an element is if it is to be left out, else ""."""
        if node.mem_id in self._above:
            return ""
        tag, role = node.tag or "", node.attributes.get("role") or ""
        if role in _ROLES:
            return _ROLES[role]
        if self._has_main and node.mem_id not in self._inside:
            kind = _AROUND.get(tag) or _ROLES_AROUND.get(role, "")
            # A page's own title often stands in a header above its main part.
            if kind and node.css_first("h1") is None:
                return kind
        names = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}"
        if tag in ("div", "ul", "ol", "section", "table", "aside") and _MENU.search(names) and self._letters_left > 0:
            length = _length(node)
            self._letters_left -= length
            return "navigation" if sum(map(_length, node.css("a"))) >= _LINKED * max(1, length) else ""
        return ""


def _main_part(tree: LexborHTMLParser) -> LexborNode | None:
    """Return the element that a page marks as its main part; ``None`` if none is, or it holds too little."""
    for selector in ("main, [role=main]", "article"):
        found = tree.css(selector)
        if len(found) == 1:
            length = _length(found[0])
            body = tree.body
            if length >= _LEAST_MAIN and (body is None or length >= _LEAST_SHARE * _length(body)):
                return found[0]
    return None


def _length(node: LexborNode) -> int:
    """Count the letters that a reader sees."""
    unseen = sum(len("".join(each.text().split())) for each in node.css("script, style"))
    return len("".join(node.text().split())) - unseen
