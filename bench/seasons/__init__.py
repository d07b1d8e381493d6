"""What the end of a period costs, and whether it is exact, with processes that die and run twice."""
