import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { init, type WrappedPdfiumModule } from '@embedpdf/pdfium';

// PDFium, compiled to WebAssembly: it reads what anyone may have written. Each document has an instance of its own,
// which is given up after it: whatever a hostile file does to its memory, the next one does not see it.

/** Node has it, its types have it not. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  instantiate(module: object, imports: object): Promise<object>;
};

const require = createRequire(import.meta.url);
const wasm = new WebAssembly.Module(readFileSync(require.resolve('@embedpdf/pdfium/pdfium.wasm')));

/** `password`: it does not open without the right one; `damaged`: neither anything else. */
export type PdfiumReason = 'password' | 'damaged' | 'crashed';

/** What PDFium did not do. */
export class PdfiumFailed extends Error {
  override name = 'PdfiumFailed';
  readonly reason: PdfiumReason;

  constructor(reason: PdfiumReason, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.reason = reason;
  }
}

/** A picture of a page; 4 bytes a pixel, from the left to the right and the top to the bottom. */
export interface PagePicture {
  width: number;
  height: number;
  rgba: Uint8Array;
}

/** The size of a page as it is shown; points. */
export interface PageSize {
  width: number;
  height: number;
}

/** A PDF that PDFium has opened. Pages are counted from 1. */
export interface PdfiumDocument {
  readonly pages: number;
  /** Cropped and turned. @throws PdfiumFailed */
  sizeOf(page: number): PageSize;
  /** With its annotations and form fields, on white. @throws PdfiumFailed */
  picture(page: number, size: { width: number; height: number }): PagePicture;
  /** The whole document, written anew. @throws PdfiumFailed */
  savedCopy(): Uint8Array;
}

/** `FPDF_ERR_PASSWORD` and `FPDF_ERR_SECURITY` */
const PASSWORD_ERRORS = new Set([4, 5]);
const FLOAT_BYTES = 4;
const RGBA_BYTES = 4;
/** `FPDFBitmap_BGRA` */
const BITMAP_FORMAT = 4;
const WHITE = 0xffffffff;
/** `FPDF_ANNOT | FPDF_REVERSE_BYTE_ORDER`: annotations too, and red first */
const RENDER_FLAGS = 0x01 | 0x10;

/**
 * Opens a PDF for `work`, and closes it afterwards.
 * @throws PdfiumFailed if it cannot be opened, or crashes PDFium; what `work` throws
 */
export async function withPdfium<T>(
  bytes: Uint8Array,
  work: (document: PdfiumDocument) => T | Promise<T>,
  { password = '' } = {},
): Promise<T> {
  const pdfium = await init({
    instantiateWasm: (imports: object, whenMade: (instance: object) => void) => {
      void WebAssembly.instantiate(wasm, imports).then(whenMade);
      return {};
    },
    print: () => undefined,
    printErr: () => undefined,
  });
  try {
    return await work(open(pdfium, bytes, password));
  } catch (error) {
    if (isCrash(error)) throw new PdfiumFailed('crashed', `PDFium crashed: ${String(error)}`, { cause: error });
    throw error;
  }
}

/**
 * The same PDF, written anew: what is damaged is repaired, or left out.
 * @throws PdfiumFailed
 */
export function savedCopy(bytes: Uint8Array, options: { password?: string } = {}): Promise<Uint8Array> {
  return withPdfium(bytes, (document) => document.savedCopy(), options);
}

/** Errors of the engine and of Emscripten, which are none of our own. */
const isCrash = (error: unknown) =>
  error instanceof Error && /^(RuntimeError|RangeError|ExitStatus)$/.test(error.constructor.name);

function open(pdfium: WrappedPdfiumModule, bytes: Uint8Array, password: string): PdfiumDocument {
  const { wasmExports } = pdfium.pdfium;
  // The view is another one whenever the memory has grown.
  const memory = () => (pdfium.pdfium as unknown as { HEAPU8: Uint8Array }).HEAPU8;
  const allocate = (size: number) => {
    const pointer = wasmExports.malloc(size);
    if (pointer === 0) throw new PdfiumFailed('crashed', `PDFium has no memory for ${size} bytes`);
    return pointer;
  };
  const copyOf = (pointer: number, size: number) => memory().slice(pointer, pointer + size);

  pdfium.PDFiumExt_Init();
  const source = allocate(bytes.byteLength); // it is read as long as the document is open
  memory().set(bytes, source);
  const document = pdfium.FPDF_LoadMemDocument(source, bytes.byteLength, password);
  if (document === 0) {
    const isLocked = PASSWORD_ERRORS.has(pdfium.FPDF_GetLastError());
    throw isLocked
      ? new PdfiumFailed('password', 'the PDF does not open with this password')
      : new PdfiumFailed('damaged', 'the PDF does not open');
  }
  const pages = pdfium.FPDF_GetPageCount(document);
  let form: number | undefined; // is made when it is needed first
  const formOf = () =>
    (form ??= pdfium.PDFiumExt_InitFormFillEnvironment(document, pdfium.PDFiumExt_OpenFormFillInfo()));

  return {
    pages,
    sizeOf(page) {
      const pointer = allocate(2 * FLOAT_BYTES);
      try {
        if (!pdfium.FPDF_GetPageSizeByIndexF(document, page - 1, pointer)) throw damagedPage(page);
        const [width = 0, height = 0] = new Float32Array(copyOf(pointer, 2 * FLOAT_BYTES).buffer);
        if (!(width > 0 && height > 0)) throw damagedPage(page);
        return { width, height };
      } finally {
        wasmExports.free(pointer);
      }
    },
    picture(number, { width, height }) {
      const page = pdfium.FPDF_LoadPage(document, number - 1);
      if (page === 0) throw damagedPage(number);
      const size = width * height * RGBA_BYTES;
      const buffer = allocate(size);
      try {
        const bitmap = pdfium.FPDFBitmap_CreateEx(width, height, BITMAP_FORMAT, buffer, width * RGBA_BYTES);
        if (bitmap === 0) throw new PdfiumFailed('crashed', `PDFium makes no picture of ${width} × ${height} pixels`);
        const shown = [0, 0, width, height] as const;
        pdfium.FPDFBitmap_FillRect(bitmap, ...shown, WHITE);
        pdfium.FPDF_RenderPageBitmap(bitmap, page, ...shown, 0, RENDER_FLAGS);
        pdfium.FPDF_FFLDraw(formOf(), bitmap, page, ...shown, 0, RENDER_FLAGS);
        pdfium.FPDFBitmap_Destroy(bitmap);
        return { width, height, rgba: copyOf(buffer, size) };
      } finally {
        wasmExports.free(buffer);
        pdfium.FPDF_ClosePage(page);
      }
    },
    savedCopy() {
      const writer = pdfium.PDFiumExt_OpenFileWriter();
      try {
        const isSaved = pdfium.PDFiumExt_SaveAsCopy(document, writer);
        const size = pdfium.PDFiumExt_GetFileWriterSize(writer);
        if (!isSaved || size === 0) throw new PdfiumFailed('damaged', 'the PDF cannot be written anew');
        const pointer = allocate(size);
        pdfium.PDFiumExt_GetFileWriterData(writer, pointer, size);
        const saved = copyOf(pointer, size);
        wasmExports.free(pointer);
        return saved;
      } finally {
        pdfium.PDFiumExt_CloseFileWriter(writer);
      }
    },
  };
}

const damagedPage = (page: number) => new PdfiumFailed('damaged', `page ${page} of the PDF cannot be read`);
