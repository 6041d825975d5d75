import { describe, expect, it, onTestFinished } from 'vitest';
import type { MemoryReading } from '../../src/memory/reading.ts';
import type { RendererOptions } from '../../src/render/renderer.ts';
import { readPdf } from '../support/pdf.ts';
import { commandOf, descendants, eventually } from '../support/processes.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';

async function start(env: Record<string, string>, overrides: Partial<RendererOptions> = {}) {
  const { renderer, lines } = await createRenderer(env, overrides);
  await renderer.start();
  onTestFinished(() => renderer.stop());
  return {
    renderer,
    kinds: () => lines.flatMap((line) => /"kind":"(warm|spare|cold)"/.exec(line)?.[1] ?? []),
    hasSpare: (count: number) => eventually(async () => renderer.state.spare === count, 20_000, `${count} spare pages`),
    bytesOf: async (html: string, tenant: string) => {
      const bytes = Buffer.concat((await pdfOf(renderer, { html }, tenant)).chunks).toString('latin1');
      return bytes.replaceAll(/\/(?:Creation|Mod)Date \([^)]*\)/g, '');
    },
    textOf: async (html: string, tenant: string) =>
      (await readPdf(Buffer.concat((await pdfOf(renderer, { html }, tenant)).chunks))).text.join(' '),
  };
}

/** Says what it finds of others, and leaves something. */
const CURIOUS = `<body><script>
  const found = [typeof window.left, window.name, history.length, document.styleSheets.length, document.compatMode, document.fonts.size];
  document.body.textContent = 'found: ' + found.join(' ') + ' end';
  window.left = window.name = 'left';
</script>`;

/** What the document before could change: mode, base, fonts, sizes, directions. */
const DOCUMENTS = [
  '<p>quirks</p><table width=100%><td bgcolor=red>x</table>',
  '<!doctype html><p>standards</p><table><tr><td>1</table>',
  '<!doctype html><html lang="ar" dir="rtl"><p>مرحبا <b>b</b></p>',
  '<!doctype html><style>@page { size: A6 landscape } td { color: blue }</style><h1>h</h1><table><td>x</table><div>d</div>',
  '<!doctype html><p style="font-family: monospace">mono</p><code>c</code><div>box</div>',
  '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40"/></svg>',
];

describe('BROWSER_SPARE_PAGES', () => {
  it('gives a new tenant a page that was ready, each to one tenant only, and opens others in its place', async () => {
    const { kinds, hasSpare, textOf } = await start({ BROWSER_SPARE_PAGES: '2' });
    await hasSpare(2);
    const tenants = ['ann', 'bob', 'cid', 'dan', 'eve', 'fay'];
    for (const tenant of tenants) {
      await hasSpare(2);
      expect(await textOf(CURIOUS, tenant)).toMatch(/^found: undefined {1,2}2 0 BackCompat 0 end/);
    }
    expect(kinds()).toEqual(tenants.map(() => 'spare'));
    expect(await textOf(CURIOUS, 'ann')).toMatch(/^found: undefined {1,2}2 0/);
    expect(kinds().at(-1)).toBe('warm');
  });

  it('lets many new tenants at once have what is there, and nobody have the page of another', async () => {
    const { kinds, hasSpare, textOf } = await start({ BROWSER_SPARE_PAGES: '3', BROWSER_MAX_PAGES_PER_BROWSER: '8' });
    await hasSpare(3);
    const texts = await Promise.all(Array.from({ length: 8 }, (_, n) => textOf(CURIOUS, `tenant ${n}`)));
    for (const text of texts) expect(text).toMatch(/^found: undefined {1,2}2 0/);
    expect(kinds().filter((kind) => kind === 'spare').length).toBeGreaterThanOrEqual(3);
    expect(kinds()).not.toContain('warm');
  });

  it('prints the same on a page that was ready as on one that was not, byte for byte', async () => {
    const ready = await start({ BROWSER_SPARE_PAGES: '1' });
    const cold = await start({ BROWSER_SPARE_PAGES: '0' });
    for (const [number, html] of DOCUMENTS.entries()) {
      await ready.hasSpare(1);
      const found = { html, bytes: await ready.bytesOf(html, `tenant ${number}`) };
      expect(found).toEqual({ html, bytes: await cold.bytesOf(html, `tenant ${number}`) });
    }
    expect(ready.kinds()).toEqual(DOCUMENTS.map(() => 'spare'));
    expect(cold.kinds()).toEqual(DOCUMENTS.map(() => 'cold'));
  });

  it('keeps no more than half of BROWSER_WARM_PAGES, and all together no more than these', async () => {
    const { renderer, hasSpare, textOf } = await start({ BROWSER_SPARE_PAGES: '9', BROWSER_WARM_PAGES: '4' });
    for (const tenant of ['ann', 'bob', 'cid', 'dan', 'eve']) {
      await hasSpare(2);
      await textOf('<p>x</p>', tenant);
      expect(renderer.state.warm + renderer.state.spare).toBeLessThanOrEqual(4);
    }
  });

  it('closes them while memory is scarce, and opens none', async () => {
    let used = 10;
    const readMemory = (): MemoryReading => ({ used, limit: 100 }) as MemoryReading;
    const { renderer, hasSpare, kinds, textOf } = await start({ BROWSER_SPARE_PAGES: '2' }, { readMemory });
    await hasSpare(2);
    used = 85;
    await hasSpare(0);
    await textOf('<p>x</p>', 'ann');
    expect(renderer.state.spare).toBe(0);
    expect(kinds()).toEqual(['cold']);
    used = 10;
    await hasSpare(2);
  });

  it('forgets those of a browser that has ended', async () => {
    const { hasSpare, textOf } = await start({ BROWSER_SPARE_PAGES: '2' });
    await hasSpare(2);
    const isBrowser = (pid: number) =>
      /--remote-debugging-pipe/.test(commandOf(pid)) && !/--type=/.test(commandOf(pid));
    for (const pid of descendants(process.pid).filter(isBrowser)) process.kill(pid, 'SIGKILL');
    expect(await textOf('<p>again</p>', 'ann')).toBe('again');
    await hasSpare(2);
    expect(await textOf('<p>and again</p>', 'bob')).toBe('and again');
  });
});
