"""Laurel on one's own machine: an embedded AWS, the tables of infra/, and the app deployed by chalice's own deployer."""
