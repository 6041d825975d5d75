import { latin1 } from './pdf-lexer.ts';

/** What the header of an ICC profile says. */
export interface IccProfile {
  /** 2 for version 2.4 */
  version: number;
  /** `mntr`: monitor, `prtr`: printer, `scnr`, `spac` */
  kind: string;
  /** `RGB `, `CMYK`, `GRAY`, `Lab ` */
  space: string;
}

const COMPONENTS: Record<string, number> = { 'GRAY': 1, 'RGB ': 3, 'Lab ': 3, 'CMYK': 4 }; // prettier-ignore

/** @returns undefined if it is no ICC profile */
export function readIccProfile(bytes: Uint8Array): IccProfile | undefined {
  if (bytes.length < 128 || latin1(bytes, 36, 40) !== 'acsp') return undefined;
  return { version: bytes[8] ?? 0, kind: latin1(bytes, 12, 16), space: latin1(bytes, 16, 20) };
}

/** How many numbers one colour of it has; undefined if the standard does not allow it. */
export const componentsOf = ({ space }: IccProfile): number | undefined => COMPONENTS[space];
