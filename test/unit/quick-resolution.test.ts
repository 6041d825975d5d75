import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

/** Loads every command, and what a process needs, in a process of its own. @returns the modules, each with its format */
async function load(isQuick: boolean): Promise<string[]> {
  const program = `
    import { registerHooks } from 'node:module';
    import { resolveDrizzleQuickly } from './src/db/drizzle-resolution.ts';
    import { resolveQuickly } from './src/kernel/quick-resolution.ts';
    const modules = new Set();
    registerHooks({ load(url, context, next) { const loaded = next(url, context); modules.add(url + ' ' + loaded.format); return loaded; } });
    resolveDrizzleQuickly();
    if (${isQuick}) resolveQuickly();
    await import('./src/cli/run-command.ts');
    for (const part of ['up', 'start-process', 'worker', 'deliverer', 'api']) await import('./src/runtime/' + part + '.ts');
    process.stdout.write(JSON.stringify([...modules].sort()), () => process.exit());`;
  const options = { env: { PATH: process.env.PATH }, maxBuffer: 10_000_000 };
  const { stdout } = await run(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], options);
  return JSON.parse(stdout) as string[];
}

/** Of zod, whose words in other languages than English nobody reads. */
const isLanguage = (module: string) => /\/zod\/v4\/locales\/(?!en\.js)/.test(module);

it('finds the same modules as Node does, but for the languages of zod', async () => {
  const [ours, theirs] = [await load(true), await load(false)];
  expect(ours.length).toBeGreaterThan(1_000);
  expect(ours).toEqual(theirs.filter((module) => !isLanguage(module)));
  expect(theirs.filter(isLanguage).length).toBeGreaterThan(50);
});
