import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import { addedHeaders, type ExtraHeaders, headerOrigins } from '../../src/domain/extra-headers.ts';
import { resourceFails } from '../../src/domain/failing-resource.ts';
import { statusFails } from '../../src/domain/failing-status.ts';
import { parsePdfRequest, type PdfRequest, pdfRequestSchema } from '../../src/domain/pdf-request.ts';
import { paperSize } from '../../src/domain/print-fields.ts';
import { urlProblem } from '../../src/domain/source.ts';
import { namesWithin } from '../../src/domain/schema-names.ts';

function problemsOf(json: unknown): string[] {
  const parsed = parsePdfRequest(json);
  return parsed.ok ? [] : parsed.fields.map(({ field, message }) => `${field}: ${message}`);
}

describe('a request for a PDF', () => {
  it('has every default filled in', () => {
    const parsed = parsePdfRequest({ html: '<p>x</p>' });
    const part = {
      source: { kind: 'html', value: '<p>x</p>' },
      sent: { html: '<p>x</p>' },
    };
    const { parts: _, metadata: __, ...settings } = parsed.ok ? parsed.request : ({} as PdfRequest);
    expect(parsed).toEqual({
      ok: true,
      request: {
        parts: [{ ...settings, ...part }],
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
        bestAttempt: false,
        failOnConsoleError: false,
        singlePage: false,
      },
      sent: { html: '<p>x</p>' },
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
        'html: allowed: text',
        'options.scale: allowed: 0.1 to 2',
        expect.stringMatching(/^options\.margin\.top: .*allowed: pixels as a number/),
        expect.stringMatching(/^gotoOptions\.waitUntil: allowed: load, domcontentloaded/),
        expect.stringMatching(/^colour: unknown field; allowed: html, url, markdown, /),
        'priority: allowed: low, medium, high, critical',
      ]),
    );
  });

  it.each([
    [{ markdown: '# x' }, 'A4'],
    [{ files: { 'index.md': { text: '# x' } } }, 'A4'],
    [{ files: { 'index.html': { text: 'x' }, 'index.md': { text: '# x' } } }, 'Letter'],
    [{ markdown: '# x', options: { format: 'A5' } }, 'A5'],
    [{ markdown: '# x', options: { landscape: true } }, 'A4'],
  ])('prints %j on %s', (body, format) => {
    expect(parsePdfRequest(body)).toMatchObject({ ok: true, request: { parts: [{ options: { format } }] } });
  });

  it.each([
    [{ html: 'x', data: {} }, 'data', /template only/],
    [{ url: 'http://a.example', files: { 'a.css': { text: '' } } }, 'files', /url has its own/],
    [{ files: { 'a.css': { text: '' } } }, 'files', /index\.html or index\.md; there is a\.css$/],
    [
      { files: { 'a.css': { text: '' }, 'bill.HTM': { text: 'x' } } },
      'files',
      /; there is a\.css, bill\.HTM; send bill\.HTM as index\.html$/,
    ],
    [{ files: { 'a.md': { text: 'x' } } }, 'files', /; there is a\.md; send a\.md as index\.md$/],
    [
      { files: Object.fromEntries('abcdefg'.split('').map((name) => [`${name}.html`, { text: 'x' }])) },
      'files',
      /; there is a\.html, b\.html, c\.html, d\.html, e\.html and 2 more$/,
    ],
    [{ html: 'x', markdown: 'y' }, 'markdown', /exactly one of/],
    [{ template: 'Invoice' }, 'template', /the name of a template/],
    ...[5, 's', true, [], [{}]].map((data): [object, string, RegExp] => [{ template: 'a', data }, 'data', /^allowed: an object$/]), // prettier-ignore
    [{ parts: [{ template: 'a', data: [] }] }, 'parts[0].data', /^allowed: an object$/],
    [{ html: 'x', files: { '../a': { text: '' } } }, 'files["../a"]', /\.\./],
    [{ html: 'x', files: { 'a.css': 'abc' } }, 'files["a.css"]', /64 hexadecimal|\{"text"/],
  ])('refuses %j', (body, field, message) => {
    const parsed = parsePdfRequest(body);
    expect(parsed.ok || parsed.fields).toContainEqual({ field, message: expect.stringMatching(message) as string });
  });

  it('takes null in data as what it is, and more values there than elsewhere', () => {
    const data = { rows: Array.from({ length: 20_000 }, () => [1, null]) };
    const parsed = parsePdfRequest({ template: 'a', data });
    expect(parsed).toMatchObject({
      ok: true,
      request: { parts: [{ source: { kind: 'template', value: { name: 'a', data } } }] },
    });
    expect(parsePdfRequest({ html: 'x', cookies: data.rows })).toMatchObject({ ok: false });
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
    for (const json of [null, 7, 'x', [], true]) expect(problemsOf(json)).toEqual(['(body): allowed: an object']);
  });

  const SOURCE_OF: Record<string, object> = { authenticate: { url: 'https://example.com' }, pdf: {} };

  /** The member at a path, in a request that is one otherwise. */
  const withMember = (path: string, value: unknown): Record<string, unknown> => {
    const names = path.split('.');
    const last = names.pop() as string;
    let body: Record<string, unknown> = { [last]: value };
    for (const name of names.toReversed()) body = { [name]: body };
    return { html: '<p>x</p>', ...body };
  };
  /** What a part of the request needs beside a member. */
  const NEEDED: Record<string, object> = {
    viewport: { width: 1, height: 1 },
    waitForSelector: { selector: 'p' },
    waitForFunction: { fn: 'true' },
    authenticate: { username: 'a', password: 'b' },
    pdf: { job: '01890a5d-ac96-774b-bcce-b302099a8057' },
    split: { every: 2 },
    output: { type: 'png' },
    upload: { url: 'https://bucket.example.com/a' },
  };
  /** The same of members of these. */
  const NEEDED_WITHIN: Record<string, Record<string, object>> = {
    finishing: { facturx: { xml: '<a/>', level: 'BASIC' }, encrypt: { userPassword: 'a' } },
    output: { clip: { x: 0, y: 0, width: 1, height: 1 } },
  };
  const isNeeded = (path: string) => {
    const [part = '', member = '', inner = ''] = path.split('.');
    if (inner !== '') return Object.hasOwn(NEEDED_WITHIN[part]?.[member] ?? {}, inner);
    return Object.hasOwn(NEEDED[part] ?? {}, member);
  };
  const PATHS = namesWithin(pdfRequestSchema).filter((path) => path !== 'html');

  it.each(PATHS)('takes null for %s as if it were not there', (path) => {
    const { html: _, ...sent } = withMember(path, null);
    const [part = '', member = '', inner] = path.split('.');
    const within = sent[part] as Record<string, object>;
    const deep = inner !== undefined && { [member]: { ...NEEDED_WITHIN[part]?.[member], ...within[member as never] } };
    const body = { ...sent, ...(path.includes('.') && { [part]: { ...NEEDED[part], ...within, ...deep } }) };
    const parsed = parsePdfRequest({
      ...(path === 'url' || path === 'pdf' ? { html: 'x' } : (SOURCE_OF[part] ?? { html: 'x' })),
      ...body,
    });
    expect([path, parsed.ok]).toEqual([path, !isNeeded(path)]);
    expect(JSON.stringify(parsed)).not.toContain('null');
  });

  it('takes null in lists of cookies, among headers and for what has no such name, and keeps it in metadata', () => {
    const sent = {
      html: 'x',
      nothing: null,
      cookies: [{ name: 'a', value: 'b', domain: 'x.test', path: null, expires: null }],
      setExtraHTTPHeaders: { 'X-A': null, 'X-B': 'b' },
      metadata: { a: null },
    };
    const parsed = parsePdfRequest(sent);
    expect(parsed).toMatchObject({ ok: true, request: { setExtraHTTPHeaders: { 'X-B': 'b' }, metadata: { a: null } } });
    expect(parsed.ok && parsed.request.cookies).toEqual([{ name: 'a', value: 'b', domain: 'x.test' }]);
    expect(problemsOf({ html: null })).toEqual([
      'html: required: exactly one of html, url, markdown, template, pdf, files, parts',
    ]);
    expect(problemsOf({ html: 'x', cookies: [null] })).toEqual([expect.stringMatching(/^cookies\[0\]: /)]);
  });

  it.each(PATHS)('names %s, if that was meant', (path) => {
    const name = path.slice(path.lastIndexOf('.') + 1);
    const slips = [`${name}s`, `${name.slice(0, 2)}${name.slice(3)}`, name.toUpperCase(), `${name.slice(0, -1)}q`];
    for (const slip of slips.filter((other) => other !== name && other.length > 3)) {
      const wrong = path.slice(0, -name.length) + slip;
      const known = PATHS.some((other) => other === wrong);
      const problems = problemsOf(withMember(wrong, 1));
      if (!known) expect(problems).toContainEqual(expect.stringContaining(`${wrong}: unknown field; did you mean `));
    }
    expect(problemsOf(withMember(`${path}s`, 1))).toContain(`${path}s: unknown field; did you mean ${name}?`);
  });

  it.each([
    ['landscape', 'options.landscape'],
    ['format', 'options.format'],
    ['waitUntil', 'gotoOptions.waitUntil'],
    ['headers', 'setExtraHTTPHeaders'],
    ['timeout', 'timeoutMs'],
    ['options.timeout', 'gotoOptions.timeout'],
    ['headerTemplate', 'options.headerTemplate'],
  ])('names for %s the place where it belongs', (wrong, right) => {
    expect(problemsOf(withMember(wrong, 1))).toContain(`${wrong}: unknown field; did you mean ${right}?`);
  });

  it.each(['a\u202efdp.exe', '\u2066a', 'a\u200f.pdf', 'a\u0085', 'a\u2028b', 'a\tb', 'a/b', 'a\\b', ''])(
    'takes no file name %j',
    (filename) => {
      expect(problemsOf({ html: 'x', filename })).toEqual([expect.stringMatching(/^filename: /)]);
    },
  );

  it.each(['\u0641\u0627\u062a\u0648\u0631\u0629.pdf', 'Rechnung \u2013 M\u00e4rz.pdf', '\u8acb\u6c42\u66f8'])('takes the file name %j', (filename) => {
    expect(problemsOf({ html: 'x', filename })).toEqual([]);
  }); // prettier-ignore

  it('keeps no number that it would show as another', () => {
    const numbers = JSON.parse('{"a":9007199254740993,"b":-9007199254740992,"c":12345678901234567890}') as Record<string, number>;
    for (const [name, value] of Object.entries(numbers))
      expect(problemsOf({ html: 'x', metadata: { [name]: value } })).toEqual([expect.stringContaining('9007199254740991')]);
    expect(problemsOf({ html: 'x', metadata: { a: 9_007_199_254_740_991, b: 0.1, c: 1e21, d: -5 } })).toEqual([]);
  }); // prettier-ignore

  it('is the same, as it was sent, in whatever order and with null for nothing', () => {
    const hashed = (text: string) => {
      const parsed = parsePdfRequest(JSON.parse(text));
      return parsed.ok ? canonicalJson(parsed.sent) : 'refused';
    };
    const [first, ...others] = [
      '{"html":"x","options":{"format":"A4","margin":{"top":1,"left":2}},"metadata":{"b":1,"a":null}}',
      '{ "metadata": {"a":null,"b":1}, "options": {"margin":{"left":2.0,"top":1},"format":"A4"}, "html": "x" }',
      '{"url":null,"html":"\\u0078","options":{"format":"A4","width":null,"margin":{"top":1,"left":2}},"metadata":{"b":1,"a":null}}',
    ].map(hashed);
    for (const other of others) expect(other).toBe(first);
    expect(hashed('{"html":"x","options":{"format":"A4","margin":{"top":1,"left":2}},"metadata":{"b":1}}')).not.toBe(first);
    expect(hashed('{"html":"x","options":{"margin":{"top":1,"left":2}},"metadata":{"b":1,"a":null}}')).not.toBe(first);
  }); // prettier-ignore
});

