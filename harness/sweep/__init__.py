"""From a command line to a plan: what is asked for, which jobs that makes, and what of them is missing."""
