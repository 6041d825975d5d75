import { checkedText } from './check-input.ts';

/** With an offset, and with a day that there is: years 0000 to 9999. Offsets are at most 14 hours, as on earth. */
const RUN_AT =
  /^(\d{4})-(\d{2})-(\d{2})T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;
const WITHOUT_OFFSET = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]{0,20})?$/;

const EXAMPLE = '2031-05-01T08:00:00+02:00';
const ALLOWED = `allowed: a date and time with Z or an offset, such as ${EXAMPLE}`;

function runAtProblem(text: string): string | undefined {
  const [, year, month, day] = RUN_AT.exec(text) ?? [];
  if (day === undefined)
    return WITHOUT_OFFSET.test(text) ? `it does not say of which time zone it is; ${ALLOWED}` : ALLOWED;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  const isDay = !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(day) && Number(year) > 0;
  return isDay ? undefined : `there is no such day; ${ALLOWED}`;
}

/** When a job is printed: `runAt` of a request. Whether the time is yet to come is for the submission to say. */
export const runAtField = checkedText(runAtProblem, 40, ALLOWED).meta({
  format: 'date-time',
  description:
    'When it is printed: the job is accepted now, is `scheduled` until then, and `queued` from then on. Up to 365 days ahead; not with `POST /v1/pdf`',
  example: EXAMPLE,
});
