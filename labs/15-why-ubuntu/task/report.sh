#!/bin/sh
# Adds up the orders. Written for any shell: it keeps them in its arguments.
set -- 40 50 30
total=0
for order in "$@"; do
    total=$((total + order))
done
echo "$# orders, $total in total"
