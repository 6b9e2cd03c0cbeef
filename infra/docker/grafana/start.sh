#!/bin/sh
# Grafana's image turns GF_NAME__FILE into GF_NAME, from the file that it names.  This does the same for the variables
# that our provisioning files name, then starts the image's own script.
set -e
for name in $(env | sed -n 's/^\(GROUNDSWELL_[A-Z_]*\)__FILE=.*/\1/p'); do
  eval "file=\$${name}__FILE"
  value=$(cat "$file")
  export "$name=$value"
  unset "${name}__FILE"
done
exec "${1:-/run.sh}"
