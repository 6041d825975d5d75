import type { Fields } from '../fields.ts';
import { isText } from '../engines/json-object.ts';
import { listOf } from '../json-shapes.ts';

const isWhole = (value: unknown): value is number => Number.isInteger(value);

/**
 * Statuses that fail a page, as ours has them: in Gotenberg's list 499 means every status from 400 to 499.
 * @returns undefined if the field is absent or was refused
 */
export function failingStatuses(fields: Fields, name: string): (number | string)[] | undefined {
  const allowed = 'a JSON list of statuses such as [404, 599], where 499 means all from 400 to 499';
  const statuses = fields.json(name, (json) => listOf(json, isWhole), allowed);
  return statuses?.map((status) => (status % 100 === 99 ? `${Math.floor(status / 100)}xx` : status));
}

/** Hosts whose resources fail nothing: callers may give them with scheme, port, path, `*.` or `.` in front. */
export function hostsOf(fields: Fields, name: string): string[] | undefined {
  const hosts = fields.json(name, (json) => listOf(json, isText), 'a JSON list of hosts such as ["example.com"]');
  return hosts?.map(bareHost).filter((host) => host !== '');
}

function bareHost(text: string): string {
  const [host = ''] = text
    .trim()
    .toLowerCase()
    .replace(/^[a-z][a-z0-9+.-]{0,20}:\/\//, '')
    .replace(/^(?:\*\.|\.)/, '')
    .split(/[/?#]/, 1);
  const [name = '', port, another] = host.split(':');
  if (port !== undefined && another === undefined) return name;
  return host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : host;
}
