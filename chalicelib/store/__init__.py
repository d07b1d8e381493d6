"""The floor that talks to DynamoDB: the only importer of pynamodb and botocore."""
