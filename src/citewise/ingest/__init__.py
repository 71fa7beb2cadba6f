"""From bytes to indexed chunks: parse, split, embed, publish."""
