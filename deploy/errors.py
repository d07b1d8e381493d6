"""What ends a deployment, and how it is said."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
UNKNOWN = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"})

SIGN_IN = (
    "Name them in the environment (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or sign in: "
    "aws sso login."
)

ADVICE: tuple[tuple[type[BotoCoreError], str], ...] = (
    (NoCredentialsError, f"There are no AWS credentials. {SIGN_IN}"),
    (PartialCredentialsError, f"The AWS credentials are not complete. {SIGN_IN}"),
    (UnauthorizedSSOTokenError, f"The AWS credentials have expired. {SIGN_IN}"),
    (TokenRetrievalError, f"The AWS credentials have expired. {SIGN_IN}"),
    (NoRegionError, "No AWS region is set. Name the one to deploy to, as AWS_REGION=eu-central-1."),
    (ProfileNotFound, "AWS_PROFILE must name a profile of ~/.aws/config: see aws configure list-profiles."),
    (EndpointConnectionError, "AWS cannot be reached. Is the region's name right, and the network up?"),
    (BotoCoreError, "The AWS settings of this environment do not do."),
)


class DeployError(Exception):
    """The deployment could not go on. The message says what, where, and what would be right.

    Whatever had been done by then stays, and the same command goes on from there.
    """


def explained(error: Exception) -> str:
    """Return what went wrong in the words of whoever can mend it."""
    if isinstance(error, ClientError):
        return _refused(error)
    advice = next((text for kind, text in ADVICE if isinstance(error, kind)), None)
    return f"{advice} ({error})" if advice else str(error).strip()


def _refused(error: ClientError) -> str:
    code, message = (error.response["Error"].get(name, "") for name in ("Code", "Message"))
    if code in DENIED:
        right = "Give whoever deploys the permission, and run the same command again: what was done stays."
        return f"AWS does not permit {error.operation_name}: {message} {right}"
    if code in EXPIRED:
        return f"The AWS credentials have expired: {message} {SIGN_IN} Then run the same command again."
    if code in UNKNOWN:
        return f"AWS does not know these credentials: {message} {SIGN_IN}"
    return f"{error.operation_name} failed: {code}: {message}"
