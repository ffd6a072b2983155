"""Configuration groups: tasks, models, strategies, suites, language sets, tracking, experiments."""
