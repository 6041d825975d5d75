import type { Config } from '../config/load.ts';

/** Seconds that a request may ask for as its retention, at most. */
export function maxRetentionSeconds(config: Pick<Config, 'pdfRetentionMs' | 'pdfRetentionMaxMs'>): number {
  return Math.max(config.pdfRetentionMs, config.pdfRetentionMaxMs) / 1_000;
}
