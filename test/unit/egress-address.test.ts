import { describe, expect, it } from 'vitest';
import { parseEgressRule } from '../../src/config/egress-rule.ts';
import { EgressPolicy } from '../../src/egress/policy.ts';

const open = new EgressPolicy({ policy: 'public', rules: [] });

/** What becomes of a host as a document writes it: read as the browser does, checked as the dialer does. */
function verdict(host: string, policy = open): string {
  if (!URL.canParse(`http://${host}/`)) return 'no URL';
  const { hostname, port } = new URL(`http://${host}/`);
  const address = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  return policy.denyAddress(address, Number(port || 80)) ?? 'allowed';
}

/** Every IPv4 way to write an address that `inet_aton`, and so the browser, understands. */
function spellings(address: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const whole = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const hex = (value: number) => `0x${value.toString(16)}`;
  const octal = (value: number) => `0${value.toString(8)}`;
  const wide = (text: string) =>
    text.replaceAll(/./g, (character) => String.fromCodePoint(character.charCodeAt(0) + 0xfee0));
  return [
    address,
    `${address}.`,
    `user:password@${address}`,
    `example.com@${address}`,
    `${address}\\@example.com`,
    `${whole}`,
    hex(whole),
    octal(whole),
    hex(whole).toUpperCase(),
    [a, b, c, d].map(hex).join('.'),
    [a, b, c, d].map(octal).join('.'),
    [a, b, c, d].map((value) => `000${octal(value)}`).join('.'),
    `${a}.${(b << 16) | (c << 8) | d}`,
    `${a}.${b}.${(c << 8) | d}`,
    `${hex(a)}.${(b << 16) | (c << 8) | d}`,
    `${octal(a)}.${b}.${hex((c << 8) | d)}`,
    wide(address),
    address.replaceAll('.', '\u3002'),
    `%${address.charCodeAt(0).toString(16)}${address.slice(1)}`,
    `[::ffff:${address}]`,
    `[::ffff:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}]`,
    `[0:0:0:0:0:ffff:${address}]`,
    `[::${address}]`,
    `[64:ff9b::${address}]`,
    `[64:ff9b:1::${address}]`,
    `[2002:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}::1]`,
    `[2001:0:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}::1]`,
    `[::ffff:0:${address}]`,
  ];
}

const PRIVATE_IPV4 = [
  '127.0.0.1',
  '127.255.255.254',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254', // AWS, GCP, Azure, Oracle, DigitalOcean, Hetzner
  '169.254.170.2', // credentials of AWS ECS
  '100.100.100.200', // Alibaba
  '192.0.0.192', // Oracle
  '168.63.129.16', // Azure
  '100.64.0.1',
  '0.0.0.0',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
];

const PRIVATE_OTHERWISE = [
  '127.1',
  '0',
  '10.1',
  '[::1]',
  '[::]',
  '[0000:0000:0000:0000:0000:0000:0000:0001]',
  '[fe80::1]',
  '[fec0::1]',
  '[fc00::1]',
  '[fd00::1]',
  '[fd00:ec2::254]', // AWS
  '[fd20:ce::254]', // GCP
  '[ff02::1]',
  '[100::1]',
  '[2001:db8::1]',
  '[2001::1]',
  '[2001:10::1]',
  '[2001:20::1]',
  '[2002::1]',
  '[3fff::1]',
  '[4000::1]',
  '[5f00::1]',
  '[::7f00:1]',
  '[::ffff:7f00:1]',
  '[fe80::1%25eth0]',
];

const PUBLIC = [
  '1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.1',
  '168.63.129.15', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.167.255.255',
  '192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255', '93.184.215.14', '0x08080808', '134744072',
  '[2606:4700:4700::1111]', '[2001:4860:4860::8888]', '[2a00:1450:4001:81b::200e]', '[2001:200::1]', '[2003::1]',
  '[2400:cb00::1]', '[2c0f:fb50::1]', '[3ffe::1]',
]; // prettier-ignore

describe('an address of a document', () => {
  const table = [...PRIVATE_IPV4.flatMap(spellings), ...PRIVATE_OTHERWISE];

  it(`is refused in every one of ${table.length} spellings that is not public`, () => {
    expect(table.length).toBeGreaterThanOrEqual(200);
    // What is no URL cannot be asked for. Behind a backslash is a path.
    expect(table.filter((host) => !['address', 'no URL'].includes(verdict(host)))).toEqual([]);
    expect(table.filter((host) => verdict(host) === 'no URL').length).toBeLessThan(table.length / 10);
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
