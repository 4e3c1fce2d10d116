#!/bin/sh
# Makes the certificates of the TLS tests: an authority, a server called localhost, and an authority nobody asked for.
# They are worth nothing outside the tests, and the authorities' own keys are thrown away. Valid from 2020 to 2120,
# whatever the clock says where this runs; only `openssl ca` lets one choose.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/index.txt"
cat > "$work/ca.conf" <<END
[ca]
default_ca = test
[test]
database = $work/index.txt
new_certs_dir = $work
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
[server]
basicConstraints = CA:FALSE
subjectAltName = DNS:localhost,IP:127.0.0.1
END

request() { # name, common name
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" \
    -keyout "$work/$1.key" -out "$work/$1.csr"
}
sign() { # name, extensions, how it is signed
  name=$1 extensions=$2
  shift 2
  openssl ca -batch -notext -config "$work/ca.conf" -startdate 20200101000000Z -enddate 21200101000000Z \
    -extensions "$extensions" -in "$work/$name.csr" -out "$name.crt" "$@"
}
request authority 'Larder test authority'
sign authority authority -selfsign -keyfile "$work/authority.key"
request stranger 'A test authority that signed nothing'
sign stranger authority -selfsign -keyfile "$work/stranger.key"
request server localhost
sign server server -cert authority.crt -keyfile "$work/authority.key"
install -m 644 "$work/server.key" server.key
