import { isDone, runQpdf } from '../qpdf.ts';

/** A value as qpdf writes it in JSON: names begin with `/`, strings with `u:` or `b:`, references are `12 0 R`. */
export type PdfValue = null | boolean | number | string | PdfValue[] | Dict;
export interface Dict {
  [key: string]: PdfValue;
}

interface JsonObject {
  value?: PdfValue;
  stream?: { dict: Dict; datafile?: string };
}

const REFERENCE = /^\d+ \d+ R$/;

export const isReference = (value: PdfValue | undefined): value is string =>
  typeof value === 'string' && REFERENCE.test(value);
export const isDict = (value: PdfValue | undefined): value is Dict =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** All objects of a PDF that qpdf wrote. They can be changed; {@link written} has what becomes of it. */
export class PdfObjects {
  readonly #bytes: Uint8Array;
  readonly #head: unknown;
  readonly #objects: Map<string, JsonObject>;
  readonly #changed = new Set<string>();
  readonly #read: (path: string) => Uint8Array;
  #largestId: number;

  private constructor(bytes: Uint8Array, json: Uint8Array, read: (path: string) => Uint8Array) {
    this.#bytes = bytes;
    this.#read = read;
    const { qpdf } = JSON.parse(Buffer.from(json).toString()) as { qpdf: [unknown, Record<string, JsonObject>] };
    const [head, objects] = qpdf;
    this.#head = head;
    this.#objects = new Map(Object.entries(objects).map(([name, object]) => [name.replace(/^obj:/, ''), object]));
    this.#largestId = (head as { maxobjectid: number }).maxobjectid;
  }

  /** @returns undefined if it cannot be read */
  static async of(bytes: Uint8Array): Promise<PdfObjects | undefined> {
    const args = ['--json=2', '--json-key=qpdf', '--decode-level=none', '--json-stream-data=file', '--json-stream-prefix=/stream', '/in.pdf', '/out.json']; // prettier-ignore
    const run = await runQpdf(bytes, args);
    if (!isDone(run)) return undefined;
    return new PdfObjects(bytes, run.read('/out.json'), (path) => run.read(path));
  }

  /** Of all that can be changed; `trailer` is not one of them. */
  get references(): string[] {
    return [...this.#objects.keys()].filter((name) => name !== 'trailer');
  }

  get catalogReference(): string {
    const trailer = this.#objects.get('trailer')?.value;
    const root = isDict(trailer) ? trailer['/Root'] : undefined;
    return isReference(root) ? root : '';
  }

  get catalog(): Dict {
    return this.dict(this.catalogReference) ?? {};
  }

  /** What a value is, or what it refers to; of a stream its dictionary. */
  get(value: PdfValue | undefined): PdfValue | undefined {
    if (!isReference(value)) return value;
    const object = this.#objects.get(value);
    return object?.stream ? object.stream.dict : object?.value;
  }

  dict(value: PdfValue | undefined): Dict | undefined {
    const found = this.get(value);
    return isDict(found) ? found : undefined;
  }

  list(value: PdfValue | undefined): PdfValue[] | undefined {
    const found = this.get(value);
    return Array.isArray(found) ? found : undefined;
  }

  isStream(reference: string): boolean {
    return this.#objects.get(reference)?.stream !== undefined;
  }

  /** The bytes of a stream as they are packed. */
  packed(reference: string): Uint8Array {
    const file = this.#objects.get(reference)?.stream?.datafile;
    return file === undefined ? new Uint8Array() : this.#read(file);
  }

  /** Replaces an object; the bytes of a stream stay. */
  set(reference: string, value: PdfValue): void {
    const stream = this.#objects.get(reference)?.stream;
    this.#objects.set(reference, stream && isDict(value) ? { stream: { ...stream, dict: value } } : { value });
    this.#changed.add(reference);
  }

  /** An object was changed in place. */
  touch(reference: string): void {
    this.#changed.add(reference);
  }

  /** @returns the reference of a new object */
  add(value: PdfValue): string {
    const reference = `${++this.#largestId} 0 R`;
    this.set(reference, value);
    return reference;
  }

  /** The PDF with its changes. Objects that nothing refers to are left out. */
  async written(args: readonly string[]): Promise<Uint8Array> {
    if (this.#changed.size === 0) return this.#bytes;
    const changes = [...this.#changed].map((reference) => {
      const { value, stream } = this.#objects.get(reference) ?? {};
      return [`obj:${reference}`, stream ? { stream: { dict: stream.dict } } : { value }];
    });
    const head = { ...(this.#head as object), maxobjectid: this.#largestId };
    const update = JSON.stringify({ qpdf: [head, Object.fromEntries(changes)] });
    const files = { 'update.json': Buffer.from(update) };
    const run = await runQpdf(this.#bytes, ['/in.pdf', '--update-from-json=/update.json', ...args, '/out.pdf'], files);
    if (!isDone(run)) throw new Error(`qpdf failed: ${run.status}`, { cause: run.cause });
    return run.read('/out.pdf');
  }
}
