#!/bin/sh
# Runs the executable scripts of /docker-entrypoint.d in order, then becomes the command. Only when that is nginx.
set -eu
say() { [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"; }

case ${1:-} in
nginx | nginx-debug)
    for script in /docker-entrypoint.d/*; do
        case $script in
        *.envsh) if [ -x "$script" ]; then say "reading $script"; . "$script"; fi ;;
        *.sh) if [ -x "$script" ]; then say "running $script"; "$script"; else say "skipping $script, not executable"; fi ;;
        esac
    done
    say "ready to start"
    ;;
esac
exec "$@"
