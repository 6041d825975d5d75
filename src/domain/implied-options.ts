import type { FieldProblem } from '../kernel/errors.ts';
import type { Conformance, Finishing } from './finishing.ts';

/** What a PDF is to conform to, also what other fields bring with them. */
export function impliedConformance({ conformance = [], facturx }: Finishing): Conformance[] {
  return [...new Set<Conformance>([...conformance, ...(facturx ? (['PDF/A-3b'] as const) : [])])];
}

/** Print options that a part needs so that its PDF can conform. */
export function impliedOptions(finishing: Finishing | undefined): { tagged?: true } {
  return finishing && needsTags(finishing) ? { tagged: true } : {};
}

/** What is wrong with a request that forbids {@link impliedOptions}. @param sent its JSON, without defaults */
export function impliedProblems(finishing: Finishing | undefined, sent: Record<string, unknown>): FieldProblem[] {
  if (!finishing || !needsTags(finishing)) return [];
  const parts = Array.isArray(sent.parts) ? sent.parts : [];
  const places = [{ at: '', part: sent }, ...parts.map((part, index) => ({ at: `parts[${index}].`, part }))];
  const isForbidden = (part: { options?: { tagged?: unknown } }) => part.options?.tagged === false;
  return places
    .filter(({ part }) => isForbidden(part))
    .map(({ at }) => ({ field: `${at}options.tagged`, message: 'PDF/UA-1 needs tags; allowed: true, or nothing' }));
}

const needsTags = (finishing: Finishing) => impliedConformance(finishing).includes('PDF/UA-1');
