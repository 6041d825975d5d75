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

/** The plans that a server wrote down, in the order of their ends. What is done meanwhile is marked in between. */
export class PlanLog {
  readonly #path: string;
  readonly #sql: Client;
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
    let plans: Plan[] = [];
    let size = 0;
    await eventually(
      async () => {
        const text = await readFrom(this.#path, this.#offset);
        plans = readPlans(text.slice(0, text.lastIndexOf('\n') + 1));
        size = Buffer.byteLength(text);
        return plans.some(isEnd);
      },
      60_000,
      'the last plan in the log of the server',
    );
    this.#offset += size;
    let phase = '';
    return plans.flatMap((plan) => {
      if (plan.application !== APPLICATION) return [{ ...plan, phase }];
      phase = /\$phase\$(.*)\$phase\$/.exec(plan.text)?.[1] ?? phase;
      return [];
    });
  }

  async close(): Promise<void> {
    await this.#sql.end();
  }
}

async function readFrom(path: string, offset: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(size - offset), 0, size - offset, offset);
    return buffer.toString();
  } finally {
    await file.close();
  }
}
