import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { undoLater } from '../support/clean-up.ts';
import { temporaryDirectory } from '../support/files.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../support/processes.ts';
import { startService } from '../support/service.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(checkout, 'docs/webhooks.md'), 'utf8');
const blocks = [...page.matchAll(/^```(?:sh|js)\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
const example = (part: string) => blocks.find((text) => text.includes(part)) ?? '';

const port = await freePort();
const service = await startService({ deliverer: true, env: { EGRESS_ALLOW: `127.0.0.1:${port}` } });
const hook = `http://127.0.0.1:${port}/hooks/pdf`;
const directory = await temporaryDirectory('webhook-examples');

/** The example with the address and the key of this service, and the endpoint's; nothing else of it is changed. */
async function shell(text: string, env: Record<string, string> = {}): Promise<{ id: string; secret: string }> {
  const script = text
    .replaceAll('http://127.0.0.1:3000', service.address)
    .replaceAll('pdf_…', service.key)
    .replaceAll('https://app.example.com/hooks/pdf', hook);
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { env: { PATH: process.env.PATH, ...env } });
  const output = Buffer.concat(await child.stdout.toArray());
  return JSON.parse(output.toString()) as { id: string; secret: string };
}

describe('the examples of docs/webhooks.md', () => {
  it('register an endpoint, verify what it receives, and test it', async () => {
    const { id, secret } = await shell(example('/v1/webhooks -H'));
    await symlink(join(checkout, 'node_modules'), join(directory, 'node_modules'));
    const receive = example('node receive.mjs').replace('listen(8080)', `listen(${port}, '127.0.0.1', () => console.log('ready'))`); // prettier-ignore
    await writeFile(join(directory, 'receive.mjs'), receive);
    const receiver = spawn(process.execPath, ['receive.mjs'], { cwd: directory, env: { WEBHOOK_SECRET: secret } });
    undoLater(async () => {
      receiver.kill();
      await once(receiver, 'exit');
    });
    let said = '';
    receiver.stdout.on('data', (data: Buffer) => (said += data.toString()));
    await eventually(() => said.includes('ready'), 30_000, 'the receiver listens');

    const test = await shell(example('/test -H'), { WEBHOOK: id });
    await eventually(() => said.includes('webhook.test a test'), 30_000, 'the test is received');
    const delivery = async () => {
      const { data } = (await (await service.request(`/v1/webhooks/${id}/deliveries`)).json()) as { data: object[] };
      return data[0];
    };
    await eventually(async () => (await delivery() as { status: string }).status !== 'pending', 30_000, 'it is written down'); // prettier-ignore
    expect(await delivery()).toMatchObject({ id: test.id, status: 'delivered', tries: [{ number: 1, status: 204, error: null }] }); // prettier-ignore

    const job = await service.request('/v1/jobs', { method: 'POST', body: '{"html":"x"}' });
    const { id: jobId } = (await job.json()) as { id: string };
    await service.request(`/v1/jobs/${jobId}`, { method: 'DELETE' });
    await eventually(() => said.includes(`job.cancelled ${jobId}`), 30_000, 'the end of a job is received');
    const forged = await fetch(hook, { method: 'POST', body: '{"type":"job.completed"}', headers: { 'webhook-id': 'x' } }); // prettier-ignore
    expect(forged.status).toBe(400);
  });
});
