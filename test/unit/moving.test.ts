import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { foreignName } from '../../src/domain/foreign-names.ts';
import { pdfRequestSchema } from '../../src/domain/pdf-request.ts';
import { namesWithin } from '../../src/domain/schema-names.ts';
import { foreignRouteHint } from '../../src/http/compat/foreign-route.ts';

const page = readFileSync(new URL('../../docs/moving.md', import.meta.url), 'utf8');
const names = namesWithin(pdfRequestSchema);

/** Rows of the page's tables: what is theirs, and what is ours. */
const rows = page.split('\n').flatMap((line) => {
  const [, theirs = '', ours = ''] = /^\| ([^|]+?) *\| ([^|]+?) *\|$/.exec(line) ?? [];
  return theirs === '' || /^-+$/.test(theirs) ? [] : [{ theirs, ours }];
});
const codesOf = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

describe('docs/moving.md', () => {
  it('names fields that there are', () => {
    const ours = rows.flatMap((row) => codesOf(row.ours)).filter((code) => /^[a-z][a-zA-Z.]+$/.test(code) && code !== 'index.html' && code !== 'index.md'); // prettier-ignore
    expect(ours.length).toBeGreaterThan(100);
    expect(ours.filter((path) => !names.includes(path))).toEqual([]);
  });

  it('says of a field what the error says of it', () => {
    const isField = (code: string) => /^[a-z][a-zA-Z_]+$/.test(code);
    const contradicted = rows.flatMap(({ theirs, ours }) =>
      codesOf(theirs).filter((code) => {
        const said = isField(code) && !names.includes(code) ? foreignName([code], names) : undefined;
        return said !== undefined && !codesOf(ours).some((path) => said.startsWith(path) || path.startsWith(said));
      }),
    );
    expect(contradicted).toEqual([]);
  });
});

describe('a path of another service', () => {
  it.each([
    ['/forms/chromium/convert/html', 'COMPAT=gotenberg', 'POST /v1/pdf'],
    ['/forms/chromium/screenshot/url', 'COMPAT=gotenberg', 'output'],
    ['/forms/pdfengines/merge', 'COMPAT=gotenberg', 'parts'],
    ['/pdf', 'COMPAT=browserless', 'POST /v1/pdf'],
    ['/chromium/screenshot', 'COMPAT=browserless', 'output'],
    ['/client/v4/accounts/1/browser-rendering/content', 'COMPAT=browserless', 'POST /v1/pdf'],
    ['/api/report', 'jsreport', 'template and data'],
    ['/docs', 'DocRaptor', 'POST /v1/jobs'],
    ['/docs.pdf', 'DocRaptor', 'POST /v1/pdf'],
    ['/v3/convert/pdf', 'PDFShift', 'POST /v1/pdf'],
    ['/function', 'browserless', 'addScriptTag'],
    ['/forms/libreoffice/convert', 'Gotenberg', 'office documents'],
  ])('%s is answered with %s', (path, setting, ours) => {
    const hint = foreignRouteHint('POST', path, []) ?? '';
    expect(hint).toContain(setting);
    expect(hint).toContain(ours);
    expect(hint).toContain('/docs/moving.md');
  });

  it('is not said to need a setting that is there', () => {
    expect(foreignRouteHint('POST', '/forms/chromium/convert/rtf', ['gotenberg'])).not.toContain('COMPAT');
    expect(foreignRouteHint('POST', '/forms/chromium/convert/html', ['browserless'])).toContain('COMPAT=gotenberg');
  });

  it.each(['/', '/v1/pdfs', '/v1/jobs/1', '/favicon.ico', '/pdfs', '/api'])('is not %s', (path) => {
    expect(foreignRouteHint('POST', path, [])).toBeUndefined();
    expect(foreignRouteHint('GET', path, [])).toBeUndefined();
  });
});
