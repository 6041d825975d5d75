import { BlockList, isIP } from 'node:net';

/**
 * IPv4 networks outside the public internet: IANA's special-purpose registry (RFC 6890 and its updates), multicast,
 * and Azure's 168.63.129.16, a public address at which the cloud offers services to its own machines.
 */
const NOT_PUBLIC_IPV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8',
  '100.64.0.0/10', // carrier-grade NAT; Alibaba's metadata service
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16', // link-local: the metadata services of AWS, GCP, Azure, Oracle, DigitalOcean, …
  '172.16.0.0/12',
  '192.0.0.0/24', // IETF protocol assignments; Oracle's metadata service
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16',
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
];

/** The range for public addresses, and the parts of it that are not public or that contain an IPv4 address. */
const PUBLIC_IPV6 = '2000::/3';
const NOT_PUBLIC_IPV6 = [
  '2001::/23', // IETF protocol assignments: Teredo, benchmarks, ORCHID, …
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: contains an IPv4 address
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
];

const notPublic = blockList([...NOT_PUBLIC_IPV4, ...NOT_PUBLIC_IPV6]);
const publicIpv6 = blockList([PUBLIC_IPV6]);

/**
 * Whether an address is on the public internet. Anything not known to be public counts as not public, such as IPv4
 * addresses written as IPv6 (`::ffff:10.0.0.1`, `64:ff9b::a00:1`).
 * @param address as the resolver or `URL` writes it, without brackets; any other text is not public
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !notPublic.check(address, 'ipv4');
    case 6:
      return !address.includes('%') && publicIpv6.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
    default:
      return false;
  }
}

export function blockList(networks: string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits = ''] = network.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
