import { checkedText } from './check-input.ts';
import { urlPatternProblem } from './url-pattern.ts';

const MAX_LENGTH = 200;

/** A pattern of URLs, as a field of a request. */
export const urlPatternField = checkedText(urlPatternProblem, MAX_LENGTH);
