import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SECONDS } from '../support/longest-first.ts';
import { readTags, type Tag } from '../support/tags.ts';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const read = (name: string) => readFileSync(path(name), 'utf8');
const tags = readTags();
const tagged = (tag: Tag) => [...tags].filter(([, its]) => its.includes(tag)).map(([file]) => file);
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

describe('docs/guarantees.md', () => {
  const rows = [...read('docs/guarantees.md').matchAll(/^\| (.+?) +\| (.+?) +\| (`.+`) *\|$/gm)];

  it('names for each promise a test, which is run', () => {
    expect(rows.length).toBeGreaterThanOrEqual(25);
    for (const [, promise, , tests = ''] of rows) {
      const names = [...tests.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, name]) => `test/${name}`);
      expect({ promise, names }).not.toEqual({ promise, names: [] });
      for (const name of names) expect([promise, name, tags.has(name)]).toEqual([promise, name, true]);
    }
  });

  it('has most of its promises tested by `npm test`', () => {
    const quick = rows.filter(([, , , tests = '']) =>
      [...tests.matchAll(/`([^`]+\.test\.ts)`/g)].some(([, name]) => !tags.get(`test/${name}`)?.includes('long')),
    );
    expect(quick.length).toBeGreaterThan(rows.length / 2);
  });
});

describe('the long tests', () => {
  const listed = [
    ...read('.github/CONTRIBUTING.md').matchAll(/^\| `(\w+\/[\w-]+\.test\.ts)` +\| +([\d.]+) \| (.+?) +\|/gm),
  ];
  const inCi = [...read('.ci/run').matchAll(/^ {2}(test\/\S+\.test\.ts)$/gm)].map(([, name]) => name ?? '');

  it('are all in CONTRIBUTING, with their minutes and where they are run', () => {
    expect(listed.map(([, name]) => `test/${name}`).toSorted()).toEqual(tagged('long').toSorted());
    const whereOf = (file: string) => {
      if (inCi.includes(file)) return 'every change';
      return tags.get(file)?.includes('user') ? 'every change, by a normal user' : 'every night';
    };
    for (const [, name, , where] of listed) expect([name, where]).toEqual([name, whereOf(`test/${name}`)]);
    expect(inCi.length).toBeGreaterThan(5);
    for (const file of inCi) expect([file, tags.get(file)?.includes('long')]).toEqual([file, true]);
  });

  it('are all run every night, by a normal user', () => {
    expect(read('.github/workflows/nightly.yml')).toMatch(/^ +- run: npm run test:all$/m);
    expect(scripts['test:all']).toBe('vitest run --project !user');
  });
});

describe('the files that begin first', () => {
  it('are there', () => {
    expect(Object.keys(SECONDS).filter((name) => !tags.has(`test/${name}`))).toEqual([]);
  });
});

/** What can come out differently for root and for a normal user. */
const BY_USER: Record<string, RegExp> = {
  'the embedded Postgres': /\bEmbeddedPostgres\b/,
  'the sandbox and the jail': /\b(buildLauncher|launchChromium)\b/,
  'who we are': /\b(process\.getuid|unprivilegedIdentity)\b/,
  doctor: /runtime\/doctor\.ts/,
  packing: /'npm', \['(pack|install)'/,
  'the commands': /\bpdfprompt\(\['(up|render)'|\['doctor'/,
};
const THE_SAME_ALL_THE_SAME = new Set([
  'test/e2e/scaling.test.ts', // its commands are run by a normal user, whoever starts it
  'test/integration/replica.test.ts', // asks doctor of the replica only
  'test/e2e/pooler.test.ts', // of the pooler only
  'test/e2e/fonts.test.ts', // of the fonts only
  'test/integration/folders.test.ts', // what is printed, which is the same
  'test/integration/undrawn-pages.test.ts', // its windows, which are the same
  'test/e2e/bench.test.ts', // a server of its own, to be stopped
  'test/integration/tenant-isolation.test.ts', // a cluster of its own, for its roles
  'test/integration/sql-owners.test.ts', // the same
  'test/unit/tiers.test.ts', // this
]);

describe('@module-tag user', () => {
  it('is on every file whose outcome can depend on who runs it, and on no other', () => {
    const expected = [...tags.keys()].filter((file) => {
      const text = read(file);
      return !THE_SAME_ALL_THE_SAME.has(file) && Object.values(BY_USER).some((mark) => mark.test(text));
    });
    expect(tagged('user').toSorted()).toEqual(expected.toSorted());
  });
});

describe('the workflows', () => {
  const directory = path('.github/workflows');
  const steps = readdirSync(directory).flatMap((file) => {
    const { jobs } = parse(read(`.github/workflows/${file}`)) as {
      jobs: Record<string, { steps: { run?: string }[]; strategy?: { matrix: Record<string, number[]> } }>;
    };
    return Object.values(jobs).flatMap((job) => job.steps.map(({ run = '' }) => ({ file, run })));
  });

  it('call scripts that there are', () => {
    const called = steps.flatMap(({ run }) => [
      ...run.matchAll(/npm (?:run )?(test|[a-z]+:[a-z-]+|check|alarms|chaos|fuzz)\b/g),
    ]);
    expect(called.length).toBeGreaterThan(5);
    for (const [, name = ''] of called) expect([name, name in scripts]).toEqual([name, true]);
  });

  it('try the oldest Node that is allowed and the one that is developed with', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    const oldest = Number(/^>=(\d+)/.exec(engines.node)?.[1]);
    expect(read('.github/workflows/test.yml')).toContain(`node: [${oldest}, ${Number(read('.node-version'))}]`);
  });
});

it('every script that is a file is there', () => {
  for (const script of Object.values(scripts))
    for (const [, file = ''] of script.matchAll(/\bnode (?:--watch )?(\S+\.[jt]s)/g))
      expect([file, existsSync(path(file))]).toEqual([file, true]);
});
