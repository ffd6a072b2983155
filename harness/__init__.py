"""A multilingual benchmark harness: train on source languages, score every target language, trust the numbers."""

__version__ = "0.1.0"
