import type { ColourRules } from './colour-rules.ts';
import type { Findings } from './findings.ts';
import type { FontUses } from './font-uses.ts';
import type { ImageRules } from './image-rules.ts';
import type { PdfFile } from './pdf-file.ts';
import type { StateRules } from './state-rules.ts';
import type { StructureParents } from './structure-parents.ts';

/** What the rules about content share. */
export interface ContentRules {
  file: PdfFile;
  findings: Findings;
  colours: ColourRules;
  fonts: FontUses;
  images: ImageRules;
  states: StateRules;
  parents: StructureParents;
}
