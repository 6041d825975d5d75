const DAY_MS = 86_400_000;

/** Chrome 153 was the first release of the two-week cycle; since 94 the cycle had been four weeks. */
const ANCHOR = { major: 153, releasedAt: Date.UTC(2026, 8, 8), daysBefore: 28, daysSince: 14 };

/** Days after which a Chromium lacks too many fixes, for the alert PdfpromptChromiumTooOld and `doctor`. */
export const CHROMIUM_MAX_AGE_DAYS = 120;

/**
 * Seconds since the stable release of a major version of Chrome, by its release cycle; never negative.
 * @param version `153.0.8010.0`, optionally with a product name before it
 * @returns undefined if it contains no version
 */
export function chromiumAgeSeconds(version: string, now: number): number | undefined {
  const major = Number(/\b(\d{1,9})\.\d+\.\d+\.\d+/.exec(version)?.[1]);
  if (!Number.isInteger(major)) return undefined;
  const { releasedAt, daysBefore, daysSince } = ANCHOR;
  const later = major - ANCHOR.major;
  const publishedAt = releasedAt + later * (later > 0 ? daysSince : daysBefore) * DAY_MS;
  return Math.max(0, (now - publishedAt) / 1000);
}
