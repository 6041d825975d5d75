import type { ChromiumBinary } from '../chromium-binary.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, OperatorError } from '../../kernel/errors.ts';
import { BrokenFont, type FontFile, readFontFile } from './font-file.ts';
import { fontFiles, type FontPlace, fontPlaces, type FoundFile } from './font-places.ts';
import type { Script } from './scripts.ts';
import { shelve } from './shelf.ts';
import { type Twin, twinsAmong } from './twins.ts';

const SYSTEM_CONFIGURATION = '/etc/fonts';

/** The fonts that every document here may use by name. */
export interface FontLibrary {
  /** with the number of families found there */
  places: (FontPlace & { families: number })[];
  /** lower-case names, those with a twin included */
  names: ReadonlySet<string>;
  scripts: ReadonlySet<Script>;
  twins: readonly Twin[];
  /** files that are not used, and why */
  problems: { path: string; problem: string }[];
}

interface FontOptions {
  fontsDir: string | undefined;
  dataDir: string;
}

/**
 * Finds all fonts, and has a browser find them.
 * @returns the browser with what it needs to know, and the fonts; none where there is no fontconfig: on a Mac the
 *   browser knows only the system's
 * @throws OperatorError if FONTS_DIR cannot be used
 */
export async function withFonts(
  binary: ChromiumBinary,
  { fontsDir, dataDir }: FontOptions,
): Promise<{ binary: ChromiumBinary; fonts?: FontLibrary }> {
  if (process.platform !== 'linux') {
    if (fontsDir === undefined) return { binary };
    throw new OperatorError('FONTS_DIR: it works on Linux only; install its fonts into the system instead');
  }
  const ofPackage = binary.env.FONTCONFIG_PATH; // which does not say what sans-serif is
  const conf = join(ofPackage ?? SYSTEM_CONFIGURATION, 'fonts.conf');
  const base = existsSync(conf) ? conf : undefined;
  const { files, ...library } = await readLibrary(fontsDir, base);
  const own = files.filter(({ kind }) => kind !== 'system');
  try {
    const FONTCONFIG_FILE = await shelve(own, {
      dataDir,
      base,
      hasGeneric: base !== undefined && ofPackage === undefined,
      twins: library.twins,
    });
    return { binary: { ...binary, env: { ...binary.env, FONTCONFIG_FILE }, fontNames: library.names }, fonts: library };
  } catch (error) {
    if (own.length > 0) throw error;
    return { binary, fonts: library }; // without a data directory there still are the system's
  }
}

type LibraryFile = FoundFile & { kind: FontPlace['kind']; font: FontFile };

async function readLibrary(fontsDir: string | undefined, base: string | undefined) {
  const problems: FontLibrary['problems'] = [];
  const places: FontLibrary['places'] = [];
  const files: LibraryFile[] = [];
  const names = new Set<string>();
  for (const place of await fontPlaces(fontsDir, base)) {
    const families = new Set<string>();
    for (const file of await fontFiles(place, (path, problem) => problems.push({ path, problem }))) {
      try {
        const font = await readFontFile(file.path);
        files.push({ ...file, kind: place.kind, font });
        for (const family of font.families) families.add(family.toLowerCase());
      } catch (error) {
        // The system's own are its business.
        if (place.kind !== 'system') problems.push({ path: file.path, problem: problemOf(error) });
      }
    }
    places.push({ ...place, families: families.size });
    for (const family of families) names.add(family);
  }
  const twins = twinsAmong(names);
  for (const { family } of twins) names.add(family.toLowerCase());
  const scripts = new Set(files.flatMap(({ font }) => font.scripts));
  return { places, names, scripts, twins, problems, files };
}

const problemOf = (error: unknown) =>
  error instanceof BrokenFont ? error.message : `it cannot be read: ${messageOf(error)}`;
