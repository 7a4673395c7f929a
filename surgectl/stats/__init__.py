"""Histograms, series and percentiles."""
