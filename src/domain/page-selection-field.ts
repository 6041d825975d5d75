import { checkedText } from './check-input.ts';
import { pageSelectionProblem } from './page-selection.ts';

/** A field with a selection of pages. */
export const pageSelectionField = checkedText(pageSelectionProblem, 1_000);
