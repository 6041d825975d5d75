import { CodedError } from '../kernel/errors.ts';
import { mediaTypeOf, UNKNOWN_TYPE } from '../domain/media-type.ts';
import { arrangeCopies } from '../finishing/overlay/arrange-copies.ts';
import type { FinishingFile } from '../finishing/finisher.ts';
import { layerHtml } from '../finishing/overlay/layer-html.ts';
import type { NamedLayer } from '../finishing/overlay/layers.ts';
import type { CopyPlan } from '../finishing/overlay/plan-copies.ts';
import type { Files } from '../kernel/files.ts';
import { htmlWithFiles } from '../sources/document-files.ts';
import type { Content } from '../sources/source-type.ts';

/** What the browser loads for a layer, and makes into a page for each size or number. */
export async function layerContent(
  { layer, field }: NamedLayer,
  plan: CopyPlan,
  files: readonly FinishingFile[],
): Promise<Content> {
  if (layer.html !== undefined) {
    const arrange = arrangeCopies({ plan, field: `${field}.html` });
    return { html: layer.html, ...(await htmlWithFiles(layer.html, [folderOf(files)])), arrange };
  }
  const image = layer.image === undefined ? undefined : bytesOf(files, layer.image);
  const { html, place } = layerHtml(layer, image);
  const imageProblem = `${field}.image: ${layer.image} cannot be read; allowed: PNG, JPEG, WebP, SVG`;
  return { html, arrange: arrangeCopies({ plan, field, place, ...(image && { imageProblem }) }) };
}

function bytesOf(files: readonly FinishingFile[], name: string): Buffer {
  const file = files.find((each) => each.name === name);
  if (!file) throw new CodedError('job_failed', `${name}: a file of the document is no longer kept`);
  return Buffer.concat(file.chunks);
}

function folderOf(files: readonly FinishingFile[]): Files {
  return {
    names: files.map(({ name }) => name),
    open: async (name) => {
      const file = files.find((each) => each.name === name);
      const content = file && Buffer.concat(file.chunks);
      return content && { type: mediaTypeOf(name) ?? UNKNOWN_TYPE, size: content.byteLength, content };
    },
  };
}
