"""The rules of the sentence check, one subject a module."""
