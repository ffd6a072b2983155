"""Tasks that are answered by neighbours: what is embedded, what is looked for where, and what becomes of the ranks."""
