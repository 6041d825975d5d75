import { readFile } from 'node:fs/promises';
import { messageOf, UsageError } from '../kernel/errors.ts';

/** The object that `--request` has as JSON, or as `@file`. @throws UsageError */
export async function readRequestFlag(text: string): Promise<Record<string, unknown>> {
  try {
    const content = text.startsWith('@') ? await readFile(text.slice(1), 'utf8') : text;
    const json: unknown = JSON.parse(content.replace(/^\uFEFF/, ''));
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(`--request: ${messageOf(error)}; allowed: a JSON object, or @file with one`, { cause: error });
  }
  throw new UsageError('--request: allowed: a JSON object, or @file with one');
}
