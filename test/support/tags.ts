import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * What a test file says of itself in its first lines, as `@module-tag long`:
 *
 * - `long`: it takes a minute or more, or a program that `npm ci` does not bring. `npm run test:all`
 * - `user`: its outcome can depend on whether root or a normal user runs it. `npm run test:user`
 */
export const TAGS = ['long', 'user'] as const;
export type Tag = (typeof TAGS)[number];

/** Every test file, with its tags. Paths are from the root of the checkout: `test/unit/tiers.test.ts`. */
export function readTags(): Map<string, Tag[]> {
  const names = readdirSync(`${ROOT}test`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .toSorted();
  return new Map(names.map((name) => [`test/${name}`, tagsOf(readFileSync(`${ROOT}test/${name}`, 'utf8'))]));
}

function tagsOf(text: string): Tag[] {
  const head = text.slice(0, text.indexOf('*/') + 1);
  return TAGS.filter((tag) => new RegExp(`^/\\*\\*[\\s\\S]*@module-tag ${tag}\\b`).test(head));
}

/** Needs neither Postgres nor Chromium. */
export const isUnit = (path: string) => /^test\/(unit\/|architecture\.test\.ts$)/.test(path);
