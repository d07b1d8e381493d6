"""The policies of whoever deploys a stage, as IAM takes them: ``STAGE=dev python -m deploy.permissions`` writes them.

They are in infra/deployer, written as the policies of functions are. They go to dist/<stage>/permissions, filled in for
the account and region of whoever asks, who needs no permission for that.
"""

import json
import os
import sys
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from deploy import policies, stages
from deploy.errors import DeployError, explained
from deploy.layout import CHECKOUT, INFRA
from deploy.policies import Place
from deploy.target import Target

DEPLOYER = INFRA / "deployer"


def main(stage: str) -> None:
    """Write the policies, and print where they are."""
    try:
        target = Target.aws(stages.read(stage).name, os.environ)
        place = policies.place_of(target)
    except (BotoCoreError, ClientError, DeployError) as error:
        sys.exit(explained(error))
    for file in write(place, CHECKOUT / "dist" / place.stage / "permissions"):
        print(file.relative_to(CHECKOUT))


def write(place: Place, directory: Path) -> list[Path]:
    """Write every policy of whoever deploys, filled in for a place, and return the files."""
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for policy in sorted(DEPLOYER.glob("*.json")):
        files.append(directory / f"laurel-{place.stage}-{policy.name}")
        files[-1].write_text(json.dumps(policies.completed(policy, place, ()), indent=2) + "\n")
    return files


if __name__ == "__main__":
    main(os.environ.get("STAGE", ""))
