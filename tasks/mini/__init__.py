"""The embedded benchmark: five small tasks in sixteen languages that load at once and need no network.

What it is. ``mini_ner``, ``mini_pos``, ``mini_nli``, ``mini_qa`` and ``mini_retrieval`` are made of the same meanings,
item for item, in every language; ``mini_parallel`` is training text for vectors, made of other meanings. The languages
come with relatives on purpose (English, German, Dutch; Spanish, Italian; Russian, Ukrainian; Finnish, Estonian), so
that transfer between them is something to be seen. It is there to try a whole sweep in minutes and to test the harness.

How it was made. ``inventory`` lists what can be talked about, ``meanings`` draws clauses from it with a fixed seed, and
``realise`` says them with the words of ``languages/<code>.yaml``: closed sets of fully inflected forms and templates,
written by hand, with no morphology engine between. What is tested is kept apart from what is trained on by its
meaning, and half of the names in the test sets occur nowhere else.

What it is not. It is synthetic text with a small vocabulary: its scores say nothing of how well a model knows a
language, and they must never be mixed with results on real data, on a board or in an average.
"""
