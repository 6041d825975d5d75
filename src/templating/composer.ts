import { CodedError } from '../kernel/errors.ts';

/** What becomes HTML. */
export type ComposeInput =
  | {
      kind: 'template';
      /** `invoice@7`, for messages */
      name: string;
      /** the same key has the same texts, which are then parsed once */
      key?: string;
      /** files by their paths: Liquid, markdown, locales/*.json, schema.json */
      texts: Record<string, string>;
      data: unknown;
      locale: string;
      timezone: string;
    }
  | { kind: 'markdown'; text: string; allowHtml: boolean; styleSheet?: string | undefined; locale: string };

/** Writes HTML. */
export class Composer {
  /** @throws CodedError */
  async compose(
    input: ComposeInput,
    _limits: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<string> {
    throw new CodedError('template_failed', `${input.kind}: not in this release`);
  }
}
