#!/bin/sh
# `docker run curlimages/curl -s URL` and `docker run curlimages/curl URL` mean curl with those arguments.
set -e
if [ "${1#-}" != "${1:-}" ] || ! command -v "${1:-curl}" > /dev/null; then set -- curl "$@"; fi
exec "$@"
