import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finishingSchema } from '../../src/domain/finishing.ts';
import { impliedOptions } from '../../src/domain/implied-options.ts';
import { parsePdfRequest } from '../../src/domain/pdf-request.ts';
import { checkPdf } from '../../src/finishing/check/check-pdf.ts';
import { STEPS } from '../../src/finishing/steps.ts';
import { Span } from '../../src/telemetry/span.ts';
import { startFinisher } from '../support/finisher.ts';
import { createRenderer, pdfOf } from '../support/renderer.ts';

const { renderer } = await createRenderer();
beforeAll(() => renderer.start());
afterAll(() => renderer.stop());
const finisher = await startFinisher({ steps: STEPS });

async function finished(body: string) {
  const html = `<!doctype html><html lang="en"><title>Elements</title><h1>Elements</h1>${body}</html>`;
  const finishing = finishingSchema.parse({ conformance: 'PDF/UA-1' });
  const parsed = parsePdfRequest({ html: 'x' });
  if (!parsed.ok) throw new Error('the request is not valid');
  const pdf = await pdfOf(renderer, { html, options: impliedOptions(finishing) });
  const job = { settings: parsed.request, result: { finishing }, files: [], timeoutMs: 60_000, tenant: 'ann' };
  return finisher.finish([pdf], { ...job, span: new Span() });
}

const PICTURE = `src="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'%3E%3Crect width='9' height='9'/%3E%3C/svg%3E"`;
const IMAGE = `<img alt="A square" ${PICTURE}>`;

const WITH_TEXT = 'abbr address article aside b bdi bdo blockquote button cite code data del dfn div em footer h1 header hgroup i ins kbd label main mark nav output p pre q s samp search section small span strong sub sup time u var'; // prettier-ignore
/** Every element that a body may have in it, as small as it has a meaning. */
const ELEMENTS = [
  ...WITH_TEXT.split(' ').map((name) => `<${name}>text</${name}>`),
  '<a href="https://example.com/">text</a>',
  '<audio controls></audio>',
  '<canvas width="9" height="9"></canvas>',
  '<datalist><option>text</datalist>',
  '<details open><summary>text</summary>text</details>',
  '<dialog open>text</dialog>',
  '<dl><dt>text<dd>text</dl>',
  '<fieldset><legend>text</legend>text</fieldset>',
  `<figure>${IMAGE}</figure>`,
  `<figure>${IMAGE}<figcaption>text</figcaption></figure>`,
  '<figure><pre><code>text</code></pre><figcaption>text</figcaption></figure>',
  '<form>text <input value="text"></form>',
  '<hr>',
  '<iframe srcdoc="<p>text" title="text"></iframe>',
  IMAGE,
  '<map name="map"><area href="https://example.com/" alt="text"></map>',
  '<math><mfrac><mn>1</mn><mi>x</mi></mfrac></math>',
  '<menu><li>text</menu>',
  '<meter value="0.5"></meter>',
  '<object>text</object>',
  '<ol><li>text</ol>',
  `<picture>${IMAGE}</picture>`,
  '<progress value="0.5"></progress>',
  '<ruby>text<rp>(</rp><rt>text</rt><rp>)</rp></ruby>',
  '<select><option>text</select>',
  '<svg role="img" aria-label="text" width="20" height="20"><circle r="5"/><text y="15">text</text></svg>',
  '<table><caption>text</caption><thead><tr><th>text</thead><tbody><tr><td>text</tbody><tfoot><tr><td>text</tfoot></table>',
  '<template>text</template>',
  '<textarea>text</textarea>',
  '<ul><li>text</ul>',
  '<video controls width="40" height="40"></video>',
  'text<wbr>text',
];

const AROUND = {
  body: (inner) => `<div>${inner}</div>`,
  figure: (inner) => `<figure>${inner}</figure>`,
  figcaption: (inner) => `<figure><p>text</p><figcaption>${inner}</figcaption></figure>`,
  aside: (inner) => `<aside>${inner}</aside>`,
  blockquote: (inner) => `<blockquote>${inner}</blockquote>`,
  em: (inner) => `<em>${inner}</em>`,
  'li with a bullet': (inner) => `<ol><li>text<ul><li>${inner}</ul></ol>`,
  'li without one': (inner) => `<ul style="list-style: none"><li>${inner}</ul>`,
  td: (inner) => `<table><thead><tr><th>text<tbody><tr><td>${inner}</table>`,
  th: (inner) => `<table><tr><th>${inner}</table>`,
  dd: (inner) => `<dl><dt>text<dd>${inner}</dl>`,
  details: (inner) => `<details open><summary>text</summary>${inner}</details>`,
} satisfies Record<string, (inner: string) => string>;

describe('PDF/UA', () => {
  it.each(Object.entries(AROUND))('holds with every element of HTML in %s', async (_, around) => {
    const outcome = await finished(ELEMENTS.map(around).join('\n'));
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
    expect(await checkPdf(Buffer.concat(outcome.files[0]?.chunks ?? []), ['PDF/UA-1'])).toEqual([]);
  });

  it.each([
    ['has no text', `<figure><img ${PICTURE}></figure>`],
    ['has no text, but a caption', `<figure><img ${PICTURE}><figcaption>text</figcaption></figure>`],
    ['is among others', `<figure>${IMAGE}<img ${PICTURE}></figure>`],
    ['is in a group', `<figure><div><p>text</p><img ${PICTURE}></div></figure>`],
    ['is a drawing', '<figure><svg width="9" height="9"><circle r="5"/></svg><figcaption>text</figcaption></figure>'],
    ['is decoration with a caption', `<figure><img alt="" ${PICTURE}><figcaption>text</figcaption></figure>`],
  ])('is refused if the picture of a figure %s, once for each, with what to do', async (_, body) => {
    const message = 'the PDF is not PDF/UA-1: page 1: a figure has no alternative text: write alt on the <img>, or aria-label [ISO 14289-1:2014 7.3-1]'; // prettier-ignore
    expect(await finished(body)).toMatchObject({ kind: 'reject', code: 'not_conformant', message });
  });
});
