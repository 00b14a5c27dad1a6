#!/bin/sh
# Prints the commit that runs, or nothing when there is none yet: running-in-folder.sh <repository> <environment>
set -eu
current="deployed/$1/$2/current"
if [ -L "$current" ]; then
    release=$(readlink "$current")
    echo "${release##*/}"
fi
