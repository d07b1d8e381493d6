"""What ends a deployment."""


class DeployError(Exception):
    """The deployment could not go on. The message says what, where, and what would be right.

    Whatever had been done by then stays, and the same command goes on from there.
    """
