import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ItemRequest, ItemSource } from '../domain/batch-request.ts';
import { bodyProblem } from '../domain/check-input.ts';
import { REQUEST_BOUNDS } from '../domain/print-fields.ts';
import { shownSource } from '../sources/sources.ts';
import type { PartRow } from '../jobs/part-rows.ts';
import { CodedError, type FieldProblem } from '../kernel/errors.ts';
import type { RowProblems } from '../templating/compose-input.ts';
import type { Composer } from '../templating/composer.ts';
import { cellTypes } from './cell-types.ts';
import { checkItem, type Expected } from './check-item.ts';
import { itemFilename } from './item-filename.ts';
import type { ItemShape } from './item-shape.ts';
import type { SentRow } from './sent-row.ts';

/** Milliseconds that the schema of a template may take for all rows together. */
const MAX_CHECK_MS = 30_000;

interface RowCheckerOptions {
  composer: Pick<Composer, 'check'>;
  tenant: string;
  expected: Expected;
  /** the shape of items with that source of their own */
  shapeOf: (source: ItemSource | undefined) => Promise<ItemShape>;
  /** of the template */
  schema: string | undefined;
}

/** A row that is good, as the functions of the database take it (sql/0038_batches.sql). */
export interface AcceptedRow {
  row: number;
  filename: string | undefined;
  metadata: Readonly<Record<string, unknown>>;
  kind: string | undefined;
  content: string | undefined;
  /** JSON */
  data: string | undefined;
  shown: string | undefined;
  settings: PartRow['settings'];
}

/** What became of a piece. */
export interface CheckedRows {
  accepted: AcceptedRow[];
  /** of rows that are not valid, in their order; fields are those of the item */
  problems: [row: number, problems: FieldProblem[]][];
}

/** Checks rows, and makes items of those that are good. */
export class RowChecker {
  readonly #options: RowCheckerOptions;
  readonly #toTypes: ReturnType<typeof cellTypes> | undefined;
  #checkMs = 0;

  constructor(options: RowCheckerOptions) {
    this.#options = options;
    this.#toTypes = options.schema === undefined ? undefined : cellTypes(options.schema);
  }

  /** @throws CodedError if the request, or the schema, is what is wrong */
  async check(rows: readonly SentRow[]): Promise<CheckedRows> {
    const problems = new Map<number, FieldProblem[]>();
    const good: { row: number; item: ItemRequest; source: ItemSource | undefined }[] = [];
    for (const sent of rows) {
      const checked = checkItem(sent, this.#options.expected);
      if (!checked.ok) {
        problems.set(sent.row, checked.problems);
        continue;
      }
      const { item, source } = checked;
      if (sent.isText && item.data !== undefined && this.#toTypes) {
        const problem = this.#toTypes(item.data as Record<string, unknown>) ?? bodyProblem(item); // of JSON in its cells
        if (problem) {
          problems.set(sent.row, [problem]);
          continue;
        }
      }
      good.push({ row: sent.row, item, source });
    }
    await nextTurn(); // a row may be large
    const found = good.map((each) => ({
      ...each,
      json: each.item.data === undefined ? undefined : JSON.stringify(each.item.data),
    }));
    for (const [index, wrong] of await this.#bySchema(found)) {
      const { row } = found[index] ?? { row: 0 };
      problems.set(row, wrong);
    }
    const accepted: AcceptedRow[] = [];
    for (const each of found) {
      if (problems.has(each.row)) continue;
      const made = toRow(each, await this.#options.shapeOf(each.source));
      if ('message' in made) problems.set(each.row, [made]);
      else accepted.push(made);
    }
    return { accepted, problems: [...problems].toSorted(([a], [b]) => a - b) };
  }

  async #bySchema(found: { json: string | undefined }[]): Promise<RowProblems> {
    const { schema, composer, tenant, shapeOf } = this.#options;
    if (schema === undefined || found.length === 0) return [];
    const { version, parts } = await shapeOf(undefined);
    const name = version?.name ?? 'the template';
    const common = JSON.stringify((parts[0].data as { data?: unknown } | undefined)?.data ?? {});
    if (this.#checkMs > MAX_CHECK_MS)
      throw new CodedError('template_failed', `${name}: schema.json took longer than ${MAX_CHECK_MS / 1_000} seconds for all rows`); // prettier-ignore
    const startedAt = performance.now();
    const rows = found.map(({ json }) => json ?? common);
    const problems = await composer.check({ name, schema, rows }, { timeoutMs: MAX_CHECK_MS, tenant });
    this.#checkMs += performance.now() - startedAt;
    return problems;
  }
}

function toRow(
  {
    row,
    item,
    source,
    json,
  }: { row: number; item: ItemRequest; source: ItemSource | undefined; json: string | undefined },
  { request, parts: [first], version }: ItemShape,
): AcceptedRow | FieldProblem {
  const common = version && (first.data as { data: unknown }).data;
  const filename = item.filename ?? (request.filename === undefined ? undefined : itemFilename(request.filename, { row, data: item.data ?? common })); // prettier-ignore
  if (typeof filename === 'object') return filename;
  const metadata = { ...request.metadata, ...item.metadata };
  const { metadataEntries } = REQUEST_BOUNDS;
  if (Object.keys(metadata).length > metadataEntries)
    return { field: 'metadata', message: `allowed: at most ${metadataEntries} entries, with those of request` };
  const settings = { ...(source && first.settings), ...(item.title !== undefined && { title: item.title }) };
  return {
    row,
    filename,
    metadata,
    kind: source,
    content: source && item[source],
    data: json === undefined || !version ? undefined : `{"name":${JSON.stringify(version.name)},"data":${json}}`,
    shown: source && shownSource({ kind: source, value: item[source] ?? '' }),
    settings: Object.keys(settings).length > 0 ? settings : undefined,
  };
}
