/** Characters. DNS has no longer names; a longer one is not worth parsing. */
const MAX_HOST_LENGTH = 255;

/** Where a document wants to connect to. */
export interface Target {
  /** as `URL.hostname` */
  host: string;
  port: number;
}

/** `host:port` of a CONNECT, read as the browser would. */
export function tunnelTarget(text: string): Target | undefined {
  const [, host, port] = /^([^/?#\\@\s]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || host.length > MAX_HOST_LENGTH || !URL.canParse(`http://${host}/`)) return undefined;
  const { hostname } = new URL(`http://${host}/`);
  return Number(port) >= 1 && Number(port) <= 65_535 ? { host: hostname, port: Number(port) } : undefined;
}

/** The address of a request in absolute form. */
export function absoluteHttpUrl(text: string): URL | undefined {
  if (!/^http:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.hostname.length > MAX_HOST_LENGTH ? undefined : url;
}
