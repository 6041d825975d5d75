import { readFileSync } from 'node:fs';

/** docs/moving.md, as messages name it. */
export function movingPage(): string {
  return readFileSync(new URL('../../docs/moving.md', import.meta.url), 'utf8');
}
