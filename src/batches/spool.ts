import { appendFile, open } from 'node:fs/promises';

/** Where temporary files are. */
export interface Scratch {
  nextPath(): string;
  /** Counts bytes that will be written. @throws CodedError if there is no room */
  take(bytes: number): void;
}

/** Texts that wait in a temporary file until they are needed, so that they take no memory. */
export class Spool {
  readonly #path: string;
  readonly #scratch: Scratch;
  readonly #sizes: number[] = [];

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
    this.#path = scratch.nextPath();
  }

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    this.#scratch.take(bytes.length);
    this.#sizes.push(bytes.length);
    await appendFile(this.#path, bytes, { mode: 0o600 });
  }

  /** In the order in which they were written. */
  async *read(): AsyncIterable<string> {
    if (this.#sizes.length === 0) return;
    const file = await open(this.#path, 'r');
    try {
      for (const size of this.#sizes) {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size);
        if (bytesRead !== size) throw new Error('a temporary file is shorter than what was written to it');
        yield buffer.toString();
      }
    } finally {
      await file.close();
    }
  }
}
