/** @module-tag long */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPdf } from '../support/pdf.ts';
import { createRenderer, pdfOf, renderBody } from '../support/renderer.ts';
import { startSite } from '../support/site.ts';

const { origin: site, env } = await startSite((request, response) => {
  const path = new URL(request.url ?? '/', 'http://site').pathname;
  const answer = (type: string, body: string) => response.writeHead(200, { 'content-type': type }).end(body);
  if (path.startsWith('/never')) return;
  if (path === '/half') return void response.writeHead(200, { 'content-type': 'text/html' }).write('<p>first half');
  if (path === '/cut') return void response.writeHead(200, { 'content-type': 'text/html', 'content-length': '99' }).write('<p>x', () => response.destroy());
  if (path === '/style.css') answer('text/css', 'p::after { content: " styled" }');
  else if (path === '/script.js') answer('text/javascript', 'document.body.append(" scripted")');
  else if (path === '/missing') response.writeHead(404, { 'content-type': 'text/html' }).end();
  else answer('text/html', '<p>page</p>');
}); // prettier-ignore
const { renderer } = await createRenderer(env);
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

const render = (body: object) => renderBody(renderer, body);
async function printed(body: object) {
  const pdf = await pdfOf(renderer, body);
  const text = (await readPdf(Buffer.concat(pdf.chunks))).text.join(' ').replaceAll(/\s+/g, ' ').trim();
  return { ...pdf, text };
}
const text = async (body: object) => (await printed(body)).text;

/** A document of each kind: without scripts, with one, at an origin of its own, and at a URL. */
const DOCUMENTS: [kind: string, body: object][] = [
  ['static', { html: '<p>page</p>' }],
  ['with a script', { html: '<p>page</p><script>1</script>' }],
  ['with its scripts off', { html: '<p>page</p><script>1</script>', setJavaScriptEnabled: false }],
  ['at an origin of its own', { html: '<p>page</p><script>typeof localStorage</script>' }],
  ['at a URL', { url: `${site}/page` }],
];
const WITH_SCRIPTS = DOCUMENTS.filter(([, body]) => !('setJavaScriptEnabled' in body));

describe('addStyleTag', () => {
  it.each(DOCUMENTS)('styles a document %s, and not the next', async (_, body) => {
    const addStyleTag = [{ content: 'p::before { content: "new " }' }, { url: `${site}/style.css` }];
    expect(await text({ ...body, addStyleTag })).toBe('new page styled');
    expect(await text(body)).toBe('page');
  });

  it('is in the order of the list, over the styles of the document', async () => {
    const html = '<style>p::before { content: "a" }</style><p></p>';
    const contents = ['b', 'c'].map((letter) => ({ content: `p::before { content: "${letter}" }` }));
    expect(await text({ html, addStyleTag: contents })).toBe('c');
    expect(await text({ html, addStyleTag: contents.toReversed() })).toBe('b');
  });

  it('counts for a document whose policy allows no style, and the policy for the next', async () => {
    const html = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'"><p>page</p><script>document.write('ran')</script>`;
    expect(await text({ html, addStyleTag: [{ content: 'p::before { content: "new " }' }] })).toContain('new page');
    expect(await text({ html })).toBe('page');
  });

  it('that does not load is one of the failed resources', async () => {
    const body = { html: '<p>page</p>', addStyleTag: [{ url: `${site}/missing` }, { url: 'none.css' }] };
    const { failedResources } = await printed(body);
    expect(failedResources.map(({ url }) => url)).toEqual([`${site}/missing`, 'none.css']);
    expect(await render({ ...body, failOnResourceError: true })).toMatchObject({ code: 'resource_failed' });
    expect(
      await render({ html: '<p>page</p>', addStyleTag: [{ url: `${site}/never` }], timeoutMs: 1_000 }),
    ).toMatchObject({
      code: 'render_timeout',
    });
  });

  it('of one that could run a script as markup is a style and nothing else', async () => {
    const content = '</style><script>document.write("ran")</script>';
    expect(await text({ html: '<p>page</p>', addStyleTag: [{ content }] })).toBe('page');
  });

  it('a hundred of a megabyte together', async () => {
    const addStyleTag = Array.from({ length: 100 }, (_, index) => ({
      content: `.x${index} {} ${'/**/'.repeat(2_500)}`,
    }));
    expect(await text({ html: '<p>page</p>', addStyleTag })).toBe('page');
  });
});

