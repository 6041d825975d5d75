import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parsePdfRequest, pdfRequestSchema } from '../../src/domain/pdf-request.ts';

interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  $ref?: string;
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}

const { $defs = {}, ...root } = z.toJSONSchema(pdfRequestSchema, { io: 'input', unrepresentable: 'any', cycles: 'ref' }) as JsonSchema & { $defs?: Record<string, JsonSchema> }; // prettier-ignore

type Path = (string | number)[];

/** Values that a schema does not allow: of another type, another word, and beyond each of its bounds. */
function wrongValues({ type, enum: words, minimum, maximum, maxLength, minItems, maxItems }: JsonSchema): unknown[] {
  const isFinite = (bound: number | undefined) => bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  return [
    Symbol.for('another type'),
    ...(words ? ['jpg', 'no such word'] : []),
    ...(isFinite(minimum) ? [Number(minimum) - 1] : []),
    ...(isFinite(maximum) ? [Number(maximum) + 1] : []),
    ...(type === 'integer' ? [1.5] : []),
    ...(maxLength !== undefined && maxLength < 10_000 ? ['x'.repeat(maxLength + 1)] : []),
    ...(minItems ? [[]] : []),
    ...(maxItems !== undefined && maxItems < 10_000 ? [Array.from({ length: maxItems + 1 }, () => 'x')] : []),
  ];
}

/** Each field of the request, with what it must not be. @param isChoice whether others are allowed beside the schema */
function* fields(schema: JsonSchema, path: Path, depth = 0, isChoice = false): Generator<[path: Path, value: unknown]> {
  if (depth > 8) return;
  const at = schema.$ref === undefined ? schema : ($defs[schema.$ref.replace('#/$defs/', '')] ?? {});
  if (path.length > 0)
    for (const value of wrongValues(at)) {
      const types = new Set([at.type, ...(at.anyOf ?? []).map(({ type }) => type)]);
      if (typeof value !== 'symbol') yield [path, value];
      else if (!isChoice && (at.type !== undefined || at.anyOf))
        for (const [type, other] of [
          ['boolean', true],
          ['object', { 'x y': { z: 1 } }],
          ['array', [[7]]],
          ['string', '\u0001'],
        ] as const)
          // prettier-ignore
          if (!types.has(type)) yield [path, other];
    }
  for (const each of at.anyOf ?? []) yield* fields(each, path, depth + 1, true);
  for (const [name, member] of Object.entries(at.properties ?? {})) yield* fields(member, [...path, name], depth + 1);
  if (at.items) yield* fields(at.items, [...path, 0], depth + 1);
}

function requestWith(path: Path, value: unknown): unknown {
  const inner = path.reduceRight((member, key) => (typeof key === 'number' ? [member] : { [key]: member }), value);
  return inner;
}

const FREE = new Set(['data', 'metadata', 'files']); // names in them are the caller's
const cases = [...fields(root, [])].filter(([[first]]) => !FREE.has(String(first)));
const textOf = (path: Path) => path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('').slice(1); // prettier-ignore

describe('a wrong value', () => {
  it('is answered with the field and what is allowed, in our words', () => {
    expect(cases.length).toBeGreaterThan(500);
    const odd: string[] = [];
    for (const [path, value] of cases) {
      const parsed = parsePdfRequest(requestWith(path, value));
      const name = textOf(path);
      const told = parsed.ok ? [] : parsed.fields.filter(({ field }) => field.startsWith(name) || name.startsWith(field)); // prettier-ignore
      const all = parsed.ok ? [] : parsed.fields.map(({ field, message }) => `${field}: ${message}`);
      const isTold = told.some(({ message }) => /allowed|required|unknown field/.test(message));
      if (!isTold || all.some((text) => /: (?:Invalid|Too |Unrecognized)|\bexpected\b/.test(text)))
        odd.push(`${name} = ${JSON.stringify(value).slice(0, 40)}: ${all.join(' | ').slice(0, 200)}`);
    }
    expect(odd).toEqual([]);
  });

  it.each([
    [{ output: { type: 'jpg' } }, 'output.type: allowed: pdf, png, jpeg, webp, html, json (did you mean jpeg?)'],
    [{ finishing: { overlay: [{ text: 'x', position: 'middle' }] } }, 'finishing.overlay[0].position: allowed: top-left, top, top-right, left, center, right, bottom-left, bottom, bottom-right'],
    [{ finishing: { attachments: [{ file: 'a', relationship: 'data' }] } }, 'finishing.attachments[0].relationship: allowed: Source, Data, Alternative, Supplement, Unspecified, EncryptedPayload, FormData, Schema (did you mean Data?)'],
    [{ finishing: { overlay: [{ text: 'x', opacity: 7 }] } }, 'finishing.overlay[0].opacity: allowed: 0 to 1'],
    [{ finishing: { overlay: [{ text: 'x', opacity: '1' }] } }, 'finishing.overlay[0].opacity: allowed: a number, 0 to 1'],
    [{ finishing: { rotate: 45 } }, 'finishing.rotate: allowed: 90, 180, 270, or a list of {angle, pages}'],
    [{ finishing: { bookmarks: [{ page: 1 }] } }, 'finishing.bookmarks[0].title: required: text'],
    [{ timeoutMs: 1e20 }, 'timeoutMs: allowed: 1000 to 300000'],
    [{ finishing: { flatten: 'yes' } }, 'finishing.flatten: allowed: true or false'],
  ])('%j', (json, message) => {
    const parsed = parsePdfRequest({ html: 'x', ...json });
    expect(parsed.ok ? [] : parsed.fields.map((each) => `${each.field}: ${each.message}`)).toContain(message);
  }); // prettier-ignore
});
