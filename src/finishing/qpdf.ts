import { constants, readFileSync } from 'node:fs';
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

// It asks for the numbers of Node's file modes in a way that a confined process may not use.
Object.defineProperty(process, 'binding', { value: () => ({ fs: constants }), configurable: true });

/** What qpdf did not do. `status`: 2 for errors, 3 for warnings, by its manual; undefined: it crashed. */
export class QpdfFailed extends Error {
  override name = 'QpdfFailed';
  readonly status: number | undefined;

  constructor(status: number | undefined, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.status = status;
  }
}

/** What a run has left behind. */
interface QpdfRun {
  /** 0, or 3 for warnings; 2 for errors; undefined: it crashed */
  status: number | undefined;
  /** why it crashed */
  cause?: unknown;
  /** what it printed */
  text: string;
  /** a file that it has written; throws if it has not */
  read(path: string): Uint8Array;
}

/**
 * Runs qpdf on `/in.pdf` with these options, whatever comes of it.
 * @param files their names become paths below `/`
 */
export async function runQpdf(
  bytes: Uint8Array,
  args: readonly string[],
  files: Record<string, Uint8Array> = {},
): Promise<QpdfRun> {
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
  const run = { text: '', read: (path: string) => instance.FS.readFile(path) };
  try {
    const status = instance.callMain([...args]);
    return { ...run, status, text: lines.join('; ') };
  } catch (cause) {
    return { ...run, status: undefined, cause };
  }
}

/** Whether a run did what it should, though perhaps with warnings. */
export const isDone = ({ status }: Pick<QpdfRun, 'status'>): boolean => status === 0 || status === 3;

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
  const run = await runQpdf(bytes, args, files);
  const { status, cause, text } = run;
  if (status === undefined) throw new QpdfFailed(status, `qpdf crashed: ${String(cause)}`, { cause });
  if (!isDone(run)) throw new QpdfFailed(status, text || `qpdf failed: ${status}`);
  return run.read(output);
}
