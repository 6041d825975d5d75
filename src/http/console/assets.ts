import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const TYPES = {
  'console.css': 'text/css; charset=utf-8',
  'console.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

type AssetName = keyof typeof TYPES;

interface Asset {
  body: string;
  type: string;
  /** changes with the content */
  version: string;
}

const assets = new Map(
  Object.entries(TYPES).map(([name, type]): [string, Asset] => {
    const body = readFileSync(new URL(`assets/${name}`, import.meta.url), 'utf8');
    return [name, { body, type, version: createHash('sha256').update(body).digest('hex').slice(0, 12) }];
  }),
);

export const findAsset = (name: string) => assets.get(name);

/** The URL of an asset; it changes with the content, so that browsers may cache it for ever. */
export function assetPath(name: AssetName): string {
  return `/console/assets/${name}?v=${assets.get(name)?.version}`;
}
