"""Laurel for teams that deploy from a pipeline: what chalice packages, completed into a template for CloudFormation.

``make package STAGE=prod`` writes dist/prod: template.json, deployment.zip, and the parameters of the stage's three
stacks. ``make parameters STAGE=prod`` fills in what only the stacks of the account can say. Nothing else here speaks to
AWS; docs/how-to/deploy-from-a-pipeline.md has the commands that do.
"""
