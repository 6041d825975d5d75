import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { RULES } from '../../src/finishing/check/rules.ts';

it('docs/conformance.md has every rule of the checker, and no other', () => {
  const page = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');
  const table = page.slice(page.indexOf('## The rules')).split('\n').filter((line) => line.startsWith('| PDF/')); // prettier-ignore
  const rows = table.map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()));
  const rules = Object.values(RULES).map(({ claims, clause, test, means }) => [claims.join(', '), `${clause}-${test}`, means]); // prettier-ignore
  expect(rows).toEqual(rules);
});
