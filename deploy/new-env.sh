#!/bin/sh
# Prints an .env file with fresh secrets.  usage: sh deploy/new-env.sh https://hub.example.com > .env
set -eu
url=${1:?usage: new-env.sh https://hub.example.com}
umask 077
while IFS= read -r line; do
    case $line in
        PUBLIC_URL=) echo "PUBLIC_URL=$url" ;;
        SECRET_KEY= | *_PASSWORD=) echo "$line$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" ;;
        *) printf '%s\n' "$line" ;;
    esac
done <"$(dirname "$0")/../.env.example"
