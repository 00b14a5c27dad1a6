#!/bin/sh
# Deploys by putting a commit's files into a folder: deploy-to-folder.sh <repository> <commit> <environment>
# Runs in the bot's state folder. The new files are complete before a link is switched to them, so that nobody ever sees
# half a deployment, and running it again for the same commit changes nothing.
set -eu
repository=$1 commit=$2 environment=$3

place="$PWD/deployed/$repository/$environment"
release="$place/releases/$commit"
mkdir -p "$place/releases"

if [ ! -d "$release" ]; then
    fresh=$(mktemp -d "$place/releases/.fresh-XXXXXX")
    bare=$(mktemp -d "$place/releases/.bare-XXXXXX")
    trap 'rm -rf "$fresh" "$bare"' EXIT
    # What is deployed is the tree that was approved, byte for byte. Attributes in the repository could leave files out
    # (export-ignore), rewrite them (export-subst, ident, eol, working-tree-encoding) or run filters, and its configuration
    # could name hooks and filters. So the tree is written through a repository of our own that has neither: no
    # configuration but ours, and attributes that are read before any in the tree and unset all of them.
    unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT
    export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ATTR_NOSYSTEM=1
    format=sha1
    if [ "${#commit}" -eq 64 ]; then format=sha256; fi
    git init --quiet --bare --template= --object-format="$format" "$bare"
    (cd "repositories/$repository.git/objects" && pwd) > "$bare/objects/info/alternates"
    mkdir -p "$bare/info"
    echo '* -text -eol -ident -filter -working-tree-encoding -export-ignore -export-subst' > "$bare/info/attributes"
    export GIT_INDEX_FILE="$bare/index"
    git --git-dir="$bare" -c core.autocrlf=false -c core.hooksPath=/dev/null read-tree "$commit^{tree}"
    git --git-dir="$bare" --work-tree="$fresh" -c core.autocrlf=false -c core.hooksPath=/dev/null checkout-index --all
    chmod 755 "$fresh"  # mktemp makes it for us alone
    mv "$fresh" "$release"
fi

ln -sfn "releases/$commit" "$place/current.new"
mv -T "$place/current.new" "$place/current"
echo "$environment of $repository runs $commit"
