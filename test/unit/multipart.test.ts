import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { headerParameters } from '../../src/http/header-parameters.ts';
import { readMultipart } from '../../src/http/multipart.ts';
import { CodedError } from '../../src/kernel/errors.ts';
import { mutated } from '../fuzz/mutate.ts';

const CASES = 4_000;
const DEADLINE_MS = 30_000;

const part = (headers: string[], content: string) => `--x-x-x\r\n${headers.join('\r\n')}\r\n\r\n${content}\r\n`;
const FORM = Buffer.from(
  [
    'before\r\n',
    part(['Content-Disposition: form-data; name="request"', 'Content-Type: application/json'], '{"html":"x"}'),
    part(['Content-Disposition: form-data; name="files"; filename="a b.png"', 'Content-Type: image/png'], 'x'.repeat(500)),
    part([`Content-Disposition: form-data; name="files"; filename*=UTF-8''%C3%A4.css`], ''),
    part(['content-disposition:form-data;name=c;filename=c', 'Content-Transfer-Encoding: binary'], '\r\n--x-x\r\n-- x-x-x'),
    '--x-x-x--\r\nafter',
  ].join(''),
); // prettier-ignore

/** @returns the parts, or how they were refused */
async function read(bytes: Buffer, size: number): Promise<unknown[] | CodedError> {
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
  const parts: unknown[] = [];
  const reading = readMultipart(chunks(), { boundary: 'x-x-x', maxParts: 10 }, async ({ name, filename }, content) => {
    const pieces: Buffer[] = [];
    for await (const piece of content) pieces.push(piece);
    parts.push([name, filename, Buffer.concat(pieces).toString()]);
  });
  const ended = reading.then(
    () => parts,
    (error: unknown) => {
      if (error instanceof CodedError) return error;
      throw error;
    },
  );
  return Promise.race([ended, sleep(DEADLINE_MS, undefined, { ref: false }).then(() => Promise.reject(new Error('it hangs')))]); // prettier-ignore
}

describe('a form', () => {
  it.each([1, 2, 7, 64, 1_000_000])('is read in pieces of %i bytes', async (size) => {
    expect(await read(FORM, size)).toEqual([
      ['request', undefined, '{"html":"x"}'],
      ['files', 'a b.png', 'x'.repeat(500)],
      ['files', 'ä.css', ''],
      ['c', 'c', '\r\n--x-x\r\n-- x-x-x'],
    ]);
  });

  it('that is broken is read or refused, and ends', async () => {
    const ends = { read: 0, refused: 0 };
    for (let seed = 0; seed < CASES; seed++) {
      const result = await read(mutated(FORM, seed), [1, 5, 100, 10_000][seed % 4] as number);
      ends[result instanceof CodedError ? 'refused' : 'read']++;
      if (result instanceof CodedError) expect([seed, result.code, result.message]).toEqual([seed, 'invalid_request', expect.stringMatching(/^(\(body\)|part \d+).*: multipart\/form-data: /)]);
    }
    expect(Math.min(ends.read, ends.refused)).toBeGreaterThan(CASES / 20);
  }, 120_000); // prettier-ignore

  it('ends when the connection does, wherever', async () => {
    for (let length = 0; length < FORM.length; length += 3) {
      const chunks = async function* () {
        yield FORM.subarray(0, length);
        throw new Error('the connection was closed');
      };
      const began: Promise<unknown>[] = [];
      const reading = readMultipart(chunks(), { boundary: 'x-x-x', maxParts: 10 }, async (_, content) => {
        const work = (async () => { for await (const _ of content); })();
        began.push(work.catch(() => undefined));
        await work;
      });
      await expect(reading).rejects.toThrow(/the connection was closed|multipart\/form-data/);
      await Promise.all(began); // nobody still waits for the rest of a part
    }
  }); // prettier-ignore
});

describe('a header with parameters', () => {
  it.each<[string, string, Record<string, string>]>([
    ['form-data; name="a"; filename="b.png"', 'form-data', { name: 'a', filename: 'b.png' }],
    ['Form-Data;NAME=a;;filename=b.png;', 'form-data', { name: 'a', filename: 'b.png' }],
    ['form-data; name="a \\"b\\" \\\\c"', 'form-data', { name: 'a "b" \\c' }],
    ['form-data; filename="C:\\dir\\x"', 'form-data', { filename: 'C:\\dir\\x' }],
    [`form-data; filename="x"; filename*=UTF-8''%e2%82%ac`, 'form-data', { filename: '€' }],
    [`form-data; filename*=iso-8859-1'de'%e4`, 'form-data', { filename: 'ä' }],
    ['form-data; name="\u00c3\u00a4"', 'form-data', { name: 'ä' }],
    ['multipart/form-data; boundary="a b"', 'multipart/form-data', { boundary: 'a b' }],
    ['form-data', 'form-data', {}],
  ])('%s', (text, value, parameters) => {
    expect(headerParameters(text)).toEqual({ value, parameters: new Map(Object.entries(parameters)) });
  });

  it.each([
    '',
    ';',
    'form-data name="a"',
    'form-data; name="a',
    'form-data; name="a" x',
    'form-data; name',
    'form-data; name="a"; name="b"',
    'form-data; name="\u00ff"',
    "form-data; filename*=UTF-8''%ff",
    "form-data; filename*=KOI8-R''x",
    'form-data; filename*=x',
  ])('is refused: %s', (text) => {
    expect(headerParameters(text)).toBeUndefined();
  });

  it('of any size takes linear time', () => {
    for (const piece of [';', ' ', '\\', '"', 'a=', ';a="', '; ']) {
      const startedAt = performance.now();
      headerParameters(`form-data; a="${piece.repeat(80_000)}`);
      headerParameters(`form-data; ${piece.repeat(80_000)}`);
      expect(performance.now() - startedAt).toBeLessThan(5_000);
    }
  });
});
