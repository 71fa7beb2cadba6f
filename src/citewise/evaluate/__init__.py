"""Measures retrieval, citations and abstention on a set of questions."""
