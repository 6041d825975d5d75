import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { checkInput, textProblem } from '../../src/domain/check-input.ts';
import { parsePdfRequest, pdfRequestSchema } from '../../src/domain/pdf-request.ts';
import { endToEnd } from '../../src/egress/end-to-end.ts';
import { absoluteHttpUrl, tunnelTarget } from '../../src/egress/target.ts';
import { parseJson } from '../../src/jobs/parse-json.ts';
import { contentDisposition } from '../../src/domain/content-disposition.ts';
import { withoutSecrets } from '../../src/kernel/secrets.ts';
import { withFontFiles } from '../../src/render/embedded-fonts.ts';
import { needsOrigin } from '../../src/render/own-origin.ts';
import { mayNeedBase } from '../../src/render/relative-addresses.ts';
import { isStatic } from '../../src/render/static-document.ts';
import { countPages } from '../../src/render/page-count.ts';
import { pipeTransport } from '../../src/render/pipe-transport.ts';
import { growsFaster } from '../support/linear.ts';

/** What a text can be full of, to be expensive for somebody who reads it. */
const FILLINGS = [
  '<', '< ', ' ', '\n', '\t/', '<meta', '<meta ', '<meta http-equiv', '<meta http-equiv=', '<link', '<link title', '<style ', '<style>',
  '>', '=', '"', "'", '""', '&#', '&amp', 'on', ' on', ' ona', ' on=', 'javascript ', 'java', 'http-equiv ', 'http-equiv= ', 'referrer'.slice(0, 7),
  '/Type /Pages ', '/Type /Pages /Count 9 ', ' obj', 'endobj', 'startxref ', 'trailer ', 'xref\n0 1\n',
  '0', '1-', '1 ', '- ', ',', ', ', '1,', '.', '%', '@', ':', '://', 'a://', 'a://b:', 'a://b:c@', 'pdf_', 'pdf_aaaaaaaaaaaaaaaaaaaaa', '[', '{', '[]', '{}', '[[', '\\', '\\"', '\\u0000', '\u00e9', '\ud83d\ude00', '__proto__', 'base64,', 'base64,<',
]; // prettier-ignore

const filled = (filling: string, length: number) => filling.repeat(Math.ceil(length / filling.length));

/** Swallows what a hostile text is refused with: only the time counts. */
const tried = (work: () => unknown) => () => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

/** Everything that reads a document or a body on the event loop, and how it meets a text. */
const READERS: Record<string, (text: string) => () => unknown> = {
  'whether a document is static': (text) => () => isStatic(text),
  'whether a document is static, in a tag': (text) => () => isStatic(`<p>x</p><meta content="${text}`),
  'whether a document may have relative addresses': (text) => () => mayNeedBase(text),
  'whether a document needs an origin': (text) => () => needsOrigin(text),
  'whether a document needs an origin, in a tag': (text) => () => needsOrigin(`<base ><script ${text}`),
  'the fonts of a document': (text) => () => withFontFiles(`<style>${text}`),
  'the fonts of a document, very many': (text) => {
    const font = `@font-face{src:url(data:font/ttf;base64,${'A'.repeat(2_000)})}`;
    const html = `<style>${font.repeat(text.length / font.length)}${text}`;
    return () => withFontFiles(html);
  },
  'the pages of a PDF': (text) => {
    const pieces = [Buffer.from(text.slice(0, 1_000)), Buffer.from(`${text.slice(1_000)}trailer <</Size 1 /Root 1 0 R>> startxref 1 %%EOF`)];
    return () => countPages(pieces);
  },
  'the bytes of a body': (text) => {
    const bytes = Buffer.from(text);
    return tried(() => parseJson(bytes));
  },
  'the bytes of a body, in a string': (text) => {
    const bytes = Buffer.from(`{"html":${JSON.stringify(text)}}`);
    return tried(() => parseJson(bytes));
  },
  'the text of a body': (text) => () => textProblem({ html: text, [text]: text, list: [text, text] }),
  ...Object.fromEntries(
    ['html', 'url', 'userAgent', 'filename', 'metadata', 'nobody knows'].map((field) => [
      `the field ${field}`,
      (value: string) => () => parsePdfRequest({ [field]: value }),
    ]),
  ),
  'page ranges': (value) => () => parsePdfRequest({ html: 'x', options: { pageRanges: value } }),
  'lengths': (value) => () => parsePdfRequest({ html: 'x', options: { width: value, margin: { top: value } } }),
  'cookies': (value) => () => parsePdfRequest({ html: 'x', cookies: [{ name: value, value, url: value, domain: value, path: value }] }),
  'headers': (value) => () => parsePdfRequest({ html: 'x', setExtraHTTPHeaders: { [value]: value } }),
  'a schema': (value) => tried(() => checkInput(pdfRequestSchema, { [value]: value })),
  'where a tunnel leads': (value) => () => [tunnelTarget(value), tunnelTarget(`${value}:80`)],
  'where a request leads': (value) => () => [absoluteHttpUrl(value), absoluteHttpUrl(`http://${value}`), absoluteHttpUrl(`http://x/${value}`)],
  'headers on their way': (value) => () => endToEnd(['Connection', value, 'Connection', `close${value}x`, value, value], [value]),
  'headers on their way, very many': (value) => {
    const headers = Array.from({ length: value.length / 50 }, (_, n) => (n % 3 === 0 ? 'Connection' : `x${n}`));
    return () => endToEnd(headers, []);
  },
  'the name of a file': (value) => tried(() => contentDisposition('inline', value)),
  'secrets in a line of the log': (value) => () => withoutSecrets(value),
  'secrets at the end of a line': (value) => () => withoutSecrets(`${value}@x`),
  'secrets behind an address': (value) => () => withoutSecrets(`http://x/${value}?http://${value}`),
  'what a browser says, in small pieces': (value) => () => {
    const output = new PassThrough();
    const transport = pipeTransport(new PassThrough(), output, () => undefined);
    Object.assign(transport, { onmessage: () => undefined });
    for (let at = 0; at < value.length; at += 1_000) output.emit('data', Buffer.from(value.slice(at, at + 1_000)));
    output.emit('data', Buffer.from('\0'));
  },
}; // prettier-ignore

