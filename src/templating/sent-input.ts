import type { MarkdownInput, TemplateInput } from './compose-input.ts';

/** A template as its process gets it: data as JSON, and texts only if the process may not have them. */
export type SentTemplate = Omit<TemplateInput, 'data' | 'texts'> & {
  json: string;
  texts?: TemplateInput['texts'] | undefined;
};

export type SentInput = SentTemplate | MarkdownInput;

/** Of one compose, inside the process. */
export interface ComposeLimits {
  /** milliseconds of rendering; checked between two tags */
  timeoutMs: number;
  /** characters that it may make and items that it may collect on the way, about eight bytes each */
  memoryUnits: number;
  /** characters of the result */
  outputLength: number;
}
