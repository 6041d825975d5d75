import { describe, expect, it } from 'vitest';
import { readExtraHeaders } from '../../src/compat/gotenberg/chromium/extra-headers.ts';
import { failingStatuses, hostsOf } from '../../src/compat/gotenberg/chromium/failing.ts';
import { templatePieces } from '../../src/compat/gotenberg/chromium/go-template.ts';
import { headerScopeOf } from '../../src/compat/gotenberg/chromium/header-scope.ts';
import { patternsOfRegex } from '../../src/compat/gotenberg/chromium/url-patterns.ts';
import { Fields } from '../../src/compat/gotenberg/fields.ts';
import { attachmentOf, outputNameOf } from '../../src/compat/gotenberg/output-name.ts';
import { sortFiles } from '../../src/compat/gotenberg/sort-files.ts';
import { hostMatcher } from '../../src/domain/host-rule.ts';
import { urlMatcher } from '../../src/domain/url-pattern.ts';
import { CodedError } from '../../src/kernel/errors.ts';

const formOf = (...fields: [string, ...string[]][]) =>
  new Fields({ fields: new Map(fields.map(([name, ...values]) => [name, values])), files: [] });

/** What a reader makes of a value, and whether it refuses it. */
function read<T>(reader: (fields: Fields) => T, value: string) {
  const fields = formOf(['field', value]);
  const result = reader(fields);
  try {
    fields.check();
    return result;
  } catch (error) {
    if (error instanceof CodedError) return error.fields?.[0]?.field === 'field' ? 'refused' : error;
    throw error;
  }
}

const KINDS = {
  boolean: (fields: Fields) => fields.boolean('field'),
  whole: (fields: Fields) => fields.whole('field', { min: 1, max: 100 }),
  number: (fields: Fields) => fields.number('field'),
  inches: (fields: Fields) => fields.inches('field'),
  milliseconds: (fields: Fields) => fields.milliseconds('field'),
  choice: (fields: Fields) => fields.choice('field', ['png', 'jpeg']),
};

const MEANINGS: Record<keyof typeof KINDS, Record<string, unknown>> = {
  boolean: {
    ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true])),
    ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false])),
    ...Object.fromEntries(['yes', 'on', 'tRUE', ' true', '2', 'null'].map((text) => [text, 'refused'])),
  },
  whole: { '1': 1, '+7': 7, '100': 100, '0': 'refused', '101': 'refused', '1.0': 'refused', '1e1': 'refused' },
  number: { '1': 1, '-.5': -0.5, '1.': 1, '1e2': 100, Inf: Infinity, '-infinity': -Infinity, '1,5': 'refused', '0x1': 'refused', x: 'refused' }, // prettier-ignore
  inches: { '8.5': 8.5, '1in': 1, '25.4mm': 1, '2.54cm': 1, '72pt': 1, '96px': 1, '6pc': 1, '1 in': 'refused', '1em': 'refused', in: 'refused' }, // prettier-ignore
  milliseconds: { '2.5s': 2_500, '500ms': 500, '1m30s': 90_000, '1h': 3_600_000, '0': 0, '.5s': 500, '5': 'refused', '-1s': 'refused', s: 'refused', '1s ': 'refused' }, // prettier-ignore
  choice: { png: 'png', jpeg: 'jpeg', PNG: 'refused', gif: 'refused' },
};

describe.each(Object.entries(KINDS))('a field that is %s', (kind, reader) => {
  const meanings = Object.entries(MEANINGS[kind as keyof typeof KINDS]);

  it.each(meanings)('reads %j as %j', (text, meaning) => {
    expect(read<unknown>(reader, text)).toEqual(meaning);
  });

  it('is absent if it is empty', () => expect(read<unknown>(reader, '')).toBeUndefined());
});

