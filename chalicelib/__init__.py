"""Laurel: a serverless game backend whose rankings are exact."""

VERSION = "0.1.0"