describe('addScriptTag', () => {
  it.each(WITH_SCRIPTS)('runs in a document %s, before it is waited for, and not in the next', async (_, body) => {
    const addScriptTag = [
      { content: 'document.body.append(" one")', id: 'mine' },
      { url: `${site}/script.js` },
      { content: 'document.body.append(` ${document.querySelectorAll("#mine").length}`); document.body.id = "done"', type: 'module' },
    ]; // prettier-ignore
    const waitForSelector = { selector: '#done' };
    expect(await text({ ...body, addScriptTag, waitForSelector })).toBe('page one scripted 1');
    expect(await text(body)).toBe('page');
  });

  it('has storage, modules and a base, like a script of the document', async () => {
    const addScriptTag = [
      { content: 'localStorage.mine = "kept"' },
      { content: 'document.body.append(" ", localStorage.mine, " ", import.meta.url.length > 9); document.body.id = "done"', type: 'module' },
    ]; // prettier-ignore
    expect(await text({ html: '<p>page</p>', addScriptTag, waitForSelector: { selector: '#done' } })).toBe(
      'page kept true',
    );
  });

  it('is no script that a policy forbids', async () => {
    const html = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'"><p>page</p>`;
    expect(await text({ html, addScriptTag: [{ content: 'document.body.append(" new")' }] })).toBe('page new');
  });

  it('that leads elsewhere runs there too, and ends with the time', async () => {
    const addScriptTag = [{ content: `if (location.pathname !== '/there') location.href = '${site}/there'; else document.body.append(' there')` }];
    expect(await text({ url: `${site}/page`, addScriptTag })).toBe('page there');
    const again = [{ content: 'location.reload()' }];
    expect(await render({ url: `${site}/page`, addScriptTag: again, timeoutMs: 2_000 })).toMatchObject({ code: 'render_timeout' });
    const endless = [{ content: 'for (;;);' }];
    expect(await render({ html: '<p>x', addScriptTag: endless, timeoutMs: 1_000 })).toMatchObject({ code: 'render_timeout' });
  }); // prettier-ignore
});

