import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf, OperatorError } from '../kernel/errors.ts';
import type { PatientClient } from './patient-client.ts';
import { Unreachable } from '../kernel/service-client.ts';
import { StallGuard } from './stall-guard.ts';

interface FetchedFile {
  /** of the service */
  path: string;
  /** where it goes */
  target: string;
  /** undefined: that is not known, and what is there is replaced. `sha256` in hex */
  expected?: { sha256: string; size: number } | undefined;
  /** is called with the bytes that are there, and how many there will be if that is known */
  onBytes?: (got: number, size: number | undefined) => void;
}

/** Written at any place, and made if it is not there, but never cut: another process may write the same. */
const WRITE = constants.O_RDWR | constants.O_CREAT; // oxlint-disable-line no-bitwise

/**
 * Fetches a file: there is nothing at its place before all of it is, and is right. If its checksum is known, what has
 * come before a connection or the process was lost is not fetched again.
 * @returns false if it was there already
 * @throws OperatorError if it cannot be written, or the service refuses
 */
export async function fetchFile(client: PatientClient, file: FetchedFile): Promise<boolean> {
  const { target, expected } = file;
  const isThere = async (path: string) => expected !== undefined && (await hashOf(path)) === expected.sha256;
  if (await isThere(target)) return false;
  await mkdir(dirname(target), { recursive: true }).catch(cannotWrite(dirname(target)));
  const part = join(dirname(target), `.${basename(target)}.${expected?.sha256.slice(0, 12) ?? process.pid}.part`);
  try {
    for (let tries = 1; ; tries++) {
      await client.attempt(async () => fetchRest(client, part, file));
      if (expected === undefined || (await isThere(part))) break;
      if (await isThere(target)) return true; // another process was faster
      await rm(part, { force: true });
      if (tries > 1) throw new OperatorError(`${target}: the service sent other bytes than it promised`);
    }
    await rename(part, target).catch(async (error: unknown) => {
      if (!(await isThere(target))) cannotWrite(target)(error); // otherwise another process was faster
    });
    return true;
  } catch (error) {
    if (expected === undefined) await rm(part, { force: true });
    throw error;
  }
}

/** Fetches what the part lacks. */
async function fetchRest(client: PatientClient, part: string, { path, expected, onBytes }: FetchedFile): Promise<void> {
  const size = expected?.size;
  const have = expected ? ((await stat(part).catch(() => undefined))?.size ?? 0) : 0;
  if (size !== undefined && have >= size) return;
  const guard = new StallGuard(client.signal);
  try {
    const response = await client.once({
      method: 'GET',
      path,
      ...(have > 0 && { headers: { Range: `bytes=${have}-`, 'If-Range': `"${expected?.sha256}"` } }),
      signal: guard.signal,
      timeoutMs: Infinity,
    });
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    const handle = await open(part, WRITE).catch(cannotWrite(part));
    try {
      let at = response.status === 206 ? have : 0;
      const end = Number.isNaN(length) ? undefined : at + length;
      for await (const chunk of bytesOf(response, guard.signal)) {
        guard.moved();
        await writeAt(handle, chunk, at).catch(cannotWrite(part));
        at += chunk.length;
        onBytes?.(at, size ?? end);
      }
      if (end !== undefined && at !== end) throw new Unreachable('the connection was lost');
    } finally {
      await handle.close();
    }
  } finally {
    guard.stop();
  }
}

/** @throws Unreachable if the connection is lost */
async function* bytesOf({ body }: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  try {
    for (;;) {
      const read = await reader?.read().catch((error: unknown) => {
        signal.throwIfAborted();
        throw new Unreachable(`the connection was lost: ${messageOf(error)}`, { cause: error });
      });
      if (!read || read.done) return;
      yield read.value;
    }
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

/** SHA-256 in hex; undefined if there is no such file. */
async function hashOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  return pipeline(createReadStream(path), hash).then(
    () => hash.digest('hex'),
    () => undefined,
  );
}

const cannotWrite =
  (path: string) =>
  (error: unknown): never => {
    throw new OperatorError(`${path} could not be written: ${messageOf(error)}`, { cause: error });
  };
