"""From a plan to its end: who runs what, here or on a cluster, and how far they are."""
