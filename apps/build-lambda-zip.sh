#!/usr/bin/env bash
# Builds target/lambda-zip/ARCH/lambda.zip, the Lambda function for Amazon Linux 2023 (`provided.al2023`):
#
#     apps/build-lambda-zip.sh [--arch x86_64|arm64]
#
# Needs Rust, and Python 3.8 or later with pip. What else it needs (cargo-zigbuild and ziglang, from
# PyPI) it installs below target/lambda-zip/tools, once.
set -euo pipefail
cd "$(dirname "$0")/.."

# Amazon Linux 2023 has this glibc; a program that was linked against a later one does not start.
readonly GLIBC=2.34 GOAL_BYTES=5000000
readonly CARGO_ZIGBUILD=0.24.1 ZIGLANG=0.17.1

fail() { echo "error: $*" >&2; exit 1; }

arch=x86_64
while [ $# -gt 0 ]; do
    case $1 in
        --arch) arch=${2:-}; shift 2 || fail '--arch wants x86_64 or arm64' ;;
        *) fail "unknown argument $1: give --arch x86_64 or --arch arm64" ;;
    esac
done
case $arch in
    x86_64) target=x86_64-unknown-linux-gnu ;;
    arm64) target=aarch64-unknown-linux-gnu ;;
    *) fail "there is no Lambda for the architecture $arch: give x86_64 or arm64" ;;
esac
libraries=$(rustc --print target-libdir --target "$target")
[ -d "$libraries" ] ||
    fail "Rust's standard library for $target is not installed: run 'rustup target add $target'"

out=${CARGO_TARGET_DIR:-target}/lambda-zip/$arch
mkdir -p "$out"
tools=$(cd "$out/.." && pwd)/tools
python=$tools/python/bin/python
[ -x "$python" ] || python3 -m venv "$tools/python"
"$python" -m pip install --quiet --disable-pip-version-check \
    "cargo-zigbuild==$CARGO_ZIGBUILD" "ziglang==$ZIGLANG"

export CARGO_ZIGBUILD_PYTHON_PATH=$python PATH=$tools/python/bin:$PATH
cargo zigbuild --locked --package apps --no-default-features --bin bootstrap --profile lambda --target "$target.$GLIBC"
program=${CARGO_TARGET_DIR:-target}/$target/lambda/bootstrap

highest=$(grep -aoE 'GLIBC_2\.[0-9]+' "$program" | sort -uV | tail -n 1)
[ "$(printf 'GLIBC_%s\n%s\n' "$GLIBC" "$highest" | sort -V | tail -n 1)" = "GLIBC_$GLIBC" ] ||
    fail "bootstrap wants $highest, and Amazon Linux 2023 has GLIBC_$GLIBC"

zip=$out/lambda.zip
"$python" - "$program" "$zip" <<'PYTHON'
import sys, zipfile

program, path = sys.argv[1:]
# The same program makes the same file: no time of now, no name of ours.
entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
entry.create_system = 3
entry.external_attr = 0o100755 << 16
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zip, open(program, "rb") as file:
    zip.writestr(entry, file.read(), zipfile.ZIP_DEFLATED, 9)
PYTHON

bytes=$(wc -c <"$zip")
echo "$zip: $bytes bytes, wants $highest at most"
[ "$bytes" -le "$GOAL_BYTES" ] || fail "it has $bytes bytes, and may have $GOAL_BYTES"
