"""The regression gate: stored results against a baseline, cell by cell and on average, with a verdict for CI."""
