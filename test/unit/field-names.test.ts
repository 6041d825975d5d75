import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseFields } from '../../src/domain/check-input.ts';
import { pathText } from '../../src/domain/field-path.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { nearest } from '../../src/kernel/nearest.ts';
import { schemasOfBodies, schemasOfQueries } from '../support/operations.ts';

interface Place {
  /** of the object that has the member */
  at: PropertyKey[];
  name: string;
  /** of all its members */
  names: string[];
}

/** Every member of a schema at every depth. */
function placesIn(schema: z.ZodType, at: PropertyKey[] = [], depth = 0): Place[] {
  if (depth > 6) return []; // bookmarks are within bookmarks
  if ('unwrap' in schema && !(schema instanceof z.ZodArray))
    return placesIn((schema.unwrap as () => z.ZodType)(), at, depth);
  if (schema instanceof z.ZodPipe) return placesIn(schema.in as z.ZodType, at, depth);
  if (schema instanceof z.ZodUnion) return (schema.options as z.ZodType[]).flatMap((each) => placesIn(each, at, depth));
  if (schema instanceof z.ZodArray) return placesIn(schema.element as z.ZodType, [...at, 0], depth + 1);
  if (schema instanceof z.ZodRecord) return placesIn(schema.valueType as z.ZodType, [...at, 'a.txt'], depth + 1);
  if (!(schema instanceof z.ZodObject) || schema.def.catchall instanceof z.ZodUnknown) return []; // its fields are a request's
  const names = Object.keys(schema.shape);
  return names.flatMap((name) => [
    { at, name, names },
    ...placesIn(schema.shape[name] as z.ZodType, [...at, name], depth + 1),
  ]);
}

/** What somebody may write instead. */
function misspellings(name: string): Record<string, string> {
  const middle = Math.floor(name.length / 2);
  return {
    'a letter too few': name.slice(0, middle) + name.slice(middle + 1),
    'a letter twice': name.slice(0, middle) + name.charAt(middle) + name.slice(middle),
    'two letters swapped':
      name.slice(0, middle - 1) + name.charAt(middle) + name.charAt(middle - 1) + name.slice(middle + 1),
    'capital letters': name.toUpperCase(),
    'a capital letter': name.charAt(0).toUpperCase() + name.slice(1),
    'words joined otherwise': name.replaceAll(/(?<=[a-z])[A-Z]+/g, (capital) => `_${capital.toLowerCase()}`),
    'words joined by hyphens': name.replaceAll(/(?<=[a-z])[A-Z]+/g, (capital) => `-${capital.toLowerCase()}`),
  };
}

function bodyWith(at: PropertyKey[], name: string): unknown {
  return at.reduceRight<unknown>((inner, key) => (key === 0 ? [inner] : { [key]: inner }), { [name]: null });
}

const places = [...schemasOfBodies(), ...schemasOfQueries()].flatMap(({ endpoint, schema }) =>
  placesIn(schema).map((place) => ({ endpoint, schema, ...place })),
);

