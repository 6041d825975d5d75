import { chmod, copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { findChromium } from '../../src/render/chromium-binary.ts';
import { withFonts } from '../../src/render/fonts/font-library.ts';
import { temporaryDirectory } from '../support/files.ts';
import { FONT_FILES, fontNamed } from '../support/fonts.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';

/** Only its owner may enter it: where this process is root, the browser's user must not need to. */
const fontsDir = join(await temporaryDirectory('fonts'), 'only-mine');
const brand = fontNamed('Zephyra');
await mkdir(join(fontsDir, 'brands'), { recursive: true });
await writeFile(join(fontsDir, 'brands', 'brand.TTF'), brand, { mode: 0o600 });
// Each of them is damaged in another way: seen at once, seen by nobody before it is drawn, or no font at all.
await writeFile(join(fontsDir, 'cut.ttf'), brand.subarray(0, 9_000));
await writeFile(join(fontsDir, 'scrambled.ttf'), scrambled(fontNamed('Wrecked')));
await writeFile(join(fontsDir, 'web.woff2'), 'wOF2'.padEnd(100, '\0'));
await symlink('/etc/passwd', join(fontsDir, 'outside.ttf'));
await symlink(FONT_FILES.japanese, join(fontsDir, 'font-outside.ttf'));
await symlink(join('brands', 'brand.TTF'), join(fontsDir, 'inside.ttf'));
await chmod(fontsDir, 0o700);

const { renderer } = await createRenderer({ FONTS_DIR: fontsDir });
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());

/** All tables are where they should be, and the shapes are noise. */
function scrambled(font: Buffer): Buffer {
  const record = font.indexOf('glyf', 12, 'latin1');
  const [start, length] = [font.readUInt32BE(record + 8), font.readUInt32BE(record + 12)];
  for (let at = 0; at < length; at++) font[start + at] = (at * 7919) % 251;
  return font;
}

/** What a document is printed in, and what is missing. */
async function printed(body: string, settings: object = {}) {
  const { chunks, missingFonts } = await pdfOf(renderer, {
    html: `<!doctype html><meta charset="utf-8">${body}`,
    ...settings,
  });
  return { fonts: fontsOf(chunks), missingFonts, hasDrawings: Buffer.concat(chunks).includes('/Subtype /Type3') };
}

function fontsOf(pdf: Uint8Array[]): string[] {
  const text = Buffer.concat(pdf).toString('latin1');
  const names = [...text.matchAll(/\/BaseFont \/[A-Z]{6}\+([\w-]+)/g)].map(([, name = '']) => name);
  return [...new Set(names)].toSorted();
}

describe('the fonts here', () => {
  it('are those of FONTS_DIR, in its folders too', async () => {
    expect(await printed('<p style="font-family:Zephyra">Brand</p>')).toMatchObject({
      fonts: ['Zephyra-Regular'],
      missingFonts: [],
    });
  });

  it('are those of packages: CJK and emoji', async () => {
    const text = '<p style="font-family:\'Sawarabi Gothic\'">日本語</p><p>🎉🧾</p>';
    const { fonts, missingFonts, hasDrawings } = await printed(text);
    expect(fonts).toContain('SawarabiGothic-Regular');
    expect(hasDrawings).toBe(true); // coloured ones
    expect(missingFonts).toEqual([]);
  });

  it('are found for characters that the fonts of a document lack', async () => {
    expect((await printed('<p style="font-family:Zephyra">漢字</p>')).fonts).toContain('SawarabiGothic-Regular');
  });

  it('stand in for fonts of offices of the same measures', async () => {
    const { fonts, missingFonts } = await printed('<p style="font-family:Calibri, Arial">office</p>');
    expect({ fonts, missingFonts }).toEqual({ fonts: ['Carlito-Regular'], missingFonts: [] });
  });

  it('harm nothing if one is damaged', async () => {
    const text = '<p style="font-family:Wrecked">noise</p><p style="font-family:Zephyra">Brand</p>';
    expect((await printed(text)).fonts).toContain('Zephyra-Regular');
  });

  it('are the only files of FONTS_DIR that the browser is shown', async () => {
    const dataDir = inject('dataDir');
    const found = await findChromium({ chromePath: undefined, dataDir });
    const { binary, fonts } = await withFonts(found, { fontsDir, dataDir });
    const problems = fonts?.problems.map(({ path, problem }) => `${path.slice(fontsDir.length + 1)}: ${problem}`);
    expect(problems).toEqual([
      'font-outside.ttf: it leads out of its directory',
      'outside.ttf: it leads out of its directory',
      'cut.ttf: it is cut off',
      'web.woff2: it is compressed for the web (WOFF), which only documents can bring; allowed: .ttf, .otf, .ttc',
    ]);
    const shelf = join(binary.env.FONTCONFIG_FILE ?? '', '..');
    const names = await readdir(join(shelf, 'files'));
    expect(names.filter((name) => readFileSync(join(shelf, 'files', name)).equals(brand))).toHaveLength(2);
    // What the browser found out about them is there for the next one.
    expect(await readdir(join(shelf, 'cache'))).not.toEqual([]);
  });

  it('are others when FONTS_DIR has changed', async () => {
    const dataDir = inject('dataDir');
    const found = await findChromium({ chromePath: undefined, dataDir });
    const changing = await temporaryDirectory('changing-fonts');
    const confOf = async () => (await withFonts(found, { fontsDir: changing, dataDir })).binary.env.FONTCONFIG_FILE;
    const before = await confOf();
    expect(await confOf()).toBe(before);
    await copyFile(FONT_FILES.carlito, join(changing, 'a.ttf'));
    const [after, besides] = await Promise.all([confOf(), confOf()]);
    expect(after).not.toBe(before);
    expect(besides).toBe(after);
  });

  it('for Japanese or emoji are not those of all text where the system says nothing of fonts', async () => {
    const bare = await temporaryDirectory('bare-system');
    await writeFile(join(bare, 'plain.ttf'), fontNamed('Cousine'));
    await writeFile(join(bare, 'fonts.conf'), `<fontconfig><dir>${bare}</dir></fontconfig>`);
    await chmod(bare, 0o755);
    const found = await findChromium({ chromePath: undefined, dataDir: inject('dataDir') });
    const env = { ...found.env, FONTCONFIG_PATH: bare };
    const { renderer: other } = await createRenderer({}, {}, { ...found, env });
    await other.start();
    try {
      const html = '<p style="font-family:monospace">x</p><p style="font-family:\'Courier New\'">y</p>';
      const { chunks } = await pdfOf(other, { html });
      expect(fontsOf(chunks)).toEqual(['Cousine-Regular']);
    } finally {
      await other.stop();
    }
  });

  it('cannot be in a directory that is not there', async () => {
    await expect(
      withFonts({ path: '', kind: 'full', source: '', env: {} }, { fontsDir: '/nowhere', dataDir: inject('dataDir') }),
    ).rejects.toThrow('FONTS_DIR: /nowhere cannot be read; allowed: a directory with .ttf, .otf or .ttc files');
  });
});

