import type { FacturxLevel } from '../../domain/finishing.ts';

const EN_16931 = 'urn:cen.eu:en16931:2017';

/**
 * What the XML of each level calls itself (`GuidelineSpecifiedDocumentContextParameter/ID`). Those that end with `_`
 * are followed by a version.
 */
const GUIDELINES: Record<FacturxLevel, readonly string[]> = {
  MINIMUM: ['urn:factur-x.eu:1p0:minimum'],
  'BASIC WL': ['urn:factur-x.eu:1p0:basicwl'],
  BASIC: [`${EN_16931}#compliant#urn:factur-x.eu:1p0:basic`],
  'EN 16931': [EN_16931],
  EXTENDED: [`${EN_16931}#conformant#urn:factur-x.eu:1p0:extended`],
  XRECHNUNG: [
    `${EN_16931}#compliant#urn:xeinkauf.de:kosit:xrechnung_`,
    `${EN_16931}#compliant#urn:xoev-de:kosit:standard:xrechnung_`,
    `${EN_16931}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0#conformant#urn:xeinkauf.de:kosit:extension:xrechnung_`,
  ],
};

/** The level of an invoice that calls itself so. */
export function levelOf(guideline: string): FacturxLevel | undefined {
  const fits = (known: string) =>
    known.endsWith('_') ? /^\d+\.\d+$/.test(guideline.slice(known.length)) && guideline.startsWith(known) : guideline === known; // prettier-ignore
  const found = Object.entries(GUIDELINES).find(([, known]) => known.some(fits));
  return found?.[0] as FacturxLevel | undefined;
}

/** For messages: what an invoice of the level calls itself. */
export function guidelineOf(level: FacturxLevel): string {
  const [first = ''] = GUIDELINES[level];
  return first.endsWith('_') ? `${first}3.0` : first;
}

/** The embedded file of a level. */
export function facturxFile(level: FacturxLevel): { name: string; relationship: 'Data' | 'Alternative' } {
  return {
    name: level === 'XRECHNUNG' ? 'xrechnung.xml' : 'factur-x.xml',
    // These two have no lines, so that they do not stand for the page.
    relationship: level === 'MINIMUM' || level === 'BASIC WL' ? 'Data' : 'Alternative',
  };
}
