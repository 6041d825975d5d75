/** What a page says: its scripts by `console`, or the browser of an error that no script catches (`exception`). */
export const MESSAGE_TYPES = ['exception', 'error', 'warning', 'info', 'log', 'debug'] as const;

/** A message of a page, as developers see it in the console of their browser. */
export interface ConsoleMessage {
  type: (typeof MESSAGE_TYPES)[number];
  /** at most 1,000 characters */
  text: string;
  /** where it comes from: address, line and column, such as `https://a.example/app.js:12:5`; null: not known */
  at: string | null;
  /** how often it came in a row */
  times: number;
}

export const MAX_MESSAGES = 100;
/** Bytes of all texts together. */
export const MAX_MESSAGE_BYTES = 16_384;

/** What a document showed beside its PDF. */
export interface PageReport {
  /** the first ones, and errors before others: at most 100 and 16 KB */
  messages: ConsoleMessage[];
  /** of all messages */
  messageCount: number;
  /** a JPEG of the page at the moment of its failure */
  picture?: Uint8Array | undefined;
}

/** Whether a message says that something went wrong. */
export const isError = ({ type }: Pick<ConsoleMessage, 'type'>) => type === 'exception' || type === 'error';

/** Characters of an error that are shown to those who may not see documents. */
const MAX_ERROR = 200;

/** What may be shown to those who may not see documents: errors, cut. Anything else may be of a document. */
export function errorsOf(messages: readonly ConsoleMessage[]): ConsoleMessage[] {
  return messages
    .filter(isError)
    .map(({ text, ...rest }) => ({ ...rest, text: text.slice(0, MAX_ERROR).toWellFormed() }));
}

export const sizeOf = ({ text, at }: ConsoleMessage): number =>
  new TextEncoder().encode(text).length + new TextEncoder().encode(at ?? '').length;

/** Of several documents of a job, in their order. @returns undefined if there is nothing to report */
export function joinReports(reports: readonly (PageReport | undefined)[]): PageReport | undefined {
  const there = reports.filter((report) => report !== undefined);
  const [only] = there;
  if (only === undefined || there.length === 1) return only;
  const all = there.flatMap(({ messages }) => messages);
  // Errors say why a job failed, in whichever of its documents.
  let bytes = 0;
  const kept = new Set(
    [...all.filter(isError), ...all.filter((message) => !isError(message))].slice(0, MAX_MESSAGES).filter((message) => {
      bytes += sizeOf(message);
      return bytes <= MAX_MESSAGE_BYTES;
    }),
  );
  const picture = there.findLast((report) => report.picture !== undefined)?.picture;
  return {
    messages: all.filter((message) => kept.has(message)),
    messageCount: there.reduce((sum, { messageCount }) => sum + messageCount, 0),
    ...(picture && { picture }),
  };
}
