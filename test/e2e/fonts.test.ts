import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pdfprompt } from '../support/cli.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';

const { stdout } = await pdfprompt(['doctor', '--json'], {}).exited;
const { checks } = JSON.parse(stdout) as { checks: { name: string; message: string; fix?: string }[] };
const doctor = checks.find((check) => check.name === 'fonts');
const { renderer } = await createRenderer();
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

/** What draws the text of a page: the numbers of its glyphs; 0 for a character that no font has. */
async function glyphs(text: string): Promise<string> {
  const { chunks } = await pdfOf(renderer, { html: `<meta charset="utf-8"><p>${text}</p>` });
  const bytes = Buffer.concat(chunks);
  const [start, end] = [bytes.indexOf('stream\n') + 7, bytes.indexOf('\nendstream')];
  return inflateSync(bytes.subarray(start, end)).toString('latin1');
}

describe('text of', () => {
  it.each([
    ['Latin', 'a', 'b'],
    ['Chinese, Japanese, Korean', '中', '文'],
    ['Arabic', 'ب', 'ش'],
    ['emoji', '😀', '🚀'],
  ])('%s comes out as glyphs, or doctor says which package is missing', async (script, one, other) => {
    const isMissing =
      doctor?.fix !== undefined && (doctor.message.includes(script) || doctor.fix.includes('fontconfig'));
    const isDrawn = (await glyphs(one)) !== (await glyphs(other));
    expect(isDrawn || isMissing).toBe(true);
    if (script === 'Latin') expect(isDrawn).toBe(true);
    if (isMissing) expect(doctor?.fix).toMatch(/apt-get install .*fonts-/);
  });
});