describe('headers of a request', () => {
  const here = 'https://example.com:8443/a?b';

  it.each([
    [{ url: here }, ['https://example.com:8443']],
    [{ url: here, extraHTTPHeadersTo: 'origin' as const }, ['https://example.com:8443']],
    [{ url: 'http://EXAMPLE.com:80/' }, ['http://example.com']], // of another scheme and port: another origin
    [
      { url: here, extraHTTPHeadersTo: ['https://CDN.example.com/', 'http://10.0.0.1:80'] },
      ['https://cdn.example.com', 'http://10.0.0.1'],
    ],
    [{}, []],
    [{ extraHTTPHeadersTo: ['https://cdn.example.com'] }, ['https://cdn.example.com']],
  ])('of %j go to %j', (request, origins) => {
    expect(headerOrigins(request)).toEqual(new Set(origins));
  });

  it('go everywhere if that is asked for', () => {
    expect(headerOrigins({ url: here, extraHTTPHeadersTo: 'all' })).toBe('all');
  });

  it.each<[headers: ExtraHeaders, to: 'all' | string[] | undefined, url: string, added: Record<string, string> | undefined]>([
    [{ a: '1' }, undefined, here, { a: '1' }],
    [{ a: '1' }, undefined, 'https://example.com/', {}],
    [{ a: '1' }, 'all', 'http://other.example', { a: '1' }],
    [{ a: { value: '1', urls: '*.png' } }, undefined, 'http://other.example/a.png#b', { a: '1' }],
    [{ a: { value: '1', urls: '*.png' } }, 'all', 'http://other.example/a.jpg', {}],
    [{ a: '1', A: { value: '2', urls: 'https://example.com:8443/*' } }, undefined, here, { A: '2' }],
    [{ a: '1', A: { value: '2', urls: '*.png' } }, undefined, here, { a: '1' }],
    [{ A: { value: '2', urls: '*' }, a: '1' }, undefined, here, { A: '2' }],
    [{}, undefined, here, undefined],
  ])('%j, to %j, at %s: %j', (setExtraHTTPHeaders, to, url, added) => {
    const all = addedHeaders({ url: here, extraHTTPHeadersTo: to, setExtraHTTPHeaders });
    expect(all?.to(url)).toEqual(added);
  }); // prettier-ignore

  const noOrigins = [
    'cdn.example.com',
    'ftp://example.com',
    'https://example.com/path',
    'https://me@example.com',
    'https://example.com?a',
    '*',
    'null',
  ];
  it.each(noOrigins)('%s is no origin', (origin) => {
    const problem = 'extraHTTPHeadersTo[0]: allowed: http or https, host and port, such as https://cdn.example.com';
    expect(problemsOf({ url: here, extraHTTPHeadersTo: [origin] })).toEqual([problem]);
  });

  it.each([
    [{ extraHTTPHeadersTo: 'everywhere' }, /^extraHTTPHeadersTo: allowed: origin, all, or a list of origins/],
    [{ extraHTTPHeadersTo: [] }, /^extraHTTPHeadersTo: /],
    [{ extraHTTPHeadersTo: 'origin' }, /^extraHTTPHeadersTo: html has no origin; allowed with it: all, or a list/],
    [{ setExtraHTTPHeaders: { Host: 'a' } }, /^setExtraHTTPHeaders\.Host: allowed: headers of the request/],
    [{ setExtraHTTPHeaders: { 'a b': 'a' } }, /^setExtraHTTPHeaders\["a b"\]: allowed: an HTTP header name/],
    [
      { setExtraHTTPHeaders: { a: 1 } },
      /^setExtraHTTPHeaders\.a: allowed: text, or an object with value, urls, hosts$/,
    ],
    [{ setExtraHTTPHeaders: { a: { value: 'x' } } }, /^setExtraHTTPHeaders\.a: required: urls, hosts, or both$/],
    [
      { setExtraHTTPHeaders: { a: { value: 'x', urls: '^a' } } },
      /^setExtraHTTPHeaders\.a\.urls: allowed: a URL in which \*/,
    ],
    [
      { setExtraHTTPHeaders: { a: { value: 'x', urls: '*', url: '*' } } },
      /^setExtraHTTPHeaders\.a\.url: unknown field; did you mean urls\?$/,
    ],
    [
      { setExtraHTTPHeaders: { a: { value: 'x\n', urls: '*' } } },
      /^setExtraHTTPHeaders\.a\.value: allowed: no control characters$/,
    ],
  ])('%j is refused by name', (fields, problem) => {
    expect(problemsOf({ html: 'x', ...fields })).toEqual([expect.stringMatching(problem)]);
  });
});

