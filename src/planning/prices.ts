import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, UsageError } from '../kernel/errors.ts';

export const SETUPS = ['managed', 'self-hosted'] as const;
export type Setup = (typeof SETUPS)[number];

const size = z.string().regex(/^\d+x\d+(\.\d+)?$/, 'allowed: CORESxGB such as 2x4');
const money = z.number().min(0);

const setup = z.strictObject({
  /** `coreSpeed`: relative to the machine that was calibrated */
  machines: z
    .array(z.strictObject({ size, monthly: money, coreSpeed: z.number().min(0.05).max(20).default(1) }))
    .min(1),
  databases: z.array(z.strictObject({ size, monthly: money, maxConnections: z.number().int().min(10) })).min(1),
  /** of the database's disk, each GB, backups included */
  storageGb: money,
  /** needed from two API processes on */
  loadBalancer: money,
});

const priceTable = z.strictObject({
  currency: z.string().min(1).max(8),
  asOf: z.string(),
  note: z.string(),
  setups: z.strictObject({ managed: setup, 'self-hosted': setup }),
});

export type PriceTable = z.infer<typeof priceTable>;
export type SetupPrices = PriceTable['setups'][Setup];
export type MachinePrice = SetupPrices['machines'][number];

/** `2x4` → 2 cores, 4 GB. */
export function parseSize(text: string): { cores: number; memoryGb: number } {
  const [cores = 0, memoryGb = 0] = text.split('x').map(Number);
  return { cores, memoryGb };
}

const rows = (text: string) => text.split(', ').map((row) => row.split(' '));
/** @param text `SIZE MONTHLY, …` */
const machines = (text: string) =>
  rows(text).map(([size = '', monthly]) => ({ size, monthly: Number(monthly), coreSpeed: 1 }));
/** @param text `SIZE MONTHLY CONNECTIONS, …` */
const databases = (text: string) =>
  rows(text).map(([size = '', monthly, most]) => ({ size, monthly: Number(monthly), maxConnections: Number(most) }));

/** Round figures of the order of list prices, to be replaced by the real ones. */
export const DEFAULT_PRICES: PriceTable = {
  currency: 'USD',
  asOf: '2026-11',
  note: 'Assumptions: round monthly figures of the order of list prices for small cloud machines (dedicated cores) and managed Postgres (one node, daily backups). No offer of any vendor; replace them with yours.',
  setups: {
    managed: {
      machines: machines('2x4 36, 4x8 72, 8x16 144'),
      databases: databases('1x2 30 45, 2x4 60 95, 4x8 120 195, 8x16 240 395, 16x64 720 1000, 32x128 1440 2000'),
      storageGb: 0.2,
      loadBalancer: 12,
    },
    'self-hosted': {
      machines: machines('2x4 16, 4x8 32, 8x16 64'),
      databases: databases('2x4 16 95, 4x8 32 195, 8x16 64 395, 16x64 200 1000, 32x128 400 2000'),
      storageGb: 0.1,
      loadBalancer: 7,
    },
  },
};

/** @throws UsageError that names every problem of the file */
export async function readPrices(path: string): Promise<PriceTable> {
  const hint = 'allowed: a file like the one that pdfprompt plan --print-prices prints';
  let json: unknown;
  try {
    json = JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new UsageError(`--prices: ${path}: ${messageOf(error)}; ${hint}`, { cause: error });
  }
  const parsed = priceTable.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path: at, message }) => `${at.join('.') || 'it'}: ${message}`);
  throw new UsageError(`--prices: ${path}: ${problems.join('; ')}; ${hint}`);
}
