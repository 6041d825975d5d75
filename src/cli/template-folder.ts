import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { fileNameProblem } from '../domain/file-name.ts';
import type { Files } from '../kernel/files.ts';
import { forEachInSlots } from '../kernel/for-each-in-slots.ts';
import { messageOf, OperatorError } from '../kernel/errors.ts';
import type { ServiceClient } from '../kernel/service-client.ts';

/** A version of a template, as the service shows it. */
export interface RemoteTemplate {
  name: string;
  version: number;
  description: string | null;
  createdAt: string;
  files: Record<string, { id: string; size: number; type: string }>;
}

/** Files that are sent or fetched at a time. */
const SLOTS = 4;

/** Sends the files that the service does not have yet. @returns the ids of all by their paths */
export async function sendFiles(client: ServiceClient, files: Files): Promise<Record<string, string>> {
  const ids = new Map<string, string>();
  await forEachInSlots([...files.names], SLOTS, async (name) => {
    const opened = await files.open(name);
    if (!opened) throw new OperatorError(`${name}: it was just removed`);
    const { type, content } = opened;
    const bytes = new Uint8Array(content instanceof Readable ? await buffer(content) : content);
    const id = sha256(bytes);
    ids.set(name, id);
    const known = await client.send({ method: 'HEAD', path: `/v1/assets/${id}`, allow: [404] });
    if (known.status === 404) await client.send({ method: 'PUT', path: '/v1/assets', body: bytes, type });
  });
  return Object.fromEntries([...ids].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * Writes a template's files into a folder, and nothing outside of it, whatever their names and whatever links there are.
 * @param force whether files that differ are replaced
 * @returns the names of those that were written; the others are there already
 * @throws OperatorError before anything is written
 */
export async function fetchFiles(
  client: ServiceClient,
  { files }: RemoteTemplate,
  { folder, force }: { folder: string; force: boolean },
): Promise<string[]> {
  const missing: string[] = [];
  const changed: string[] = [];
  for (const [name, { id }] of Object.entries(files)) {
    const problem = fileNameProblem(name);
    if (problem !== undefined) throw new OperatorError(`the template has a file ${JSON.stringify(name)}; ${problem}`);
    await refuseWayOut(folder, name);
    const existing = await readIfThere(join(folder, name));
    if (existing === undefined) missing.push(name);
    else if (sha256(existing) !== id) changed.push(name);
  }
  if (changed.length > 0 && !force)
    throw new OperatorError(
      `${folder} has other content in ${changed.join(', ')}; nothing was written. Allowed: --force, or another directory`,
    );
  const wanted = [...missing, ...(force ? changed : [])].toSorted();
  await forEachInSlots(wanted, SLOTS, async (name) => {
    const id = files[name]?.id ?? '';
    const response = await client.send({ method: 'GET', path: `/v1/assets/${id}` });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (sha256(bytes) !== id) throw new OperatorError(`${name}: the service sent other bytes than it promised`);
    await writeWithin(folder, name, bytes).catch((error: unknown) => {
      throw new OperatorError(`${name} could not be written: ${messageOf(error)}`, { cause: error });
    });
  });
  return wanted;
}

/** A link to a file is replaced and not followed. */
async function writeWithin(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await refuseWayOut(folder, name);
  const temporary = join(dirname(path), `.pdfprompt-${process.pid}-${sha256(Buffer.from(path)).slice(0, 16)}`);
  await writeFile(temporary, bytes);
  await rename(temporary, path);
}

/** @throws OperatorError if a folder in the path is a link that leads out of the folder */
async function refuseWayOut(folder: string, name: string): Promise<void> {
  const root = await realpath(folder).catch(() => undefined);
  if (root === undefined) return; // it is made
  for (let path = dirname(join(root, name)); path.length > root.length; path = dirname(path)) {
    const target = await realpath(path).catch(() => undefined);
    if (target !== undefined && !`${target}${sep}`.startsWith(root + sep))
      throw new OperatorError(`${path} leads out of ${folder}; allowed: a directory without such links`);
  }
}

/** @returns undefined if there is nothing @throws OperatorError if it is no file */
async function readIfThere(path: string): Promise<Buffer | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats) return undefined;
  if (stats.isFile()) return readFile(path);
  if (stats.isSymbolicLink()) return readFile(path).catch(() => Buffer.from('')); // replaced, not followed
  throw new OperatorError(`${path} is no file; allowed: a directory without it`);
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
