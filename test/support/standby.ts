import { execFile } from 'node:child_process';
import { appendFile, chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { OwnPostgres } from './postgres.ts';

const run = promisify(execFile);

/**
 * A standby that streams from `primary`, made of a copy of its files: the binaries that npm brings
 * have no pg_basebackup. The primary is restarted for that.
 */
export async function openStandby(primary: OwnPostgres): Promise<OwnPostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'pdfprompt-own-'));
  await chmod(directory, 0o711);
  await primary.stop('fast');
  await run('cp', ['-a', `${primary.directory}/.`, directory]);
  await primary.start();
  const standby = new OwnPostgres(directory, new URL(primary.url), await freePort(), primary.settings);
  const { hostname, port, username, password } = new URL(primary.url);
  const { uid, gid } = await stat(standby.data);
  await rm(join(directory, 'postgres', 'postgres.log'), { force: true });
  await appendFile(
    join(standby.data, 'postgresql.auto.conf'),
    `primary_conninfo = 'host=${hostname} port=${port} user=${username} password=${password}'\nhot_standby = on\nwal_retrieve_retry_interval = '200ms'\n`,
  );
  const signal = join(standby.data, 'standby.signal');
  await writeFile(signal, '');
  await chown(signal, uid, gid);
  await standby.start();
  return standby;
}
