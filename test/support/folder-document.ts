import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tinyFont } from './tiny-font.ts';
import { zipOf } from './zip-writer.ts';

/** Files by their paths in a folder. */
export type Folder = Record<string, string | Buffer>;

const svg = (color: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><rect width="20" height="20" fill="${color}"/></svg>`;
const COLORS = ['red', 'green', 'blue', 'navy', 'teal', 'olive', 'lime', 'aqua', 'plum', 'pink', 'gold', 'gray'];

/**
 * A folder of 30 files as people have them: style sheets that import others, fonts, pictures, modules, data, names with
 * spaces and umlauts, queries and fragments in addresses.
 */
export const FOLDER: Folder = {
  'index.html': `<!doctype html><html lang="de"><head><meta charset="utf-8"><title>Ordner</title>
<link rel="stylesheet" href="css/main.css?v=1"><link rel="stylesheet" href="/css/wurzel.css#x">
<script type="module" src="js/main.js?v=2"></script><script src="js/klassisch.js"></script></head>
<body><h1 class="wide">Wide</h1><p class="narrow">Narrow</p><p id="imported">-</p><p id="data">-</p><p id="classic">-</p>
<img src="Bilder/Gr%C3%BC%C3%9Fe%20%C3%A4.svg" alt=""><img src="Bilder/Übermaß.svg" alt=""><img src="./Bilder/../Bilder/mit leerzeichen.svg?x=1&amp;y=2" alt="">
<div class="pictures">${COLORS.map((color) => `<img src="Bilder/farben/${color}.svg" alt="" loading="lazy">`).join('')}</div>
<iframe src="teile/rahmen.html" width="200" height="40"></iframe><object data="Bilder/objekt.svg"></object></body></html>`,
  'css/main.css': `@import "basis/farben.css"; @import url("basis/druck%20%C3%BC.css") print;
@font-face { font-family: Wide; src: url("../fonts/Wide%20Font.ttf?#iefix"); } @font-face { font-family: Narrow; src: url(/fonts/narrow.ttf); }
.wide { font: 20px Wide; } .narrow { font: 20px Narrow; }`,
  'css/wurzel.css': 'body { background: #fff url(../Bilder/hintergrund.svg) no-repeat 90% 0; }',
  'css/basis/farben.css': '@import "tief.css"; h1 { color: #036; }',
  'css/basis/tief.css': '#imported { color: #630; }',
  'css/basis/druck ü.css': '@page { size: A5; margin: 1cm; } .pictures { columns: 2; }',
  'fonts/Wide Font.ttf': tinyFont('Wide', 900),
  'fonts/narrow.ttf': tinyFont('Narrow', 300),
  'js/main.js': `import { name } from './lib/name.js'; import sum from '/js/lib/summe.mjs';
const rows = await (await fetch('daten/zeilen.json')).json(); const late = await import('./lib/später.js');
document.querySelector('#imported').textContent = name + ' ' + late.word; document.querySelector('#data').textContent = 'Summe ' + sum(rows);
document.body.className = 'ready';`,
  'js/lib/name.js': `export { name } from '../namen/deutsch.js';`,
  'js/namen/deutsch.js': `export const name = 'Größe';`,
  'js/lib/summe.mjs': `export default (rows) => rows.reduce((a, b) => a + b, 0);`,
  'js/lib/später.js': `export const word = 'später';`,
  'js/klassisch.js': `addEventListener('DOMContentLoaded', () => (document.querySelector('#classic').textContent = document.currentScript ?? 'klassisch'));`,
  'daten/zeilen.json': '[40, 2]',
  'teile/rahmen.html': `<!doctype html><link rel="stylesheet" href="../css/basis/tief.css"><p id="imported">Rahmen</p>`,
  'Bilder/Grüße ä.svg': svg('orange'),
  'Bilder/Übermaß.svg': svg('purple'),
  'Bilder/mit leerzeichen.svg': svg('brown'),
  'Bilder/hintergrund.svg': svg('silver'),
  'Bilder/objekt.svg': svg('black'),
  ...Object.fromEntries(COLORS.map((color) => [`Bilder/farben/${color}.svg`, svg(color)])),
};

/** What a request says of it. */
export const FOLDER_REQUEST = {
  options: { preferCSSPageSize: true },
  waitForSelector: { selector: 'body.ready' },
  failOnResourceError: true,
};

/** What the PDF reads. The letters of its two fonts are all the same. */
export const FOLDER_TEXT = ['AAAA AAAAAA', 'Größe später', 'Summe 42', 'klassisch', 'Rahmen'];

export function writeFolder(directory: string, folder: Folder): void {
  for (const [path, content] of Object.entries(folder)) {
    const at = join(directory, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, content);
  }
}

export function zipFolder(folder: Folder, top = ''): Buffer {
  return zipOf(Object.entries(folder).map(([path, content]) => ({ name: `${top}${path}`, content })));
}

/** A form with a request and the files of a folder. */
export function folderForm(folder: Folder, request: object = {}): FormData {
  const form = new FormData();
  form.append('request', JSON.stringify(request));
  for (const [path, content] of Object.entries(folder)) form.append('files', new File([new Uint8Array(Buffer.from(content as string))], path));
  return form;
} // prettier-ignore
