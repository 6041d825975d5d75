import { describe, expect, it } from 'vitest';
import { type Endpoint, translateBody } from '../../src/compat/browserless/translate-body.ts';
import { translateQuery } from '../../src/compat/browserless/translate-query.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';

const html = '<p>a</p>';
const url = 'https://example.com/';

/** The request of ours that a body becomes. */
function requestOf(endpoint: Endpoint, body: object) {
  const { conversion, refusals } = translateBody(endpoint, { ...body });
  expect(refusals).toEqual([]);
  const parsed = parsePdfRequest(conversion.request);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  return { ...parsed.request, part: parsed.request.parts[0], sent: parsed.sent as Record<string, unknown> };
}

const refusalsOf = (endpoint: Endpoint, body: object) =>
  translateBody(endpoint, { ...body }).refusals.map(({ field, message }) => `${field}: ${message}`);

describe('a body of /pdf', () => {
  it('has the defaults of Puppeteer', () => {
    const { part } = requestOf('pdf', { html });
    expect(part).toMatchObject({
      options: { format: 'Letter', printBackground: false, tagged: true, outline: false, scale: 1, landscape: false },
      failOnStatus: false,
      failOnResourceError: false,
      bestAttempt: false,
      setJavaScriptEnabled: true,
      gotoOptions: { waitUntil: 'load' },
    });
  });

  it.each(['options', 'pdfOptions'])('may have %s', (name) => {
    const options = {
      format: 'A4',
      width: '10cm',
      margin: { top: ' 1 IN', left: 20, right: null },
      printBackground: true,
      timeout: 0,
    };
    const { sent } = requestOf('pdf', { html, [name]: options });
    expect(sent.options).toEqual({
      tagged: true,
      printBackground: true,
      format: 'a4',
      margin: { top: '1in', left: 20 },
    });
  });

  it('is as large as width and height say without a format', () => {
    const { sent } = requestOf('pdf', { html, options: { width: '.5in', height: 200 } });
    expect(sent.options).toMatchObject({ width: '0.5in', height: 200 });
  });

  it('has what the browser has in its margins if nothing is given for them', () => {
    const { part } = requestOf('pdf', {
      html,
      options: { displayHeaderFooter: true, headerTemplate: '<b>mine</b>', footerTemplate: '' },
    });
    expect(part?.options.headerTemplate).toBe('<b>mine</b>');
    expect(part?.options.footerTemplate).toContain('class="pageNumber"');
  });

  it('is one page with fullPage', () => {
    expect(requestOf('pdf', { html, options: { fullPage: true } }).part?.singlePage).toBe(true);
    expect(refusalsOf('pdf', { html, options: { fullPage: true, format: 'A4' } })).toEqual([
      'options.fullPage: allowed without height and format',
    ]);
  });

  it('may have all that is loaded and waited for', () => {
    const body = {
      gotoOptions: { waitUntil: ['load', 'networkidle2'], timeout: 45_000 },
      viewport: { width: 100, height: 100, deviceScaleFactor: 3, isMobile: false },
      addScriptTag: [{ content: 'a()' }, { url: 'https://example.com/a.js', type: 'module', id: 'a' }],
      addStyleTag: [{ content: 'p { color: red }' }],
      authenticate: { username: 'ann', password: 'secret' },
      waitForSelector: { selector: 'h1', visible: true, timeout: 5_000 },
      waitForFunction: { fn: '() => 5 + 5', polling: 'raf' },
      waitForTimeout: 500,
      setJavaScriptEnabled: true,
      bestAttempt: true,
      emulateMediaType: 'screen',
    };
    const { part } = requestOf('pdf', { url, ...body });
    expect(part).toMatchObject({ ...body, source: { kind: 'url', value: url } });
  });

  it('may have cookies as Puppeteer gives them', () => {
    const cookies = [
      { name: 'a', value: 'b', domain: '.example.com', path: '/', expires: -1, size: 2, httpOnly: true, secure: false, session: true, sameParty: false, sourceScheme: 'Secure', sourcePort: 443, priority: 'Medium' }, // prettier-ignore
    ];
    const { part } = requestOf('pdf', { url, cookies });
    expect(part?.cookies).toEqual([
      { name: 'a', value: 'b', domain: '.example.com', path: '/', httpOnly: true, secure: false },
    ]);
  });

  it('sends its headers to every origin, and may have a user agent in both spellings', () => {
    const { part } = requestOf('pdf', { html, setExtraHTTPHeaders: { 'X-A': 'b' }, userAgent: { userAgent: 'me' } });
    expect(part).toMatchObject({ setExtraHTTPHeaders: { 'X-A': 'b' }, extraHTTPHeadersTo: 'all', userAgent: 'me' });
    expect(requestOf('pdf', { html, userAgent: 'me' }).part?.userAgent).toBe('me');
  });

  it('rejects what its expressions say', () => {
    const { part } = requestOf('pdf', {
      html,
      rejectRequestPattern: ['/^.*\\.(css)', 'ads'],
      rejectResourceTypes: ['image'],
    });
    expect(part).toMatchObject({ rejectRequestPattern: ['*.css*', '*ads*'], rejectResourceTypes: ['image'] });
    expect(refusalsOf('pdf', { html, rejectRequestPattern: ['a', '\\d+'] })).toEqual([
      expect.stringMatching(/^rejectRequestPattern\[1\]: this regular expression cannot be used here; allowed: /),
    ]);
  });

  it('refuses expressions that are too long or stand for too many patterns', () => {
    const rejectRequestPattern = ['(a|b)'.repeat(5) + 'x'.repeat(150_000)];
    expect(refusalsOf('pdf', { html, rejectRequestPattern })).toEqual([
      expect.stringMatching(/^rejectRequestPattern\[0\]: .* at most 1000 characters/),
    ]);
    const tooMany = [expect.stringMatching(/^rejectRequestPattern: allowed: at most 50 patterns/)];
    for (const patterns of [Array.from({ length: 51 }, () => 'ads'), ['(a|b)'.repeat(5), '(a|b)'.repeat(5)]])
      expect(refusalsOf('pdf', { html, rejectRequestPattern: patterns })).toEqual(tooMany);
    const most = { html, rejectRequestPattern: Array.from({ length: 50 }, () => 'ads') };
    expect(requestOf('pdf', most).part?.rejectRequestPattern).toHaveLength(50);
  });

  it('refuses 50 unknown fields at most', () => {
    const many = Object.fromEntries(Array.from({ length: 19_000 }, (_, at) => [`waitForSelect${at}`, 1]));
    expect(refusalsOf('pdf', { html, ...many })).toHaveLength(50);
    expect(refusalsOf('pdf', { html, userAgent: { userAgent: 'me', ...many } })).toHaveLength(50);
  });

  it('rejects every type of resource but those that are allowed', () => {
    const { part } = requestOf('pdf', { html, allowResourceTypes: ['document', 'stylesheet', 'image', 'fetch'] });
    expect(part?.rejectResourceTypes).toEqual(['media', 'texttrack', 'font', 'script', 'ping']);
  });

  it('waits for an event, and scrolls, after its own function', () => {
    const { part } = requestOf('screenshot', {
      html,
      waitForFunction: { fn: '() => window.isReady', timeout: 1_000, polling: 100 },
      waitForEvent: { event: "it's", timeout: 2_000 },
      scrollPage: true,
    });
    expect(part?.waitForFunction).toMatchObject({ timeout: 33_000, polling: 100 });
    const { fn = '' } = part?.waitForFunction ?? {};
    expect(fn.indexOf('window.isReady')).toBeLessThan(fn.indexOf('"it\'s"'));
    expect(fn.indexOf('"it\'s"')).toBeLessThan(fn.indexOf('scrollTo(0, 0)'));
    expect(() => new Function(`return ${fn}`)).not.toThrow(); // oxlint-disable-line no-implied-eval, no-new-func -- it is parsed only
  });

  it('may have null for what is not set', () => {
    expect(requestOf('pdf', { html, url: null, options: null, cookies: null, waitForEvent: null }).sent).toEqual(
      requestOf('pdf', { html }).sent,
    );
  });
});

