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

/** Hosts that nothing of ours may connect to, in every spelling that a URL may have. */
export const FORBIDDEN_HOSTS = [...PRIVATE_IPV4.flatMap(spellings), ...PRIVATE_OTHERWISE];

/**
 * URLs that nothing may be sent to: all spellings of those hosts, others by how they are written, and what is no address of
 * the web at all.
 * @param open the one address that is open, on this port
 */
export function forbiddenUrls(open: string, port: number): string[] {
  return [
    ...FORBIDDEN_HOSTS.map((host) => `http://${host}:${port}/spelling`),
    `http://localhost:${port}/`,
    `http://LOCALHOST.:${port}/`,
    `http://a.localhost:${port}/`,
    `http://ＬＯＣＡＬＨＯＳＴ:${port}/`,
    `http://ⓛocalhost:${port}/`,
    `http://%6cocal%68ost:${port}/`,
    `http://loc\u00adalhost:${port}/`,
    `http://127。0。0。1:${port}/`,
    `http:127.0.0.1:${port}/`,
    `http:/127.0.0.1:${port}/`,
    `http:\\\\127.0.0.1:${port}\\`,
    `  http://127.0.0.1:${port}/  `,
    `http://127.0.\n0.1:${port}/`,
    `ht\ttp://127.0.0.1:${port}/`,
    `HTTPS://127.0.0.1:${port}/`,
    `http://${open}:${port}@127.0.0.1:${port}/`,
    `http://127.0.0.1:${port}#@${open}:${port}/`,
    `http://[::1%25lo]:${port}/`,
    `http://127.0.0.1%00.example:${port}/`,
    `http://127.0.0.1%2f.example:${port}/`,
    `http://a.example:22/`,
    `http://a.example:25/`,
    `http://a.example:6379/`,
    `https://a.example:0/`,
    `http://a.example:65536/`,
    `http://${open}:${port + 1}/`,
    `ftp://${open}:${port}/`,
    `ws://${open}:${port}/`,
    `gopher://127.0.0.1:${port}/_SET%20a%20b`,
    'file:///etc/passwd',
    'data:text/plain,x',
    'javascript:alert(1)',
    'blob:http://127.0.0.1/x',
    'unix:/run/postgresql/.s.PGSQL.5432',
    '//127.0.0.1/',
    '/v1/jobs',
    'http://',
    'http:///',
    'http://?',
    ' ',
  ];
}
