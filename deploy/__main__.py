"""``python -m deploy deploy|diff|destroy STAGE``: what ``make deploy``, ``make diff`` and ``make destroy`` run."""
