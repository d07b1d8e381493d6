"""The latency of AWS's services as it is injected: assumptions, in seconds, of calls from the same region.

Round figures for medians. DynamoDB promises single-digit milliseconds; a transaction takes two rounds within it.
"""

DYNAMODB, DYNAMODB_TRANSACTION = 0.004, 0.008
REDIS = 0.0005
"""ElastiCache in the same availability zone."""
POSTGRES = 0.001
"""RDS in the same availability zone."""
