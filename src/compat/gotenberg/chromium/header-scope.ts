import { patternsOfRegex } from './url-patterns.ts';

/** The URLs that a header is for, as ours has them: those that fit both. */
export interface HeaderScope {
  urls?: string[];
  hosts?: string[];
}

/** A host with its subdomains, as Gotenberg's documentation writes it. */
const HOST =
  /^\^?http(?<scheme>s?\??):(?:\\?\/){2}\((?:\?:)?\[(?:a-zA-Z0-9-|A-Za-z0-9-|\\w-)\]\+\\\.\)\*(?<host>(?:[a-zA-Z0-9-]|\\?\.){1,300})(?::(?<port>\(?\\d\+\)?|\d{1,5}))?\\?\/(?:\.\*\$?)?$/;

/**
 * An expression of URLs (Go's dialect). What is made of it never has a URL that the expression does not fit, as a header
 * may be a secret.
 * @returns undefined if it cannot be translated
 */
export function headerScopeOf(expression: string): HeaderScope | undefined {
  const { scheme, host, port } = HOST.exec(expression)?.groups ?? {};
  if (host === undefined) {
    const urls = patternsOfRegex(expression);
    return urls && { urls };
  }
  const rule = host.replaceAll('\\', '') + (port === undefined ? '' : `:${/^\d/.test(port) ? port : '*'}`);
  if (scheme === 's?') return { hosts: [rule] };
  return { urls: [scheme === 's' ? 'https://*' : 'http://*'], hosts: [rule] };
}
