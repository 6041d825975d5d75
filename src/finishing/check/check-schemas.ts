import type { Findings } from './findings.ts';
import type { XmpProperty } from './xmp.ts';

export function checkSchemas(_properties: readonly XmpProperty[], _findings: Findings): void {}
