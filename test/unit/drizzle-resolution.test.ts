import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

interface Loaded {
  urls: string[];
  cpuMs: number;
  megabytes: number;
}

/** Loads what src/ loads of drizzle, in a process of its own. */
async function load(isQuick: boolean): Promise<Loaded> {
  const program = `
    import { registerHooks } from 'node:module';
    import { resolveDrizzleQuickly } from './src/db/drizzle-resolution.ts';
    const urls = [];
    registerHooks({ load(url, context, next) { if (url.includes('drizzle-orm')) urls.push(url); return next(url, context); } });
    if (${isQuick}) resolveDrizzleQuickly();
    const before = process.cpuUsage();
    await import('drizzle-orm');
    await import('drizzle-orm/pg-core');
    await import('drizzle-orm/postgres-js');
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ urls: urls.sort(), cpuMs: (user + system) / 1000, megabytes: process.memoryUsage.rss() / 2 ** 20 }));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
  return JSON.parse(stdout) as Loaded;
}

describe('drizzle, resolved by us', () => {
  it('is the same modules, for less than half of the CPU and much less memory', async () => {
    const [ours, theirs] = [await load(true), await load(false)];
    expect(ours.urls.length).toBeGreaterThan(50);
    expect(ours.urls).toEqual(theirs.urls);
    // A tenth, in truth. If this fails Node has become better at it: then src/db/drizzle-resolution.ts can go.
    expect(ours.cpuMs).toBeLessThan(theirs.cpuMs / 2);
    expect(theirs.megabytes - ours.megabytes).toBeGreaterThan(30);
  });
});
