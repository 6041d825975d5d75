import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * An origin that the proxy answers itself, for one document, without any connection: there is no port that others
 * could find, and other documents get no answer there.
 */
export interface ServedOrigin {
  /** `http://name`, with a unique name, on port 80 */
  origin: string;
  /** Always ends the response. @param url within the origin */
  answer: (url: URL, request: IncomingMessage, response: ServerResponse) => void;
}
