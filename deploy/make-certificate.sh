#!/bin/sh
# A certificate of one's own for PUBLIC_URL's host, where the folder holds none: for air-gapped sites and first trials.
# usage: make-certificate.sh FOLDER
set -eu
folder=$1
if [ -s "$folder/tls.crt" ] && [ -s "$folder/tls.key" ]; then
    echo "using the certificate in $folder"
    exit 0
fi
command -v openssl >/dev/null || { echo "openssl is missing: install it, or put tls.crt and tls.key into $folder" >&2; exit 1; }
host=$(printf '%s' "$PUBLIC_URL" | sed -e 's|^https://||' -e 's|[:/].*$||')
case $host in
    *[!0-9.]*) name="DNS:$host" ;;
    *) name="IP:$host" ;;
esac
umask 077
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj "/CN=$host" \
    -addext "subjectAltName=$name" -addext "basicConstraints=critical,CA:TRUE" \
    -keyout "$folder/tls.key" -out "$folder/tls.crt" 2>/dev/null
chmod 644 "$folder/tls.crt"
echo "made a self-signed certificate for $host in $folder: give tls.crt to appliances and browsers, or put your own there"
