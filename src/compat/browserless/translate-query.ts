import { nearest } from '../../kernel/nearest.ts';
import type { Refusal } from '../conversion.ts';
import { REFUSED_PARAMETERS } from './refused.ts';

/** `cacheTTL` is Cloudflare's: here nothing is answered from a cache. */
const KNOWN = ['token', 'timeout', 'trackingId', 'cacheTTL'] as const;
const MAX_ID = 500;

/** What the query of a request says. */
interface TranslatedQuery {
  /** milliseconds; undefined: the usual limit */
  timeoutMs: number | undefined;
  /** the caller's name for the request */
  trackingId: string | undefined;
}

/** The parameters of a query. @param query the first value of each */
export function translateQuery(query: Readonly<Record<string, string>>): {
  found: TranslatedQuery;
  refusals: Refusal[];
} {
  const refusals: Refusal[] = [];
  for (const [name, value] of Object.entries(query)) {
    if ((KNOWN as readonly string[]).includes(name) || value === 'false') continue; // what is switched off asks for nothing
    const refused = Object.hasOwn(REFUSED_PARAMETERS, name) ? REFUSED_PARAMETERS[name] : undefined;
    const near = nearest(name, KNOWN);
    const unknown = near === undefined ? `allowed: ${KNOWN.join(', ')}` : `did you mean ${near}?`;
    refusals.push({ field: name.slice(0, 100), message: refused ?? `unknown parameter; ${unknown}` });
  }
  const { timeout = '', trackingId } = query;
  if (!/^-?\d{0,9}$/.test(timeout)) refusals.push({ field: 'timeout', message: 'allowed: milliseconds' });
  if (trackingId !== undefined && trackingId.length > MAX_ID)
    refusals.push({ field: 'trackingId', message: `allowed: at most ${MAX_ID} characters` });
  const milliseconds = Number(timeout);
  return {
    found: { timeoutMs: milliseconds > 0 ? milliseconds : undefined, trackingId: trackingId || undefined },
    refusals,
  };
}