describe('waitForFunction', () => {
  const later = '<p id="x">early</p><script>setTimeout(() => { x.textContent = "late" }, 300)</script>';

  it.each([
    ['an expression', 'x.textContent === "late"'],
    ['a function', '() => x.textContent === "late"'],
    ['an async function with a comment', 'async () => x.textContent === "late" // it is'],
    ['one that throws at first', '() => { if (x.textContent !== "late") throw new Error("no"); return 1 }'],
    ['a promise', 'new Promise((done) => setTimeout(done, 500, x.textContent))'],
  ])('waits for %s', async (_, fn) => {
    expect(await text({ html: later, waitForFunction: { fn, polling: 20 } })).toBe('late');
  });

  it.each(DOCUMENTS)('looks at a document %s', async (_, body) => {
    expect(await text({ ...body, waitForFunction: { fn: 'document.body.textContent.includes("page")' } })).toBe('page');
    const outcome = await render({ ...body, waitForFunction: { fn: '0', timeout: 100 } });
    expect(outcome).toMatchObject({
      code: 'function_not_true',
      message: 'waitForFunction.fn: it did not become true within 100 ms',
    });
  });

  it.each([
    ['loops', '() => { for (;;); }', /within 300 ms$/],
    ['loops in an expression', '(() => { for (;;); })()', /within 300 ms$/],
    ['never settles', '() => new Promise(() => 0)', /within 300 ms$/],
    ['throws', '() => nobody.there', /within 300 ms; it threw ReferenceError: nobody is not defined$/],
    ['throws at length', `() => { throw new Error('${'x'.repeat(9_000)}') }`, /it threw Error: x{193}$/],
    ['parses what is no JSON', '() => JSON.parse("{")', /within 300 ms; it threw SyntaxError: /],
    ['changes what it is made of', 'Promise.prototype.then = Boolean = () => 0', /within 300 ms/],
  ])('of one that %s ends by name', async (_, fn, message) => {
    const outcome = await render({ html: '<p>x</p>', waitForFunction: { fn, timeout: 300 } });
    expect(outcome).toMatchObject({ kind: 'reject', code: 'function_not_true', message: expect.stringMatching(message) as string });
    expect(await text({ html: '<p>next</p>' })).toBe('next');
  }); // prettier-ignore

  it.each([
    ['is no JavaScript', { fn: '() => {{{' }, 'function_failed', /^waitForFunction\.fn: SyntaxError: /],
    ['throws, and is strict', { fn: '() => nobody.there', strict: true }, 'function_failed', /^waitForFunction\.fn: it threw ReferenceError: nobody is not defined$/],
    ['rejects, and is strict', { fn: 'Promise.reject(new Error("no"))', strict: true }, 'function_failed', /fn: it threw Error: no$/],
    ...[['undefined', 'undefined'], ['null', 'null'], ['"ready"', 'string'], ['async () => 1', 'number'], ['[]', 'object']].map(
      ([fn, type = '']): [string, object, string, RegExp] => [`is ${type}, and strict`, { fn, strict: true }, 'function_failed', new RegExp(`fn: it is ${type}; allowed: true or false$`)],
    ),
    ['is never true, and strict', { fn: 'false', strict: true, timeout: 200 }, 'function_not_true', /within 200 ms$/],
    ['has as much time as its job', { fn: 'false', timeout: 300_000 }, 'render_timeout', /^(?:waitForFunction|the document) took longer than \d+ ms; allow more with timeoutMs$/],
  ])('of one that %s ends at once or by its time', async (_, waitForFunction, code, message) => {
    const outcome = await render({ html: '<p>x</p>', waitForFunction, timeoutMs: 3_000 });
    expect(outcome).toMatchObject({ kind: 'reject', code, message: expect.stringMatching(message) as string });
  }); // prettier-ignore

  it.each([
    "window.globalVar === 'ready'",
    '() => globalVar === "ready"',
    'async () => globalVar === "ready"',
    'Promise.resolve(true)',
  ])('takes %s, strict or not', async (fn) => {
    const html = '<p id="x">page</p><script>globalVar = "ready"</script>';
    for (const strict of [true, false]) expect(await text({ html, waitForFunction: { fn, strict } })).toBe('page');
  });

  it('goes on in the document that it leads to', async () => {
    const fn = `() => { if (location.pathname === '/there') return true; location.href = '${site}/there' }`;
    expect(await text({ url: `${site}/page`, waitForFunction: { fn } })).toBe('page');
    const away = { fn: `() => { location.href = '${site}/page?' + Math.random() }`, timeout: 1_000 };
    expect(await render({ html: '<p>x</p>', waitForFunction: away, timeoutMs: 5_000 })).toMatchObject({
      code: expect.stringMatching(/^(?:function_not_true|render_timeout)$/) as string,
    });
  });
});

describe('emulateMediaFeatures', () => {
  const FEATURES = {
    'prefers-color-scheme': 'dark',
    'prefers-reduced-motion': 'reduce',
    'prefers-reduced-transparency': 'reduce',
    'prefers-contrast': 'more',
    'color-gamut': 'p3',
  };
  const entries = Object.entries(FEATURES);
  const style = `<style>${entries.map(([name, value]) => `@media (${name}: ${value}) { .${name}::after { content: "${value} " } }`).join(' ')}</style>`;
  const marks = style + entries.map(([name]) => `<b class="${name}"></b>`).join('');
  const subsets = Array.from({ length: 2 ** entries.length }, (_, bits) => entries.filter((_entry, at) => bits & (2 ** at)));

  it.each([
    ['static', ''],
    ['with a script', '<script>1</script>'],
  ])('each combination in a document %s, and no more in the next', async (_, more) => {
    for (const subset of subsets) {
      const emulateMediaFeatures = subset.map(([name, value]) => ({ name, value }));
      const expected = subset.map(([, value]) => value).join(' ');
      expect(await text({ html: marks + more, emulateMediaFeatures })).toBe(expected);
    }
    expect(await text({ html: marks + more })).toBe('');
  });

  it('is what scripts find, with a media type too', async () => {
    const html = '<p id="x"></p><script>x.textContent = matchMedia("screen and (prefers-color-scheme: dark)").matches</script>';
    const emulateMediaFeatures = [{ name: 'prefers-color-scheme', value: 'dark' }];
    expect(await text({ html, emulateMediaFeatures, emulateMediaType: 'screen' })).toBe('true');
    expect(await text({ html, emulateMediaType: 'screen' })).toBe('false');
  });
}); // prettier-ignore

