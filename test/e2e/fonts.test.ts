import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check } from '../../src/runtime/check.ts';
import { pdfprompt } from '../support/cli.ts';
import { temporaryDirectory } from '../support/files.ts';
import { fontNamed } from '../support/fonts.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';

const fontsDir = await temporaryDirectory('own-fonts');
await writeFile(join(fontsDir, 'brand.ttf'), fontNamed('Zephyra'));
await writeFile(join(fontsDir, 'broken.otf'), 'OTTO');
const { stdout } = await pdfprompt(['doctor', '--json', '--fonts-dir', fontsDir], {}).exited;
const { checks } = JSON.parse(stdout) as { checks: Check[] };
const check = (name: string) => checks.find((each) => each.name === name);
const doctor = check('fonts');
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
    ['Chinese', '这', '贰'],
    ['Japanese', 'あ', 'ア'],
    ['Korean', '한', '국'],
    ['Arabic', 'ب', 'ش'],
    ['emoji', '😀', '🚀'],
  ])('%s comes out as glyphs, or doctor says which package is missing', async (script, one, other) => {
    const isMissing = /; none for ([^:]*):/.exec(doctor?.message ?? '')?.[1]?.includes(script) ?? false;
    const isDrawn = (await glyphs(one)) !== (await glyphs(other));
    expect(isDrawn || isMissing).toBe(true);
    if (script === 'Latin') expect(isDrawn).toBe(true);
    if (isMissing) expect(doctor?.fix).toMatch(/^npm install @expo-google-fonts.*, or apt-get install .*fonts-/);
    if (script === 'Japanese' || script === 'emoji') expect(isMissing).toBe(false); // the tests have packages of them
  });
});

describe('doctor', () => {
  it('says where fonts are, and how many families', () => {
    expect(doctor?.message).toMatch(/^\d+ families: /);
    expect(doctor?.message).toContain(`FONTS_DIR ${fontsDir} (1), @expo-google-fonts/carlito (1), `);
  });

  it('says which fonts stand in for those of offices', () => {
    expect(check('office fonts')?.message).toContain('Calibri as Carlito');
  });

  it('names the files that are no fonts', () => {
    expect(check('font files')).toMatchObject({ status: 'warn', message: 'not used: broken.otf: it is cut off' });
  });
});
