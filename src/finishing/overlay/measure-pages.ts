import { CodedError } from '../../kernel/errors.ts';
import type { Draft } from '../draft.ts';
import type { Sheet, StepContext } from '../step.ts';
import { pageGeometry } from './page-geometry.ts';

/** Points of a side: what the browser prints, and what most readers show. */
const MAX_SIDE = 14_400;

const rounded = ({ width, height }: Sheet): Sheet => ({ width: round(width), height: round(height) });
/** Thousandths of a point. */
const round = (side: number) => Math.max(0.001, Math.round(side * 1000) / 1000);

/** Reports how large each page is shown. @throws CodedError if no layer can be printed for one */
export async function measurePages(drafts: Draft[], _: unknown, context: StepContext): Promise<Draft[]> {
  const sheets: Sheet[][] = [];
  let number = 0;
  for (const draft of drafts) {
    const pdf = await draft.document();
    const ofDraft = pdf.getPages().map(({ dict }) => rounded(pageGeometry(pdf, dict).sheet));
    for (const { width, height } of ofDraft) {
      number++;
      if (Math.max(width, height) > MAX_SIDE)
        throw new CodedError('finishing_invalid', `finishing: page ${number} is ${Math.round(width)} × ${Math.round(height)} points; layers are allowed on pages of at most ${MAX_SIDE}`); // prettier-ignore
    }
    sheets.push(ofDraft);
  }
  context.reportSheets(sheets);
  return drafts;
}