describe('failOnConsoleError', () => {
  const heads = new Map<unknown, string>([
    [true, 'scripts of the document logged errors'],
    ['exceptions', 'scripts of the document threw what nothing catches'],
  ]);

  it.each([
    ['console.error', 'console.error("bad", 1)', 'bad 1', ''],
    ['an exception', 'throw new Error("boom")', 'Error: boom', 'Error: boom'],
    ['an exception of the language', 'nobody.there', 'ReferenceError: nobody is not defined', 'ReferenceError: nobody is not defined'],
    ['a promise that nobody catches', 'Promise.reject(new Error("rejected"))', 'Error: rejected', 'Error: rejected'],
    ['a value', 'throw "text"', 'text', 'text'],
    ['several', 'console.error("first"); console.error("second"); throw new Error("third")', 'first\nsecond\nError: third', 'Error: third'],
    ['several scripts', 'throw new Error("1")</script><script>throw new Error("2")</script><script>0', 'Error: 1\nError: 2', 'Error: 1\nError: 2'],
    ['the same again', 'for (let i = 0; i < 99; i++) console.error("bad")', 'bad', ''],
    ['many', 'for (let i = 0; i < 99; i++) console.error(i)', `${Array.from({ length: 20 }, (_, i) => i).join('\n')}\nand 79 more`, ''],
    ['a long one', `console.error("${'x'.repeat(9_000)}")`, 'x'.repeat(300), ''],
    ['one that comes when the document has loaded', 'onload = () => setTimeout(() => nobody.there, 50)', 'ReferenceError: nobody is not defined', 'ReferenceError: nobody is not defined'],
  ])('%s fails the job, and only where it is asked for', async (_, script, all, exceptions) => {
    const html = `<p>page</p><script>${script}</script>`;
    for (const [failOnConsoleError, found] of [[true, all], ['exceptions', exceptions]] as const) {
      const body = { html, failOnConsoleError, waitForTimeout: 200 };
      if (found === '') expect(await text(body)).toBe('page');
      else expect(await render(body)).toMatchObject({ kind: 'reject', code: 'console_error', message: `${heads.get(failOnConsoleError)}:\n${found}` });
    }
    expect(await text({ html })).toBe('page');
  }); // prettier-ignore

  it.each(WITH_SCRIPTS)('looks at a document %s', async (_, body) => {
    for (const [failOnConsoleError, content] of [[true, 'console.error("bad")'], ['exceptions', 'throw 1']] as const)
      expect(await render({ ...body, failOnConsoleError, addScriptTag: [{ content }] })).toMatchObject({ code: 'console_error' });
    expect(await text({ ...body, failOnConsoleError: true })).toBe('page');
  }); // prettier-ignore

  it('does not wait for what does not come', async () => {
    const html = `<p>page</p><script>throw new Error('bad')</script><img src="${site}/never.png">`;
    expect(await render({ html, failOnConsoleError: true })).toMatchObject({ code: 'console_error' });
  });

  it('passes what is no error, and what does not load', async () => {
    const html = `<p>page</p><img src="${site}/missing"><script>console.log(1); console.warn(2); try { x } catch {}</script>`;
    for (const failOnConsoleError of [true, 'exceptions'])
      expect(await text({ html, failOnConsoleError })).toBe('page');
  });
});

