/** The longest name DNS allows, in characters. */
const MAX_HOST_LENGTH = 255;

/** A host and port that a document asks to connect to. */
export interface Target {
  /** as in `URL.hostname` */
  host: string;
  port: number;
}

/** Parses `host:port` of a CONNECT request the way a browser does. */
export function tunnelTarget(text: string): Target | undefined {
  const [, host, port] = /^([^/?#\\@\s]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || host.length > MAX_HOST_LENGTH || !URL.canParse(`http://${host}/`)) return undefined;
  const { hostname } = new URL(`http://${host}/`);
  return Number(port) >= 1 && Number(port) <= 65_535 ? { host: hostname, port: Number(port) } : undefined;
}

/** Parses the URL of a request in absolute form; undefined unless it is an http URL. */
export function absoluteHttpUrl(text: string): URL | undefined {
  if (!/^http:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.hostname.length > MAX_HOST_LENGTH ? undefined : url;
}
