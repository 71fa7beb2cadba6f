"""From ranked chunks to an answer with evidence."""
