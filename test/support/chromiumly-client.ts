import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Chromiumly,
  HtmlConverter,
  HtmlScreenshot,
  MarkdownConverter,
  PDFEngines,
  System,
  UrlConverter,
} from 'chromiumly';

// A program of somebody who uses Gotenberg with chromiumly, in a process of its own as the client changes its process.
// Its arguments: the address of the service, a key, an address that answers with a page, a folder for results.

const [endpoint = '', key = '', page = '', folder = ''] = process.argv.slice(2);
const keep = (name: string, bytes: Uint8Array) => writeFile(join(folder, name), bytes);
const html = Buffer.from('<h1 class="print">Page 1</h1>');

Chromiumly.configure({ endpoint, username: 'anyone', password: key });
const converter = new HtmlConverter();
await keep('plain.pdf', await converter.convert({ html }));
await keep(
  'full.pdf',
  await converter.convert({
    html,
    header: Buffer.from('<html><body><p style="font-size:12px">Head</p></body></html>'),
    footer: Buffer.from('<p style="font-size:12px"><span class="pageNumber"></span></p>'),
    assets: [{ file: Buffer.from('p{}'), name: 'style.css' }],
    properties: {
      size: { width: 8.27, height: 11.7 },
      margins: { top: 1, bottom: 1, left: 1, right: 1 },
      landscape: true,
    },
    emulatedMediaType: 'print',
    emulatedMediaFeatures: [{ name: 'prefers-color-scheme', value: 'dark' }],
    waitDelay: '10ms',
    waitForExpression: "document.readyState === 'complete'",
    extraHttpHeaders: { 'X-Custom': 'a' },
    failOnConsoleExceptions: true,
    generateDocumentOutline: true,
    metadata: { Author: 'Ann' },
    cookies: [{ name: 'a', value: 'b', domain: 'example.com' }],
    outputFilename: 'full',
    trace: 'a-trace',
  }),
);
await keep('url.pdf', await new UrlConverter().convert({ url: page }));
const markdown = { html: Buffer.from('<body>{{ toHTML "file.md" }}</body>'), markdown: Buffer.from('# Marked') };
await keep('markdown.pdf', await new MarkdownConverter().convert(markdown));
await keep(
  'shot.png',
  await new HtmlScreenshot().capture({ html, properties: { format: 'png', width: 320, height: 200, clip: true } }),
);

Chromiumly.configure({ endpoint, apiKey: key });
await keep('merged.pdf', await PDFEngines.merge({ files: [join(folder, 'plain.pdf'), join(folder, 'url.pdf')] }));
const version = String(await System.getVersion());
const health: unknown = JSON.parse(String(await System.getHealth()));
const refused = await converter
  .convert({ html, waitForExpression: '"a text"' })
  .catch((error: unknown) => String(error));
await writeFile(join(folder, 'told.json'), JSON.stringify({ version, health, refused }));
