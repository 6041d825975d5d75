/** The deliveries of one tenant to one host. */
export interface Destination {
  userId: string;
  /** with its port, as in a URL */
  host: string;
}

/** A destination, and how many of its deliveries may be taken. */
export interface Share extends Destination {
  places: number;
}

/** How long a slow destination has one place, unless it answers in time before. Milliseconds. */
const SLOW_MS = 60_000;
/** Destinations and tenants that are remembered as slow, and tenants whose next host is. */
const REMEMBERED = 1_000;
/** How many deliveries may be aside, for each slot: one that waits for an answer costs a connection and its message. */
const ASIDE = 8;

/**
 * Who may use the slots of this process. A receiver that hangs takes the places of its own destination only, however much there
 * is for it: a destination has an eighth of the slots, a tenant a quarter and a host half of them. After one that was slow, its
 * destination has one place and its tenant a sixteenth for a minute, and all such tenants together half of the slots: so
 * however many they are, and whatever hosts they name, the other half is for the others. While a receiver does not answer,
 * its delivery is set aside: another may have its slot. Tenants take turns, and so do the hosts of each.
 */
export class DeliverySlots {
  readonly #slots: number;
  readonly #limits: { destination: number; user: number; host: number; slowUser: number; allSlow: number };
  /** with those that are aside for the destination, without them for tenant and host */
  readonly #taken = { destination: new Map<string, Destination & { count: number }>(), user: count(), host: count() };
  /** deliveries that are aside, by tenant */
  readonly #aside = count();
  /** until when, by destination */
  readonly #slow = new Map<string, number>();
  /** the same by tenant */
  readonly #slowUsers = new Map<string, number>();
  /** the host that was served last, of tenants with several */
  readonly #lastHost = new Map<string, string>();
  #lastUser = '00000000-0000-0000-0000-000000000000';

  /** @param of limits other than the usual ones */
  constructor(slots: number, of: { user?: number } = {}) {
    this.#slots = slots;
    const part = (of: number) => Math.max(2, Math.floor(slots / of));
    this.#limits = { destination: part(8), user: part(4), host: part(2), slowUser: part(16), allSlow: part(2), ...of };
  }

  get free(): number {
    return this.#slots - total(this.#taken.user);
  }

