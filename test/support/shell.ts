import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { unprivilegedIdentity } from '../../src/kernel/privileges.ts';
import { descendants } from './processes.ts';

interface ShellOptions {
  cwd: string;
  env: Record<string, string>;
}

/** One bash for many commands, as a terminal has it: variables and background processes stay. To be closed by who opens it. */
export class Shell {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #output = '';
  /** of the output, what earlier blocks have printed */
  #seen = 0;
  #blocks = 0;

  /** Ends with the first command that fails. Started by root it is a user without rights. */
  constructor({ cwd, env }: ShellOptions) {
    const identity = unprivilegedIdentity(['nobody']);
    this.#child = spawn('bash', ['-e'], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true, ...identity });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (data: Buffer) => (this.#output += data.toString()));
    this.#child.stdin?.on('error', () => undefined); // then it has ended, which is noticed below
    this.#closed = new Promise((done) => this.#child.once('exit', done));
  }

  /**
   * @returns what was printed, on stdout and stderr
   * @throws if a command fails, or after `timeoutMs`, with what was printed
   */
  async run(commands: string, timeoutMs: number): Promise<string> {
    const mark = `-- end of block ${++this.#blocks} --\n`;
    // Braces, for a command that reads stdin would read the next one.
    this.#child.stdin?.write(`{\n${commands}\n} < /dev/null\necho '${mark.trimEnd()}'\n`);
    for (const until = performance.now() + timeoutMs; ; await sleep(20)) {
      const printed = this.#output.slice(this.#seen);
      const end = printed.indexOf(mark);
      if (end >= 0) {
        this.#seen += end + mark.length;
        return printed.slice(0, end);
      }
      const hasEnded = this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (!hasEnded && performance.now() < until) continue;
      throw new Error(`${hasEnded ? 'a command failed' : 'time is up'}:\n${commands}\n\nprinted:\n${printed}`);
    }
  }

  /** Every process that it has started and that still is its child, or a child's child. */
  get running(): number[] {
    return descendants(this.#child.pid ?? 0);
  }

  async close(): Promise<void> {
    // The whole group: what bash began is nobody's child once a failed command has ended bash.
    try {
      process.kill(-(this.#child.pid ?? 0), 'SIGKILL');
    } catch {
      // all of it has ended
    }
    await this.#closed;
  }
}