describe('bestAttempt', () => {
  const hanging = `<img src="${site}/never.png">`;

  it.each([
    ['an image', `<p>a</p>${hanging}<p>b</p>`, 'a b'],
    ['a script that holds up the rest', `<head><script src="${site}/never.js"></script></head><p>a</p><script>document.write('b')</script>`, 'a b'],
    ['a style sheet', `<head><link rel="stylesheet" href="${site}/never.css"></head><p>a b</p>`, 'a b'],
    ['a frame', `<p>a</p><iframe src="${site}/never"></iframe>`, 'a'],
    ['a font', `<style>@font-face { font-family: f; src: url(${site}/never.woff) } p { font-family: f }</style><p>a</p>`, 'a'],
    ['its own script', '<p>a</p><script>for (;;);</script>', 'a'],
    ['another document', `<p>a</p><script>location.href = '${site}/never'</script>`, 'a'],
  ])('prints what is there when %s does not come, and says so', async (_, html, found) => {
    for (const more of ['', '<script>typeof localStorage</script>']) {
      const result = await printed({ html: html + more, bestAttempt: true, timeoutMs: 3_000 });
      expect({ text: result.text, incomplete: result.incomplete }).toEqual({
        text: found,
        incomplete: expect.arrayContaining([expect.stringMatching(/ took longer than \d+ ms$/)]) as string[],
      });
    }
    expect(await render({ html, timeoutMs: 1_000 })).toMatchObject({ code: 'render_timeout' });
  });

  it('at a URL: what came of it, but not if nothing came', async () => {
    const half = await printed({ url: `${site}/half`, bestAttempt: true, gotoOptions: { timeout: 500 } });
    expect([half.text, half.incomplete]).toEqual(['first half', ['loading until load took longer than 500 ms']]);
    const nothing = { url: `${site}/never`, bestAttempt: true, gotoOptions: { timeout: 500 } };
    expect(await render(nothing)).toMatchObject({ code: 'render_timeout' });
  });

  it.each([
    [{ waitForSelector: { selector: '#no', timeout: 200 } }, 'waitForSelector.selector: it did not appear within 200 ms'],
    [{ waitForFunction: { fn: '0', timeout: 200 } }, 'waitForFunction.fn: it did not become true within 200 ms'],
    [{ waitForFunction: { fn: '() => { for (;;); }', timeout: 200 } }, 'waitForFunction.fn: it did not become true within 200 ms'],
    [{ waitForTimeout: 60_000, timeoutMs: 2_000 }, /^waitForTimeout took longer than \d+ ms$/],
    [{ addScriptTag: [{ content: 'for (;;);' }], timeoutMs: 2_000 }, /^addScriptTag took longer than \d+ ms$/],
  ])('%j: prints without waiting any longer', async (fields, sentence) => {
    const { text: found, incomplete } = await printed({ html: '<p>page</p>', bestAttempt: true, ...fields });
    expect(found).toBe('page');
    expect(incomplete).toEqual([typeof sentence === 'string' ? sentence : expect.stringMatching(sentence)]);
  });

  it('finds what is there already, though the time for loading is over', async () => {
    const body = { html: `<p id="x">page</p>${hanging}`, waitForSelector: { selector: '#x' }, waitForFunction: { fn: 'true' } };
    const { incomplete } = await printed({ ...body, bestAttempt: true, timeoutMs: 2_000 });
    expect(incomplete).toEqual([expect.stringMatching(/^loading until load took longer/)]);
  });

  it('does not make a failed document a good one, nor a good one incomplete', async () => {
    const bestAttempt = true;
    expect(await render({ url: `${site}/missing`, bestAttempt })).toMatchObject({ code: 'document_status' });
    expect(await render({ url: `${site}/cut`, bestAttempt })).toMatchObject({ code: 'navigation_failed' });
    expect(await render({ html: 'x', waitForSelector: { selector: '##' }, bestAttempt })).toMatchObject({ code: 'selector_not_found' });
    expect(await render({ html: 'x', waitForFunction: { fn: '{{' }, bestAttempt })).toMatchObject({ code: 'function_failed' });
    expect((await printed({ html: '<p>x</p>', bestAttempt })).incomplete).toEqual([]);
  });
}); // prettier-ignore
