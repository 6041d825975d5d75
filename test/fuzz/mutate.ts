import { seededRandom } from '../../src/planning/seeded-random.ts';

/** Bytes that are almost these: a few are other ones, are missing, are there twice or elsewhere. */
export function mutated(bytes: Buffer, seed: number): Buffer {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const below = (limit: number) => Math.floor(random() * limit);
  let result = Buffer.from(bytes);
  for (let times = 1 + below(4); times > 0 && result.length > 0; times--) {
    const at = below(result.length);
    const end = Math.min(result.length, at + 1 + below(random() < 0.5 ? 4 : 60));
    const piece = result.subarray(at, end);
    const [before, after] = [result.subarray(0, at), result.subarray(end)];
    const ways = [
      () => [before, Buffer.from(piece.map(() => below(256))), after],
      () => [before, after],
      () => [before, piece, piece, after],
      () => [before],
      () => [before, after.subarray(0, after.length >> 1), piece, after.subarray(after.length >> 1)],
      () => [before, Buffer.from('\r\n--x-x-x\r\n'), after],
      () => [before, Buffer.alloc(piece.length, 0xff), after],
    ];
    result = Buffer.concat((ways[below(ways.length)] as () => Buffer[])());
  }
  return result;
}
