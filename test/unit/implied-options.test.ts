import { describe, expect, it } from 'vitest';
import { finishingSchema } from '../../src/domain/finishing.ts';
import { impliedConformance, impliedOptions } from '../../src/domain/implied-options.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';

const conformance = 'PDF/UA-1';
const facturx = { xml: '<a/>', level: 'BASIC' };
const problemsOf = (json: unknown) => {
  const parsed = parsePdfRequest(json);
  return parsed.ok ? [] : parsed.fields.map(({ field, message }) => `${field}: ${message}`);
};

describe('finishing brings', () => {
  it.each([
    [{ facturx }, ['PDF/A-3b'], {}],
    [{ facturx, conformance }, ['PDF/UA-1', 'PDF/A-3b'], { tagged: true }],
    [{ conformance: ['PDF/A-3b'], facturx }, ['PDF/A-3b'], {}],
    [{ conformance }, ['PDF/UA-1'], { tagged: true }],
    [{}, [], {}],
  ])('with %j', (finishing, claims, options) => {
    const parsed = finishingSchema.parse(finishing);
    expect(impliedConformance(parsed)).toEqual(claims);
    expect(impliedOptions(parsed)).toEqual(options);
  });
});

describe('a request that forbids tags', () => {
  const problem = 'options.tagged: PDF/UA-1 needs tags; allowed: true, or nothing';
  it.each([
    [{ html: 'x', options: { tagged: false } }, [problem]],
    [{ parts: [{ html: 'x' }, { html: 'y', options: { tagged: false } }] }, [`parts[1].${problem}`]],
    [{ parts: [{ html: 'x' }], options: { tagged: false } }, [problem]],
    [{ html: 'x', options: { tagged: true } }, []],
    [{ html: 'x' }, []],
  ])('%j is refused with PDF/UA by name', (json, problems) => {
    expect(problemsOf({ ...json, finishing: { conformance } })).toEqual(problems);
    expect(problemsOf({ ...json, finishing: { conformance: 'PDF/A-3b' } })).toEqual([]);
  });
});

describe('custom properties', () => {
  it('have other names than those with a meaning of their own', () => {
    const finishing = { properties: { custom: { Author: 'x' } } };
    expect(problemsOf({ html: 'x', finishing })).toEqual([
      expect.stringContaining('finishing.properties.custom: allowed: names other than Title, Author'),
    ]);
  });
});