describe('a body of /screenshot', () => {
  it('is a PNG of what the viewport shows', () => {
    expect(requestOf('screenshot', { html }).result?.output).toEqual({ type: 'png' });
  });

  it.each([
    [
      { options: { type: 'jpeg', quality: 50, fullPage: true, omitBackground: true } },
      { type: 'jpeg', quality: 50, fullPage: true },
    ],
    [
      { screenshotOptions: { omitBackground: true, captureBeyondViewport: false, optimizeForSpeed: true } },
      { type: 'png', omitBackground: true },
    ],
    [{ options: { clip: { x: 1, y: 2, width: 3, height: 4, scale: 1 }, type: 'webp' } }, { type: 'webp', clip: { x: 1, y: 2, width: 3, height: 4 } }], // prettier-ignore
    [{ selector: 'h1' }, { type: 'png', selector: 'h1' }],
  ])('%j is %j', (given, output) => {
    expect(requestOf('screenshot', { html, ...given }).result?.output).toEqual(output);
  });

  it('may be asked for in base64', () => {
    const isBase64 = (encoding: string) =>
      translateBody('screenshot', { html, options: { encoding } }).conversion.isBase64;
    expect([isBase64('base64'), isBase64('binary')]).toEqual([true, false]);
  });
});

describe('what is not done', () => {
  const cases: [Endpoint, object, string][] = [
    ['pdf', {}, 'url: required: either url or html'],
    ['pdf', { url, html }, 'html: required: either url or html'],
    ['pdf', { html, requestInterceptors: [] }, 'requestInterceptors: answers cannot be made up here'],
    ['pdf', { html, allowRequestPattern: ['a'] }, 'allowRequestPattern: allowed instead: rejectRequestPattern'],
    ['pdf', { html, options: { path: 'a.pdf' } }, 'options.path: nothing is saved here'],
    ['pdf', { html, pdfOptions: { path: 'a.pdf' } }, 'pdfOptions.path: nothing is saved here'],
    ['pdf', { html, options: {}, pdfOptions: {} }, 'pdfOptions: allowed without options'],
    ['pdf', { html, screenshotOptions: {} }, 'screenshotOptions: unknown field'],
    ['pdf', { html, goToOption: {} }, 'goToOption: unknown field; did you mean gotoOptions?'],
    ['pdf', { html, finishing: {} }, 'finishing: unknown field'],
    ['pdf', { html, userAgent: { userAgent: 'a', platform: 'b' } }, 'userAgent.platform: allowed: userAgent only'],
    ['pdf', { html, waitForEvent: 'load' }, 'waitForEvent: allowed: an object with event'],
    ['content', { html, options: {} }, 'options: unknown field'],
    ['content', { html, scrollPage: true }, 'scrollPage: unknown field'],
    ['screenshot', { html, options: { path: 'a.png' } }, 'options.path: nothing is saved here'],
    ['screenshot', { html, options: { encoding: 'hex' } }, 'options.encoding: allowed: binary, base64'],
    ['screenshot', { html, options: [] }, 'options: allowed: an object'],
    [
      'screenshot',
      { html, options: { clip: { x: 0, y: 0, width: 1, height: 1, scale: 2 } } },
      'options.clip.scale: allowed: 1',
    ],
    ['screenshot', { html, scrollPage: 'yes' }, 'scrollPage: allowed: true or false'],
  ];
  it.each(cases)('%s of %j', (endpoint, body, refusal) => {
    expect(refusalsOf(endpoint, body)).toContainEqual(expect.stringContaining(refusal));
  });

  it('takes any JSON without an exception', () => {
    const values = [null, true, 0, -1, '', 'a', [], [null], [{}], {}, { a: {} }, { timeout: 'x', fn: 1, event: 2 }];
    const names = [...Object.keys(FULL), 'constructor', '__proto__', 'toString'];
    for (const endpoint of ['pdf', 'screenshot', 'content'] as const)
      for (const name of names)
        for (const value of values) {
          const { conversion } = translateBody(endpoint, { html, [name]: value });
          expect(parsePdfRequest(conversion.request)).toHaveProperty('ok');
        }
  });
});

