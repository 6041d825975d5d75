import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

export interface FoundRegex {
  /** `http/body.ts:46` */
  at: string;
  source: string;
  flags: string;
}

/** Every regular expression in the program; those that are put together while it runs, as the code that does it. */
export function findRegexes(): { literals: FoundRegex[]; made: { at: string; code: string }[] } {
  const root = fileURLToPath(new URL('../../src/', import.meta.url));
  const literals: FoundRegex[] = [];
  const made: { at: string; code: string }[] = [];
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.[jt]s$/.test(name))) {
    const text = readFileSync(`${root}${file}`, 'utf8');
    const { program, errors } = parseSync(file, text);
    if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
    for (const node of nodesOf(program)) {
      const at = `${file}:${text.slice(0, node.start).split('\n').length}`;
      if (node.regex) literals.push({ at, source: node.regex.pattern, flags: node.regex.flags });
      if (node.callee?.name === 'RegExp') made.push({ at, code: text.slice(node.start, node.end) });
    }
  }
  return { literals, made };
}

interface Node {
  type: string;
  start: number;
  end: number;
  regex?: { pattern: string; flags: string };
  callee?: { name?: string };
}

function* nodesOf(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return;
  if ('type' in value && 'start' in value) yield value as Node;
  for (const child of Object.values(value)) yield* nodesOf(child);
}
