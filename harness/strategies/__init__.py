"""How labels travel from source to target, one file a strategy."""
