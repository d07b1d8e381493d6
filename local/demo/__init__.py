"""The demo: a crowd plays real games against Laurel over HTTP, and every rank is held against a sort of its own."""
