import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * An origin that the proxy answers by itself, for one document, without connecting to anything: there is no port
 * that others could find, and no other document is answered there.
 */
export interface ServedOrigin {
  /** `http://name`: a name that nobody else has, on port 80 */
  origin: string;
  /** Ends the response, whatever comes. @param url within the origin */
  answer: (url: URL, request: IncomingMessage, response: ServerResponse) => void;
}
