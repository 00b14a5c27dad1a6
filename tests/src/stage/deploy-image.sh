#!/bin/sh
# Deploys an image: deploy-image.sh <repository> <commit> <environment> VERSION=<tag> <image>
# What it was given is kept beside what runs, as a label of a deployment would.
set -eu
repository=$1 commit=$2 environment=$3 version=$4 image=$5
test "$version" = "VERSION=$HOTFIX_TAG"
test "${image##*@}" = "$HOTFIX_DIGEST"
"$(dirname "$0")/deploy.sh" "$repository" "$commit" "$environment"
echo "$version $image" > "version-$environment"