describe('a form', () => {
  it('has the first value of a repeated field', () => {
    expect(formOf(['field', 'true', 'nonsense']).boolean('field')).toBe(true);
  });

  it('says everything that is wrong, in the order in which it is read', () => {
    const fields = formOf(['b', 'x'], ['a', 'x'], ['unknown', 'x']);
    fields.boolean('a');
    fields.inches('b');
    fields.require('c');
    expect(() => fields.check()).toThrow(/^a: allowed: true or false\nb: allowed: inches.*\nc: required: a value$/);
  });

  it('takes 499 for every status from 400 on', () => {
    expect(read((fields) => failingStatuses(fields, 'field'), '[404,499,599]')).toEqual([404, '4xx', '5xx']);
    for (const text of ['foo', '{}', '["404"]', '[4.5]'])
      expect(read((fields) => failingStatuses(fields, 'field'), text)).toBe('refused');
  });

  it('takes hosts with all that may be around them', () => {
    const hosts = ['example.com', 'https://example.com:8080/path?a#b', '*.example.com', '.Example.com', ' example.com:443 ', '[::1]:80', '::1', '']; // prettier-ignore
    const found = read((fields) => hostsOf(fields, 'field'), JSON.stringify(hosts));
    expect(found).toEqual([...Array.from({ length: 5 }, () => 'example.com'), '[::1]', '::1']);
  });
});

describe('the scope of a header', () => {
  const URLS = [
    'http://a.example.com/', 'https://a.example.com/x/y.png', 'https://b.example.com/x', 'https://aXexample.com/',
    'https://evil.net/?https://a.example.com/', 'https://example.com/', 'https://example.comm/', 'https://a.example.com/x/',
  ]; // prettier-ignore
  const FINE = [
    '^https?://a\\.example\\.com/.*', 'https://(a|b)\\.example\\.com/', '^https:\\/\\/(?:a|b)\\.example\\.com\\/.*$',
    'example\\.com/x', '^https://.*\\.png$', '^https://a\\.example\\.com/$|^https://example\\.com/$', '^http.*', '^.*$',
  ]; // prettier-ignore
  it.each(FINE.filter((expression) => patternsOfRegex(expression) !== undefined))(
    '%s fits the same URLs as a pattern',
    (expression) => {
      const fits = urlMatcher(patternsOfRegex(expression) ?? []);
      const regex = new RegExp(expression);
      expect(URLS.filter((url) => fits(url))).toEqual(URLS.filter((url) => regex.test(url)));
    },
  );

  it('is translated wherever it is plain', () => {
    expect(FINE.filter((expression) => patternsOfRegex(expression) === undefined)).toEqual([FINE[5]]);
  });

  it.each([
    '',
    '*.',
    '[a-z]+',
    'a+',
    'a.b',
    'a{2}',
    '(a',
    'a)',
    '\\d',
    'a*',
    'a\\',
    '^ftp:',
    '(a|b|c|d)(a|b|c|d)(a|b)',
  ])('%j is refused', (expression) => {
    expect(patternsOfRegex(expression)).toBeUndefined();
    const fields = formOf(['extraHttpHeaders', JSON.stringify({ a: `secret;scope=${expression}` })]);
    readExtraHeaders(fields);
    expect(() => fields.check()).toThrow(/^extraHttpHeaders.a: allowed in its scope/);
  });

  it.each([
    ['https?:\\/\\/([a-zA-Z0-9-]+\\.)*domain\\.com\\/.*', { hosts: ['domain.com'] }],
    ['^https://([a-zA-Z0-9-]+\\.)*domain\\.com:8443/', { urls: ['https://*'], hosts: ['domain.com:8443'] }],
    ['http:\\/\\/(?:[\\w-]+\\.)*docker.internal:(\\d+)\\/.*', { urls: ['http://*'], hosts: ['docker.internal:*'] }],
  ])('%j is a host with its subdomains', (expression, scope) => {
    const found = headerScopeOf(expression);
    expect(found).toEqual(scope);
    const [at, fits] = [hostMatcher(found?.hosts ?? []), urlMatcher(found?.urls ?? ['*'])];
    const regex = new RegExp(expression);
    const urls = ['http', 'https'].flatMap((scheme) =>
      ['domain.com', 'a.b.domain.com', 'xdomain.com', 'domain.com.net', 'docker.internal', 'docker.internal:80', 'a.docker.internal:3000', 'domain.com:8443', 'a.domain.com:8443', 'evil.net'].map((host) => `${scheme}://${host}/path`),
    ); // prettier-ignore
    const sent = urls.filter((url) => at(url) && fits(url));
    expect(sent.length).toBeGreaterThan(0);
    // Where any port is meant, the usual one is, too, which no URL says.
    const isMeant = (url: string) => regex.test(url) || regex.test(url.replace('/path', ':80/path'));
    expect(sent.filter((url) => !isMeant(url))).toEqual([]);
    expect(at('https://evil.net/https://a.domain.com/')).toBe(false);
  });

  it.each(['', ':8443'])('that ends after the host%s is not one of every path', (port) => {
    for (const end of ['/$', '\\/$', '$'])
      expect(headerScopeOf(`^https://([a-zA-Z0-9-]+\\.)*example\\.com${port}${end}`)).toBeUndefined();
    expect(headerScopeOf(`^https://([a-zA-Z0-9-]+\\.)*example\\.com${port}/.*$`)).toBeDefined();
  });

  it('is read for as many headers as a request may have', () => {
    const headersOf = (count: number) => {
      const headers = Object.fromEntries(
        Array.from({ length: count }, (_, at) => [`X-${at}`, 'a;scope=^https://a/.*']),
      );
      const fields = formOf(['extraHttpHeaders', JSON.stringify(headers)]);
      const read = readExtraHeaders(fields);
      fields.check();
      return Object.keys(read ?? {}).length;
    };
    expect(headersOf(50)).toBe(50);
    expect(() => headersOf(51)).toThrow('extraHttpHeaders: allowed: at most 50 headers');
  });

  it('is only what follows the word', () => {
    const headers = { a: 'scoped; b', b: 'x; scope = ^https://a/.*', c: 'x;y' };
    expect(readExtraHeaders(formOf(['extraHttpHeaders', JSON.stringify(headers)]))).toEqual({
      a: 'scoped; b',
      b: { value: 'x', urls: ['https://a/*'] },
      c: 'x;y',
    });
  });
});

