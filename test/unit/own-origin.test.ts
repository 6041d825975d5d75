import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { needsOrigin } from '../../src/render/own-origin.ts';

const SITE = 'https://cdn.example.com';

describe('whether a script may need an origin', () => {
  it.each([
    '<script>const theme = localStorage.getItem("theme")</script>',
    '<script>window["sessionStorage"].x = 1</script>',
    '<p onclick="document.cookie = 1">x</p>',
    '<script>indexedDB.open("x")</script>',
    '<script type="module">1</script>',
    '<SCRIPT TYPE = MODULE>1</SCRIPT>',
    '<script type="importmap">{}</script>',
    '<script>import("data:text/javascript,1")</script>',
    `<script src="${SITE}/chart.js"></script>`,
    `<script defer src = ' ${SITE}/chart.js'></script>`,
    '<script src=data:text/javascript,1></script>',
    `<base href="${SITE}/"><script src="chart.js"></script>`,
    '<script>const s = document.createElement("script"); s.src = where</script>',
    '<script>onload = () => location.reload()</script>',
    '<script>new URL("x", location)</script>',
    '<script>history.replaceState({}, "", "/x")</script>',
    '<iframe srcdoc="<script>localStorage.x = 1</script>"></iframe>',
  ])('is yes for %s', (html) => expect(needsOrigin(html)).toBe(true));

  it.each([
    '<script>document.getElementById("total").textContent = 3 * 4</script>',
    '<script src="beside.js"></script>',
    `<script>fetch("${SITE}/data.json").then((r) => r.json())</script>`,
    '<script>document.querySelector(".location").textContent = "Important location: Berlin"</script>',
    `<iframe src="${SITE}/"></iframe><noscript>x</noscript>`,
    '<div class="location">Hall 4</div><script>window.print()</script>',
  ])('is no for %s', (html) => expect(needsOrigin(html)).toBe(false));

  it('is no for an invoice with a plain script', () => {
    const html = readFileSync(new URL('../fixtures/invoice.html', import.meta.url), 'utf8');
    expect(needsOrigin(`${html}<script>document.title += '!'</script>`)).toBe(false);
  });
});
