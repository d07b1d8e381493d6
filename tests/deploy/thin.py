"""``python -m tests.deploy.thin ENDPOINT STAGE PROJECT``: a deployment that a test can kill."""

import sys
from pathlib import Path

from deploy import stages
from deploy.deployment import Deployment
from local.target import embedded

if __name__ == "__main__":
    endpoint, stage, project = sys.argv[1:]
    target = embedded(endpoint, stage=stage, home=Path(project))
    Deployment(target, stages.read(stage), Path(project), thin=True).run()
