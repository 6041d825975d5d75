import { nearest } from '../kernel/nearest.ts';

/** Characters of a city from which on two of them may be wrong: names of cities are short, and many are alike. */
const LONG = 8;

/**
 * The time zone that was probably meant by a name that is none: that of the city, whatever stands before it, or one that
 * differs by a typing error. undefined for anything else, as for a city in its own language: a wrong zone would be worse.
 */
export function meantTimezone(name: string): string | undefined {
  const zones = Intl.supportedValuesOf('timeZone');
  const asked = name.trim().replaceAll(' ', '_');
  const city = cityOf(asked);
  return zones.find((zone) => cityOf(zone) === city) ?? nearest(asked, zones, city.length < LONG ? 1 : 2);
}

const cityOf = (zone: string) => zone.slice(zone.lastIndexOf('/') + 1).toLowerCase();
