import { extname, join, resolve } from 'node:path';
import { UsageError } from '../kernel/errors.ts';
import { nameOf } from './render-input.ts';

/** Inputs that become one document, and where it goes; `-` is stdin and stdout. */
export interface RenderTask {
  inputs: readonly string[];
  output: string;
}

interface TaskOptions {
  output?: string;
  outDir?: string;
  merge?: boolean;
  watch?: boolean;
  json?: boolean;
}

/** What `-o` may name instead of a file, and the extension of what it makes. */
const EXTENSIONS = { pdf: 'pdf', png: 'png', jpeg: 'jpg', webp: 'webp', html: 'html', json: 'json' } as const;
export type OutputType = keyof typeof EXTENSIONS;
const TYPES: Readonly<Record<string, OutputType>> = {
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.webp': 'webp',
  '.html': 'html',
  '.json': 'json',
};

const isType = (output: string | undefined): output is OutputType =>
  output !== undefined && Object.hasOwn(EXTENSIONS, output);

/** What `-o` asks for: by its name, or by the extension of the file. */
export function outputType({ output }: TaskOptions): OutputType {
  return isType(output) ? output : (TYPES[extname(output ?? '').toLowerCase()] ?? 'pdf');
}

/** @throws UsageError that names the flag */
export async function planTasks(inputs: readonly string[], options: TaskOptions): Promise<RenderTask[]> {
  const { outDir, merge, watch, json } = options;
  const type = outputType(options);
  const output = isType(options.output) ? undefined : options.output;
  if (output !== undefined && outDir !== undefined) throw new UsageError('-o and --out-dir: allowed: one of them');
  if (merge && output === undefined) throw new UsageError('--merge: required: -o FILE');
  if (output !== undefined && inputs.length > 1 && !merge)
    throw new UsageError(`-o: one file for ${inputs.length} inputs; allowed: --out-dir DIRECTORY, or --merge`);
  const isToStdout = (input: string) => input === '-' && outDir === undefined;
  const tasks: RenderTask[] = [];
  for (const group of merge ? [inputs] : inputs.map((input) => [input])) {
    const [input = ''] = group;
    const path = async () => join(outDir ?? '.', `${await nameOf(input)}.${EXTENSIONS[type]}`);
    tasks.push({ inputs: group, output: output ?? (isToStdout(input) ? '-' : await path()) });
  }
  checkOutputs(tasks);
  const toStdout = tasks.some((task) => task.output === '-');
  if (toStdout && process.stdout.isTTY)
    throw new UsageError('A PDF is not for a terminal; allowed: -o FILE, or > FILE');
  if (toStdout && json) throw new UsageError('--json: stdout is for the PDF; allowed: -o FILE');
  if (watch && (toStdout || json)) throw new UsageError('--watch: allowed: PDFs that are files, without --json');
  return tasks;
}

function checkOutputs(tasks: readonly RenderTask[]): void {
  const taken = new Map<string, string>();
  for (const { inputs, output } of tasks) {
    const names = inputs.join(', ');
    const other = taken.get(output);
    if (other !== undefined)
      throw new UsageError(
        `${other} and ${names} would both be written to ${output}; allowed: inputs of different names`,
      );
    taken.set(output, names);
    const replaced = inputs.find((input) => output !== '-' && resolve(input) === resolve(output));
    if (replaced !== undefined) throw new UsageError(`-o: it would replace ${replaced}; allowed: another file`);
  }
}
