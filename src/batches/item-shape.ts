import type { RequestAssets } from '../assets/put-sent-files.ts';
import type { Database } from '../db/pools.ts';
import type { ItemSource } from '../domain/batch-request.ts';
import { parsePdfRequest, type PdfRequest, requestFiles } from '../domain/pdf-request.ts';
import { SOURCE_KINDS } from '../domain/source.ts';
import { invalidFields } from '../kernel/errors.ts';
import { type PartRow, partRows, templatesOf } from '../jobs/part-rows.ts';
import { ofRequest } from '../jobs/refusals.ts';
import { resolveRequest } from '../jobs/resolve-request.ts';
import { patternProblem } from './item-filename.ts';

/** Stores the files of a request. Resolves with the assets that they are, as `resolveRequest` takes them. */
export type StoreFiles = (files: ReturnType<typeof requestFiles>) => Promise<RequestAssets>;

interface ShapeDeps {
  reads: Database;
  storeFiles: StoreFiles;
}

/** What the items with the same kind of source have in common. */
export interface ItemShape {
  request: PdfRequest;
  /** the first is the item's own, but for its content; then those that all items have */
  parts: [PartRow, ...PartRow[]];
  templates: string[];
  /** of the template, if the first part is one */
  version: { id: string; name: string } | undefined;
}

/** Stand for what an item has. */
const STAND_INS: Record<ItemSource, string> = { html: ' ', url: 'https://example.com/', markdown: ' ' };

/** Whether the request itself says what is printed. */
export function hasSource(request: Readonly<Record<string, unknown>>): boolean {
  const first = Array.isArray(request.parts) ? (request.parts[0] as Record<string, unknown> | undefined) : request;
  const given = Object.entries(first ?? {}).filter(([, value]) => value !== null);
  return given.some(([name]) => name !== 'files' && (SOURCE_KINDS as string[]).includes(name));
}

/**
 * Checks the request that items have in common, with a source of the kind that an item has itself, and finds what it refers
 * to.
 * @param source undefined: the request has one, or its files are one
 * @throws CodedError whose fields begin with `request.`
 */
export async function itemShape(
  deps: ShapeDeps,
  {
    userId,
    request: sent,
    source,
  }: { userId: string; request: Record<string, unknown>; source?: ItemSource | undefined },
): Promise<ItemShape> {
  const own = source && { [source]: STAND_INS[source] };
  const [firstPart, ...others] = (Array.isArray(sent.parts) ? sent.parts : []) as unknown[];
  const json = firstPart === undefined ? { ...sent, ...own } : { ...sent, parts: [{ ...(firstPart as object), ...own }, ...others] }; // prettier-ignore
  try {
    const parsed = parsePdfRequest(json);
    if (!parsed.ok) throw invalidFields(parsed.fields);
    const { filename } = parsed.request;
    const problem = filename === undefined ? undefined : patternProblem(filename);
    if (problem !== undefined) throw invalidFields([{ field: 'filename', message: problem }]);
    const wanted = requestFiles(parsed.request);
    const files = wanted.some((each) => each !== undefined) ? await deps.storeFiles(wanted) : [];
    const resolved = await resolveRequest(deps, { principal: { userId }, request: parsed.request, sent: parsed.sent, files }); // prettier-ignore
    const [first, ...more] = partRows(resolved);
    const { content: _, shown: __, ...ofAll } = first;
    return {
      request: resolved.request,
      parts: [source ? ofAll : first, ...more],
      templates: templatesOf(resolved.parts),
      version: resolved.parts[0]?.template,
    };
  } catch (error) {
    throw ofRequest(error);
  }
}
