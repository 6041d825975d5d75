import { CodedError } from '../../../kernel/errors.ts';

/** The bytes of a result as text in base64, piece by piece. */
export function asBase64(result: Response): Response {
  let rest = Buffer.alloc(0);
  const encode = new TransformStream<Uint8Array, Uint8Array>({
    transform: (piece, controller) => {
      const bytes = Buffer.concat([rest, piece]);
      const whole = bytes.byteLength - (bytes.byteLength % 3); // three bytes are four characters
      rest = bytes.subarray(whole);
      controller.enqueue(Buffer.from(bytes.toString('base64', 0, whole)));
    },
    flush: (controller) => controller.enqueue(Buffer.from(rest.toString('base64'))),
  });
  return changed(result, encode, 'text/plain; charset=utf-8');
}

/** HTML as Cloudflare answers with it: the `result` of an object, piece by piece. */
export function asCloudflareResult(html: Response): Response {
  const decoder = new TextDecoder();
  const quoted = (text: string) => Buffer.from(JSON.stringify(text).slice(1, -1));
  const wrap = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from('{"success":true,"errors":[],"messages":[],"result":"')),
    transform: (piece, controller) => controller.enqueue(quoted(decoder.decode(piece, { stream: true }))),
    flush: (controller) => {
      controller.enqueue(quoted(decoder.decode()));
      controller.enqueue(Buffer.from('"}'));
    },
  });
  return changed(html, wrap, 'application/json');
}

/** HTML of somebody else's page: a browser that shows it runs none of its scripts, and takes it for no page of ours. */
export function asSandboxedPage(html: Response): Response {
  html.headers.set('Content-Type', 'text/html; charset=utf-8');
  html.headers.set('Content-Security-Policy', 'sandbox');
  return html;
}

function changed(result: Response, change: TransformStream<Uint8Array, Uint8Array>, type: string): Response {
  if (!result.body) throw new CodedError('internal', 'the result has no bytes');
  const headers = new Headers(result.headers);
  for (const name of ['content-length', 'accept-ranges', 'etag', 'content-disposition']) headers.delete(name);
  headers.set('content-type', type);
  return new Response(result.body.pipeThrough(change), { status: result.status, headers });
}
