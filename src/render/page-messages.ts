import type { Page, Protocol } from 'puppeteer';
import {
  type ConsoleMessage,
  isError,
  MAX_MESSAGE_BYTES,
  MAX_MESSAGES,
  type PageReport,
  sizeOf,
} from '../domain/page-report.ts';
import { shownUrl } from '../domain/shown-url.ts';
import { consoleText, thrownText } from './console-text.ts';
import { sessionOfPuppeteer } from './puppeteer-session.ts';

/** Characters of one text. */
const MAX_TEXT = 1_000;
const MAX_ADDRESS = 300;

/** Of calls of `console`; all others are `log`. */
const TYPES: Partial<Record<Protocol.Runtime.ConsoleAPICalledEvent['type'], ConsoleMessage['type'] | undefined>> = {
  error: 'error',
  assert: 'error',
  warning: 'warning',
  info: 'info',
  debug: 'debug',
};
/** They say nothing. */
const SILENT = new Set<Protocol.Runtime.ConsoleAPICalledEvent['type']>(['clear', 'endGroup', 'profile', 'profileEnd']);

/** What the browser itself reports of these is in the list of failed resources, or advice to authors. */
const UNTOLD = new Set<Protocol.Log.LogEntry['source']>([
  'network',
  'violation',
  'recommendation',
  'deprecation',
  'intervention',
  'worker',
]);

interface Place {
  url?: string | undefined;
  /** from 0 */
  lineNumber?: number | undefined;
  columnNumber?: number | undefined;
}

/** The messages of one document. It keeps the first ones; an error that comes later takes the place of one that is none. */
export class PageMessages {
  readonly #shown: (url: string) => string;
  readonly #kept: ConsoleMessage[] = [];
  #bytes = 0;
  #count = 0;

  /** @param shown a URL of the document for messages */
  constructor(shown: (url: string) => string = shownUrl) {
    this.#shown = shown;
  }

  get report(): PageReport | undefined {
    return this.#count === 0 ? undefined : { messages: this.#kept, messageCount: this.#count };
  }

  logged({ type, args, stackTrace }: Protocol.Runtime.ConsoleAPICalledEvent): void {
    if (!SILENT.has(type)) this.#add(TYPES[type] ?? 'log', () => consoleText(args), stackTrace?.callFrames[0]);
  }

  threw({ exceptionDetails }: Protocol.Runtime.ExceptionThrownEvent): void {
    const { url, lineNumber, columnNumber, stackTrace } = exceptionDetails;
    const place = stackTrace?.callFrames[0] ?? { url, lineNumber, columnNumber };
    this.#add('exception', () => thrownText(exceptionDetails), place);
  }

  reported({ entry: { source, level, text, url, lineNumber } }: Protocol.Log.EntryAddedEvent): void {
    if (UNTOLD.has(source) || (level !== 'error' && level !== 'warning')) return;
    this.#add(level, () => text, { url, lineNumber });
  }

  #add(type: ConsoleMessage['type'], text: () => string, place: Place = {}): void {
    this.#count++;
    const isFull = this.#kept.length >= MAX_MESSAGES || this.#bytes >= MAX_MESSAGE_BYTES;
    // A document may log without end: what is not kept is not put together either.
    if (isFull && !isError({ type })) return;
    const message = { type, text: this.#storable(text(), MAX_TEXT), at: this.#at(place), times: 1 };
    const last = this.#kept.at(-1);
    if (last?.type === message.type && last.text === message.text && last.at === message.at) {
      last.times++;
      return;
    }
    const bytes = sizeOf(message);
    const fits = () => this.#kept.length < MAX_MESSAGES && this.#bytes + bytes <= MAX_MESSAGE_BYTES;
    while (!fits() && isError(message)) {
      const index = this.#kept.findLastIndex((each) => !isError(each));
      if (index === -1) return;
      for (const dropped of this.#kept.splice(index, 1)) this.#bytes -= sizeOf(dropped);
    }
    if (!fits()) return;
    this.#kept.push(message);
    this.#bytes += bytes;
  }

  /** Postgres takes neither NUL nor half a pair of surrogates in JSON. Addresses in it may have credentials. */
  #storable(text: string, length: number): string {
    return text
      .slice(0, length * 2)
      .replaceAll(/\bhttps?:\/\/[^\s"'<>()]+/g, (url) => this.#shown(url))
      .slice(0, length)
      .toWellFormed()
      .replaceAll(/(?!\n)\p{Cc}/gu, ' ')
      .trim();
  }

  #at({ url, lineNumber, columnNumber }: Place): string | null {
    if (lineNumber === undefined) return null;
    const line = columnNumber === undefined ? `${lineNumber + 1}` : `${lineNumber + 1}:${columnNumber + 1}`;
    const shown = url === undefined || url.startsWith('about:') ? '' : this.#storable(this.#shown(url), MAX_ADDRESS);
    return shown === '' ? line : `${shown}:${line}`;
  }
}

/** Calls back for each message of the page from now on. */
export function onPageMessages(page: Page, messages: () => PageMessages): void {
  const session = sessionOfPuppeteer(page);
  session.on('Runtime.consoleAPICalled', (event) => messages().logged(event));
  session.on('Runtime.exceptionThrown', (event) => messages().threw(event));
  session.on('Log.entryAdded', (event) => messages().reported(event));
}
