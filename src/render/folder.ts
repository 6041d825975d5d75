import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream';
import type { CDPSession } from 'puppeteer';
import type { ServedOrigin } from '../egress/served-origin.ts';

/** By extension; what is not here is bytes, and the browser looks at those of pictures and fonts itself. */
const MEDIA_TYPES: Record<string, string> = {
  '.avif': 'image/avif',
  '.css': 'text/css',
  '.csv': 'text/csv',
  '.gif': 'image/gif',
  '.htm': 'text/html',
  '.html': 'text/html',
  '.ico': 'image/x-icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.mp4': 'video/mp4',
  '.otf': 'font/otf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.txt': 'text/plain',
  '.wasm': 'application/wasm',
  '.webm': 'video/webm',
  '.webp': 'image/webp',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.xhtml': 'application/xhtml+xml',
  '.xml': 'text/xml',
};

export interface FolderDocument {
  /** what the document's addresses are relative to */
  folder: string;
  /** of the document in it */
  name: string;
  bytes: Uint8Array;
  /** that the bytes are in, as the WHATWG calls it */
  encoding: string;
}

/**
 * A document with the files of its folder, under an origin of its own. Its name cannot be guessed: where Chromium is
 * in our network, another user of the machine may find the proxy's port while it prints.
 */
export function serveFolder({ folder, name, bytes, encoding }: FolderDocument): ServedOrigin & { url: string } {
  const origin = `http://${randomBytes(16).toString('hex')}.pdfprompt.internal`;
  const url = new URL(`/${encodeURIComponent(name)}`, origin);
  const document = { 'Content-Type': `text/html; charset=${encoding}`, 'Content-Length': bytes.byteLength };
  return {
    origin,
    url: url.href,
    answer: (asked, request, response) => {
      if (asked.pathname === url.pathname) response.writeHead(200, document).end(bytes);
      else sendFile(folder, asked, request, response).catch(() => notFound(response));
    },
  };
}

async function sendFile(folder: string, url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = await pathWithin(folder, url.pathname);
  if (path === undefined) {
    notFound(response);
    return;
  }
  // A pipe would wait for whoever writes.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (!stats.isFile()) {
    await file.close();
    notFound(response);
    return;
  }
  response.writeHead(200, {
    'Content-Type': MEDIA_TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream',
    'Content-Length': stats.size,
  });
  if (request.method === 'HEAD' || stats.size === 0) {
    await file.close();
    response.end();
  } else pipeline(file.createReadStream({ end: stats.size - 1 }), response, () => undefined);
}

/**
 * The file of an address, if it is in the folder in the end, links followed, and neither it nor a directory on the
 * way is hidden: what begins with a dot is seldom a document's, and often a secret.
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
 * A link to another file of the folder would lead nowhere in the PDF, where this origin is unknown. An address that is
 * none makes no link there, and looks as one on the page; those to a place in the document stay.
 */
export async function unlinkOrigin(session: CDPSession, { origin }: ServedOrigin): Promise<void> {
  const expression = `for (const link of document.querySelectorAll('a[href], area[href]'))
    if (link.origin === '${origin}' && (link.hash === '' || link.pathname !== location.pathname || link.search !== location.search))
      link.setAttribute('href', 'http://[');`;
  await session.send('Runtime.evaluate', { expression });
}
