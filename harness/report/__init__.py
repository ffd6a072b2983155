"""The leaderboard: from stored runs and published figures to a static site and to tables for papers."""
