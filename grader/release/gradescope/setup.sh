#!/usr/bin/env bash
# Run by Gradescope, as root, when it builds the image: installs the grader beside itself.
set -euo pipefail

cd "${AUTOGRADER_ROOT:-/autograder}/source"

# What apt and pip download is not kept: every byte of the image is fetched with every submission.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
mkdir -p "$scratch/lists/partial" "$scratch/archives/partial"
cat >"$scratch/apt.conf" <<CONF
Dir::State::lists "$scratch/lists/";
Dir::Cache "$scratch/";
APT::Install-Recommends "false";
CONF
export APT_CONFIG="$scratch/apt.conf" DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1

apt-get update
python=
for version in 3.12 3.13 3.11; do
    if apt-get install --yes "python$version" "python$version-venv"; then
        python=python$version
        break
    fi
done
if [ -z "$python" ]; then
    echo 'error: this image offers neither Python 3.11 nor 3.12 nor 3.13' >&2
    echo 'hint: choose the newest Ubuntu in the settings of the autograder' >&2
    exit 1
fi

# The strongest isolation, where the machine lets it work; without it, others take over.
if ! apt-get install --yes bubblewrap; then
    echo 'note: bubblewrap is not installed: submissions are kept in by Landlock or a user id' >&2
fi

PYTHON=$python TORCH=cpu "$python" -S -E scripts/setup_venv.py runtime
.venv/bin/python -m compileall -q grader

# A submission runs as another user, who has nothing to look for here.
chmod -R go-rwx grader/hidden
if [ -f course.key ]; then
    chmod 600 course.key
fi
echo 'The grader is ready.'
