const ALLOWED =
  'allowed: a host name such as example.com, which stands for its subdomains too; with another port than the usual one example.com:8080, with any port example.com:*';

interface HostRule {
  host: string;
  /** empty: the usual one of the scheme; `*`: any */
  port: string;
}

function ruleOf(text: string): HostRule | undefined {
  const [, name = '', port = ''] = /^([a-z\d_.-]{1,253})(?::(\d{1,5}|\*))?$/i.exec(text) ?? [];
  const url = name === '' ? null : URL.parse(`http://${name}/`);
  return url ? { host: url.hostname, port } : undefined;
}

/** @returns undefined if the text is a rule: a host name with or without a port */
export function hostRuleProblem(text: string): string | undefined {
  return ruleOf(text) ? undefined : ALLOWED;
}

/** @returns whether a URL is at the host of one of the rules, or at a subdomain of it */
export function hostMatcher(rules: readonly string[]): (url: string) => boolean {
  const known = rules.map(ruleOf).filter((rule) => rule !== undefined);
  return (text) => {
    const url = URL.parse(text);
    if (!url) return false;
    const { hostname, port } = url;
    return known.some((rule) => {
      const isThere = hostname === rule.host || hostname.endsWith(`.${rule.host}`);
      return isThere && (rule.port === '*' || rule.port === port);
    });
  };
}
