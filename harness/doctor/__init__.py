"""What this machine has, what can be used from it, and a mend for each fault."""
