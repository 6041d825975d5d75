import { randomUUID } from 'node:crypto';
import { jsonBytes } from './json-bytes.ts';

/** Characters of a text that is worth it. */
const LARGE = 65_536;

/** The text of the command that is being sent, which takes no turn of the event loop. */
let apart: { standIn: string; json: Buffer } | undefined;

/**
 * Sends a command with a text that may be large. Puppeteer gets a short word instead of a large one, so that it does not
 * escape and copy it, and the pipe puts the text in its place.
 * @param send sends at once, with what it is given as the text
 */
export function withLargeText<T>(text: string, send: (text: string) => T): T {
  if (text.length < LARGE) return send(text);
  apart = { standIn: randomUUID(), json: jsonBytes(text) };
  try {
    return send(apart.standIn);
  } finally {
    apart = undefined;
  }
}

/** What is written for a command of puppeteer, as JSON. */
export function piecesOf(command: string): (string | Buffer)[] {
  const word = apart && `"${apart.standIn}"`;
  const at = word === undefined ? -1 : command.indexOf(word);
  if (!apart || word === undefined || at === -1) return [command];
  return [command.slice(0, at), apart.json, command.slice(at + word.length)];
}
