import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { pdfInfo, textOfPages } from '../support/pdf-tools.ts';
import { pixelsOf } from '../support/pixels.ts';
import { startService } from '../support/service.ts';
import { startSite } from '../support/site.ts';

// Clients of Gotenberg as they are, with the address of the service changed.

const run = promisify(execFile);
const site = await startSite((_, response) => response.setHeader('Content-Type', 'text/html').end('<p>From a site'));
const env = { COMPAT: 'gotenberg', COMPAT_USER: 'ann@example.com', ...site.env };
const service = await startService({ worker: true, env });
const folder = mkdtempSync(join(tmpdir(), 'pdfprompt-clients-'));
afterAll(() => rm(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const made = (name: string) => readFileSync(at(name));

describe('chromiumly', () => {
  it('works as it is', async () => {
    const client = fileURLToPath(new URL('../support/chromiumly-client.ts', import.meta.url));
    await run(process.execPath, [client, service.address, service.key, site.origin, folder]);
    expect(textOfPages(made('plain.pdf'))[0]).toContain('Page 1');
    expect(pdfInfo(made('plain.pdf'))['Page size']).toContain('letter');
    const full = made('full.pdf');
    expect(textOfPages(full)[0]).toMatch(/Head[\s\S]*1/);
    expect(pdfInfo(full)).toMatchObject({ Author: 'Ann', Tagged: 'yes' });
    expect(pdfInfo(full)['Page size']).toMatch(/^842/);
    expect(textOfPages(made('url.pdf'))[0]).toContain('From a site');
    expect(textOfPages(made('markdown.pdf'))[0]).toContain('Marked');
    const { width, height } = await pixelsOf(made('shot.png'));
    expect([width, height]).toEqual([320, 200]);
    expect(textOfPages(made('merged.pdf'))).toEqual([expect.stringContaining('Page 1'), expect.stringContaining('From a site')]); // prettier-ignore
    const told = JSON.parse(made('told.json').toString()) as Record<string, unknown>;
    expect(told).toMatchObject({ version: '8.36.0', health: { status: 'up' } });
    expect(told.refused).toMatch(/400[\s\S]*waitForExpression/);
  });
});

describe('curl', () => {
  const curl = async (...args: string[]) => {
    const { stdout } = await run('curl', ['-sS', '-w', '%{http_code} %{content_type}', ...args]);
    return stdout;
  };
  const page = (name: string) => {
    writeFileSync(at(name), '<p>Of a page</p>');
    return at(name);
  };

  it('works with the lines of the documentation', async () => {
    const html = page('index.html');
    const convert = `${service.address}/forms/chromium/convert`;
    const request = ['--request', 'POST'];
    expect(await curl(...request, `${convert}/html`, '--form', `files=@${html}`, '-o', at('curl.pdf'))).toBe(
      '200 application/pdf',
    );
    expect(textOfPages(made('curl.pdf'))[0]).toContain('Of a page');
    const fields = ['--form', 'paperWidth=210mm', '--form', 'printBackground=true', '--form', 'waitDelay=10ms'];
    expect(
      await curl(...request, `${convert}/url`, '--form', `url=${site.origin}`, ...fields, '-o', at('url2.pdf')),
    ).toBe('200 application/pdf');
    // -O and -J name the file as the service does.
    const named = ['--header', 'Gotenberg-Output-Filename: my invoice', '--output-dir', folder, '-OJ'];
    expect(await curl(...request, `${convert}/html`, '--form', `files=@${html}`, ...named)).toContain(
      '200 application/pdf',
    );
    expect(textOfPages(made('my invoice.pdf'))).toHaveLength(1);
  });

  it('is told what it got wrong', async () => {
    const html = page('invoice.html');
    const to = `${service.address}/forms/chromium/convert/html`;
    expect(await curl(to, '-F', `files=@${html}`)).toMatch(/^index.html: required.*invoice.html[\s\S]*400 text\/plain/);
    expect(await curl(to, '--form-string', 'files=<p>Text</p>')).toMatch(
      /^index.html: required.*-F files=@index.html[\s\S]*400/,
    );
  });
});

describe('a body of another client', () => {
  const send = async (contentType: string, lines: readonly string[]) => {
    const answer = await fetch(`${service.address}/forms/chromium/convert/html`, {
      method: 'POST',
      body: lines.join('\r\n'),
      headers: { 'Content-Type': contentType, Accept: 'application/pdf' },
    });
    return [answer.status, textOfPages(Buffer.from(await answer.arrayBuffer()))[0]?.trim()];
  };

  it.each([
    [
      'PHP: a quoted boundary, lengths in the parts',
      'multipart/form-data; boundary="abc"',
      [
        '--abc',
        'Content-Disposition: form-data; name="landscape"',
        'Content-Length: 1',
        '',
        '0',
        '--abc',
        'Content-Disposition: form-data; name="files"; filename="index.html"',
        'Content-Length: 6',
        'Content-Type: text/html',
        '',
        '<p>php',
      ],
    ],
    [
      'Symfony: types and encodings of texts',
      'multipart/form-data; boundary=abc',
      [
        '--abc',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Transfer-Encoding: 8bit',
        'Content-Disposition: form-data; name="paperWidth"',
        '',
        '210mm',
        '--abc',
        'Content-Type: text/html',
        'Content-Transfer-Encoding: 8bit',
        'Content-Disposition: form-data; name="files"; filename="index.html"',
        '',
        '<p>symfony',
      ],
    ],
    [
      '.NET: nothing quoted, True and False',
      'multipart/form-data; boundary="abc"',
      [
        '--abc',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Disposition: form-data; name=printBackground',
        '',
        'True',
        '--abc',
        'Content-Type: text/html',
        "Content-Disposition: form-data; name=files; filename=index.html; filename*=utf-8''index.html",
        '',
        '<p>net',
      ],
    ],
    [
      'Python: the name of the field is the name of the file',
      'multipart/form-data; boundary=abc',
      [
        '--abc',
        'Content-Disposition: form-data; name="waitDelay"',
        '',
        '0.1s',
        '--abc',
        'Content-Disposition: form-data; name="index.html"; filename="index.html"',
        'Content-Type: text/html',
        '',
        '<p>python',
      ],
    ],
    [
      'Go: octets, whatever it is',
      'multipart/form-data; boundary=abc',
      [
        '--abc',
        'Content-Disposition: form-data; name="files"; filename="index.html"',
        'Content-Type: application/octet-stream',
        '',
        '<p>go',
      ],
    ],
  ])('is read: %s', async (_, type, lines) => {
    const [status, text] = await send(type, [...lines, '--abc--', '']);
    expect([status, text]).toEqual([200, /<p>(\w+)/.exec(lines.join(''))?.[1]]);
  });
});
