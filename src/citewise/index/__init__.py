"""Vector and keyword indexes: derived from the registry, disposable."""
