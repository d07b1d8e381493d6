"""Pictures: what making avatars takes. ``python -m bench.pictures`` writes docs/explanation/avatars-benchmark.md."""
