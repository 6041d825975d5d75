import { readdirSync, readFileSync } from 'node:fs';
import { StaticFiles } from './static-files.ts';

const directory = new URL('assets/', import.meta.url);

const files = new StaticFiles(
  new Map(
    readdirSync(directory)
      .toSorted()
      .map((name) => [
        name,
        {
          body: readFileSync(new URL(name, directory), 'utf8'),
          type: name.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8',
        },
      ]),
  ),
);

/** The studio's own style sheet and scripts, which import each other by relative paths. */
export const studioAssets = files;

export const studioAsset = (name: string) => `/studio/assets/${files.version}/${name}`;
