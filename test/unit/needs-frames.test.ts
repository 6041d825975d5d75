import { expect, it } from 'vitest';
import { onlyPart, parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { needsFrames } from '../../src/render/needs-frames.ts';

function ask(body: object, given: object = {}): boolean {
  const parsed = parsePdfRequest({ html: '<p>text</p>', ...body });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fields));
  const { source: _, ...settings } = onlyPart(parsed.request);
  const { html = '<p>text</p>' } = body as { html?: string };
  return needsFrames({ ...settings, content: { html }, isStatic: true, ownOrigin: undefined, ...given });
}

it.each<[object, object?]>([
  [{}],
  [{ html: '<!doctype html><style>@media print { p { transition: color 1s } }</style><p>text' }],
  [{ options: { format: 'A5' }, emulateMediaType: 'screen', timezone: 'Europe/Berlin', locale: 'de' }],
  [{ addStyleTag: [{ content: 'p { color: red }' }] }],
])('%j is printed without animation frames', (body) => {
  expect(ask(body)).toBe(false);
});

it.each<[object, object?]>([
  [{}, { isStatic: false }],
  [{}, { content: { url: 'http://example.com/' } }],
  [{}, { content: { html: '<p>', arrange: 'true' } }],
  [{ html: '<style>p { ANIMATION: in 1s }</style>' }],
  [{ html: '<svg><animateTransform attributeName="transform"/></svg>' }],
  [{ html: '<svg><rect><set attributeName="x" to="9"/></rect></svg>' }],
  [{ html: '<style>p { @starting-style { color: red } }</style>' }],
  [{ html: '<marquee>moves</marquee>' }],
  [{ html: '<input autofocus>' }],
  [{ html: '<link rel="stylesheet" href="a.css">' }],
  [{ html: '<style>@import "a.css"</style>' }],
  [{ addStyleTag: [{ content: 'p { animation: in 1s }' }] }],
  [{ addStyleTag: [{ url: 'http://example.com/a.css' }] }],
  [{ waitForSelector: { selector: 'p', visible: true } }],
  [{ html: '<section style="content-visibility: auto">text' }],
  [{ html: '<style>@\\69mport "a.css"</style>' }],
  [{ gotoOptions: { waitUntil: 'networkidle0' } }],
  [{ gotoOptions: { waitUntil: ['load', 'networkidle2'] } }],
  [{ waitForTimeout: 10 }],
  [{ viewport: { width: 300, height: 300 } }],
  [{ singlePage: true }],
])('%j, %j: needs them', (body, given) => {
  expect(ask(body, given)).toBe(true);
});
