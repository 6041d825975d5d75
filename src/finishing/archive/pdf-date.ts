/** A moment with the time zone in which it was written. */
export interface ZonedDate {
  /** milliseconds since 1970, in UTC */
  time: number;
  /** minutes that its clock is ahead of UTC */
  offset: number;
}

const DATE = /^(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z[\d']*|([+-])(\d\d)'?(\d\d)?'?)?$/;

/** Of a date such as `D:20261125193432+01'00'`; without a time zone it is in UTC. @returns undefined if it is none */
export function parsePdfDate(text: string): ZonedDate | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [, year = '', month = '01', day = '01', hour = '00', minute = '00', second = '00', sign, hours, minutes] =
    match;
  const local = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const offset = (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0));
  const isReal = !Number.isNaN(local) && new Date(local).getUTCDate() === Number(day); // 31 February is 3 March
  return isReal && Math.abs(offset) < 24 * 60 ? { time: local - offset * 60_000, offset } : undefined;
}

/** Of a date such as `2026-11-25T19:34:32+01:00`, or with `Z`. */
export function parseIsoDate(text: string): ZonedDate {
  const [, sign, hours, minutes] = /([+-])(\d\d):?(\d\d)$/.exec(text.slice(10)) ?? [];
  return { time: Date.parse(text), offset: (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) };
}

const two = (value: number) => String(value).padStart(2, '0');

function clock({ time, offset }: ZonedDate) {
  const ahead = Math.abs(offset);
  return {
    local: new Date(time + offset * 60_000).toISOString(),
    zone: [`${offset < 0 ? '-' : '+'}${two(Math.floor(ahead / 60))}`, two(ahead % 60)],
  };
}

/** `D:20261125193432+01'00'` */
export function formatPdfDate(date: ZonedDate): string {
  const { local, zone } = clock(date);
  return `D:${local.slice(0, 19).replaceAll(/[-T:]/g, '')}${zone.join("'")}'`;
}

/** `2026-11-25T19:34:32+01:00` */
export function formatXmpDate(date: ZonedDate): string {
  const { local, zone } = clock(date);
  return `${local.slice(0, 19)}${zone.join(':')}`;
}