describe('files', () => {
  it.each([
    [['10.pdf', '9.pdf', 'b.pdf', 'a.pdf', '1_b.pdf', '1_a.pdf']],
    [['00002_x.pdf', '00001_y.pdf', 'z.pdf']],
    [['page_2.pdf', 'page_10.pdf', 'page_1.pdf', 'page.pdf']],
    [['1764280051000000002_b.pdf', '1764280051000000001_a.pdf']],
    [['99999999999999999999_a.pdf', '2.pdf']],
    [['b2', 'b10', 'a3', 'c']],
  ])('%j are in Gotenberg’s order, whatever order they came in', (names) => {
    const orders = [names, names.toReversed(), names.toSorted()].map((list) =>
      sortFiles(list.map((name) => ({ name }))).map(({ name }) => name),
    );
    expect(orders[1]).toEqual(orders[0]);
    expect(orders[2]).toEqual(orders[0]);
    expect(orders[0]).toMatchSnapshot();
  });
});

describe('the name of a result', () => {
  it.each([
    ['foo', 'foo'],
    ['/tmp/foo', 'foo'],
    ['C:\\tmp\\foo', 'foo'],
    ['a/', undefined],
    ['', undefined],
    [Buffer.from('Übersicht 2026').toString('latin1'), 'Übersicht 2026'],
    ['a\u0001b', 'ab'],
  ])('%j is %j', (header, name) => expect(outputNameOf(header)).toBe(name));

  it('is sent as it is, between quotes', () => {
    expect(Buffer.from(attachmentOf('ü "a"\\b.pdf'), 'latin1').toString()).toBe(
      String.raw`attachment; filename="ü \"a\"\\b.pdf"`,
    );
  });
});

describe('a Go template', () => {
  it.each([
    ['plain', [{ text: 'plain' }]],
    ['a {{ toHTML "b}}.md" }} c', [{ text: 'a ' }, { command: 'toHTML "b}}.md"' }, { text: ' c' }]],
    ['a {{- x -}} b', [{ text: 'a' }, { command: 'x' }, { text: 'b' }]],
    ['a {{-x}} b', [{ text: 'a ' }, { command: '-x' }, { text: ' b' }]],
    ['a{{/* }} " */}}b', [{ text: 'a' }, { text: 'b' }]],
    ['{{ `a}}` }}', [{ text: '' }, { command: '`a}}`' }, { text: '' }]],
    ['{{ "a', undefined],
    ['{{ /* a', undefined],
  ])('%j has its pieces', (template, pieces) => expect(templatePieces(template)).toEqual(pieces));
});
