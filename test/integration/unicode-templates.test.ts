import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { MEGABYTE } from '../../src/kernel/units.ts';
import { Composer } from '../../src/templating/composer.ts';
import { charactersOfScripts } from '../support/scripts.ts';

const ROWS = 100_000;
const ROWS_OF_ONE = 100;
const TENANTS = 10;
const AT_ONCE = 64;
const LOCALES = [
  'en',
  'de-CH',
  'fr',
  'ar',
  'hi',
  'ja',
  'th',
  'fa',
  'bn',
  'my',
  'sv',
  'pt-BR',
  'he',
  'ko',
  'zh-Hant',
  'ru',
];
const SPECIALS = ['<b>', '&amp;', '"', "'", '{{ x }}', '{% raw %}', '</script>', '\uD800', '\uDFFF', '\0', '\u202E', '\u2028', '%', '`']; // prettier-ignore

const TEXT = (tenant: number) =>
  `${tenant} {{ nonce }}{% for row in rows %}\n{{ row.nonce }} {{ row.text }} {{ row.amount | money: 'EUR' }}{% assign last = row.nonce %}{% endfor %}\n{{ last }}`;
const MARKS: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string) => text.replaceAll(/[&<>"']/g, (mark) => MARKS[mark] ?? '');

it('100,000 rows in every script are escaped, and each document has its own', { timeout: 300_000 }, async () => {
  const scripts = [...charactersOfScripts(40)];
  expect(scripts.length).toBeGreaterThan(160);
  for (const [script, characters] of scripts) expect([script, characters.length > 0]).toEqual([script, true]);
  const samples = scripts.map(([, characters], index) => {
    const special = SPECIALS[index % SPECIALS.length] ?? '';
    return `${characters.slice(0, 20).join('')}${special}${characters.slice(20).join('')}`;
  });

  const composer = new Composer({ timeoutMs: 60_000, memoryBytes: 256 * MEGABYTE, size: 2 });
  await composer.start();
  let next = 0;
  const shown = new Set<string>();
  const lane = async () => {
    for (let number = next++; number < ROWS / ROWS_OF_ONE; number = next++) {
      const tenant = number % TENANTS;
      const locale = LOCALES[number % LOCALES.length] ?? '';
      const nonce = randomUUID();
      const rows = Array.from({ length: ROWS_OF_ONE }, (_, row) => ({
        nonce: randomUUID(),
        text: samples[(number * ROWS_OF_ONE + row) % samples.length] ?? '',
        amount: `${number}.${String(row).padStart(2, '0')}`,
      }));
      const texts = { 'index.html': TEXT(tenant) };
      const html = await composer.compose(
        { kind: 'template', name: 'row@1', key: `tenant ${tenant}`, texts, data: { nonce, rows }, locale, timezone: 'UTC' },
        { timeoutMs: 120_000 },
      ); // prettier-ignore
      const money = new Intl.NumberFormat(locale, { style: 'currency', currency: 'EUR' });
      const lines = rows.map(
        (row) => `${row.nonce} ${escaped(row.text)} ${escaped(money.format(row.amount as `${number}`))}`,
      );
      const expected = [`${tenant} ${nonce}`, ...lines, rows.at(-1)?.nonce].join('\n');
      if (html !== expected) expect(html).toBe(expected); // the comparison that explains itself takes long
      shown.add(nonce);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  expect(shown.size).toBe(ROWS / ROWS_OF_ONE);
  await composer.stop();
});
