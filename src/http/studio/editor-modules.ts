import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { StaticFiles } from './static-files.ts';

/** What the scripts of the studio import; the packages that these need are found through them. */
const PACKAGES = [
  '@codemirror/autocomplete',
  '@codemirror/commands',
  '@codemirror/lang-css',
  '@codemirror/lang-javascript',
  '@codemirror/lang-json',
  '@codemirror/lang-liquid',
  '@codemirror/lang-markdown',
  '@codemirror/language',
  '@codemirror/lint',
  '@codemirror/merge',
  '@codemirror/search',
  '@codemirror/state',
  '@codemirror/view',
  '@lezer/highlight',
];

interface Manifest {
  module?: string;
  exports?: string | { import?: string; '.'?: string | { import?: string } };
  dependencies?: Record<string, string>;
}

/** The editor as its packages have it: ES modules, which browsers find through an import map. No other file is sent. */
export interface EditorModules {
  files: StaticFiles;
  /** JSON for `<script type="importmap">` */
  importMap: string;
  /** of the import map, for a Content-Security-Policy */
  hash: string;
}

let loaded: EditorModules | undefined;

/** Reads the packages at the first call. */
export function editorModules(): EditorModules {
  return (loaded ??= load());
}

function load(): EditorModules {
  const bodies = new Map<string, { body: string; type: string }>();
  const add = (name: string, parent: string) => {
    if (bodies.has(fileOf(name))) return;
    const manifestPath = findPackageJSON(name, parent);
    if (manifestPath === undefined) throw new Error(`the package ${name} is not installed`);
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest;
    const body = readFileSync(join(dirname(manifestPath), entryOf(manifest)), 'utf8');
    bodies.set(fileOf(name), { body, type: 'text/javascript; charset=utf-8' });
    for (const needed of Object.keys(manifest.dependencies ?? {})) add(needed, manifestPath);
  };
  for (const name of PACKAGES) add(name, import.meta.url);
  const files = new StaticFiles(bodies);
  const imports = Object.fromEntries(
    [...bodies.keys()].map((file) => [file.slice(0, -'.js'.length), `/studio/modules/${files.version}/${file}`]),
  );
  const importMap = JSON.stringify({ imports });
  return { files, importMap, hash: `sha256-${createHash('sha256').update(importMap).digest('base64')}` };
}

const fileOf = (name: string) => `${name}.js`;

function entryOf({ exports, module }: Manifest): string {
  if (typeof exports === 'string') return exports;
  const main = exports?.['.'] ?? exports;
  const entry = typeof main === 'string' ? main : (main?.import ?? module);
  if (typeof entry !== 'string') throw new Error('a package of the editor has no ES module');
  return entry;
}
