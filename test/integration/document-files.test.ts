import { afterAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/domain/outcome.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { CodedError } from '../../src/kernel/errors.ts';
import type { Files } from '../../src/kernel/files.ts';
import { htmlWithFiles } from '../../src/sources/document-files.ts';
import { runParts } from '../../src/jobs/run.ts';
import { startFinisher } from '../support/finisher.ts';
import { createRenderer } from '../support/renderer.ts';
import { readPdf } from '../support/pdf.ts';

const { renderer } = await createRenderer();
await renderer.start();
afterAll(() => renderer.stop());
const finisher = await startFinisher();
const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><g id="a"><rect width="90" height="90" fill="red"/></g></svg>';
const TEXTS: Record<string, string> = {
  'i.svg': SVG,
  'a.css': 'p { margin-left: 100px }',
  'f.css': 'p { filter: url("i.svg#a") }',
};

function folder(texts: Record<string, string> = TEXTS, key: string | undefined = JSON.stringify(texts)): Files {
  return {
    key,
    names: Object.keys(texts),
    open: async (name) => {
      const text = texts[name];
      const type = name.endsWith('.svg') ? 'image/svg+xml' : 'text/css';
      return text === undefined ? undefined : { type, size: Buffer.byteLength(text), content: Buffer.from(text) };
    },
  };
}

async function print(
  html: string,
  { files = folder(), ...settings }: Record<string, unknown> & { files?: Files } = {},
) {
  const parsed = parsePdfRequest({ html, ...settings });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  const { request } = parsed;
  const contentOf = () => htmlWithFiles(html, [files]);
  return runParts({ renderer, finisher }, { parts: request.parts, settings: request, contentOf }, { tenant: 'ann' });
}
const sizeOf = (outcome: Outcome) => {
  if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.files[0]?.size ?? 0;
};

describe('a static document with files', () => {
  it.each([
    ['an image', '<!doctype html><p>x</p><img src="i.svg">'],
    ['a style sheet', '<!doctype html><link rel="stylesheet" href="a.css"><p>x</p>'],
    ['a part of another file', '<!doctype html><p>x</p><svg><use href="i.svg#a"/></svg>'],
    ['a filter in a style sheet', '<!doctype html><link rel="stylesheet" href="f.css"><p>x</p>'],
    ['a base of its own', '<!doctype html><base href="/"><p>x</p><img src="i.svg">'],
    ['an integrity', `<!doctype html><link rel="stylesheet" href="a.css" integrity=""><p>x</p>`],
    ['no doctype', '<p>x</p><img src="i.svg">'],
    ['no doctype and a style sheet', '<link rel="stylesheet" href="a.css"><p>x</p>'],
    ['a long start', `${' '.repeat(9_000_000)}<!doctype html><p>x</p><img src="i.svg">`],
    ['a long comment', `<!--${'-'.repeat(9_000_000)}x--><!doctype html><p>x</p><img src="i.svg">`],
  ])('prints with %s, again and again', async (_, html) => {
    const [first, second] = [await print(html), await print(html)];
    expect([first, second]).toMatchObject([{ kind: 'done', failedResources: [] }, { kind: 'done', failedResources: [] }]);
    expect(sizeOf(second)).toBe(sizeOf(first));
  }); // prettier-ignore

  it('is the same as one with a script, which is at its origin', async () => {
    for (const body of ['<p>one</p><img src="i.svg">', '<link rel="stylesheet" href="a.css"><p>one</p>', '<p style="background: url(i.svg)">x</p>']) {
      const at = async (html: string) => {
        const outcome = await print(html);
        if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
        return readPdf(Buffer.concat(outcome.files[0]?.chunks ?? []));
      };
      const [kept, alone] = [await at(`<!doctype html>${body}`), await at(`<!doctype html>${body}<script>0</script>`)];
      expect(kept).toEqual(alone);
    }
  }); // prettier-ignore

  it('has what is rejected rejected, whatever was printed before with the same files', async () => {
    const html = '<!doctype html><p>x</p><img src="i.svg">';
    const cold = sizeOf(await print(html, { rejectResourceTypes: ['image'] }));
    const whole = sizeOf(await print(html));
    expect(whole).not.toBe(cold);
    expect(sizeOf(await print(html, { rejectResourceTypes: ['image'] }))).toBe(cold);
    expect(sizeOf(await print(html, { rejectRequestPattern: ['*.svg'] }))).toBe(cold);
  });

  it('gets the files of its own key, and no others', async () => {
    const html = '<!doctype html><link rel="stylesheet" href="a.css"><p>x</p>';
    const sizes = new Set<number>();
    for (let pass = 0; pass < 2; pass++)
      for (let width = 1; width <= 3; width++)
        sizes.add(sizeOf(await print(html, { files: folder({ 'a.css': `p { content: url("data:,"); background: rgb(${width},0,0); padding: ${width}00px }` }) }))); // prettier-ignore
    expect(sizes.size).toBeLessThanOrEqual(3);
  });

  it('waits for a file that cannot be read now, and lists one that is missing', async () => {
    const unreadable: Files = {
      ...folder(),
      key: undefined,
      open: async () => {
        throw new CodedError('unavailable', 'the store does not answer');
      },
    };
    const outcomes = ['', '<script>0</script>'].map((script) =>
      print(`<!doctype html><img src="i.svg">${script}`, { files: unreadable }),
    );
    const interrupted = { kind: 'interrupted', reason: 'store' };
    expect(await Promise.all(outcomes)).toEqual([interrupted, interrupted]);
    expect(await print('<!doctype html><img src="none.png">')).toMatchObject({
      kind: 'done',
      failedResources: [{ url: 'none.png' }],
    });
  });
});
