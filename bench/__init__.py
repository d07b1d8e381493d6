"""Benchmarks: every figure the documents name, from scripts that anyone can run again. Not deployed."""
