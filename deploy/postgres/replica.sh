#!/bin/sh
# A streaming standby of $PRIMARY_HOST. The files are copied once, to a draft directory, which is then
# renamed, so that an interrupted copy is never taken for a database.
set -eu

if [ ! -e "$PGDATA/PG_VERSION" ]; then
  draft="$PGDATA.draft"
  mkdir -p "$(dirname "$PGDATA")"
  rm -rf "$draft" "$PGDATA"
  # pg_basebackup stores the password with the copy, readable by its owner only.
  PGPASSWORD=$(cat /run/secrets/replication_password)
  export PGPASSWORD
  pg_basebackup --host="$PRIMARY_HOST" --username=replicator --pgdata="$draft" \
    --wal-method=stream --slot=replica --write-recovery-conf --checkpoint=fast
  unset PGPASSWORD
  mv "$draft" "$PGDATA"
fi
exec "$@"
