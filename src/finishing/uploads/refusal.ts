import { CodedError } from '../../kernel/errors.ts';

/** Why an upload is refused, without the field that it is in. */
export class Refusal extends Error {
  override name = 'Refusal';
  /** below the field, such as `password` */
  readonly below: string | undefined;

  constructor(message: string, { below, cause }: { below?: string; cause?: unknown } = {}) {
    super(message, { cause });
    this.below = below;
  }

  /** @param field that the upload is in */
  of(field: string): CodedError {
    const name = this.below === undefined ? field : `${field}.${this.below}`;
    return new CodedError('pdf_refused', `${name}: ${this.message}`, { cause: this });
  }
}
