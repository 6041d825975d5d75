import type { PoolMember } from './pool-member.ts';
import type { WarmPage } from './warm-page.ts';

/** A page and its browser. */
export interface Lease {
  page: WarmPage;
  member: PoolMember;
  /** of a page that static documents of several tenants share: how many there were, and when the first one came */
  shared?: { documents: number; since: number };
}
