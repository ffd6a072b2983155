"""The task types that ship with the harness, one file each, and the embedded benchmark."""
