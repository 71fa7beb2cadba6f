"""The truth: documents, jobs, conversations and the pointer to the active index generation."""