describe('locale and timezone', () => {
  it.each(['en', 'de-DE', 'zh-Hant', 'sr-Latn-RS', 'ar-EG-u-nu-latn'])('locale %s is taken', (locale) => {
    expect(parsePdfRequest({ html: 'x', locale }).ok).toBe(true);
  });
  it.each(['', 'de_DE', 'xx', '*', 'german', 'de-DE,de', 'x'.repeat(101)])('locale %s is refused', (locale) => {
    expect(parsePdfRequest({ html: 'x', locale })).toMatchObject({ ok: false, fields: [{ field: 'locale' }] });
  });
  it.each(['UTC', 'Europe/Berlin', 'europe/berlin', 'Etc/GMT+1'])('timezone %s is taken', (timezone) => {
    expect(parsePdfRequest({ html: 'x', timezone }).ok).toBe(true);
  });
  it.each(['', '+01:00', 'Mars/Olympus', 'GMT+1'])('timezone %s is refused', (timezone) => {
    expect(parsePdfRequest({ html: 'x', timezone })).toMatchObject({ ok: false, fields: [{ field: 'timezone' }] });
  });
});

describe('fields about the page', () => {
  const TAG = { content: 'x' };
  it.each([
    { addStyleTag: [TAG, { url: 'https://example.com/a.css' }, { url: 'print.css' }, { url: '/a b.css' }] },
    { addScriptTag: [{ ...TAG, type: 'module', id: 'a' }, { url: '../a.js' }] },
    { waitForFunction: { fn: '() => true', polling: 'raf', timeout: 0 } },
    { waitForFunction: { fn: 'true', polling: 100 } },
    { rejectResourceTypes: ['image', 'fetch'], rejectRequestPattern: ['*.png'] },
    { url: 'https://example.com', authenticate: { username: 'a', password: '' } },
    { emulateMediaFeatures: [{ name: 'prefers-color-scheme', value: 'dark' }], bestAttempt: true, singlePage: true },
    { addStyleTag: [], addScriptTag: null, authenticate: null, rejectResourceTypes: [] },
  ])('%j is taken', (fields) => {
    expect(problemsOf({ ...(!('url' in fields) && { html: 'x' }), ...fields })).toEqual([]);
  });

  it.each([
    [{ addStyleTag: [{}] }, /^addStyleTag\[0\]: required: either content or url$/],
    [{ addStyleTag: [TAG, { ...TAG, url: 'a' }] }, /^addStyleTag\[1\]: required: either content or url$/],
    [{ addStyleTag: [{ url: 'file:///etc/passwd' }] }, /^addStyleTag\[0\]\.url: allowed: http and https, not file:$/],
    [{ addStyleTag: [{ url: 'http://a:b@example.com' }] }, /^addStyleTag\[0\]\.url: allowed: a URL without user name/],
    [{ addStyleTag: Array.from({ length: 1_000 }, () => TAG) }, /^addStyleTag: allowed: at most 100 items$/],
    [{ addStyleTag: [{ content: 'x'.repeat(1_000_001) }] }, /^addStyleTag\[0\]\.content: allowed: 1 to 1000000 characters$/],
    [{ addStyleTag: [{ ...TAG, path: 'a' }] }, /^addStyleTag\[0\]\.path: unknown field/],
    [{ addScriptTag: [{ url: 'javascript:1' }] }, /^addScriptTag\[0\]\.url: allowed: http and https, not javascript:$/],
    [{ addScriptTag: [{ ...TAG, type: 'a\nb' }] }, /^addScriptTag\[0\]\.type: allowed: no control characters$/],
    [{ addScriptTag: [TAG], setJavaScriptEnabled: false }, /^addScriptTag: no script runs without setJavaScriptEnabled$/],
    [{ waitForFunction: { fn: 'x', polling: 1 } }, /^waitForFunction\.polling: allowed: 10 to 60000$/],
    [{ waitForFunction: { fn: 'x', polling: 'soon' } }, /^waitForFunction\.polling: allowed: raf, mutation, or milliseconds/],
    [{ waitForFunction: 'x' }, /^waitForFunction: allowed: an object$/],
    [{ rejectResourceTypes: ['images'] }, /^rejectResourceTypes\[0\]: allowed: document, stylesheet, image/],
    [{ rejectResourceTypes: ['websocket'] }, /^rejectResourceTypes\[0\]: allowed: document, stylesheet, image/],
    [{ rejectRequestPattern: ['.*\\.css'] }, /^rejectRequestPattern\[0\]: allowed: a URL in which \*/],
    [{ rejectRequestPattern: ['*'.repeat(201)] }, /^rejectRequestPattern\[0\]: allowed: at most 200 characters$/],
    [{ rejectRequestPattern: Array(51).fill('*') }, /^rejectRequestPattern: allowed: at most 50 items$/],
    [{ authenticate: { username: 'a', password: 'b' } }, /^authenticate: allowed with url only/],
    [{ emulateMediaFeatures: [{ name: 'forced-colors', value: 'active' }] }, /^emulateMediaFeatures\[0\]\.name: allowed: prefers-color-scheme, /],
    [{ emulateMediaFeatures: [{ name: 'prefers-color-scheme', value: 'red' }] }, /^emulateMediaFeatures\[0\]\.value: allowed for prefers-color-scheme: light, dark$/],
  ])('%j is refused by name', (fields, problem) => {
    expect(problemsOf({ html: 'x', ...fields })).toEqual([expect.stringMatching(problem)]);
  }); // prettier-ignore
});

