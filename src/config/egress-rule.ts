import { isIP } from 'node:net';

/** A network or a host that documents may load from in addition to the public internet, on these ports. */
export type EgressRule =
  | { kind: 'network'; network: string; ports: readonly number[] }
  /** `*.example.com` is every name below example.com */
  | { kind: 'host'; host: string; ports: readonly number[] };

/** For http and https. */
export const WEB_PORTS: readonly number[] = [80, 443];

export const EGRESS_RULES_ALLOWED =
  'networks and hosts, separated by commas: 10.1.0.0/16, 10.1.2.3:8080, [fd00::1]:8080, intranet.example, *.intranet.example, intranet.example:8443';

/** @returns undefined if the text is no rule */
export function parseEgressRule(text: string): EgressRule | undefined {
  const [, bracketed, port] = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text) ?? [];
  if (bracketed !== undefined) return networkRule(bracketed, port);
  if (isIP(text.split('/')[0] ?? '') === 6) return networkRule(text, undefined);
  const [, name = '', namedPort] = /^([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  return networkRule(name, namedPort) ?? hostRule(name, namedPort);
}

function networkRule(text: string, port: string | undefined): EgressRule | undefined {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  const ports = portsOf(port);
  if (version === 0 || address.includes('%') || more.length > 0 || !ports) return undefined;
  const most = version === 6 ? 128 : 32;
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most)) return undefined;
  return { kind: 'network', network: `${address}/${bits ?? most}`, ports };
}

function hostRule(text: string, port: string | undefined): EgressRule | undefined {
  const ports = portsOf(port);
  const name = text.replace(/^\*\./, '');
  // With a last label of digits it would be an IPv4 address in an older notation.
  const isName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(name) && !/(^|\.)(\d+|0x[\da-f]*)$/i.test(name);
  return isName && ports ? { kind: 'host', host: text.toLowerCase(), ports } : undefined;
}

function portsOf(text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return WEB_PORTS;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? [port] : undefined;
}
