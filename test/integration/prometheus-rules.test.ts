import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CHROMIUM_MAX_AGE_DAYS } from '../../src/domain/chromium-age.ts';
import { LITTLE_ROOM } from '../../src/kernel/disk.ts';
import { createDatabase } from '../support/database.ts';
import { readRules } from '../support/prometheus.ts';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const RUNBOOKS = 'docs/runbooks';

const rules = await readRules();
/** As it is written: one alert up to the next, with its window if it has several. */
const alerts = rules
  .split(/^ *- alert: /m)
  .slice(1)
  .map((text) => ({
    name: /^\w+/.exec(text)?.[0] ?? '',
    window: /window: (\w+) \}/.exec(text.split('expr:')[0] ?? '')?.[1],
    severity: /severity: (\w+)/.exec(text)?.[1],
  }));
const names = [...new Set(alerts.map(({ name }) => name))];
const pageOf = (alert: string) =>
  `${alert
    .replace('Pdfprompt', '')
    .replaceAll(/(?<!^)([A-Z])/g, '-$1')
    .toLowerCase()}.md`;

describe('the rules', () => {
  it('say for each alert who is to come, and have a case in which it fires and one in which it does not', async () => {
    const cases = (await readFile(path('grafana/prometheus-rules.test.yml'), 'utf8')).split(/^ {2}- name: /m).slice(1);
    const missing = alerts.flatMap(({ name, window, severity }) => {
      const its = (verb: RegExp) =>
        cases.filter((text) => {
          const [title = ''] = text.split('\n');
          return title.startsWith(name) && verb.test(title) && (window === undefined || title.includes(window));
        });
      const fires = its(/ fires/).filter((text) => text.includes(`alertname="${name}", severity="${severity}"`));
      const doesNot = its(/ does not/).filter((text) => window !== undefined || !text.includes(`alertname="${name}"`));
      return fires.length > 0 && doesNot.length > 0 && /^(page|ticket)$/.test(severity ?? '') ? [] : [{ name, window }];
    });
    expect(missing).toEqual([]);
    expect(names.length).toBeGreaterThan(10);
  });

  it('call the same room little as doctor', () => {
    expect(rules).toContain(`< ${LITTLE_ROOM.bytes / 1024 ** 3} * 1024 ^ 3 and `);
    expect(rules).toContain(`pdfprompt_disk_size_bytes < ${LITTLE_ROOM.share}\n`);
  });

  it('call the same Chromium too old as doctor', () => {
    expect(rules).toContain(`> ${CHROMIUM_MAX_AGE_DAYS} * 86400`);
  });
});

describe('the runbooks', () => {
  it('are one page for each alert, in the index, with every section', async () => {
    const index = await readFile(path(`${RUNBOOKS}/README.md`), 'utf8');
    for (const name of names) {
      const page = pageOf(name);
      expect(rules).toContain(`runbook_url: ${RUNBOOKS}/${page}`);
      expect(index).toContain(`[\`${name}\`](${page})`);
      const text = await readFile(path(`${RUNBOOKS}/${page}`), 'utf8');
      expect(text).toContain(`\`${name}\``);
      for (const section of ['What users feel', 'Look first', 'Likely causes', 'What to do', 'Whom to wake, and when'])
        expect(text).toContain(`## ${section}\n`);
    }
    const pages = await readdir(path(RUNBOOKS));
    expect(pages.toSorted()).toEqual([...names.map(pageOf), 'README.md'].toSorted());
  });

  it('lead nowhere that is not there', async () => {
    for (const page of await readdir(path(RUNBOOKS))) {
      const text = await readFile(path(`${RUNBOOKS}/${page}`), 'utf8');
      for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)[^)]*\)/g))
        expect([page, target, existsSync(path(`${RUNBOOKS}/${target}`))]).toEqual([page, target, true]);
    }
  });

  it('have queries that the database answers', async () => {
    const { sql } = await createDatabase();
    let count = 0;
    for (const page of await readdir(path(RUNBOOKS))) {
      const text = await readFile(path(`${RUNBOOKS}/${page}`), 'utf8');
      for (const [, query = ''] of text.matchAll(/```sql\n([\s\S]*?)```/g)) {
        await sql.unsafe(query).catch((error: unknown) => {
          throw new Error(`${page}: ${String(error)}\n${query}`);
        });
        count++;
      }
    }
    expect(count).toBeGreaterThan(10);
  });
});
