import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import qpdfModule from '@neslinesli93/qpdf-wasm';

// qpdf, compiled to WebAssembly. Each run has an instance of its own, which is given up after it: whatever a hostile
// file does to its memory, the next run does not see it.

interface Instance {
  callMain(args: string[]): number;
  FS: { writeFile(path: string, bytes: Uint8Array): void; readFile(path: string): Uint8Array };
}

interface InstanceOptions {
  instantiateWasm(imports: object, done: (instance: object) => void): object;
  print(line: string): void;
  printErr(line: string): void;
}

/** Node has it, its types have it not. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => object;
};

const createInstance = qpdfModule as unknown as (options: InstanceOptions) => Promise<Instance>;
const { resolve } = createRequire(import.meta.url);
const wasm = new WebAssembly.Module(readFileSync(resolve('@neslinesli93/qpdf-wasm/dist/qpdf.wasm')));

/** What qpdf did not do. `status`: 2 for errors, 3 for warnings, by its manual; undefined: it crashed. */
export class QpdfFailed extends Error {
  override name = 'QpdfFailed';
  readonly status: number | undefined;

  constructor(status: number | undefined, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.status = status;
  }
}

/**
 * Runs qpdf on `/in.pdf`, which becomes `/out.pdf`.
 * @param args its options; `/name` are those of `files`
 * @returns the bytes of `/out.pdf`, or of `output`
 * @throws QpdfFailed
 */
export async function qpdf(
  bytes: Uint8Array,
  args: readonly string[],
  { files = {}, output = '/out.pdf' }: { files?: Record<string, Uint8Array>; output?: string } = {},
): Promise<Uint8Array> {
  const lines: string[] = [];
  const instance = await createInstance({
    instantiateWasm: (imports, done) => {
      done(new WebAssembly.Instance(wasm, imports));
      return {};
    },
    print: (line) => lines.push(line),
    printErr: (line) => lines.push(line),
  });
  instance.FS.writeFile('/in.pdf', bytes);
  for (const [name, content] of Object.entries(files)) instance.FS.writeFile(`/${name}`, content);
  let status: number | undefined;
  try {
    status = instance.callMain([...args]);
  } catch (error) {
    throw new QpdfFailed(undefined, `qpdf crashed: ${String(error)}`, { cause: error });
  }
  if (status !== 0 && status !== 3) throw new QpdfFailed(status, lines.join('; ') || `qpdf failed: ${status}`);
  return instance.FS.readFile(output);
}