const FULL = { url, html, options: 0, pdfOptions: 0, screenshotOptions: 0, gotoOptions: 0, viewport: 0, cookies: 0, addScriptTag: 0, addStyleTag: 0, waitForSelector: 0, waitForFunction: 0, waitForTimeout: 0, waitForEvent: 0, rejectResourceTypes: 0, rejectRequestPattern: 0, allowResourceTypes: 0, setExtraHTTPHeaders: 0, authenticate: 0, emulateMediaType: 0, userAgent: 0, bestAttempt: 0, setJavaScriptEnabled: 0, selector: 0, scrollPage: 0, actionTimeout: 0 }; // prettier-ignore

describe('a query', () => {
  it.each([
    [
      { token: 'x', timeout: '1000', trackingId: 'a' },
      { timeoutMs: 1_000, trackingId: 'a' },
    ],
    [{ timeout: '-1' }, { timeoutMs: undefined }],
    [{ timeout: '0', cacheTTL: '5', blockAds: 'false', stealth: 'false' }, { timeoutMs: undefined }],
  ])('%j is %j', (query, found) => {
    const translated = translateQuery(query);
    expect(translated.refusals).toEqual([]);
    expect(translated.found).toMatchObject(found);
  });

  it.each([
    [{ launch: '{"args":[]}' }, 'launch: one browser prints for everybody'],
    [{ blockAds: 'true' }, 'blockAds: allowed instead'],
    [{ timeot: '1' }, 'timeot: unknown parameter; did you mean timeout?'],
    [{ timeout: '1s' }, 'timeout: allowed: milliseconds'],
    [{ constructor: 'a' }, 'constructor: unknown parameter; allowed: token'],
    [{ trackingId: 'a'.repeat(501) }, 'trackingId: allowed: at most 500'],
  ])('%j is refused', (query, refusal) => {
    const [first] = translateQuery(query).refusals;
    expect(`${first?.field}: ${first?.message}`).toContain(refusal);
  });
});
