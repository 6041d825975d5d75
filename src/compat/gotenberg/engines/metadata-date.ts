const DATE = /^(\d{4})[:-](\d{2})[:-](\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;

/**
 * A moment as ISO 8601 writes it, of one as ExifTool (`2006:09:18 16:27:50-04:00`) or ISO 8601 writes it. Without a zone
 * it is in UTC.
 * @returns undefined if it is none
 */
export function isoDateOf(text: string): string | undefined {
  const match = DATE.exec(text.trim());
  if (!match) return undefined;
  const [, year = '', month = '', day = '', hours = '00', minutes = '00', seconds = '00', zone = 'Z'] = match;
  const offset = zone.toUpperCase().replace(/^(...)(\d\d)$/, '$1:$2');
  const iso = `${year}-${month}-${day}T${hours}:${minutes}:${seconds}${offset}`;
  const isReal = new Date(`${year}-${month}-${day}T00:00:00Z`).getUTCDate() === Number(day);
  return isReal && !Number.isNaN(Date.parse(iso)) ? iso : undefined;
}

/** A moment of ISO 8601 as ExifTool writes it. Anything else stays as it is. */
export function exifDateOf(text: string): string {
  const [, date, time, zone = ''] = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:\d{2})?$/.exec(text) ?? []; // prettier-ignore
  return date === undefined ? text : `${date.replaceAll('-', ':')} ${time}${zone}`;
}
