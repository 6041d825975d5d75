import { z } from 'zod';

/** Of the format. A program reads those that it knows, and refuses others. */
export const FORMAT = 1;

/** The names of the first and the last file of an archive. */
export const FIRST = 'manifest.json';
export const LAST = 'end.json';

const count = z.number().int().min(0);

const migration = z.object({ version: z.number().int(), name: z.string(), sha256: z.string() });

/** What every format begins with. */
export const formatSchema = z.looseObject({ format: z.number(), version: z.string() });

export const manifestSchema = z.object({
  format: z.literal(FORMAT),
  /** the release that made it */
  version: z.string(),
  /** of the database's server */
  postgres: z.string(),
  /** what was committed later is not in it */
  takenAt: z.iso.datetime(),
  migrations: z.array(migration),
  /** without generated columns, in the order of the rows' values */
  tables: z.array(z.object({ name: z.string().regex(/^pdfprompt_\w+$/), columns: z.array(z.string()) })),
  sequences: z.array(z.object({ name: z.string().regex(/^pdfprompt_\w+$/), next: z.string().regex(/^\d+$/) })),
});
/** What an archive begins with. */
export type Manifest = z.infer<typeof manifestSchema>;

const left = z.object({ location: z.string(), files: count });
/** Files that are not in an archive, by where they are. */
export type LeftFiles = z.infer<typeof left>;

export const endSchema = z.object({
  rows: z.record(z.string(), count),
  /** from outside of the database */
  files: count,
  /** rows have them, but the directory had not: erased meanwhile, or lost */
  missing: count,
  /** those in buckets */
  elsewhere: z.array(left),
});
/** What an archive ends with. */
export type ArchiveEnd = z.infer<typeof endSchema>;