describe('a misspelt field', () => {
  it('is looked for in every request', () => {
    expect(new Set(places.map(({ endpoint }) => endpoint)).size).toBeGreaterThan(12);
    expect(places.length).toBeGreaterThan(500);
  });

  it.each(Object.keys(misspellings('any')))('with %s is answered with the field that is meant', (kind) => {
    const wrong: string[] = [];
    for (const { endpoint, schema, at, name, names } of places) {
      const given = misspellings(name)[kind] ?? '';
      const isAnother = given.length < 2 || names.some((each) => each === given);
      const isUnclear = nearest(given, names) !== name; // as near to another one
      if (isAnother || isUnclear) continue;
      const parsed = parseFields(schema, bodyWith(at, given));
      const field = pathText([...at, given]);
      const problem = parsed.ok ? undefined : parsed.fields.find((each) => each.field === field);
      const said = problem?.message ?? JSON.stringify(parsed.ok ? 'ok' : parsed.fields);
      if (!said.startsWith(`unknown field; did you mean ${name}?`)) wrong.push(`${endpoint} ${field}: ${said}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('a field of another service', () => {
  /** What is said of the only field that is wrong. */
  const saidOf = (body: object) => {
    const parsed = parsePdfRequest({ html: 'a', ...body });
    return parsed.ok ? [] : parsed.fields.map(({ field, message }) => `${field}: ${message}`);
  };

  it.each([
    [{ paperWidth: 8.27 }, 'paperWidth', 'options.width'],
    [{ paper_height: 11 }, 'paper_height', 'options.height'],
    [{ marginTop: 1 }, 'marginTop', 'options.margin.top'],
    [{ margin_left: '1in' }, 'margin_left', 'options.margin.left'],
    [{ waitDelay: '5s' }, 'waitDelay', 'waitForTimeout'],
    [{ emulatedMediaType: 'screen' }, 'emulatedMediaType', 'emulateMediaType'],
    [{ failOnHttpStatusCodes: [499] }, 'failOnHttpStatusCodes', 'failOnStatus'],
    [{ pdfa: 'PDF/A-2b' }, 'pdfa', 'finishing.conformance'],
    [{ pdfOptions: { format: 'a4' } }, 'pdfOptions', 'options'],
    [{ screenshotOptions: {} }, 'screenshotOptions', 'output'],
    [{ options: { path: 'a.pdf' } }, 'options.path', 'filename'],
    [{ options: { fullPage: true } }, 'options.fullPage', 'singlePage'],
    [{ path: 'a.pdf' }, 'path', 'filename'],
    [{ content: '<p>a' }, 'content', 'html'],
    [{ recipe: 'chrome-pdf' }, 'recipe', 'output.type'],
    [{ document_content: '<p>a' }, 'document_content', 'html'],
    [{ prince_options: {} }, 'prince_options', 'options'],
    [{ source: '<p>a' }, 'source', 'html'],
  ])('%j is answered with ours', (body, field, ours) => {
    expect(saidOf(body)).toEqual([
      `${field}: unknown field; did you mean ${ours}? /docs/moving.md has the names of other services`,
    ]);
  });

  it.each([
    [{ printBackground: true }, 'printBackground: unknown field; did you mean options.printBackground?'],
    [{ landscape: true }, 'landscape: unknown field; did you mean options.landscape?'],
    [{ preferCssPageSize: true }, 'preferCssPageSize: unknown field; did you mean options.preferCSSPageSize?'],
    [{ waitUntil: 'load' }, 'waitUntil: unknown field; did you mean gotoOptions.waitUntil?'],
    [{ options: { timeout: 0 } }, 'options.timeout: unknown field; did you mean gotoOptions.timeout?'],
    [{ goToOptions: {} }, 'goToOptions: unknown field; did you mean gotoOptions?'],
    [{ extraHttpHeaders: {} }, 'extraHttpHeaders: unknown field; did you mean setExtraHTTPHeaders?'],
  ])('%j has the same name here, at its own place', (body, said) => {
    expect(saidOf(body)).toEqual([expect.stringContaining(said) as string]);
  });

  it('is found in a part, and in the request of a batch', () => {
    expect(saidOf({ html: null, parts: [{ html: 'a', paperWidth: 1 }] })[0]).toMatch(
      /^parts\[0\]\.paperWidth: unknown field; did you mean options\.width\?/,
    );
    const batch = schemasOfBodies().find(({ endpoint }) => endpoint === 'POST /v1/batches');
    const parsed = parseFields(batch?.schema ?? z.never(), { request: { marginTop: 1 }, items: [] });
    const messages = parsed.ok ? [] : parsed.fields.map(({ message }) => message);
    expect(messages.join()).toContain('did you mean request.options.margin.top?');
  });

  it('is no object instead of the name of a template', () => {
    expect(
      saidOf({ html: null, template: { content: '<p>a', recipe: 'chrome-pdf', engine: 'handlebars' } }),
    ).toContainEqual(
      expect.stringMatching(
        /^template: allowed: the name of a template, such as invoice@7; HTML itself is html \(\/docs/,
      ),
    );
  });
});
