"""Figures for papers: readable in grey and by the colour-blind, captions saying what is in them and what not."""
