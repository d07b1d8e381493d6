"""The composition roots: what each kind of function needs, built once, on first use, and nothing of the others."""
