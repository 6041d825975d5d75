import type { ServerResponse } from 'node:http';
import { startSite } from './site.ts';

export interface Gate {
  /** a document that is being rendered until the gate is opened */
  html: string;
  /** an image that comes when the gate is opened */
  url: string;
  /** how many documents wait */
  readonly waiting: number;
  /** the setting that lets a worker's documents come to the gate */
  env: { EGRESS_ALLOW: string };
  /** lets those pass that wait, and all that come */
  open: () => void;
  /** from now on documents wait again */
  shut: () => void;
}

/** Keeps documents in hand for exactly as long as a test needs them there, however slow the machine is. */
export async function startGate(): Promise<Gate> {
  let isOpen = false;
  const waiting = new Set<ServerResponse>();
  const { origin, env } = await startSite((_, response) => {
    response.writeHead(200, { 'content-type': 'image/svg+xml', 'cache-control': 'no-store' });
    if (isOpen) response.end(IMAGE);
    else {
      waiting.add(response);
      response.once('close', () => waiting.delete(response));
    }
  });
  return {
    html: `<p>x</p><img src="${origin}/">`,
    url: `${origin}/`,
    get waiting() {
      return waiting.size;
    },
    env,
    open: () => {
      isOpen = true;
      for (const response of waiting) response.end(IMAGE);
      waiting.clear();
    },
    shut: () => (isOpen = false),
  };
}

const IMAGE = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
