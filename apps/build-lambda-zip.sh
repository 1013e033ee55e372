#!/usr/bin/env bash
# Builds target/lambda-zip/ARCH/lambda.zip, the Lambda function for Amazon Linux 2023 (`provided.al2023`):
#
#     apps/build-lambda-zip.sh [--arch x86_64|arm64]
#
# Needs Rust, and Python 3.8 or later with pip. What else it needs (cargo-zigbuild, ziglang and zopfli,
# from PyPI) it installs below target/lambda-zip/tools, once.
set -euo pipefail
cd "$(dirname "$0")/.."

# Amazon Linux 2023 has this glibc; a program that was linked against a later one does not start.
readonly GLIBC=2.34 GOAL_BYTES=5000000
readonly CARGO_ZIGBUILD=0.24.1 ZIGLANG=0.17.1 ZOPFLI=0.4.3

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
    "cargo-zigbuild==$CARGO_ZIGBUILD" "ziglang==$ZIGLANG" "zopfli==$ZOPFLI"

export CARGO_ZIGBUILD_PYTHON_PATH=$python PATH=$tools/python/bin:$PATH
# Sources are named without the folder that this machine has them in: the zip is the same everywhere,
# and smaller.
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src="
cargo zigbuild --locked --package apps --no-default-features --bin bootstrap --profile lambda --target "$target.$GLIBC"
program=${CARGO_TARGET_DIR:-target}/$target/lambda/bootstrap

highest=$(grep -aoE 'GLIBC_2\.[0-9]+' "$program" | sort -uV | tail -n 1)
[ "$(printf 'GLIBC_%s\n%s\n' "$GLIBC" "$highest" | sort -V | tail -n 1)" = "GLIBC_$GLIBC" ] ||
    fail "bootstrap wants $highest, and Amazon Linux 2023 has GLIBC_$GLIBC"

zip=$out/lambda.zip
"$python" - "$program" "$zip" <<'PYTHON'
import struct, sys, zipfile, zlib
import zopfli.zlib

program, path = sys.argv[1:]
with open(program, "rb") as file:
    content = file.read()
# Zopfli finds a smaller DEFLATE stream than zlib, by three in a hundred. The zip wants it bare, without the
# header and the checksum of zlib's format.
packed = zopfli.zlib.compress(content, numiterations=1)[2:-4]

# Python's zipfile takes no packed content, so the records are written here (APPNOTE.TXT 4.3). The same
# program makes the same file: no time of now (1 January 1980), no name of ours.
name, unix, deflate, version, date = b"bootstrap", 3, 8, 20, 1 << 5 | 1
common = struct.pack("<HHHHHIIIHH", version, 0, deflate, 0, date, zlib.crc32(content), len(packed),
                     len(content), len(name), 0)
local = b"PK\3\4" + common + name
attributes = 0o100755 << 16
central = (b"PK\1\2" + struct.pack("<H", unix << 8 | version) + common
           + struct.pack("<HHHII", 0, 0, 0, attributes, 0) + name)
end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local) + len(packed), 0)
with open(path, "wb") as file:
    file.write(local + packed + central + end)

with zipfile.ZipFile(path) as zip:
    assert zip.namelist() == ["bootstrap"] and zip.read("bootstrap") == content
PYTHON

bytes=$(wc -c <"$zip")
echo "$zip: $bytes bytes, wants $highest at most"
[ "$bytes" -le "$GOAL_BYTES" ] || fail "it has $bytes bytes, and may have $GOAL_BYTES"
