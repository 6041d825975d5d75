import type { Conformance } from '../../domain/finishing.ts';
import { RULES, type Rule, type RuleId, sameInArchive1 } from './rules.ts';

/** Something in which a PDF does not conform to what it claims. */
export interface Finding {
  /** as veraPDF names it: `ISO 19005-3:2012 6.2.4.3-2` */
  rule: string;
  /** `6.2.4.3` */
  clause: string;
  claim: Conformance;
  /** the first one, from 1; of what is of no page: none */
  page?: number;
  /** what is wrong, and where it helps what to do */
  message: string;
  /** how often */
  count: number;
}

/** Of the same rule, at most, in one message. */
const MAX_EXAMPLES = 5;

const STANDARDS: Record<Conformance, string> = {
  'PDF/A-1b': 'ISO 19005-1:2005',
  'PDF/A-2b': 'ISO 19005-2:2011',
  'PDF/A-3b': 'ISO 19005-3:2012',
  'PDF/UA-1': 'ISO 14289-1:2014',
};

interface Group {
  rule: Rule;
  count: number;
  page: number | undefined;
  /** what was said, with its first page */
  examples: Map<string, number | undefined>;
}

/** What has been found so far, grouped by rule. */
export class Findings {
  readonly claims: readonly Conformance[];
  readonly #groups = new Map<RuleId, Group>();
  readonly #isOpen = new Map<RuleId, boolean>();

  constructor(claims: readonly Conformance[]) {
    this.claims = claims;
  }

  /** Whether any claim includes the rule. */
  asksFor(id: RuleId): boolean {
    let isOpen = this.#isOpen.get(id);
    if (isOpen === undefined) {
      isOpen = this.claims.some((claim) => RULES[id].claims.includes(claim));
      this.#isOpen.set(id, isOpen);
    }
    return isOpen;
  }

  /** @param id of what is the same in PDF/A-1b, that of the later parts */
  report(id: RuleId, message: string, page?: number): void {
    const older = sameInArchive1(id);
    if (older) this.#report(older, message, page);
    this.#report(id, message, page);
  }

  #report(id: RuleId, message: string, page: number | undefined): void {
    if (!this.asksFor(id)) return;
    let group = this.#groups.get(id);
    if (!group) this.#groups.set(id, (group = { rule: RULES[id], count: 0, page, examples: new Map() }));
    group.count++;
    if (!group.examples.has(message) && group.examples.size <= MAX_EXAMPLES) group.examples.set(message, page);
  }

  /** In the order of the clauses. */
  list(): Finding[] {
    const findings: Finding[] = [];
    for (const claim of this.claims)
      for (const { rule, count, page, examples } of this.#groups.values()) {
        if (!rule.claims.includes(claim)) continue;
        const id = `${STANDARDS[claim]} ${rule.clause}-${rule.test}`;
        findings.push({ rule: id, clause: rule.clause, claim, ...(page && { page }), message: summary(examples), count }); // prettier-ignore
      }
    const order = (a: Finding, b: Finding) => a.rule.localeCompare(b.rule, 'en', { numeric: true });
    return findings.toSorted(order);
  }
}

function summary(examples: ReadonlyMap<string, number | undefined>): string {
  const first = examples.values().next().value;
  const shown = [...examples].slice(0, MAX_EXAMPLES);
  const texts = shown.map(([text, page]) => (page === first ? text : `${text} (page ${page})`));
  return texts.join('; ') + (examples.size > MAX_EXAMPLES ? '; …' : '');
}
