import { describe, expect, it } from 'vitest';
import { parseEgressRule } from '../../src/config/egress-rule.ts';
import { EgressPolicy } from '../../src/egress/policy.ts';
import { FORBIDDEN_HOSTS } from '../support/forbidden-hosts.ts';

const open = new EgressPolicy({ policy: 'public', rules: [] });

/** What becomes of a host as a document writes it: read as the browser does, checked as the dialer does. */
function verdict(host: string, policy = open): string {
  if (!URL.canParse(`http://${host}/`)) return 'no URL';
  const { hostname, port } = new URL(`http://${host}/`);
  const address = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  return policy.denyAddress(address, Number(port || 80)) ?? 'allowed';
}

const PUBLIC = [
  '1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.1',
  '168.63.129.15', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.167.255.255',
  '192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255', '93.184.215.14', '0x08080808', '134744072',
  '[2606:4700:4700::1111]', '[2001:4860:4860::8888]', '[2a00:1450:4001:81b::200e]', '[2001:200::1]', '[2003::1]',
  '[2400:cb00::1]', '[2c0f:fb50::1]', '[3ffe::1]',
]; // prettier-ignore

describe('an address of a document', () => {
  it(`is refused in every one of ${FORBIDDEN_HOSTS.length} spellings that is not public`, () => {
    expect(FORBIDDEN_HOSTS.length).toBeGreaterThanOrEqual(200);
    // What is no URL cannot be asked for. Behind a backslash is a path.
    expect(FORBIDDEN_HOSTS.filter((host) => !['address', 'no URL'].includes(verdict(host)))).toEqual([]);
    expect(FORBIDDEN_HOSTS.filter((host) => verdict(host) === 'no URL').length).toBeLessThan(
      FORBIDDEN_HOSTS.length / 10,
    );
  });

  it.each(PUBLIC)('%s is public', (host) => expect(verdict(host)).toBe('allowed'));

  it.each([
    ['1.1.1.1:22', 'port'],
    ['1.1.1.1:443', 'allowed'],
    ['1.1.1.1:80', 'allowed'],
    ['1.1.1.1:8080', 'port'],
  ])('%s: %s', (host, expected) => expect(verdict(host)).toBe(expected));

  it('is refused with EGRESS_POLICY=none, public or not', () => {
    const none = new EgressPolicy({ policy: 'none', rules: [] });
    expect(['1.1.1.1', '10.0.0.1', '[2606:4700:4700::1111]'].map((host) => verdict(host, none))).toEqual(
      Array.from({ length: 3 }, () => 'policy'),
    );
  });
});

describe('EGRESS_ALLOW', () => {
  const allowing = (...rules: string[]) =>
    new EgressPolicy({ policy: 'none', rules: rules.flatMap((rule) => parseEgressRule(rule) ?? []) });

  it.each([
    [
      '10.1.0.0/16',
      ['10.1.2.3', '10.1.255.255:443', '10.2.0.0', '10.1.2.3:8080'],
      ['allowed', 'allowed', 'policy', 'policy'],
    ],
    [
      '127.0.0.1:3000',
      ['127.0.0.1:3000', '127.0.0.1', '127.0.0.2:3000', '127.0.0.1:3001'],
      ['allowed', 'policy', 'policy', 'policy'],
    ],
    ['[fd00::1]:8080', ['[fd00::1]:8080', '[fd00::2]:8080', '[fd00::1]'], ['allowed', 'policy', 'policy']],
    ['fd00::/8', ['[fd12::1]', '[fe80::1]'], ['allowed', 'policy']],
  ])('%s opens only that', (rule, hosts, expected) => {
    expect(hosts.map((host) => verdict(host, allowing(rule)))).toEqual(expected);
  });

  it.each([
    ['intranet.example', 'intranet.example', 443, true],
    ['intranet.example', 'intranet.example', 8080, false],
    ['intranet.example:8080', 'intranet.example', 8080, true],
    ['Intranet.Example', 'intranet.example', 80, true],
    ['intranet.example', 'evil-intranet.example', 80, false],
    ['intranet.example', 'a.intranet.example', 80, false],
    ['*.intranet.example', 'a.intranet.example', 80, true],
    ['*.intranet.example', 'intranet.example', 80, false],
    ['*.intranet.example', 'aintranet.example', 80, false],
  ])('%s: %s port %i: %s', (rule, host, port, isNamed) => {
    expect(allowing(rule).isNamed(host, port)).toBe(isNamed);
  });

  it.each([
    '10.0.0.0/33',
    '10.0.0',
    '1.2.3.4.5',
    'http://x',
    'a b',
    'x:0',
    'x:70000',
    '[::1',
    '::1/129',
    '*',
    '*.',
    '10.0.0.1/',
    '2130706433',
    '0x7f.1',
    'a..b',
    '',
  ])('%j is none', (text) => expect(parseEgressRule(text)).toBeUndefined());
});
