import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream';
import mime from 'mime/lite';
import type { CDPSession } from 'puppeteer';
import type { ServedOrigin } from '../egress/served-origin.ts';

export interface FolderDocument {
  /** the base of the document's relative URLs */
  folder: string;
  /** of the document's file in it */
  name: string;
  bytes: Uint8Array;
  /** of the bytes, by its WHATWG name */
  encoding: string;
}

/**
 * An origin with a document and the files of its folder. Its name cannot be guessed: where Chromium is in our network,
 * another user of the machine may find the proxy's port while the document is printed.
 */
export function serveFolder({ folder, name, bytes, encoding }: FolderDocument): ServedOrigin & { url: string } {
  const origin = `http://${randomBytes(16).toString('hex')}.pdfprompt.internal`;
  const url = new URL(`/${encodeURIComponent(name)}`, origin);
  const document = { 'Content-Type': `text/html; charset=${encoding}`, 'Content-Length': bytes.byteLength };
  return {
    origin,
    url: url.href,
    answer: (requested, request, response) => {
      if (requested.pathname === url.pathname) response.writeHead(200, document).end(bytes);
      else sendFile(folder, requested, request, response).catch(() => notFound(response));
    },
  };
}

async function sendFile(folder: string, url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = await pathWithin(folder, url.pathname);
  if (path === undefined) return notFound(response);
  // Without O_NONBLOCK, opening a named pipe waits for a writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (!stats.isFile()) {
    await file.close();
    return notFound(response);
  }
  response.writeHead(200, {
    'Content-Type': mime.getType(path) ?? 'application/octet-stream', // of these the browser recognizes pictures and fonts
    'Content-Length': stats.size,
  });
  if (request.method === 'HEAD' || stats.size === 0) {
    await file.close();
    response.end();
  } else pipeline(file.createReadStream({ end: stats.size - 1 }), response, () => undefined);
}

/**
 * The path of a file, if it is in the folder after following links, and neither the file nor a directory in the path is
 * hidden: names that begin with a dot are rarely part of a document and often secrets.
 */
async function pathWithin(folder: string, pathname: string): Promise<string | undefined> {
  let names: string[];
  try {
    names = pathname.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    return undefined;
  }
  if (names.some((name) => name.startsWith('.') || /[/\\\0]/.test(name))) return undefined;
  const root = await realpath(folder);
  const path = await realpath(join(root, ...names));
  const within = path.startsWith(root.endsWith(sep) ? root : root + sep) ? path.slice(root.length) : undefined;
  return within === undefined || within.split(sep).some((name) => name.startsWith('.')) ? undefined : path;
}

function notFound(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(404, { 'Content-Length': 0 }).end();
}

/**
 * Removes links to other files of the folder, since the PDF's readers cannot reach this origin. With an invalid URL the
 * text still looks like a link but is none in the PDF. Links to a place in the document stay.
 */
export async function unlinkOrigin(session: CDPSession, { origin }: ServedOrigin): Promise<void> {
  const expression = `for (const link of document.querySelectorAll('a[href], area[href]'))
    if (link.origin === '${origin}' && (link.hash === '' || link.pathname !== location.pathname || link.search !== location.search))
      link.setAttribute('href', 'http://[');`;
  await session.send('Runtime.evaluate', { expression });
}
