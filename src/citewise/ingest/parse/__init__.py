"""One module per family of formats: bytes to text with anchors."""
