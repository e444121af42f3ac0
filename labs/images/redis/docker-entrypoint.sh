#!/bin/sh
# `docker run redis --appendonly yes` and `docker run redis /my.conf` mean redis-server with those arguments.
# Started as root, the server gives up root and owns its data folder; any other command runs as it is.
set -eu
case ${1:-} in
-* | *.conf) set -- redis-server "$@" ;;
esac

if [ "$1" = redis-server ]; then
    umask 0077
    if [ "$(id -u)" = 0 ]; then
        find . ! -user redis -exec chown redis '{}' +
        exec setpriv --reuid=redis --regid=redis --clear-groups --inh-caps=-all "$0" "$@"
    fi
    # Without a password redis answers the same machine only ("protected mode"); in a container nobody else is
    # on that machine, so it is off here as in the official image, unless the caller or their file decides.
    decided=no
    case " $* " in *" --protected-mode "*) decided=yes ;; esac
    case ${2:-} in
    *.conf) if grep -qi '^[[:space:]]*protected-mode' "$2"; then decided=yes; fi ;;
    esac
    [ "$decided" = yes ] || set -- "$@" --protected-mode no
fi
exec "$@"
