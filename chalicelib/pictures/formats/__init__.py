"""What the formats of pictures look like from outside: read from their headers alone, in a bounded number of steps.

Each module has a ``survey``: strict, because what one reader of a format takes for a picture and another for something
else is how a file comes to be both.
"""
