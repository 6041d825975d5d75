/**
 * Fonts of the same measures as fonts of offices, which are not free: a text breaks into the same lines with either.
 * The best one first.
 */
const TWINS: Record<string, readonly string[]> = {
  Arial: ['Arimo', 'Liberation Sans'],
  'Arial Narrow': ['Liberation Sans Narrow'],
  Helvetica: ['Nimbus Sans', 'Arimo', 'Liberation Sans'],
  'Times New Roman': ['Tinos', 'Liberation Serif'],
  Times: ['Nimbus Roman', 'Tinos', 'Liberation Serif'],
  'Courier New': ['Cousine', 'Liberation Mono'],
  Courier: ['Nimbus Mono PS', 'Cousine', 'Liberation Mono'],
  Calibri: ['Carlito'],
  Cambria: ['Caladea'],
  Georgia: ['Gelasio'],
  'Segoe UI': ['Selawik'],
  'Comic Sans MS': ['Comic Relief'],
};

/** A family that is printed in another one of the same measures. */
export interface Twin {
  family: string;
  twin: string;
}

/** The twins of families that are not there. @param families lower-case names of those that are */
export function twinsAmong(families: ReadonlySet<string>): Twin[] {
  const has = (name: string) => families.has(name.toLowerCase());
  return Object.entries(TWINS).flatMap(([family, twins]) => {
    const twin = has(family) ? undefined : twins.find(has);
    return twin === undefined ? [] : [{ family, twin }];
  });
}

/** Of the common ones, the package of npm that brings the twin. */
const PACKAGES: Record<string, string> = {
  Arial: 'arimo',
  'Times New Roman': 'tinos',
  'Courier New': 'cousine',
  Calibri: 'carlito',
  Cambria: 'caladea',
  Georgia: 'gelasio',
};

/** The common fonts of offices for which there is nothing, and the package that would help. @param names with those that have a twin */
export function untwinned(names: ReadonlySet<string>): { family: string; npm: string }[] {
  return Object.entries(PACKAGES)
    .filter(([family]) => !names.has(family.toLowerCase()))
    .map(([family, name]) => ({ family, npm: `@expo-google-fonts/${name}` }));
}
