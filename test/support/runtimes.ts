import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { resolve } = createRequire(import.meta.url);

/** A program that runs JavaScript: its path, and what comes before the name of a module. */
export interface Runtime {
  command: string;
  args: string[];
}

/** Packages of the binaries themselves: the install scripts of `bun` and `deno` would only copy them. */
const BUN = { 'linux-x64': 'bun-linux-x64', 'linux-arm64': 'bun-linux-aarch64', 'darwin-arm64': 'bun-darwin-aarch64' };
const DENO = { 'linux-x64': 'linux-x64-glibc', 'linux-arm64': 'linux-arm64-glibc', 'darwin-arm64': 'darwin-arm64' };
const platform = `${process.platform}-${process.arch}` as keyof typeof BUN;

export const bun = (): Runtime => ({ command: binary(`@oven/${BUN[platform]}`, 'bin/bun'), args: ['run'] });

export const deno = (): Runtime => ({
  command: binary(`@deno/${DENO[platform]}`, 'deno'),
  args: ['run', '--no-lock', '--no-remote', '--no-prompt', '--allow-net=127.0.0.1'],
});

function binary(name: string, path: string): string {
  return join(resolve(`${name}/package.json`), '..', path);
}

/** The Node of a major version that is installed beside this one: the test fails if there is none. */
export function otherNode(major: number): Runtime {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'node'));
  const found = candidates.find((path) => existsSync(path) && versionOf(path).startsWith(`v${major}.`));
  if (found === undefined) throw new Error(`there is no Node ${major} on the PATH: the client is tested with it`);
  return { command: found, args: [] };
}

const versionOf = (path: string) => execFileSync(path, ['--version'], { encoding: 'utf8' });

/**
 * Writes the client and its scenarios as JavaScript, as every runtime and browser takes it.
 * `run.js` runs them with its two arguments, the URL of a service and a key, and prints their results as JSON.
 */
export function writeScenarios(directory: string): void {
  mkdirSync(join(directory, 'client'));
  const client = readdirSync(join(root, 'src/client')).map((name) => [`src/client/${name}`, `client/${name}`] as const);
  for (const [from, to] of [...client, ['test/support/client-scenarios.ts', 'client-scenarios.ts'] as const])
    writeFileSync(join(directory, to.replace(/\.ts$/, '.js')), javaScriptOf(readFileSync(join(root, from), 'utf8')));
  const imports = `import * as client from './client/client.js';\nimport { runScenarios } from './client-scenarios.js';\n`;
  const run = (url: string, key: string) => `await runScenarios({ client, url: ${url}, key: ${key} })`;
  const files = {
    'package.json': '{"type":"module"}',
    'run.js': `${imports}const [url, key] = globalThis.Deno?.args ?? process.argv.slice(2);
console.log(JSON.stringify(${run('url', 'key')}));\n`,
    'page.html': '<!doctype html><title>page</title>',
    'page.js': `${imports}export const run = async (url, key) => ${run('url', 'key')};\n`,
    'worker.js': `${imports}onmessage = async ({ data: [url, key] }) => postMessage(${run('url', 'key')});\n`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
}

const javaScriptOf = (text: string) => stripTypeScriptTypes(text).replaceAll(/(\bfrom '\.[^']*)\.ts'/g, "$1.js'");
