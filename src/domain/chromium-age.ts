const DAY_MS = 86_400_000;

/** Chrome 153, the first of those that are published every second Tuesday; before it every fourth, since 94. */
const ANCHOR = { major: 153, releasedAt: Date.UTC(2026, 8, 8), daysBefore: 28, daysSince: 14 };

/** Days after which a Chromium lacks too many fixes; the alert PdfpromptChromiumTooOld and `doctor` say so. */
export const CHROMIUM_MAX_AGE_DAYS = 120;

/**
 * Seconds since Chrome's stable release of that major version, by the published cadence; never negative.
 * @param version `153.0.8010.0`, or with a product's name before it
 * @returns undefined if there is no version in it
 */
export function chromiumAgeSeconds(version: string, now: number): number | undefined {
  const major = Number(/\b(\d{1,9})\.\d+\.\d+\.\d+/.exec(version)?.[1]);
  if (!Number.isInteger(major)) return undefined;
  const { releasedAt, daysBefore, daysSince } = ANCHOR;
  const later = major - ANCHOR.major;
  const publishedAt = releasedAt + later * (later > 0 ? daysSince : daysBefore) * DAY_MS;
  return Math.max(0, (now - publishedAt) / 1000);
}
