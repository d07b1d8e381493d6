"""The floor that speaks to AWS: the only importer of pynamodb and botocore."""
