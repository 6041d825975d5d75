/** A template and, after `@`, one of its versions: `invoice`, `invoice@7`. */
export interface TemplateName {
  name: string;
  /** undefined: the newest */
  version: number | undefined;
}

/** Of a template. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/;
const NAME_ALLOWED = '1 to 100 of the characters a-z, 0-9, . _ -, the first a letter or a digit';
export const TEMPLATE_NAME_ALLOWED = `allowed: the name of a template, as invoice, or invoice@7 for its version 7; a name has ${NAME_ALLOWED}`;

/** Why a text is no name of a template; undefined if it is one. */
export function templateNameProblem(name: string): string | undefined {
  return NAME.test(name) ? undefined : `allowed: ${NAME_ALLOWED}`;
}

/** @returns undefined for a text that is no template and no version of one */
export function parseTemplateName(text: string): TemplateName | undefined {
  const at = text.indexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const number = at < 0 ? undefined : text.slice(at + 1);
  if (!NAME.test(name) || (number !== undefined && !/^[1-9]\d{0,8}$/.test(number))) return undefined;
  return { name, version: number === undefined ? undefined : Number(number) };
}

/** What a template begins with, the first that there is. */
export const TEMPLATE_ENTRIES = ['index.html', 'index.liquid', 'index.md'] as const;
