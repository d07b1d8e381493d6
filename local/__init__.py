"""Laurel on one's own machine: an embedded AWS, the resources of infra/, the app deployed by chalice itself."""
