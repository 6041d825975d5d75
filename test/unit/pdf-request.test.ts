import { describe, expect, it } from 'vitest';
import { paperSize, parsePdfRequest, urlProblem } from '../../src/domain/pdf-request.ts';

function problemsOf(json: unknown): string[] {
  const parsed = parsePdfRequest(json);
  return parsed.ok ? [] : parsed.fields.map(({ field, message }) => `${field}: ${message}`);
}

describe('a request for a PDF', () => {
  it('has every default filled in', () => {
    const parsed = parsePdfRequest({ html: '<p>x</p>' });
    expect(parsed).toEqual({
      ok: true,
      request: {
        html: '<p>x</p>',
        options: {
          format: 'Letter',
          landscape: false,
          scale: 1,
          printBackground: true,
          displayHeaderFooter: false,
          preferCSSPageSize: false,
          omitBackground: false,
          tagged: false,
          outline: false,
        },
        gotoOptions: { waitUntil: 'load' },
        setJavaScriptEnabled: true,
        metadata: {},
        timeoutMs: 60_000,
        failOnStatus: true,
        failOnResourceError: false,
      },
    });
  });

  it('names every field that is wrong, with what is allowed', () => {
    const problems = problemsOf({
      html: 5,
      options: { scale: 9, margin: { top: '5 furlongs' } },
      gotoOptions: { waitUntil: 'soon' },
      colour: 'red',
      priority: 'urgent',
    });
    expect(problems).toEqual(
      expect.arrayContaining([
        'html: Invalid input: expected string, received number',
        'options.scale: Too big: expected number to be <=2',
        expect.stringMatching(/^options\.margin\.top: .*allowed: pixels as a number/),
        expect.stringMatching(/^gotoOptions\.waitUntil: allowed: load, domcontentloaded/),
        'colour: unknown field',
        expect.stringMatching(/^priority: Invalid option: expected one of "low"\|"medium"\|"high"\|"critical"/),
      ]),
    );
  });

  it('takes paper from width and height over format, and what they leave open from it', () => {
    const parsed = parsePdfRequest({ html: 'x', options: { format: 'A4', width: '10cm' } });
    if (!parsed.ok) throw new Error('refused');
    expect(paperSize(parsed.request.options)).toEqual({ width: 10 / 2.54, height: 11.6929 });
  });

  it.each(['http://example.com', 'HTTPS://Example.com/a?b#c', 'http://127.0.0.1:8080/'])('may print %s', (url) => {
    expect(urlProblem(url)).toBeUndefined();
  });

  it.each([
    'file:///etc/passwd',
    'FILE:///etc/passwd',
    'view-source:file:///etc/passwd',
    'data:text/html,x',
    'chrome://version',
    'javascript:alert(1)',
    'about:blank',
    'ftp://x',
    'http://user:secret@example.com',
    'http://user@example.com',
    '//example.com',
    'example.com',
    '',
  ])('may not print %s', (url) => {
    expect(urlProblem(url)).toMatch(/^allowed: /);
  });

  it('cannot be nested, long or broken enough to hurt', () => {
    let nested: unknown = [];
    for (let depth = 0; depth < 100_000; depth++) nested = [nested];
    expect(problemsOf({ html: 'x', metadata: nested })[0]).toMatch(/allowed: at most 32 levels/);
    expect(problemsOf({ html: 'x', metadata: { a: Array.from({ length: 30_000 }, () => 1) } })[0]).toMatch(
      /metadata\.a: allowed: at most 20000 values/,
    );
    expect(problemsOf({ html: 'a\0b' })).toEqual(['html: allowed: text without NUL characters']);
    expect(problemsOf({ html: 'x', metadata: { k: '\ud800' } })).toEqual([
      'metadata.k: allowed: well-formed Unicode, without lone surrogates',
    ]);
    expect(problemsOf(JSON.parse('{"html":"x","metadata":{"__proto__":"y"}}'))).toEqual([
      'metadata.__proto__: allowed: any other name',
    ]);
    for (const json of [null, 7, 'x', [], true])
      expect(problemsOf(json)).toEqual([expect.stringMatching(/^\(body\): Invalid input: expected object/)]);
  });
});
