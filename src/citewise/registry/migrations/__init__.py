"""Migrations of the registry, run when it is opened."""
