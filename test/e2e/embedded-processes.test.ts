/**
 * @module-tag long
 * @module-tag user
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pdfprompt } from '../support/cli.ts';
import { temporaryDataDirectory } from '../support/files.ts';
import { isAlive } from '../support/processes.ts';

// Their own server: `doctor` adds up what all processes of a server may open, other tests' among them.
const dataDir = await temporaryDataDirectory('shared');
const env = { PDFPROMPT_DATA_DIR: dataDir };

describe('without DATABASE_URL', () => {
  it('doctor says for programs that all is well, with exit code 0', async () => {
    const { code, stdout } = await pdfprompt(['doctor', '--json'], { env }).exited;
    const report = JSON.parse(stdout) as { ok: boolean; checks: { name: string; status: string }[] };
    expect(report.checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect([report.ok, code]).toEqual([true, 0]);
  });

  it('serve, work and keys share one embedded Postgres, which the last of them stops', async () => {
    const api = pdfprompt(['serve', '--port', '0'], { env });
    const worker = pdfprompt(['work'], { env });
    const [, address = ''] = await api.until(/serves at (http:\S+)/);
    await worker.until(/pdfprompt works/);
    const created = JSON.parse(
      (await pdfprompt(['keys', 'create', '--user', 'ann@example.com', '--json'], { env }).exited).stdout,
    ) as { key: string };
    const response = await fetch(`${address}/v1/pdf`, {
      method: 'POST',
      headers: { authorization: `Bearer ${created.key}`, 'content-type': 'application/json' },
      body: '{"html":"<p>x</p>"}',
    });
    expect(response.status).toBe(200);

    const pid = Number((await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
    worker.child.kill('SIGTERM');
    await worker.exited;
    expect((await fetch(`${address}/readyz`)).status).toBe(200);
    api.child.kill('SIGTERM');
    await api.exited;
    expect(isAlive(pid)).toBe(false);
  });
});