describe.each(Object.entries(READERS))('%s', (_, read) => {
  it('is read in time that grows with it, whatever it is full of', () => {
    const slow = FILLINGS.flatMap((filling) => {
      const found = growsFaster(30_000, (length) => read(filled(filling, length)));
      return found === undefined ? [] : [`full of ${JSON.stringify(filling)}: ${found}`];
    });
    expect(slow).toEqual([]);
  });
});

describe('a body of ten megabytes', () => {
  const BYTES = 10 * 1024 * 1024;
  const array = (item: string) => `[${filled(`${item},`, BYTES - 10).slice(0, -1)}]`;
  const shapes: Record<string, string> = {
    'numbers': array('1'),
    'objects': array('{}'),
    'strings': array('""'),
    'nested arrays': '['.repeat(BYTES),
    'nested objects': '{"a":'.repeat(BYTES / 5),
    'many keys': `{${Array.from({ length: BYTES / 12 }, (_, n) => `"k${n}":1`).join(',')}}`,
    'one key, many times': `{${filled('"a":1,', BYTES - 10).slice(0, -1)}}`,
    'one string': `{"html":"${'x'.repeat(BYTES - 20)}"}`,
    'one string, not ASCII': `{"html":"${'\u00e9'.repeat(BYTES / 2 - 20)}"}`,
    'one string of escapes': `{"html":"${'\\u00e9'.repeat(BYTES / 6 - 20)}"}`,
    'one string of quotes': `{"html":"${'\\"'.repeat(BYTES / 2 - 20)}"}`,
    'one long name': `{"${'x'.repeat(BYTES - 20)}":1}`,
    'one number': `{"timeoutMs":1${'0'.repeat(BYTES - 20)}}`,
    'one fraction': `{"timeoutMs":0.${'1'.repeat(BYTES - 20)}}`,
    'zeros': '0'.repeat(BYTES),
    'blanks': ' '.repeat(BYTES),
    'quotes': '"'.repeat(BYTES),
    'long unknown names': `{${Array.from({ length: 19_000 }, (_, n) => `"${n}${'\u00e9'.repeat(250)}":1`).join(',')}}`,
    'metadata': `{"html":"x","metadata":{${Array.from({ length: 19_000 }, (_, n) => `"${n}":"${'x'.repeat(501)}"`).join(',')}}}`,
    'cookies': `{"html":"x","cookies":[${Array.from({ length: 9_000 }, () => `{"a":"${'x'.repeat(1_000)}"}`).join(',')}]}`,
    'a url': `{"url":"http://${'a.'.repeat(BYTES / 2 - 20)}"}`,
    'page ranges': `{"html":"x","options":{"pageRanges":"${'1- '.repeat(BYTES / 3 - 30)}"}}`,
  }; // prettier-ignore

  it.each(Object.entries(shapes))('of %s is read, or refused in few words, at once', (_, shape) => {
    const bytes = Buffer.from(shape);
    const startedAt = process.cpuUsage();
    const refusal = tried(() => {
      const parsed = parsePdfRequest(parseJson(bytes));
      return parsed.ok ? undefined : parsed.fields;
    })();
    const { user, system } = process.cpuUsage(startedAt);
    // Alone on a machine it is below 100 ms; the slowest of what was refused here took 1.5 s.
    expect((user + system) / 1000).toBeLessThan(500);
    expect(JSON.stringify(refusal ?? '').length).toBeLessThan(20_000);
  });
});
