import type { ComposeInput, TemplateInput } from './compose-input.ts';
import type { Identity } from '../kernel/privileges.ts';

// What the composer and its processes tell each other, over Node's own channel.

/** A template as it is sent: data as JSON, and texts only to a process that may not have them. */
export type SentTemplate = Omit<TemplateInput, 'data' | 'texts'> & {
  json: string;
  texts?: TemplateInput['texts'] | undefined;
};

/** `start` comes first. */
export type Order =
  | { do: 'start'; identity: Identity | undefined }
  | { do: 'compose'; input: SentTemplate | Exclude<ComposeInput, TemplateInput>; limits: ComposeLimits };

/** Of one compose, inside the process. */
export interface ComposeLimits {
  /** milliseconds of rendering; checked between two tags */
  timeoutMs: number;
  /** characters that it may make and items that it may collect on the way, about eight bytes each */
  memoryUnits: number;
  /** characters of the result */
  outputLength: number;
}

/** Each order gets one answer. `needs`: the process has forgotten the texts of this key, or never had them. */
export type Answer =
  | { html: string }
  | { isStarted: true }
  | { needs: 'texts' }
  | { failed: { code: 'template_failed' | 'data_invalid' | undefined; message: string } };
