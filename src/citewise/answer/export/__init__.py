"""Conversations to take away: Markdown, HTML, Word and JSON; and back in from JSON."""
