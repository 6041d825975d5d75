/** The bytes of a file that is sent. A stream can be sent once, so a call with one is not tried again. */
export type Upload = string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array>;

/** Files by their paths in the document's folder: `index.html`, `images/logo.png`. */
export type Uploads = Record<string, Upload>;

/** What `fetch` takes, and the type of it. */
export interface Body {
  content: string | Blob | ReadableStream<Uint8Array>;
  /** `Content-Type` */
  type: string;
}

/** Whether a call with this body can be made again. */
export const isRepeatable = (body: Body | undefined) => !(body?.content instanceof ReadableStream);

/** A file as a body of its own. */
export async function fileBody(file: Upload, type: string): Promise<Body> {
  if (file instanceof ReadableStream) return { content: await sendable(file), type };
  return { content: new Blob([file as BlobPart]), type };
}

/**
 * Pages cannot send a stream over HTTP/1.1, and some not at all: there it is read first.
 * @returns the stream itself elsewhere
 */
export async function sendable(stream: ReadableStream<Uint8Array>): Promise<ReadableStream<Uint8Array> | Blob> {
  return 'WorkerGlobalScope' in globalThis || 'window' in globalThis ? new Response(stream).blob() : stream;
}

/** Part of a Blob: named here, because not every runtime's types know it. */
export type BlobPart = string | Blob | ArrayBuffer;
