#!/usr/bin/env bash
# Prints what the Lambda function in a zip is in figures: its size, its start, its memory, and its
# requests a file. It runs as it was zipped, against the rehearsal's world:
#
#     apps/measure-lambda.sh [target/lambda-zip/x86_64/lambda.zip]
#
# Exits with 1 when it does not start as fast as it should, with 3 when it needs more memory than it
# may have or cannot be measured.
set -euo pipefail
cd "$(dirname "$0")/.."

zip=${1:-${CARGO_TARGET_DIR:-target}/lambda-zip/x86_64/lambda.zip}
[ -f "$zip" ] || { echo "error: $zip is not there: make it by apps/build-lambda-zip.sh" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 - "$zip" "$folder/bootstrap" <<'PYTHON'
import os, stat, sys, zipfile

path, program = sys.argv[1:]
with zipfile.ZipFile(path) as zip:
    (entry,) = zip.infolist()
    mode = entry.external_attr >> 16
    if entry.filename != "bootstrap" or not mode & stat.S_IXOTH:
        sys.exit(f"error: {path} must hold one executable bootstrap, not {entry.filename} {mode:o}")
    with open(program, "wb") as file:
        file.write(zip.read(entry))
    os.chmod(program, mode & 0o777)
    size = os.path.getsize(path)
    print(f"size: {size / 1e6:.1f} MB zipped (goal: 5 MB), {entry.file_size / 1e6:.1f} MB unzipped")
PYTHON

cargo run --quiet --bin rehearse -- lambda --program "$folder/bootstrap"
