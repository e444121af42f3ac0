#!/bin/sh
# `docker run node app.js` and `docker run node --version` mean node with those arguments; a known program runs as it is.
set -e
case ${1:-} in
-*) set -- node "$@" ;;
*) if [ -n "${1:-}" ] && ! command -v "$1" > /dev/null || { [ -f "${1:-}" ] && [ ! -x "${1:-}" ]; }; then set -- node "$@"; fi ;;
esac
exec "$@"
