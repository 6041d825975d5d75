import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, connect } from '../../src/db/driver.ts';
import { type Plan, readPlans } from './plans.ts';
import { eventually } from './processes.ts';

/** A plan, and what was being done when it was run. */
export interface PhasedPlan extends Plan {
  phase: string;
}

const APPLICATION = 'phases';
const END = 'the end';
/** Bytes of the log that are read at a time: all of it would be more than a string can hold. */
const PIECE = 32 * 1_048_576;

/** The plans that a server wrote down, in the order of their ends. What is done meanwhile is marked in between. */
export class PlanLog {
  readonly #path: string;
  readonly #sql: Client;
  readonly #texts = new Map<string, string>();
  #offset = 0;

  /** @param data the directory of a server with `PLAN_SETTINGS` */
  constructor({ url, data }: { url: string; data: string }) {
    this.#path = join(data, 'log', 'plans.json');
    this.#sql = connect(url, { max: 1, connection: { application_name: APPLICATION } });
  }

  async phase(name: string): Promise<void> {
    await this.#sql.unsafe(`select $phase$${name}$phase$ as phase`);
  }

  /** Those since the last time. */
  async take(): Promise<PhasedPlan[]> {
    await this.phase(END);
    const isEnd = ({ application, text }: Plan) => application === APPLICATION && text.includes(`$${END}$`);
    const plans: Plan[] = [];
    await eventually(
      async () => {
        for (let lines = await this.#next(); lines !== ''; lines = await this.#next())
          for (const plan of readPlans(lines)) plans.push({ ...plan, text: this.#same(plan.text) });
        return plans.some(isEnd);
      },
      60_000,
      'the last plan in the log of the server',
    );
    let phase = '';
    return plans.flatMap((plan) => {
      if (plan.application !== APPLICATION) return [{ ...plan, phase }];
      phase = /\$phase\$(.*)\$phase\$/.exec(plan.text)?.[1] ?? phase;
      return [];
    });
  }

  /** Whole lines that were not read yet, some of them; none: there are none yet. */
  async #next(): Promise<string> {
    const file = await open(this.#path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE), 0, PIECE, this.#offset);
      const size = buffer.subarray(0, bytesRead).lastIndexOf('\n') + 1;
      this.#offset += size;
      return buffer.toString('utf8', 0, size);
    } finally {
      await file.close();
    }
  }

  /** Equal texts as one string: there are hundreds of thousands. */
  #same(text: string): string {
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return known ?? text;
  }

  async close(): Promise<void> {
    await this.#sql.end();
  }
}
