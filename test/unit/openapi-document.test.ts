import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { apiTypes } from '../../docs/api-types.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { operationsOf } from '../../src/http/app.ts';
import { PDF_EXAMPLES } from '../../src/http/examples.ts';
import { openApiDocument } from '../../src/http/openapi.ts';
import type { AppDeps } from '../../src/http/route.ts';

type Json = Record<string, unknown>;

// The routes only describe themselves: nothing is called.
const document = JSON.parse(JSON.stringify(openApiDocument(operationsOf({} as AppDeps), '1.0.0'))) as Json & {
  paths: Record<string, Record<string, Json & { operationId: string; tags: string[]; summary: string }>>;
  tags: { name: string }[];
};

/** Every object in the document, with where it is. */
function* objectsIn(value: unknown, path = ''): Generator<{ at: string; object: Json }> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield { at: path, object: value as Json };
  for (const [name, member] of Object.entries(value))
    if (!/^(example|examples|value)$/.test(name)) yield* objectsIn(member, `${path}/${name}`);
}
const objects = [...objectsIn(document)];
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

describe('the OpenAPI document', () => {
  it('is valid by the specification', async () => {
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true });
  });

  it('has for each operation an id that is a name in any language, one known tag and a summary', () => {
    const tags = document.tags.map(({ name }) => name);
    for (const { operationId, tags: own, summary } of operations) {
      expect(operationId).toMatch(/^[a-z][a-zA-Z]+$/);
      expect([operationId, own.filter((tag) => tags.includes(tag))]).toEqual([operationId, own]);
      expect([operationId, own.length, summary.length > 5]).toEqual([operationId, 1, true]);
    }
    expect(tags.filter((tag) => !operations.some(({ tags: own }) => own.includes(tag)))).toEqual([]);
  });

  it('has a name for every type that recurs', () => {
    const inline = objects.filter(({ at, object: { type, properties = {} } }) => type === 'object' && Object.keys(properties as Json).length > 1 && !/^\/components\/schemas\/\w+$/.test(at)); // prettier-ignore
    const byText = Map.groupBy(inline, ({ object }) => JSON.stringify({ ...object, description: undefined }));
    expect([...byText.values()].filter((same) => same.length > 1).map((same) => same.map(({ at }) => at))).toEqual([]);
    const enums = objects.filter(({ at, object }) => Array.isArray(object.enum) && object.enum.length > 2 && !/^\/components\/schemas\/\w+$/.test(at)); // prettier-ignore
    const names = new Map(objects.filter(({ at, object }) => /^\/components\/schemas\/\w+$/.test(at) && object.enum).map(({ at, object }) => [JSON.stringify(object.enum), at])); // prettier-ignore
    expect(enums.filter(({ object }) => names.has(JSON.stringify(object.enum))).map(({ at }) => at)).toEqual([]);
    expect(objects.filter(({ at }) => /__schema/.test(at)).map(({ at }) => at)).toEqual([]);
  });

  it('has no pattern where a format says it, and none that is long', () => {
    const patterns = objects.filter(({ object }) => typeof object.pattern === 'string');
    expect(patterns.length).toBeGreaterThan(5);
    for (const { at, object } of patterns)
      expect([at, object.format, String(object.pattern).length < 80]).toEqual([at, undefined, true]);
  });

  it('does not forbid what later versions may answer', () => {
    const answers = objects.filter(({ at }) => /^\/paths\/.*\/responses\//.test(at));
    expect(answers.filter(({ object }) => object.additionalProperties === false)).toEqual([]);
    const { components } = document as unknown as { components: { schemas: Record<string, Json> } };
    for (const name of ['Job', 'Batch', 'Problem', 'JobPage'])
      expect([name, components.schemas[name]?.additionalProperties]).toEqual([name, undefined]);
  });

  it('has examples that are valid', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, 'api');
    const isValid = (at: string, value: unknown) => {
      const check = ajv.compile({ $ref: `api#${at.replaceAll(/[^/]+/g, (part) => encodeURIComponent(part))}` });
      return check(value) ? [] : [{ at, errors: check.errors }];
    };
    const ofSchemas = objects.flatMap(({ at, object: { examples } }) => (Array.isArray(examples) ? examples.map((value: unknown) => ({ at, value })) : [])); // prettier-ignore
    const ofBodies = objects.flatMap(({ object: { schema, examples } }) => {
      const ref = (schema as { $ref?: string } | undefined)?.$ref;
      if (ref === undefined || examples === undefined || Array.isArray(examples)) return [];
      return Object.values(examples as Record<string, { value: unknown }>).map(({ value }) => ({ at: ref.slice(1), value })); // prettier-ignore
    });
    expect(ofSchemas.length).toBeGreaterThan(1);
    expect(ofBodies.length).toBeGreaterThan(10);
    expect([...ofSchemas, ...ofBodies].flatMap(({ at, value }) => isValid(at, value))).toEqual([]);
    for (const { value } of Object.values(PDF_EXAMPLES)) expect(parsePdfRequest(value)).toMatchObject({ ok: true });
  });

  it('is what the types of the client are made from (npm run docs)', async () => {
    const file = new URL('../../src/client/api-types.ts', import.meta.url).pathname;
    const made = await format(apiTypes(document), { ...(await resolveConfig(file)), filepath: file });
    expect(readFileSync(file, 'utf8')).toBe(made);
  });
});