const BRAND = `@font-face{font-family:"Own Brand";src:url(data:font/ttf;base64,${brand.toString('base64')})}`;

describe('missing fonts', () => {
  it.each([
    [
      'that style sheets name',
      '<style>body{font-family:"Brand Sans",Arial}h1{font-family:Inter}</style><h1>x</h1><p>y',
      ['Brand Sans', 'Inter'],
    ],
    ['by a variable', '<style>:root{--f:"Brand Sans",serif}p{font-family:var(--f)}</style><p>x', ['Brand Sans']],
    ['in a style attribute, with a script', '<p style="font-family:Inter">x<script>1</script>', ['Inter']],
    ['that a script sets', '<p id="x">x<script>x.style.fontFamily = "Inter"</script>', ['Inter']],
    [
      'for print',
      '<style>@media print{p{font-family:Inter}}@media screen{p{font-family:Roboto}}</style><p>x',
      ['Inter'],
    ],
    [
      'of a table of thousands of rows, and one heading',
      `<style>h2{font-family:Inter}</style><table>${'<tr><td>1<td>2'.repeat(3_000)}</table><h2>x</h2>`,
      ['Inter'],
    ],
    [
      'none where no text is',
      '<style>section{font-family:Inter}i{font-family:Roboto;display:none}</style><section><p style="font-family:serif">x</p></section><i>x</i>',
      [],
    ],
    ['none if it asked for nothing', '<p>x</p><button>y</button><input value="z"><pre>code</pre>', []],
    ['none if it brings them', `<style>${BRAND} p{font-family:"Own Brand", Inter}</style><p>x`, []],
    [
      'what it brings and does not load',
      '<style>@font-face{font-family:Zephyra;src:url(data:font/ttf;base64,AAAA)}p{font-family:Zephyra}</style><p>x',
      ['Zephyra'],
    ],
  ])('are told: %s', async (_, body, expected) => {
    expect((await printed(body)).missingFonts.toSorted()).toEqual(expected);
  });

  it.each([
    ['throws', 'getComputedStyle = () => { throw 1 }', []],
    [
      'answers with something else',
      'document.createTreeWalker = getComputedStyle = () => ({ fontFamily: { length: 9e9 } })',
      [],
    ],
    [
      'answers with what no database keeps',
      String.raw`getComputedStyle = () => ({ fontFamily: '"a\0b\ud800"' })`,
      ['a b\ufffd'],
    ],
    [
      'never has its fonts',
      'Object.defineProperty(document.fonts, "status", { value: "loading" }); Object.defineProperty(document.fonts, "ready", { value: 1 })',
      [],
    ],
  ])('do not depend on a document that %s', async (_, script, expected) => {
    expect((await printed(`<p style="font-family:Inter">x<script>${script}</script>`)).missingFonts).toEqual(expected);
  });
});
