#!/bin/sh
# Writes the secrets of docker-compose.yml into secrets/, and never overwrites one.
# Everyone can read the files, because the containers run as other users; only you can enter the directory.
set -eu
cd "$(dirname "$0")/.."
mkdir -p secrets
chmod 700 secrets

password() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }
keep() {
  [ -s "secrets/$1" ] && return
  printf '%s' "$2" >"secrets/$1"
  chmod 444 "secrets/$1"
  echo "secrets/$1"
}

keep postgres_password "$(password)"
keep pdfprompt_password "$(password)"
keep replication_password "$(password)"
keep grafana_password "$(password)"
keep database_url "postgres://pdfprompt:$(cat secrets/pdfprompt_password)@postgres:5432/pdfprompt"
keep database_replica_url "postgres://pdfprompt:$(cat secrets/pdfprompt_password)@replica:5432/pdfprompt"
