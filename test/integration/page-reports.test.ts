import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import type { PageReport } from '../../src/domain/page-report.ts';
import type { Renderer } from '../../src/render/renderer.ts';
import { pixelsOf } from '../support/pixels.ts';
import { createRenderer } from '../support/renderer.ts';

let renderer: Renderer;

beforeAll(async () => {
  ({ renderer } = await createRenderer());
  await renderer.start();
});
afterAll(() => renderer.stop());

/** What is reported of a request, whether it is printed or fails. */
async function reportOf(body: object): Promise<PageReport & { kind: string }> {
  const parsed = parsePdfRequest(body);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  const outcome = await renderer.render(onlyPart(parsed.request), { tenant: 'ann', jobId: 'a job' });
  const report = outcome.kind === 'done' ? outcome.pdf.pageReport : outcome.kind === 'interrupted' ? undefined : outcome.pageReport; // prettier-ignore
  return { kind: outcome.kind, messages: [], messageCount: 0, ...report };
}

const script = (code: string) => ({ html: `<p>Hello</p><script>${code}</script>` });

describe('the messages of a page', () => {
  it.each([
    ['console.log("a", 1, true, null, undefined)', 'log', 'a 1 true null undefined'],
    [
      'console.info("%s owes %d: %o", "Ann", 7, {total: "1.00", lines: [1, 2]})',
      'info',
      'Ann owes 7: {total: "1.00", lines: Array(2)}',
    ],
    ['console.warn({a: {b: {c: {d: 1}}}})', 'warning', '{a: Object}'],
    ['console.debug([1, "two", new Date(0), /x/])', 'debug', '[1, "two", Thu Jan 01 1970'],
    ['console.error(new TypeError("no total"))', 'error', 'TypeError: no total'],
    ['console.assert(false, "must hold")', 'error', 'must hold'],
    ['console.error("50%c of %s%%", "color: red", "all")', 'error', '50 of all%'],
    ['console.log("https://ann:secret@a.example/b?token=1#x failed")', 'log', 'https://a.example/b failed'],
    ['console.log("a\\u0000b\\ud800c\\u0007")', 'log', 'a b\ufffdc'],
    ['console.log(10n, NaN, -0, Symbol("s"))', 'log', '10n NaN -0 Symbol(s)'],
    ['null.total', 'exception', "TypeError: Cannot read properties of null (reading 'total')"],
    ['throw "a text"', 'exception', 'a text'],
    ['Promise.reject(new Error("late"))', 'exception', 'Error: late'],
  ])('%s', async (code, type, text) => {
    const { kind, messages, messageCount } = await reportOf(script(code));
    expect({ kind, messageCount }).toEqual({ kind: 'done', messageCount: 1 });
    expect(messages).toEqual([{ type, text: expect.stringContaining(text) as string, at: expect.stringMatching(/^\d+:\d+$/) as string, times: 1 }]); // prettier-ignore
  });

  it('has what the browser says of a policy, and not what is a failed resource', async () => {
    const csp = `<meta http-equiv="Content-Security-Policy" content="script-src 'none'"><script>1</script><img src="http://127.0.0.1:1/x.png">`;
    const { messages } = await reportOf({ html: csp });
    expect(messages.map(({ type }) => type)).toEqual(['error']);
    expect(messages[0]?.text).toMatch(/Content Security Policy/);
  });

  it('has none of a document that says none, and none of the document before', async () => {
    expect((await reportOf(script('console.log("first")'))).messageCount).toBe(1);
    expect(await reportOf({ html: '<p>Quiet</p>' })).toEqual({ kind: 'done', messages: [], messageCount: 0 });
    expect((await reportOf(script('setInterval(() => console.log("on and on"))'))).messageCount).toBeGreaterThan(0);
    expect(await reportOf(script('1'))).toEqual({ kind: 'done', messages: [], messageCount: 0 });
  });

  it('keeps a hundred of them, errors before others, and counts all', async () => {
    const { messages, messageCount } = await reportOf(
      script('for (let i = 0; i < 500; i++) console.log(i); console.error("at the end")'),
    );
    expect(messageCount).toBe(501);
    expect(messages).toHaveLength(100);
    expect(messages[0]).toMatchObject({ type: 'log', text: '0' });
    expect(messages.at(-1)).toMatchObject({ type: 'error', text: 'at the end' });
  });

  it('keeps 16 KB of them, and a thousand characters of each', async () => {
    const { messages } = await reportOf(
      script('for (let i = 0; i < 99; i++) console.log(i + "é".repeat(3e3)); console.error("!".repeat(3e3))'),
    );
    expect(messages.every(({ text }) => text.length <= 1_000)).toBe(true);
    expect(messages.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)).toBeLessThanOrEqual(16_384);
    expect(messages.at(-1)).toMatchObject({ type: 'error', text: '!'.repeat(1_000) });
  });

  it('shows what comes over and over once', async () => {
    const { messages } = await reportOf(script('for (let i = 0; i < 50; i++) console.warn("again")'));
    expect(messages).toMatchObject([{ text: 'again', times: 50 }]);
  });
});

