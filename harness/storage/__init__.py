"""Records on disk, whole or not at all, and a bucket behind a folder."""
