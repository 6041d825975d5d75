#!/bin/sh
# Writes the secrets of docker-compose.yml into secrets/: each once, never again.
# The files can be read by all, for the users of the containers are not yours; the directory only by you.
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