describe('the picture of a failure', () => {
  it.each([
    ['a selector that is not there', { waitForSelector: { selector: '#none' }, timeoutMs: 1_000 }],
    ['an error of a script', { failOnConsoleError: true, addScriptTag: [{ content: 'console.error("no")' }] }],
    ['a function that is not true', { waitForFunction: { fn: 'false' }, timeoutMs: 1_000 }],
  ])('shows the page: %s', async (_, settings) => {
    const html = '<style>body { margin: 0; background: #00f }</style><script>console.log("there")</script>';
    const { kind, picture, messages } = await reportOf({ html, ...settings });
    expect(kind).toBe('reject');
    expect(messages[0]).toMatchObject({ text: 'there' });
    const { width, height, at } = await pixelsOf(picture ?? Buffer.of());
    expect({ width, height }).toEqual({ width: 800, height: 600 });
    const [red = 255, green = 255, blue = 0] = at(400, 300);
    expect(Math.max(red, green, 255 - blue)).toBeLessThan(16);
  });

  it('shows a static document, which is not drawn otherwise', async () => {
    const html = '<style>body { margin: 0; background: #00f }</style><img src="http://127.0.0.1:1/a.png">';
    const { kind, picture } = await reportOf({ html, failOnResourceError: true });
    expect(kind).toBe('reject');
    const [red = 255, green = 255, blue = 0] = (await pixelsOf(picture ?? Buffer.of())).at(400, 300);
    expect(Math.max(red, green, 255 - blue)).toBeLessThan(16);
  });

  it('is at most 512 KB, of the widest page too', async () => {
    const noise = `<canvas id="c" width="2000" height="2000"></canvas><script>const c = document.getElementById('c').getContext('2d');
      const d = c.createImageData(2000, 2000); for (let i = 0; i < d.data.length; i++) d.data[i] = i % 4 === 3 ? 255 : Math.random() * 256; c.putImageData(d, 0, 0);</script>`;
    const { picture } = await reportOf({
      html: noise,
      viewport: { width: 2_000, height: 2_000 },
      waitForSelector: { selector: '#none' },
      timeoutMs: 2_000,
    });
    expect(picture?.byteLength ?? 0).toBeLessThanOrEqual(524_288);
  });

  it('is not waited for where the page hangs', async () => {
    const startedAt = performance.now();
    const { kind, picture } = await reportOf({
      ...script('setTimeout(() => { while (1); }, 50)'),
      waitForSelector: { selector: '#none' },
      timeoutMs: 1_000,
    });
    expect({ kind, picture }).toEqual({ kind: 'reject', picture: undefined });
    expect(performance.now() - startedAt).toBeLessThan(6_000);
  });

  it('is not there for a page that nothing came into, and for what is printed', async () => {
    const { kind, picture } = await reportOf({ url: 'http://127.0.0.1:1/' });
    expect({ kind, picture }).toEqual({ kind: 'reject', picture: undefined });
    expect((await reportOf(script('console.error("fine")'))).picture).toBeUndefined();
  });
});
