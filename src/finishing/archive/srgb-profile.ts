// ICC profiles of sRGB, by IEC 61966-2-1: a matrix and a curve. That of version 2.1 is for PDF 1.4, which knows no later.

import { CONNECTION_WHITE, fixed, type IccTag, type IccVersion, oldDescription, sampledCurve, typed, writeProfile } from './icc-writer.ts'; // prettier-ignore

const xyz = (...values: [number, number, number]) => typed('XYZ ', fixed(...values));

/** A text in English. */
function text(value: string): Buffer {
  const units = Buffer.from(value, 'utf16le').swap16();
  const about = Buffer.alloc(20);
  about.writeUInt32BE(1, 0); // texts
  about.writeUInt32BE(12, 4); // bytes of what says where a text is
  about.write('enUS', 8);
  about.writeUInt32BE(units.length, 12);
  about.writeUInt32BE(28, 16);
  return typed('mluc', about, units);
}

/** y = ((x + 0.055) / 1.055) ^ 2.4 from 0.04045 on, x / 12.92 below. */
const CURVE = typed('para', Buffer.from([0, 3, 0, 0]), fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045));

const srgbCurve = (x: number) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);

/** From RGB to D50: what the three primary colours are. */
const PRIMARIES: IccTag[] = [
  ['rXYZ', xyz(0.43607, 0.22249, 0.01392)],
  ['gXYZ', xyz(0.38515, 0.71687, 0.09708)],
  ['bXYZ', xyz(0.14307, 0.06061, 0.7141)],
];
const curves = (curve: Buffer): IccTag[] => ['rTRC', 'gTRC', 'bTRC'].map((name): IccTag => [name, curve]);

function tagsOf(version: IccVersion): IccTag[] {
  if (version === 2)
    return [
      ['desc', oldDescription('sRGB')],
      ['cprt', typed('text', Buffer.from('CC0\0'))],
      ['wtpt', xyz(0.95047, 1, 1.08883)], // of the display itself: D65
      ...PRIMARIES,
      ...curves(sampledCurve(srgbCurve)),
    ];
  return [
    ['desc', text('sRGB')],
    ['cprt', text('CC0')],
    ['wtpt', xyz(...CONNECTION_WHITE)],
    // From D65 to D50, by Bradford.
    ['chad', typed('sf32', fixed(1.04788, 0.02292, -0.0502, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168))],
    ...PRIMARIES,
    ...curves(CURVE),
  ];
}

/** The bytes of a profile. */
export const srgbProfile = (version: IccVersion = 4): Uint8Array =>
  writeProfile({ version, space: 'RGB ' }, tagsOf(version));
