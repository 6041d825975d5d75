#!/bin/sh
# The image runs it once in a new database. Creates the service's user, its database, and what a replica needs.
set -eu

psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set=password="$(cat /run/secrets/pdfprompt_password)" \
  --set=replication_password="$(cat /run/secrets/replication_password)" <<'SQL'
-- createrole: `pdfprompt migrate` creates the role that reads for tenants.
create role pdfprompt login createrole password :'password';
create database pdfprompt owner pdfprompt;
create role replicator login replication password :'replication_password';
select pg_create_physical_replication_slot('replica', true);
SQL

echo 'host replication replicator all scram-sha-256' >>"$PGDATA/pg_hba.conf"
