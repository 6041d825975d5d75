import type { Findings } from './findings.ts';

/** Rules about fonts that both standards have. */
type FontRule = '3.1-1' | '3.2-1' | '3.3-1' | '3.3-2' | '3.3-3' | '4.1-1' | '4.1-2' | '4.2-1' | '4.2-2' | '5-1' | '6-1' | '6-2' | '6-3' | '6-4' | '8-1'; // prettier-ignore

/** Reports what breaks a rule of PDF/A and of PDF/UA at once. */
export function reportFont(findings: Findings, rule: FontRule, message: string, page?: number): void {
  findings.report(`6.2.11.${rule}`, message, page);
  findings.report(`UA 7.21.${rule}`, message, page);
}
