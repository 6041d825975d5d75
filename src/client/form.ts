import { randomId } from './random-id.ts';
import { type BlobPart, type Body, sendable, type Upload } from './upload.ts';

/** A file of a form. */
export interface FormFile {
  /** of the field */
  name: string;
  /** its path in the document's folder */
  filename: string;
  content: Upload;
}

/**
 * JSON and files as `multipart/form-data`.
 * @returns a Blob, which can be sent again, unless one of the files is a stream
 */
export async function formBody(request: unknown, files: readonly FormFile[]): Promise<Body> {
  const boundary = `pdfprompt-${randomId()}`;
  const head = (disposition: string) => `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n`;
  const pieces: Upload[] = [
    `${head('name="request"')}Content-Type: application/json\r\n\r\n${JSON.stringify(request)}`,
  ];
  for (const { name, filename, content } of files) {
    const type = content instanceof Blob && content.type !== '' ? `Content-Type: ${content.type}\r\n` : '';
    pieces.push(`\r\n${head(`name=${quoted(name)}; filename=${quoted(filename)}`)}${type}\r\n`);
    pieces.push(content instanceof ReadableStream ? await sendable(content) : content);
  }
  pieces.push(`\r\n--${boundary}--\r\n`);
  const isStreamed = pieces.some((piece) => piece instanceof ReadableStream);
  const content = isStreamed ? joined(pieces) : new Blob(pieces as BlobPart[]);
  return { content, type: `multipart/form-data; boundary=${boundary}` };
}

const quoted = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll(/[\r\n]/g, ' ')}"`;

/** One stream after another, each read only as fast as it is sent. */
function joined(pieces: readonly Upload[]): ReadableStream<Uint8Array> {
  const rest = [...pieces];
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        reader ??= nextReader(rest);
        if (!reader) return controller.close();
        const { value, done } = await reader.read();
        if (!done) return controller.enqueue(value);
        reader = undefined;
      }
    },
    async cancel(reason) {
      await reader?.cancel(reason);
      for (const piece of rest) if (piece instanceof ReadableStream) await piece.cancel(reason);
    },
  });
}

function nextReader(rest: Upload[]): ReadableStreamDefaultReader<Uint8Array> | undefined {
  const piece = rest.shift();
  if (piece === undefined) return undefined;
  const stream = piece instanceof ReadableStream ? piece : new Blob([piece as BlobPart]).stream();
  return (stream as ReadableStream<Uint8Array>).getReader();
}
