#!/bin/sh
# Deploys by putting a commit's files into a folder: deploy-to-folder.sh <repository> <commit> <environment>
# Runs in the bot's state folder. The new files are complete before a link is switched to them, so that nobody ever sees
# half a deployment, and running it again for the same commit changes nothing.
set -eu
repository=$1 commit=$2 environment=$3

place="deployed/$repository/$environment"
release="$place/releases/$commit"
mkdir -p "$place/releases"

if [ ! -d "$release" ]; then
    fresh=$(mktemp -d "$place/releases/.fresh-XXXXXX")
    trap 'rm -rf "$fresh" "$fresh.tar"' EXIT
    git --git-dir="repositories/$repository.git" archive --format=tar --output="$fresh.tar" "$commit"
    tar -xf "$fresh.tar" -C "$fresh"
    chmod 755 "$fresh"  # mktemp makes it for us alone
    mv "$fresh" "$release"
fi

ln -sfn "releases/$commit" "$place/current.new"
mv -T "$place/current.new" "$place/current"
echo "$environment of $repository runs $commit"
