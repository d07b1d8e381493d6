"""The ranking benchmark: what a rank costs, here and elsewhere, and what keeping it exact costs."""
