"""Cold starts, and what is sent to Lambda for them: ``python -m bench.cold`` writes docs/explanation/cold-start.md."""
