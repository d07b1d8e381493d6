"""CloudFormation of what `chalice deploy` does not create, and what tells the stages apart."""
