import type { Findings } from './findings.ts';
import { checkLanguage } from './marked-content.ts';
import type { PdfFile } from './pdf-file.ts';
import type { RuleId } from './rules.ts';
import { StructureParents } from './structure-parents.ts';
import { isStandard, readStructure, type StructureElement } from './structure-tree.ts';
import { checkTable } from './table-rules.ts';

/** What an element may have in it. */
const CONTENTS: Record<string, { rule: RuleId; allowed: string[] }> = {
  Table: { rule: 'UA 7.2-3', allowed: ['TR', 'THead', 'TBody', 'TFoot', 'Caption'] },
  TR: { rule: 'UA 7.2-4', allowed: ['TH', 'TD'] },
  THead: { rule: 'UA 7.2-5', allowed: ['TR'] },
  TBody: { rule: 'UA 7.2-6', allowed: ['TR'] },
  TFoot: { rule: 'UA 7.2-7', allowed: ['TR'] },
  L: { rule: 'UA 7.2-19', allowed: ['L', 'LI', 'Caption'] },
  LI: { rule: 'UA 7.2-20', allowed: ['Lbl', 'LBody'] },
  TOC: { rule: 'UA 7.2-27', allowed: ['TOC', 'TOCI', 'Caption'] },
};
/** What an element may be in. */
const PARENTS: Record<string, { rule: RuleId; allowed: string[] }> = {
  THead: { rule: 'UA 7.2-8', allowed: ['Table'] },
  TBody: { rule: 'UA 7.2-9', allowed: ['Table'] },
  TFoot: { rule: 'UA 7.2-10', allowed: ['Table'] },
  TR: { rule: 'UA 7.2-11', allowed: ['Table', 'THead', 'TBody', 'TFoot'] },
  LI: { rule: 'UA 7.2-17', allowed: ['L'] },
  LBody: { rule: 'UA 7.2-18', allowed: ['LI'] },
  TOCI: { rule: 'UA 7.2-26', allowed: ['TOC'] },
};
/** What the language of must be known. */
const TEXTS: Record<string, RuleId> = { ActualText: 'UA 7.2-21', Alt: 'UA 7.2-22', E: 'UA 7.2-23' };

/** The rules about the tags of a document. */
export function checkStructure(file: PdfFile, findings: Findings): void {
  if (!findings.claims.includes('PDF/UA-1')) return;
  const elements = readStructure(file);
  const parents = new StructureParents(file);
  const hasLanguage = file.catalog.has('Lang');
  const language = file.catalog.text('Lang');
  if (language !== undefined) checkLanguage({ findings }, language);
  checkRoleMap(parents, findings);
  for (const element of elements) {
    checkElement(element, findings);
    if (!hasLanguage) checkTexts(element, parents, findings);
    if (element.tag === 'Table') checkTable(element, findings);
  }
  checkHeadings(elements, findings);
  checkNotes(elements, findings);
}

function checkRoleMap({ root }: StructureParents, findings: Findings): void {
  const map = root?.dictionary('RoleMap');
  for (const tag of map?.entries.keys() ?? []) {
    if (isStandard(tag)) findings.report('UA 7.1-7', `the tag ${tag} of the standard is mapped to ${map?.name(tag)}`);
    const path = new Set<string>();
    for (let next: string | undefined = tag; next !== undefined; next = map?.name(next)) {
      if (path.has(next)) {
        findings.report('UA 7.1-6', `the map of tags has a circle at ${next}`);
        break;
      }
      path.add(next);
    }
  }
}

function checkElement({ dictionary, tag, ownTag, parent, children, page }: StructureElement, findings: Findings): void {
  if (!isStandard(tag)) findings.report('UA 7.1-5', `the tag ${ownTag} is not of the standard and not mapped to one`, page); // prettier-ignore
  const within = PARENTS[tag];
  if (within && !within.allowed.includes(parent?.tag ?? ''))
    findings.report(within.rule, `${tag} is in ${parent?.tag ?? 'nothing'}; allowed: ${within.allowed.join(', ')}`, page); // prettier-ignore
  const holds = CONTENTS[tag];
  for (const child of holds ? children : [])
    if (!holds?.allowed.includes(child.tag))
      findings.report(holds?.rule ?? 'UA 7.2-3', `${tag} has ${child.tag} in it; allowed: ${holds?.allowed.join(', ')}`, page); // prettier-ignore
  const caption = children.findIndex((child) => child.tag === 'Caption');
  if (holds && children.filter((child) => child.tag === 'Caption').length > 1)
    findings.report(holds.rule, `${tag} has more than one Caption`, page);
  if (tag === 'Table' && caption > 0 && caption < children.length - 1)
    findings.report('UA 7.2-16', 'the caption of a table is neither first nor last', page);
  if (tag === 'TOC' && caption > 0)
    findings.report('UA 7.2-28', 'the caption of a table of contents is not first', page);
  const isTold = dictionary.has('Alt') || dictionary.has('ActualText');
  if (tag === 'Figure' && !isTold)
    findings.report('UA 7.3-1', 'a figure has no alternative text: write alt on the <img>, or aria-label', page);
  if (tag === 'Formula' && !isTold) findings.report('UA 7.7-1', 'a formula has no alternative text', page);
  const language = dictionary.text('Lang');
  if (language !== undefined) checkLanguage({ findings }, language, page);
}

function checkTexts({ dictionary, page }: StructureElement, parents: StructureParents, findings: Findings): void {
  for (const [key, rule] of Object.entries(TEXTS))
    if (dictionary.has(key) && !parents.hasLanguage(dictionary))
      findings.report(rule, `the language of ${key} is unknown: write <html lang>`, page);
}

function checkHeadings(elements: readonly StructureElement[], findings: Findings): void {
  let level = 0;
  const hasPlain = elements.some(({ tag }) => tag === 'H');
  const hasNumbered = elements.some(({ tag }) => /^H\d$/.test(tag));
  for (const { tag, ownTag, page, parent } of elements) {
    const number = Number(/^H([1-9])$/.exec(tag)?.[1] ?? 0);
    if (tag === 'H' && (parent?.children.filter((child) => child.tag === 'H').length ?? 0) > 1)
      findings.report('UA 7.4.4-1', `${parent?.tag} has several headings H`, page);
    if (tag === 'H' && hasNumbered) findings.report('UA 7.4.4-2', 'there are headings H and H1', page);
    if (number === 0) continue;
    if (hasPlain) findings.report('UA 7.4.4-3', `there are headings ${ownTag} and H`, page);
    if (number > level + 1)
      findings.report('UA 7.4.2-1', level === 0 ? `the first heading is h${number}, not h1` : `levels of headings are skipped: h${level} → h${number}`, page); // prettier-ignore
    level = number;
  }
}

function checkNotes(elements: readonly StructureElement[], findings: Findings): void {
  const names = new Set<string>();
  for (const { tag, dictionary, page } of elements) {
    if (tag !== 'Note') continue;
    const name = dictionary.text('ID') ?? '';
    if (name === '') findings.report('UA 7.9-1', 'a note has no ID', page);
    else if (names.has(name)) findings.report('UA 7.9-2', `two notes have the ID ${name}`, page);
    names.add(name);
  }
}
