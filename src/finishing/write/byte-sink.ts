import type { PdfObject } from '../libpdf.ts';

/** Collects bytes. The library's own writer, which it does not export, copies all of them each time it grows. */
export class ByteSink {
  #chunks: Uint8Array[] = [];
  #text = '';
  #position = 0;

  get position(): number {
    return this.#position;
  }

  /** As what objects are written to by `toBytes`. */
  get asWriter(): Parameters<PdfObject['toBytes']>[0] {
    return this as unknown as Parameters<PdfObject['toBytes']>[0];
  }

  /** @param text of characters up to U+00FF, a byte each */
  writeAscii(text: string): void {
    this.#text += text;
    this.#position += text.length;
    if (this.#text.length > 16_384) this.#flush();
  }

  writeUtf8(text: string): void {
    this.writeBytes(Buffer.from(text));
  }

  writeByte(byte: number): void {
    this.writeAscii(String.fromCharCode(byte));
  }

  writeBytes(bytes: Uint8Array): void {
    if (bytes.length < 64) return this.writeAscii(Buffer.from(bytes).toString('latin1'));
    this.#flush();
    this.#chunks.push(bytes);
    this.#position += bytes.length;
  }

  /** What came since it was called before; positions go on. */
  take(): Uint8Array {
    this.#flush();
    const taken = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return taken;
  }

  #flush(): void {
    if (this.#text === '') return;
    this.#chunks.push(Buffer.from(this.#text, 'latin1'));
    this.#text = '';
  }
}
