export interface ProtobufFields {
  /** strings, bytes and messages of a field, in order */
  bytes(field: number): Buffer[];
  numbers(field: number): bigint[];
}

/** One protobuf message, by the numbers of its fields. */
export function fields(message: Buffer): ProtobufFields {
  const bytes = new Map<number, Buffer[]>();
  const numbers = new Map<number, bigint[]>();
  const put = <T>(map: Map<number, T[]>, field: number, value: T) => map.set(field, [...(map.get(field) ?? []), value]);
  for (let at = 0; at < message.length;) {
    const varint = () => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = message.readUInt8(at++);
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    };
    const tag = Number(varint());
    const field = tag >> 3;
    switch (tag & 7) {
      case 0:
        put(numbers, field, varint());
        break;
      case 1:
        put(numbers, field, message.readBigUInt64LE(at));
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        put(bytes, field, message.subarray(at, at + length));
        at += length;
        break;
      }
      case 5:
        put(numbers, field, BigInt(message.readUInt32LE(at)));
        at += 4;
        break;
      default:
        throw new Error(`there is no wire type ${tag & 7}`);
    }
  }
  return { bytes: (field) => bytes.get(field) ?? [], numbers: (field) => numbers.get(field) ?? [] };
}

export function text(bytes: Buffer | undefined): string {
  return bytes?.toString('utf8') ?? '';
}
