import { CodedError, systemCodeOf } from '../kernel/errors.ts';

/** Never a document, an address, a header or a message: all of it leaves the house. */
export type Attributes = Record<string, string | number | boolean | undefined>;

/** Something that takes time, as a part of a trace. Times are those of `performance.now()`. */
export abstract class Span {
  /** For whoever goes on with the trace; where nobody traces, what was given. */
  abstract readonly traceparent: string | undefined;

  abstract rename(name: string): void;

  abstract set(attributes: Attributes): void;

  /** A part of it. */
  abstract child(name: string, startedAt?: number): Span;

  /** Ends the parts that are still open, as failed. @param error of which kind, from a closed set */
  abstract cutShort(error: string): void;

  /** Twice is fine; what is said later is lost. @param error of which kind, from a closed set */
  abstract end(options?: { error?: string | undefined; at?: number }): void;

  /** Does `work` as a part of it. */
  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    const child = this.child(name);
    try {
      return await work();
    } catch (error) {
      child.end({ error: errorType(error) });
      throw error;
    } finally {
      child.end();
    }
  }
}

/** Where nobody traces: it hands on what the caller gave, and costs nothing. */
export class Untraced extends Span {
  readonly traceparent: string | undefined;

  constructor(traceparent?: string) {
    super();
    this.traceparent = traceparent;
  }

  rename(): void {}

  set(): void {}

  child(): Span {
    return this;
  }

  cutShort(): void {}

  end(): void {}

  override during<T>(_: string, work: () => Promise<T>): Promise<T> {
    return work();
  }
}

/** The kind of an error, as a word without anything of its message. */
export function errorType(error: unknown): string {
  if (error instanceof CodedError) return error.code;
  const name = systemCodeOf(error) ?? (error instanceof Error ? error.name : '');
  return /^\w{1,50}$/.test(name) ? name : 'unknown'; // a document may throw whatever it likes
}
