import { describe, expect, it } from 'vitest';
import { meantTimezone } from '../../src/schedules/meant-timezone.ts';

describe('the time zone that was meant', () => {
  it.each([
    ['Europe/Viena', 'Europe/Vienna'],
    ['Europe/Roma', 'Europe/Rome'],
    ['Europe/Kopenhagen', 'Europe/Copenhagen'],
    ['Europa/Berlin', 'Europe/Berlin'],
    ['Amercia/New_York', 'America/New_York'],
    ['America/New York', 'America/New_York'],
    ['vienna', 'Europe/Vienna'],
    ['Europe/Tokyo', 'Asia/Tokyo'],
    ['US/Chicago', 'America/Chicago'],
  ])('by %s is %s', (name, meant) => expect(meantTimezone(name)).toBe(meant));

  it.each([
    'Europe/Wien', 'Europe/München', 'Europe/Munich', 'Europe/Bern', 'Europe/Praha', 'Europe/Malaga', 'Europe/Geneva',
    'Asia/Mumbai', 'Asia/Delhi', 'Asia/Beijing', 'Asia/Bali', 'America/Boston', 'America/Dallas', 'America/San_Francisco',
    'Africa/Cape_Town', 'CEST', '+02:00', '', '/', 'x'.repeat(100),
  ])('by %s is nobody’s guess', (name) => expect(meantTimezone(name)).toBeUndefined()); // prettier-ignore
});
