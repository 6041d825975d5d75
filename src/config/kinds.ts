import { fileURLToPath } from 'node:url';
import { emailSchema } from '../domain/email.ts';
import { EGRESS_RULES_ALLOWED, type EgressRule, parseEgressRule } from './egress-rule.ts';

/** How the text of a setting is checked and read. */
export interface Kind<T> {
  /** the allowed values, for messages and docs */
  allowed: string;
  /** each of them, where they are a few words */
  values?: readonly string[];
  /** @returns undefined for a text that is not allowed */
  parse: (text: string) => T | undefined;
}

/** `prefix` has no slashes at its ends; empty: none. */
export type StoreLocation =
  { kind: 'postgres' } | { kind: 'file'; directory: string } | { kind: 's3'; bucket: string; prefix: string };

export function integer(min: number, max: number): Kind<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    parse: (text) => (/^-?\d{1,15}$/.test(text) ? within(Number(text), min, max) : undefined),
  };
}

export function integerOrAuto(min: number, max: number): Kind<number | 'auto'> {
  const { allowed, parse } = integer(min, max);
  return { allowed: `auto, or ${allowed}`, parse: (text) => (text === 'auto' ? text : parse(text)) };
}

/** A duration given in `unit`, parsed to milliseconds. @param min in `unit`, like `max` */
export function duration(unit: 'seconds' | 'milliseconds', min: number, max: number): Kind<number> {
  const factor = unit === 'seconds' ? 1000 : 1;
  return {
    allowed: `${unit}, from ${min} to ${max}`,
    parse: (text) =>
      /^\d+(\.\d+)?$/.test(text) ? within(Number(text) * factor, min * factor, max * factor) : undefined,
  };
}

export function choice<T extends string>(...values: T[]): Kind<T> {
  return { allowed: values.join(', '), values, parse: (text) => values.find((value) => value === text) };
}

/** Some of the values, separated by commas. */
export function choices<T extends string>(...values: T[]): Kind<readonly T[]> {
  return {
    allowed: `${values.join(', ')}, or several of them, separated by commas`,
    values,
    parse: (text) => {
      const chosen = text.split(',').map((each) => values.find((value) => value === each.trim()));
      return chosen.every((value) => value !== undefined) ? [...new Set(chosen)] : undefined;
    },
  };
}

export const email: Kind<string> = {
  allowed: 'an email address such as ann@example.com',
  parse: (text) => emailSchema.safeParse(text).data,
};

export const boolean: Kind<boolean> = {
  allowed: 'true or false',
  values: ['true', 'false'],
  parse: (text) => (text === 'true' || text === 'false' ? text === 'true' : undefined),
};

export const postgresUrl = textKind(
  'postgres://user:password@host:port/database',
  (text) => URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol),
);

export const webAddress = textKind('http://… or https://…, without a user, a query or a fragment', (text) => {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');
});

/** Origins of web pages, separated by commas. */
export const origins: Kind<string[]> = {
  allowed: 'origins such as https://app.example.com, separated by commas, or * for all',
  parse: (text) => {
    const all = text.split(',').map((each) => each.trim());
    const isOrigin = (each: string) => each === '*' || (URL.canParse(each) && new URL(each).origin === each);
    return all.every(isOrigin) ? all : undefined;
  },
};

export const region = textKind('a region, such as us-east-1 or auto', (text) => /^[a-z0-9-]{1,50}$/.test(text));

/** In the characters that a header may have. */
export const secretText = textKind('text without spaces', (text) => /^[\x21-\x7e]{1,10000}$/.test(text));

export const password = textKind('a line of at most 1,000 characters', (text) => /^[^\r\n]{1,1000}$/.test(text));

export const path = textKind('a path', (text) => text !== '' && !text.includes('\0'));

export const host = textKind('an IP address or a host name', (text) => /^[\w.:%-]+$/.test(text));

export const apiKey = textKind('a key as pdf_…', (text) => /^pdf_\w+$/.test(text));

export const store: Kind<StoreLocation> = {
  allowed: 'postgres, an absolute directory as file:///…, or a bucket as s3://bucket or s3://bucket/prefix',
  parse: (text) => {
    if (text === 'postgres') return { kind: 'postgres' };
    if (text.startsWith('s3:')) return bucketOf(text);
    try {
      const directory = fileURLToPath(text);
      return directory === '/' ? undefined : { kind: 'file', directory };
    } catch {
      return undefined;
    }
  },
};

/** In characters that need no encoding in a URL. */
function bucketOf(text: string): StoreLocation | undefined {
  const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w./-]{0,500}))?$/.exec(text) ?? [];
  const names = prefix.replace(/\/$/, '').split('/');
  const isAllowed = names.every((name) => (name !== '' || names.length === 1) && !/^\.+$/.test(name));
  return bucket === undefined || !isAllowed ? undefined : { kind: 's3', bucket, prefix: names.join('/') };
}

export const egressRules: Kind<readonly EgressRule[]> = {
  allowed: EGRESS_RULES_ALLOWED,
  parse: (text) => {
    const rules = text.split(',').map((rule) => parseEgressRule(rule.trim()));
    return rules.every((rule) => rule !== undefined) ? rules : undefined;
  },
};

function textKind(allowed: string, isAllowed: (text: string) => boolean): Kind<string> {
  return { allowed, parse: (text) => (isAllowed(text) ? text : undefined) };
}

function within(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined;
}
