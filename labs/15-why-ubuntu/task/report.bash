#!/bin/bash
# Adds up the orders. Written for bash: it keeps them in an array.
orders=(40 50 30)
total=0
for order in "${orders[@]}"; do
    total=$((total + order))
done
echo "${#orders[@]} orders, $total in total"
