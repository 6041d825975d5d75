import { versionAssets } from '../assets/asset-files.ts';
import type { Database } from '../db/pools.ts';
import { pathText } from '../domain/field-path.ts';
import { finishingFiles, hasHtmlLayer } from '../domain/finishing.ts';
import { overSettings } from '../domain/over-settings.ts';
import {
  labelsOf,
  noSuchFile,
  onlyPart,
  parsePdfRequest,
  type PdfRequest,
  type RequestPart,
} from '../domain/pdf-request.ts';
import type { SourceOf } from '../domain/source.ts';
import { parseTemplateName } from '../domain/template-name.ts';
import { type CodedError, invalidFields } from '../kernel/errors.ts';
import { findVersion, noSuchTemplate } from '../templates/read-templates.ts';
import { checkGivenJobs } from './given-jobs.ts';

interface ResolveDeps {
  /** for reads that see the rows of one tenant only */
  reads: Database;
}

export interface RequestInput {
  /** the job's owner */
  principal: { userId: string };
  request: PdfRequest;
  /** assets that the files of each part and, last, of the result are, by their paths; lower-case hex; default: none */
  files?: readonly (Readonly<Record<string, string>> | undefined)[];
  /** whether a source of the kind template is not saved: its files are the request's */
  isDraft?: boolean;
  /** the JSON that the request was parsed from, if there is one; a repeated idempotency key must come with the same JSON */
  sent?: unknown;
}

/** A part with the version of a template that it prints. */
export type ResolvedPart = RequestPart & { template?: { id: string; name: string } };
export type Resolved<Input extends RequestInput> = Input & { parts: ResolvedPart[] };

/** Finds what the request refers to. @throws CodedError that names what is not there */
export async function resolveRequest<Input extends RequestInput>(
  deps: ResolveDeps,
  input: Input,
): Promise<Resolved<Input>> {
  const { principal, request, sent, isDraft } = input;
  const areParts = request.parts.length > 1 || (typeof sent === 'object' && sent !== null && 'parts' in sent);
  await checkGivenJobs(deps.reads, { userId: principal.userId, parts: request.parts, areParts, runAt: request.runAt });
  const resolved = isDraft ? { ...input, parts: request.parts } : await withTemplates(deps, input, areParts);
  return withResultFiles(deps, resolved);
}

/** Finds the versions of templates that parts print. Their print settings are under those that were sent. */
async function withTemplates<Input extends RequestInput>(
  deps: ResolveDeps,
  input: Input,
  areParts: boolean,
): Promise<Resolved<Input>> {
  const { request, sent } = input;
  const parts: ResolvedPart[] = [];
  let whole = request;
  const versions = new Map<string, ReturnType<typeof findVersionOf>>(); // many parts may print one template
  const findTemplate = async (source: SourceOf<'template'>, at: string) => {
    const { name: wanted } = source.value;
    const finding = versions.get(wanted) ?? findVersionOf(deps, input.principal.userId, { name: wanted, at });
    versions.set(wanted, finding);
    const { id, request: settings, ...found } = await finding;
    const name = `${found.name}@${found.version}`;
    return {
      own: { source: { ...source, value: { ...source.value, name } }, template: { id, name } },
      request: settings,
    };
  };
  for (const [index, part] of request.parts.entries()) {
    const at = areParts ? `parts[${index}].` : '';
    const found = part.source.kind === 'template' ? await findTemplate(part.source, at) : undefined;
    if (!found) parts.push(part);
    else if (sent === undefined) parts.push({ ...part, ...found.own });
    else if (areParts) {
      const { timeoutMs, files } = part;
      const merged = withSettingsOf(forPart(found.request), part.sent, { name: found.own.template.name, at }); // prettier-ignore
      parts.push({ ...onlyPart(merged), ...labelsOf(part), timeoutMs, files, ...found.own });
    } else {
      whole = withSettingsOf(found.request, sent, { name: found.own.template.name, at });
      parts.push({ ...onlyPart(whole), ...found.own });
    }
  }
  return { ...input, request: whole, parts };
}

/** @param at where its part is in the request @throws CodedError that names the templates that there are */
async function findVersionOf({ reads }: ResolveDeps, userId: string, { name, at }: { name: string; at: string }) {
  const wanted = parseTemplateName(name);
  const found = wanted && (await findVersion(reads, userId, wanted));
  if (found) return found;
  throw await noSuchTemplate(reads, userId, { wanted: wanted ?? { name, version: undefined }, field: `${at}template` });
}

const OF_JOB = new Set([
  'finishing',
  'split',
  'output',
  'timeoutMs',
  'filename',
  'metadata',
  'priority',
  'retention',
  'webhook',
  'upload',
  'runAt',
]);

/** What a template says of the job as a whole is not for one of its parts to say. */
function forPart(template: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(template).filter(([name]) => !OF_JOB.has(name)));
}

/** A request as it was sent, over the print settings of its template. @throws CodedError if they do not fit together */
function withSettingsOf(
  template: Record<string, unknown>,
  sent: unknown,
  about: { name: string; at: string },
): PdfRequest {
  // prettier-ignore
  const { title: _, bookmarks: __, ...fields } = sent as Record<string, unknown>;
  const parsed = parsePdfRequest(overSettings(template, fields));
  if (parsed.ok) return parsed.request;
  throw invalidFields(
    parsed.fields.map(({ field, message }) => ({
      field: `${about.at}${field}`,
      message: `${message} (with the settings of ${about.name})`,
    })),
  );
}

/** Files that finishing names may be the template's own. @throws CodedError that names one that is nowhere */
async function withResultFiles<Input extends RequestInput>(
  { reads }: ResolveDeps,
  input: Resolved<Input>,
): Promise<Resolved<Input>> {
  const { request, parts, files = [], principal } = input;
  const { finishing } = request.result ?? {};
  if (!finishing) return input;
  const [{ template } = {}] = parts;
  const named = finishingFiles(finishing);
  // What template.json says of the result was not known when the files that were sent were divided.
  const sent = { ...(template && files[0]), ...files.at(-1) };
  const missing = named.filter(({ name }) => !Object.hasOwn(sent, name));
  const isLayered = hasHtmlLayer(finishing);
  if (missing.length > 0 && !template) throw noSuchFiles(missing, sent);
  let own: Record<string, string> = {};
  if (template && (missing.length > 0 || isLayered)) {
    const { byName } = await versionAssets(reads, { userId: principal.userId, versionId: template.id });
    own = Object.fromEntries([...byName].map(([name, { sha256 }]) => [name, sha256]));
  }
  const all = { ...own, ...sent };
  const nowhere = missing.filter(({ name }) => !Object.hasOwn(own, name));
  if (nowhere.length > 0) throw noSuchFiles(nowhere, all);
  const needed = new Set(named.map(({ name }) => name));
  const ofResult = Object.fromEntries(Object.entries(all).filter(([name]) => isLayered || needed.has(name)));
  return { ...input, files: [...parts.map((_, index) => files[index]), ofResult] };
}

function noSuchFiles(missing: ReturnType<typeof finishingFiles>, files: Record<string, string>): CodedError {
  return invalidFields(missing.map(({ path, name }) => ({ field: pathText(path), message: noSuchFile(name, files) })));
}
