import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { LADDER, secondsToNextTry } from '../../src/deliveries/ladder.ts';
import { DeliverySlots } from '../../src/deliveries/delivery-slots.ts';
import { newSecret } from '../../src/deliveries/webhook-secret.ts';
import { signatureHeaders } from '../../src/deliveries/sign.ts';
import { printable } from '../../src/egress/answer-text.ts';
import { retryAfterSeconds } from '../../src/egress/retry-after.ts';

describe('the time until the next try', () => {
  it('grows from seconds to a day, and ends after ten tries', () => {
    const rounds = Array.from({ length: 11 }, (_, index) => index + 1);
    const seconds = rounds.map((round) => secondsToNextTry({ round, ladder: LADDER, random: 0 }));
    expect(seconds).toEqual([5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, undefined, undefined]);
  });

  it('has up to a tenth more at random', () => {
    expect(secondsToNextTry({ round: 2, ladder: LADDER, random: 1 })).toBe(330);
  });

  it.each([
    [1, 60, 60],
    [2, 60, 300],
    [1, 999_999_999, 86_400],
  ])('is as late as the receiver asks for, within a day: %s, %s', (round, retryAfter, seconds) => {
    expect(secondsToNextTry({ round, retryAfterSeconds: retryAfter, ladder: LADDER, random: 0 })).toBe(seconds);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2031-01-01T00:00:00Z');
  it.each([
    ['120', 120],
    [' 7 ', 7],
    ['Wed, 01 Jan 2031 00:01:00 GMT', 60],
    ['Wed, 01 Jan 2020 00:01:00 GMT', 0],
    ['soon', undefined],
    ['-1', undefined],
    ['1e9', undefined],
    [undefined, undefined],
  ])('%s', (header, seconds) => {
    expect(retryAfterSeconds(header, now)).toBe(seconds);
  });
});

describe('a signature', () => {
  it('is one that the official library verifies, with each secret', () => {
    const secrets = [newSecret(), newSecret()];
    const at = new Date();
    const headers = signatureHeaders({ id: 'd', at, payload: '{"ä":"€"}', secrets });
    for (const secret of secrets) expect(new Webhook(secret).verify('{"ä":"€"}', headers)).toEqual({ ä: '€' });
    expect(() => new Webhook(newSecret()).verify('{"ä":"€"}', headers)).toThrow(/signature/);
    expect(() => new Webhook(secrets[0] ?? '').verify('{"ä":1}', headers)).toThrow(/signature/);
  });
});

describe('the answer of a receiver', () => {
  it('is kept as text that can be shown', () => {
    expect(printable(Buffer.from('a\0b\x1b[1m\u202e\r\n\tü€'))).toBe('ab[1m\n\tü€');
    expect(printable(Buffer.from('€').subarray(0, 2))).toBe('');
    expect(printable(Buffer.from([0x61, 0xff, 0x62]))).toBe('a\ufffdb');
  });
});

describe('the slots of deliveries', () => {
  const user = (n: number) => `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`;
  const destination = (n: number, host = 'a.example') => ({ userId: user(n), host });
  const places = (slots: DeliverySlots, of: ReturnType<typeof destination>[]) =>
    slots.share(of).map((share) => share.places);
  const fill = (slots: DeliverySlots, of: ReturnType<typeof destination>, count: number) => {
    for (let n = 0; n < count; n++) slots.take(of);
  };

  it('give a destination an eighth of the slots, a tenant a quarter, a host half', () => {
    const hosts = ['a', 'b', 'c'].map((name) => destination(1, name));
    expect(places(new DeliverySlots(64), [destination(1)])).toEqual([8]);
    expect(places(new DeliverySlots(64), hosts)).toEqual([6, 5, 5]);
    expect(
      places(
        new DeliverySlots(64),
        [1, 2, 3, 4, 5, 6].map((n) => destination(n)),
      ),
    ).toEqual([6, 6, 5, 5, 5, 5]);
  });

  it('give each tenant one before any has two', () => {
    const slots = new DeliverySlots(64);
    for (let n = 10; n < 14; n++) fill(slots, destination(n, `host ${n}`), 15);
    expect(slots.free).toBe(4);
    expect(slots.share([destination(1), destination(2), destination(3)]).map((share) => share.places)).toEqual([
      2, 1, 1,
    ]);
  });

  it('count what is running, and say what is full', () => {
    const slots = new DeliverySlots(64);
    fill(slots, destination(1), 8);
    expect(places(slots, [destination(1), destination(1, 'other')])).toEqual([8]);
    fill(slots, destination(1, 'other'), 8);
    expect(slots.full).toEqual({ users: [user(1)], hosts: [], destinations: [destination(1), destination(1, 'other')].map((each) => ({ ...each, count: 8 })) }); // prettier-ignore
    slots.release(destination(1), false);
    expect(places(slots, [destination(1), destination(1, 'other')])).toEqual([1]);
  });

  it('leave one place to a destination that has timed out, until it answers in time', () => {
    const slots = new DeliverySlots(64);
    fill(slots, destination(1), 2);
    slots.release(destination(1), true);
    slots.release(destination(1), undefined);
    expect(places(slots, [destination(1), destination(2)])).toEqual([1, 8]);
    slots.take(destination(1));
    slots.release(destination(1), false);
    expect(places(slots, [destination(1)])).toEqual([4]); // as many as its tenant has for a minute
  });

  it('leave half to the others, however many tenants have slow receivers, and whatever hosts they name', () => {
    const slots = new DeliverySlots(64);
    const slow = Array.from({ length: 20 }, (_, n) => n + 10);
    for (const n of slow) {
      slots.take(destination(n, 'first'));
      slots.release(destination(n, 'first'), true);
    }
    const wanted = slow.flatMap((n) => ['a', 'b', 'c', 'd', 'e', 'f'].map((host) => destination(n, `${host}${n}`)));
    const shares = slots.share(wanted);
    expect(shares.reduce((sum, share) => sum + share.places, 0)).toBe(32);
    for (const share of shares) fill(slots, share, share.places);
    expect(slots.full.users).toEqual(expect.arrayContaining(slow.map(user)));
    expect(slots.share(wanted)).toEqual([]);
    expect(places(slots, [destination(1), destination(2)])).toEqual([8, 8]);
    const alone = new DeliverySlots(64);
    alone.take(destination(1));
    alone.release(destination(1), true);
    expect(places(alone, ['a', 'b', 'c', 'd', 'e'].map((host) => destination(1, host)))).toEqual([1, 1, 1, 1]); // prettier-ignore
  });

  it('are free again while receivers do not answer, so many of each tenant and of all', () => {
    const slots = new DeliverySlots(16);
    const setAside = (of: ReturnType<typeof destination>) => {
      slots.take(of);
      return slots.setAside(of);
    };
    const hanging = Array.from({ length: 16 }, (_, n) => destination(10 + (n % 8), `host ${n % 8}`));
    for (const each of hanging) slots.take(each);
    expect([slots.free, places(slots, [destination(1)])]).toEqual([0, []]);
    for (const each of hanging) expect(slots.setAside(each)).toBe(true);
    expect([slots.free, places(slots, [destination(1)])]).toEqual([16, [2]]);
    // A host that hangs has its one place already; another host of its tenant has those of a tenant with a slow one.
    expect(slots.share([destination(10, 'host 0'), destination(10, 'other')])).toEqual([
      { ...destination(10, 'other'), places: 2 },
    ]);

    const of = destination(2);
    expect([1, 2, 3, 4, 5].map(() => setAside(of))).toEqual([true, true, true, true, false]);
    expect(slots.free).toBe(15);
    slots.release(of, true, true);
    slots.release(of, true);
    expect([slots.free, setAside(of), setAside(of), slots.free]).toEqual([16, true, false, 15]);

    const others = Array.from({ length: 16 * 8 }, (_, n) => setAside(destination(100 + n, `host ${n}`)));
    expect(others.filter(Boolean)).toHaveLength(16 * 8 - hanging.length - 4);
  });

  it('may give a tenant less', () => {
    const uploads = new DeliverySlots(16, { user: 2 });
    expect(places(uploads, [destination(1, 'a'), destination(1, 'b'), destination(2)])).toEqual([1, 1, 2]);
  });

  it('remember whose turn it was', () => {
    const slots = new DeliverySlots(64);
    slots.share([destination(3), destination(5, 'x'), destination(5, 'y')]);
    expect(slots.turns.lastUser).toBe(user(5));
    expect(Object.fromEntries(slots.turns.lastHosts)).toMatchObject({ [user(5)]: 'y' });
  });
});
