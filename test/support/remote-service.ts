import type { Job } from '../../src/domain/job.ts';
import { createUnlimitedKey } from './accounts.ts';
import { type Cli, pdfprompt } from './cli.ts';
import { openTestPool } from './database.ts';

interface RemoteService {
  worker: Cli;
  request: (tenant: string, path: string, init?: RequestInit) => Promise<Response>;
  submit: (tenant: string, html: string) => Promise<string>;
  /** waits for its end, seconds */
  jobOf: (tenant: string, id: string, wait: number) => Promise<Job>;
}

/** A `serve` and a `work` process on a database, and tenants with keys. */
export async function createService(
  url: string,
  tenants: string[],
  env: Record<string, string> = {},
): Promise<RemoteService> {
  const pool = openTestPool(url);
  const keys = new Map<string, string>();
  for (const tenant of tenants) keys.set(tenant, (await createUnlimitedKey(pool.db, `${tenant}@example.com`)).key);
  await pool.close();
  const settings = { DATABASE_URL: url, LOG_LEVEL: 'error', ...env };
  const api = pdfprompt(['serve', '--port', '0'], { env: settings });
  const worker = pdfprompt(['work'], { env: settings });
  const [, address = ''] = await api.until(/serves at (http:\S+)/);
  await worker.until(/pdfprompt works/);
  const request = (tenant: string, path: string, init: RequestInit = {}) =>
    fetch(`${address}${path}`, {
      ...init,
      headers: {
        authorization: `Bearer ${keys.get(tenant)}`,
        'content-type': 'application/json',
        ...(init.headers as Record<string, string>),
      },
    });
  const ask = async (tenant: string, path: string, body?: object) => {
    const response = await request(tenant, path, body && { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return (await response.json()) as Job;
  };
  return {
    worker,
    request,
    submit: async (tenant, html) => (await ask(tenant, '/v1/jobs', { html })).id,
    jobOf: (tenant, id, wait) => ask(tenant, `/v1/jobs/${id}?wait=${wait}`),
  };
}