  /** Whose turn was last: the next destinations are looked for after these. */
  get turns(): { lastUser: string; lastHosts: readonly (readonly [userId: string, host: string])[] } {
    return { lastUser: this.#lastUser, lastHosts: [...this.#lastHost] };
  }

  /** What has no place now, so that it is not looked at. */
  get full(): { users: string[]; hosts: string[]; destinations: Destination[] } {
    const { destination, user, host } = this.#taken;
    const slow = this.#busyBySlow >= this.#limits.allSlow ? [...this.#slowUsers.keys()] : [];
    const full = [...user].flatMap(([id, taken]) => (taken >= this.#userLimit(id) ? [id] : []));
    return {
      users: [...new Set([...full, ...slow.filter((id) => this.#isSlow(id))])],
      hosts: [...host].flatMap(([name, taken]) => (taken >= this.#limits.host ? [name] : [])),
      destinations: [...destination.values()].filter((each) => each.count >= this.#limitOf(each)),
    };
  }

  #limitOf(destination: Destination): number {
    return (this.#slow.get(keyOf(destination)) ?? 0) > performance.now() ? 1 : this.#limits.destination;
  }

  #isSlow(userId: string): boolean {
    return (this.#slowUsers.get(userId) ?? 0) > performance.now();
  }

  #userLimit(userId: string): number {
    return this.#isSlow(userId) ? this.#limits.slowUser : this.#limits.user;
  }

  get #busyBySlow(): number {
    return [...this.#taken.user].reduce((sum, [id, taken]) => sum + (this.#isSlow(id) ? taken : 0), 0);
  }

  /** Nothing was found for the tenants up to this one: the others are next. */
  pass(userId: string): void {
    this.#lastUser = userId;
  }

  /** Divides the free slots: one for each tenant in turn, until none is left. @param wanted in the order of their turns */
  share(wanted: readonly Destination[]): Share[] {
    const shares = wanted.map((destination) => ({ ...destination, places: 0 }));
    const tenants = [...Map.groupBy(shares, ({ userId }) => userId).values()].map((own) => ({ own, next: 0 }));
    const given = { user: count(), host: count() };
    let leftForSlow = this.#limits.allSlow - this.#busyBySlow;
    const hasRoom = (share: Share) =>
      (leftForSlow > 0 || !this.#isSlow(share.userId)) &&
      (this.#taken.destination.get(keyOf(share))?.count ?? 0) + share.places < this.#limitOf(share) &&
      sumOf(share.userId, this.#taken.user, given.user) < this.#userLimit(share.userId) &&
      sumOf(share.host, this.#taken.host, given.host) < this.#limits.host;
    let left = this.free;
    for (let isAny = true; isAny && left > 0;) {
      isAny = false;
      for (const tenant of tenants) {
        const { own, next } = tenant;
        const at = own.findIndex((_, offset) => hasRoom(own[(next + offset) % own.length] as Share));
        const share = own[(next + at) % own.length];
        if (left === 0 || at === -1 || !share) continue;
        share.places++;
        if (this.#isSlow(share.userId)) leftForSlow--;
        add(given.user, share.userId, 1);
        add(given.host, share.host, 1);
        tenant.next = (next + at + 1) % own.length;
        this.#lastUser = share.userId;
        if (own.length > 1) remember(this.#lastHost, share.userId, share.host);
        left--;
        isAny = true;
      }
    }
    return shares.filter(({ places }) => places > 0);
  }

  take({ userId, host }: Destination): void {
    const key = keyOf({ userId, host });
    this.#taken.destination.set(key, { userId, host, count: (this.#taken.destination.get(key)?.count ?? 0) + 1 });
    add(this.#taken.user, userId, 1);
    add(this.#taken.host, host, 1);
  }

  /**
   * The receiver of a delivery does not answer: it counts as slow, and another may have the slot.
   * @returns whether it is aside; it keeps its slot if as many are as its tenant, or all, may have there
   */
  setAside({ userId, host }: Destination): boolean {
    this.#rememberSlow({ userId, host });
    const isFull = (this.#aside.get(userId) ?? 0) >= this.#limits.user || total(this.#aside) >= ASIDE * this.#slots;
    if (isFull) return false;
    add(this.#aside, userId, 1);
    this.#leave({ userId, host });
    return true;
  }

  /** @param isSlow whether the receiver was slow; undefined: it was not asked */
  release({ userId, host }: Destination, isSlow: boolean | undefined, isAside = false): void {
    const key = keyOf({ userId, host });
    const destination = this.#taken.destination.get(key);
    if (destination && --destination.count <= 0) this.#taken.destination.delete(key);
    if (isAside) add(this.#aside, userId, -1);
    else this.#leave({ userId, host });
    if (isSlow === true) this.#rememberSlow({ userId, host });
    else if (isSlow === false) this.#slow.delete(key);
  }

  /** A slot is free. */
  #leave({ userId, host }: Destination): void {
    add(this.#taken.user, userId, -1);
    add(this.#taken.host, host, -1);
  }

  #rememberSlow(destination: Destination): void {
    remember(this.#slow, keyOf(destination), performance.now() + SLOW_MS);
    remember(this.#slowUsers, destination.userId, performance.now() + SLOW_MS);
  }
}

const count = () => new Map<string, number>();
const keyOf = ({ userId, host }: Destination) => `${userId} ${host}`;
const total = (counts: Map<string, number>) => [...counts.values()].reduce((sum, each) => sum + each, 0);
const sumOf = (key: string, ...counts: Map<string, number>[]) =>
  counts.reduce((sum, of) => sum + (of.get(key) ?? 0), 0);

function add(counts: Map<string, number>, key: string, change: number): void {
  const now = (counts.get(key) ?? 0) + change;
  if (now > 0) counts.set(key, now);
  else counts.delete(key);
}

/** The oldest are forgotten. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > REMEMBERED && !oldest.done) map.delete(oldest.value);
}
