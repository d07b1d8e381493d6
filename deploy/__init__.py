"""From an empty account to a running stage and back: the one way in which Laurel is deployed.

``make deploy``, ``make diff`` and ``make destroy`` take it to AWS, the local run and the tests to the embedded AWS. It
is not sent to Lambda, and knows nothing of the local run: a ``Target`` says where to go.
"""
