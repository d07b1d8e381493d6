#!/usr/bin/env bash
# Brings a packaged stage up, or up to date, with the AWS command alone: its three stacks, one after another.
# What has not changed is left alone, and what broke off is gone on with.
#
#   STAGE=prod ARTEFACTS=<a bucket> [EXECUTION_ROLE=<the ARN of CloudFormation's role>] deploy/pipeline/deploy.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${STAGE:?which one, as in infra/stages.yaml}" "${ARTEFACTS:?the bucket that archives are uploaded to}"

dist=dist/$STAGE
artefacts=(--s3-bucket "$ARTEFACTS" --s3-prefix "laurel/$STAGE")

deploy() { # the stack's name, its template, its parameters, and what else is to be said
	aws cloudformation deploy --stack-name "$1" --template-file "$2" --parameter-overrides "file://$3" "${artefacts[@]}" \
		--tags service=laurel "stage=$STAGE" --no-fail-on-empty-changeset \
		${EXECUTION_ROLE:+--role-arn "$EXECUTION_ROLE"} "${@:4}"
}

deploy_app() {
	deploy "laurel-$STAGE-app" "$dist/packaged.yaml" "$dist/app-parameters.json" --capabilities CAPABILITY_IAM
}

deploy "laurel-$STAGE" infra/template.yaml "$dist/infrastructure-parameters.json"

make parameters "STAGE=$STAGE"
aws cloudformation package --template-file "$dist/template.json" "${artefacts[@]}" --output-template-file "$dist/packaged.yaml"
deploy_app

cp "$dist/app-parameters.json" "$dist/deployed.json"
make parameters "STAGE=$STAGE"
deploy "laurel-$STAGE-edge" infra/edge.yaml "$dist/edge-parameters.json"

# The first time, the edge has just made the group that the API's stage writes its access log to.
make parameters "STAGE=$STAGE"
cmp -s "$dist/app-parameters.json" "$dist/deployed.json" || deploy_app