describe('what fails a job', () => {
  const STATUSES = 'allowed: statuses from 100 to 599, and ranges such as "4xx" or "500-599"';

  it.each<[statuses: unknown[], problems: string[]]>([
    [[404, '404', '4xx', '5XX', '400-499', '500-500'], []],
    ...['6xx', 'xx', '4x', '99', '600', '499-400', '400-600', '400-', '-499', '4xx-5xx', ' 404', '', '404.5'].map((entry): [unknown[], string[]] => [[entry], [`[0]: ${STATUSES}`]]),
    [[99], ['[0]: allowed: 100 to 599']],
    [[600], ['[0]: allowed: 100 to 599']],
    [[404.5], [`[0]: ${STATUSES}`]],
    [[null], [`[0]: ${STATUSES}`]],
    [Array.from({ length: 101 }, () => 404), [': allowed: at most 100 items']],
  ])('the statuses %j', (statuses, problems) => {
    expect(problemsOf({ html: 'x', failOnStatus: statuses })).toEqual(problems.map((problem) => `failOnStatus${problem}`));
    expect(problemsOf({ html: 'x', failOnResourceError: { statuses } })).toEqual(problems.map((problem) => `failOnResourceError.statuses${problem}`));
  });

  it.each<[entry: number | string, fails: number[]]>([
    [404, [404]],
    ['404', [404]],
    ['4xx', [400, 404, 499]],
    ['400-404', [400, 404]],
    ['100-599', [100, 200, 400, 404, 499, 500, 599]],
  ])('%j is %j', (entry, fails) => {
    const all = [100, 200, 400, 404, 499, 500, 599];
    expect(all.filter((status) => statusFails([entry], status))).toEqual(fails);
  });

  it.each<[fields: object, problem: RegExp]>([
    [{ failOnStatus: 404 }, /^failOnStatus: allowed: true, false, or a list of statuses such as/],
    [{ failOnStatus: 'yes' }, /^failOnStatus: allowed: true, false, or a list/],
    [{ failOnResourceError: 'yes' }, /^failOnResourceError: allowed: true, false, or an object with statuses, unreachable, ignore$/],
    [{ failOnResourceError: ['4xx'] }, /^failOnResourceError: allowed: true, false, or an object/],
    [{ failOnResourceError: { status: ['4xx'] } }, /^failOnResourceError\.status: unknown field; did you mean statuses\?$/],
    [{ failOnResourceError: { unreachable: 'yes' } }, /^failOnResourceError\.unreachable: allowed: true or false$/],
    ...['https://a.example', 'a.example:80', 'a.example/b', 'a@b.example', '*.example.com', '', 'a b', 'a?b'].map((host): [object, RegExp] => [{ failOnResourceError: { ignore: [host] } }, /^failOnResourceError\.ignore\[0\]: allowed: a host name such as/]),
    [{ failOnConsoleError: 'exception' }, /^failOnConsoleError: allowed: true, false or exceptions/],
    [{ waitForFunction: { fn: 'x', strict: 1 } }, /^waitForFunction\.strict: allowed: true or false$/],
    [{ cookies: [{ name: 'a', value: 'b', domain: 'a.example:80' }] }, /^cookies\[0\]\.domain: allowed: a host name or an IP address, without scheme and port$/],
    [{ cookies: [{ name: 'a', value: 'b', domain: 'a.example', sameSite: 'lax' }] }, /^cookies\[0\]\.sameSite: allowed: Strict, Lax, None \(did you mean Lax\?\)$/],
  ])('%j is refused by name', (fields, problem) => {
    expect(problemsOf({ html: 'x', ...fields })).toEqual([expect.stringMatching(problem)]);
  });

  it.each(['a.example', 'A.Example', '10.0.0.1', '[::1]', 'localhost', 'bücher.example', '_a.example'])('the host %s may be ignored, with what is below it', (host) => {
    expect(problemsOf({ html: 'x', failOnResourceError: { unreachable: true, ignore: [host] } })).toEqual([]);
    const fails = (url: string) => resourceFails({ unreachable: true, ignore: [host] }, { url, status: undefined });
    expect([fails(`https://${host}:8443/a`), fails(`https://x${host.replace('[', '')}`)]).toEqual([false, true]);
    if (/[a-z]/i.test(host) && !host.includes(':')) expect(fails(`https://img.${host}/a`)).toBe(false);
  });
}); // prettier-ignore
