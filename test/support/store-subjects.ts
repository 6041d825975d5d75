import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { appendFile, mkdir, readdir, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import type { StoreLocation } from '../../src/config/kinds.ts';
import type { Database } from '../../src/db/pools.ts';
import { SOCKETS } from '../../src/storage/s3-client.ts';
import { PostgresStore } from '../../src/storage/postgres-store.ts';
import type { Store, StoreFileBytes } from '../../src/storage/store.ts';
import { Stores, type StoreSettings } from '../../src/storage/stores.ts';
import { temporaryDirectory } from './files.ts';
import { freePort } from './free-port.ts';
import { S3Server } from './s3-server.ts';
import { startService } from './service.ts';

/** A kind of store, and what a test has to know of it to look behind it. */
export interface StoreSubject {
  kind: Store['kind'];
  store: Store;
  db: Database;
  /** of a file that may be put */
  newId: () => Promise<string>;
  /** what is in the store: ids of files, and names of whatever else there is */
  names: () => Promise<string[]>;
  /** makes a stored file longer, or shorter if negative */
  resize: (fileId: string, bytes: number) => Promise<void>;
  /** leaves what a put leaves that ends with its process, as if it had been an hour ago; undefined: such a put leaves nothing */
  leave: ((fileId: string) => Promise<void>) | undefined;
  /** connections or descriptors that are open now, and how many may stay */
  opened: () => Promise<{ open: number; most: number }>;
  /** one that cannot be reached; undefined for the database, which everything needs */
  unreached: (() => Promise<Store>) | undefined;
  /** settings with which `check` fails, and what its message names */
  wrong: { settings: StoreSettings; named: RegExp }[];
}

const HOUR_MS = 3_600_000;

export function fileOf(chunks: Uint8Array[]): StoreFileBytes & { chunks: Uint8Array[] } {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return { chunks, size: chunks.reduce((sum, { byteLength }) => sum + byteLength, 0), sha256: hash.digest('hex') };
}

/** Into the store as a job's end does it. */
export async function putInto({ store, db }: StoreSubject, fileId: string, bytes: StoreFileBytes): Promise<void> {
  if (store.isInDatabase) await db.transaction((tx) => store.put(tx, fileId, bytes));
  else await store.put(db, fileId, bytes);
}

/** Every kind, each in a place of its own. */
export async function storeSubjects(): Promise<StoreSubject[]> {
  const service = await startService();
  const { db } = service.base;
  return [await postgres(service), await file(db), await s3(db)];
}

async function postgres({
  base: { db },
  sql,
  request,
}: Awaited<ReturnType<typeof startService>>): Promise<StoreSubject> {
  const answer = await request('/v1/jobs', { method: 'POST', body: '{"html":"x"}' });
  const { id: jobId } = (await answer.json()) as { id: string };
  let position = 0;
  return {
    kind: 'postgres',
    store: new PostgresStore(),
    db,
    newId: async () => {
      const id = uuidv7();
      await sql`
        insert into pdfprompt_file (id, job_id, user_id, position, store, size, pages, sha256, expires_at)
        select ${id}, id, user_id, ${position++}, 'postgres', 1, 1, ${Buffer.alloc(32)}, now() + interval '1 day'
        from pdfprompt_job where id = ${jobId}`;
      return id;
    },
    names: async () =>
      (await sql<{ id: string }[]>`select distinct file_id as id from pdfprompt_file_chunk`).map(({ id }) => id),
    resize: async (fileId, bytes) => {
      await sql`
        update pdfprompt_file_chunk set bytes = substr(bytes || '\\x00'::bytea, 1, length(bytes) + ${bytes})
        where file_id = ${fileId} and seq = 0`;
    },
    leave: undefined,
    opened: async () => {
      const [row] = await sql<{ open: number }[]>`
        select count(*)::int as open from pg_stat_activity where datname = current_database() and state <> 'idle'`;
      return { open: (row?.open ?? 0) - 1, most: 0 }; // without this query's own
    },
    unreached: undefined,
    wrong: [],
  };
}

async function file(db: Database): Promise<StoreSubject> {
  const directory = await temporaryDirectory('files');
  const inFile = await temporaryDirectory('wrong');
  await writeFile(join(inFile, 'file'), '');
  const path = (fileId: string) => join(directory, fileId.slice(-2), `${fileId}.pdf`);
  const at = (to: string): StoreLocation => ({ kind: 'file', directory: to });
  return {
    kind: 'file',
    store: await opened({ pdfStore: at(directory) }),
    db,
    newId: async () => uuidv7(),
    names: async () =>
      (await readdir(directory, { recursive: true }))
        .filter((name) => name.includes('/'))
        .map((name) => name.replace(/^..\/(.{36})\.pdf$/, '$1')),
    resize: (fileId, bytes) => resized(path(fileId), bytes),
    leave: async (fileId) => {
      const draft = `${path(fileId)}.${randomUUID()}.tmp`;
      await mkdir(dirname(draft), { recursive: true });
      await writeFile(draft, 'half of it');
      const then = new Date(Date.now() - HOUR_MS);
      await utimes(draft, then, then);
    },
    opened: async () => ({ open: descriptorsIn(directory), most: 0 }),
    unreached: async () => new Stores({ pdfStore: at(join(directory, 'not-mounted')) }).current,
    wrong: [{ settings: { pdfStore: at(join(inFile, 'file')) }, named: /^PDF_STORE: / }],
  };
}

async function s3(db: Database): Promise<StoreSubject> {
  const server = await S3Server.start();
  const { S3_ENDPOINT: endpoint, AWS_ACCESS_KEY_ID: id } = server.env;
  const pdfStore: StoreLocation = { kind: 's3', bucket: server.bucket, prefix: 'some/prefix' };
  const access = { endpoint, region: 'us-east-1', accessKeyId: id, secretAccessKey: id, sessionToken: undefined };
  const nobody = { ...access, endpoint: `http://127.0.0.1:${await freePort()}` };
  const store = await opened({ pdfStore, s3: access });
  return {
    kind: 's3',
    store,
    db,
    newId: async () => uuidv7(),
    names: async () => [
      ...server.objects.map((key) => key.replace(/^some\/prefix\/(.{36})\.pdf$/, '$1')),
      ...server.uploads.map(({ key }) => `upload of ${key}`),
    ],
    resize: (fileId, bytes) => resized(server.pathOf(`some/prefix/${fileId}.pdf`), bytes),
    leave: async (fileId) => {
      const stop = [
        server.fault(
          { kind: 'error', status: 403, code: 'AccessDenied' },
          { of: ({ path }) => path.includes('partNumber=2') },
        ),
        server.fault({ kind: 'error', status: 403, code: 'AccessDenied' }, { of: ({ method }) => method === 'DELETE' }),
      ];
      const parts = fileOf(Array.from({ length: 9 }, () => new Uint8Array(1_048_576)));
      await store.put(db, fileId, parts).catch(() => undefined);
      for (const end of stop) end();
      const then = new Date(Date.now() - HOUR_MS);
      for (const { key, path } of server.uploads) if (key.includes(fileId)) await utimes(join(path, 'key'), then, then);
    },
    opened: async () => ({ open: await server.connections(), most: SOCKETS }),
    unreached: async () => new Stores({ pdfStore, s3: nobody }).current,
    wrong: [
      { settings: { pdfStore, s3: nobody }, named: /ECONNREFUSED[^]+S3_ENDPOINT/ },
      {
        settings: { pdfStore, s3: { ...access, accessKeyId: 'other' } },
        named: /InvalidAccessKeyId[^]+AWS_ACCESS_KEY_ID/,
      },
      {
        settings: { pdfStore, s3: { ...access, secretAccessKey: 'other' } },
        named: /SignatureDoesNotMatch[^]+AWS_SECRET_ACCESS_KEY/,
      },
      { settings: { pdfStore: { ...pdfStore, bucket: 'other' }, s3: access }, named: /NoSuchBucket[^]+PDF_STORE/ },
    ],
  };
}

async function opened(settings: StoreSettings): Promise<Store> {
  const store = new Stores(settings).current;
  await store.check();
  return store;
}

async function resized(path: string, bytes: number): Promise<void> {
  if (bytes > 0) return appendFile(path, Buffer.alloc(bytes));
  const { size } = await stat(path);
  await truncate(path, size + bytes);
}

function descriptorsIn(directory: string): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(directory);
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}
