#!/usr/bin/env bash
# Builds the images mogile2s3:local and mogile2s3-tracker:local from the programs of this machine, which runs Linux.
# PROFILE=dev takes the programs that `cargo test` has built. BASE names another image than debian:trixie-slim.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${PROFILE:-release}
base=${BASE:-debian:trixie-slim}
cargo build --locked --profile "$profile" --bin rehearse --bin mogile2s3
built=${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")
# Not the whole folder of the build: all that is there would go to the engine.
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
for image in mogile2s3 mogile2s3-tracker; do
    name=${image#mogile2s3-}
    program=$([ "$name" = tracker ] && echo rehearse || echo mogile2s3)
    mkdir "$context/$name"
    cp "$built/$program" "docker/$name.Dockerfile" "$context/$name/"
    # Symbols are most of a program that is not for release.
    ! command -v strip > /dev/null || strip "$context/$name/$program"
    docker build --quiet --build-arg "BASE=$base" --tag "$image:local" --file "$context/$name/$name.Dockerfile" \
        "$context/$name" > /dev/null
    echo "$image:local"
done
