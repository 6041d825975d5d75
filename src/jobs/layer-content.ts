import { Readable } from 'node:stream';
import { mediaTypeOf, UNKNOWN_TYPE } from '../domain/media-type.ts';
import { arrangeCopies } from '../finishing/overlay/arrange-copies.ts';
import type { FinishingFile } from '../finishing/finisher.ts';
import { IMAGE_START, imageTypeOf } from '../finishing/overlay/image-type.ts';
import { layerHtml } from '../finishing/overlay/layer-html.ts';
import type { NamedLayer } from '../finishing/overlay/layers.ts';
import type { CopyPlan } from '../finishing/overlay/plan-copies.ts';
import { CodedError } from '../kernel/errors.ts';
import type { Files, OpenedFile } from '../kernel/files.ts';
import { htmlWithFiles } from '../sources/document-files.ts';
import type { Content } from '../sources/source-type.ts';

/** What the browser loads for a layer, and makes into a page for each size or number. @throws CodedError */
export async function layerContent(
  { layer, field }: NamedLayer,
  plan: CopyPlan,
  files: readonly FinishingFile[],
): Promise<Content> {
  if (layer.html !== undefined) {
    const arrange = arrangeCopies({ plan, field: `${field}.html` });
    return { html: layer.html, ...(await htmlWithFiles(layer.html, [folderOf(files)])), arrange };
  }
  if (layer.image === undefined) {
    const { html, place } = layerHtml(layer);
    return { html, arrange: arrangeCopies({ plan, field, place }) };
  }
  const imageProblem = `${field}.image: ${layer.image} cannot be read; allowed: PNG, JPEG, WebP, SVG`;
  const file = fileOf(files, layer.image);
  const type = imageTypeOf(startOf(file, IMAGE_START));
  if (type === undefined) throw new CodedError('finishing_invalid', imageProblem);
  const { html, place } = layerHtml(layer, IMAGE);
  const image: Files = { names: [IMAGE], open: async (name) => (name === IMAGE ? opened(file, type) : undefined) };
  const arrange = arrangeCopies({ plan, field, place, imageProblem });
  return { ...(await htmlWithFiles(html, [image])), html, arrange };
}

/** Where the document of a layer finds its image. Within its HTML a large one would hold up everything else here. */
const IMAGE = 'image';

function fileOf(files: readonly FinishingFile[], name: string): FinishingFile {
  const file = files.find((each) => each.name === name);
  if (!file) throw new CodedError('job_failed', `${name}: a file of the document is no longer kept`);
  return file;
}

function folderOf(files: readonly FinishingFile[]): Files {
  return {
    names: files.map(({ name }) => name),
    open: async (name) => {
      const file = files.find((each) => each.name === name);
      return file && opened(file, mediaTypeOf(name) ?? UNKNOWN_TYPE);
    },
  };
}

/** In pieces, as it is: to copy a large file takes long. */
function opened({ chunks }: FinishingFile, type: string): OpenedFile {
  const size = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const [only] = chunks;
  return { type, size, content: only && chunks.length === 1 ? only : Readable.from(chunks) };
}

/** The first bytes of a file. */
function startOf({ chunks }: FinishingFile, bytes: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let index = 0, left = bytes; left > 0 && index < chunks.length; index++) {
    const piece = chunks[index]?.subarray(0, left) ?? new Uint8Array();
    pieces.push(piece);
    left -= piece.byteLength;
  }
  return Buffer.concat(pieces);
}
