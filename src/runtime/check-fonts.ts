import { basename } from 'node:path';
import type { FontLibrary } from '../render/fonts/font-library.ts';
import type { FontPlace } from '../render/fonts/font-places.ts';
import { SCRIPTS } from '../render/fonts/scripts.ts';
import { untwinned } from '../render/fonts/twins.ts';
import { type Check, ok, warn } from './check.ts';

/** Files that are named; the others are counted. */
const NAMED = 5;

/** @param library undefined where only the browser knows its fonts */
export function checkFonts(library: FontLibrary | undefined): Check[] {
  if (!library) return [ok('fonts', 'those of the system; which they are is known on Linux only')];
  return [checkScripts(library), checkTwins(library), ...checkFiles(library)];
}

function checkScripts({ names, places, scripts, twins }: FontLibrary): Check {
  const found = places.filter(({ families }) => families > 0).map(describePlace);
  const where = `${names.size - twins.length} families: ${found.join(', ')}`;
  const missing = SCRIPTS.filter(({ name }) => !scripts.has(name));
  if (missing.length === 0) return ok('fonts', `${where}; ${SCRIPTS.map(({ name }) => name).join(', ')}`);
  const none = missing.map(({ name }) => name).join(', ');
  const debian = [...new Set(missing.map((script) => script.debian))];
  return warn(
    'fonts',
    `${where}; none for ${none}: such text comes out as boxes unless the document brings its fonts`,
    `npm install ${missing.map(({ npm }) => npm).join(' ')}, or apt-get install ${debian.join(' ')}`,
  );
}

function describePlace({ kind, directory, families }: FontPlace & { families: number }): string {
  const name = kind === 'package' ? directory.split('/').slice(-2).join('/') : directory;
  return `${kind === 'FONTS_DIR' ? 'FONTS_DIR ' : ''}${name} (${families})`;
}

/** Without them a document of an office breaks into other lines. */
function checkTwins({ names, twins }: FontLibrary): Check {
  const there = twins.map(({ family, twin }) => `${family} as ${twin}`).join(', ');
  const missing = untwinned(names);
  if (missing.length === 0) return ok('office fonts', there === '' ? 'all are here' : there);
  const message = `${there === '' ? '' : `${there}; `}nothing of the measures of ${missing.map(({ family }) => family).join(', ')}`;
  return warn('office fonts', message, `npm install ${[...new Set(missing.map(({ npm }) => npm))].join(' ')}`);
}

function checkFiles({ problems }: FontLibrary): Check[] {
  if (problems.length === 0) return [];
  const named = problems.slice(0, NAMED).map(({ path, problem }) => `${basename(path)}: ${problem}`);
  const more = problems.length > NAMED ? `; and ${problems.length - NAMED} more` : '';
  return [warn('font files', `not used: ${named.join('; ')}${more}`, 'replace or remove them')];
}
