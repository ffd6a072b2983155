"""JSON Schemas of the records in the store, as package data: ``cell.json``, ``job.json``, ``error.json``."""
