#!/bin/sh
# A streaming standby of $PRIMARY_HOST: its files are copied once, beside where they belong, and put
# in place by one rename, so that a copy that was cut off is never taken for a database.
set -eu

if [ ! -e "$PGDATA/PG_VERSION" ]; then
  draft="$PGDATA.draft"
  mkdir -p "$(dirname "$PGDATA")"
  rm -rf "$draft" "$PGDATA"
  # The password is kept with the copy, readable by its owner alone.
  PGPASSWORD=$(cat /run/secrets/replication_password)
  export PGPASSWORD
  pg_basebackup --host="$PRIMARY_HOST" --username=replicator --pgdata="$draft" \
    --wal-method=stream --slot=replica --write-recovery-conf --checkpoint=fast
  unset PGPASSWORD
  mv "$draft" "$PGDATA"
fi
exec "$@"
