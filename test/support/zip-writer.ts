import { crc32, deflateRawSync } from 'node:zlib';

/** An entry of a zip, as it is or as no proper program would write it. */
export interface ZipItem {
  name: string | Buffer;
  content?: string | Buffer;
  isStored?: boolean;
  /** general purpose bits; default: names are UTF-8 */
  flags?: number;
  /** type and permissions of Unix */
  mode?: number;
  method?: number;
  extra?: Buffer;
  /** instead of what is true */
  size?: number;
  packedSize?: number;
  sum?: number;
  offset?: number;
  /** bytes that are there instead of the packed content */
  packed?: Buffer;
}

interface End {
  /** instead of what is true */
  count?: number;
  directoryOffset?: number;
  comment?: Buffer;
  /** written before the end */
  zip64?: { count: bigint; offset: bigint; recordOffset?: bigint };
}

const UTF8 = 0x800;

/** A zip with these entries. */
export function zipOf(items: readonly ZipItem[], end: End = {}): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const item of items) {
    const { mode = 0o100_644, flags = UTF8, extra = Buffer.alloc(0), isStored = false } = item;
    const name = Buffer.from(item.name as string);
    const content = Buffer.from((item.content ?? '') as string);
    const packed = item.packed ?? (isStored ? content : deflateRawSync(content));
    const method = item.method ?? (isStored ? 0 : 8);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(item.sum ?? crc32(content), 10);
    common.writeUInt32LE(item.packedSize ?? packed.length, 14);
    common.writeUInt32LE(item.size ?? content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([signature(0x04034b50), common, name, packed]);
    files.push(local);
    common.writeUInt16LE(extra.length, 24);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((mode << 16) >>> 0, 6);
    rest.writeUInt32LE(item.offset ?? at, 10);
    directory.push(Buffer.concat([signature(0x02014b50), Buffer.from([20, 3]), common, rest, name, extra]));
    at += local.length;
  }
  const { comment = Buffer.alloc(0), zip64 } = end;
  const listed = Buffer.concat(directory);
  const last = Buffer.alloc(18);
  last.writeUInt16LE(end.count ?? items.length, 4);
  last.writeUInt16LE(end.count ?? items.length, 6);
  last.writeUInt32LE(listed.length, 8);
  last.writeUInt32LE(end.directoryOffset ?? at, 12);
  last.writeUInt16LE(comment.length, 16);
  const large = zip64 ? zip64End(zip64, at + listed.length) : Buffer.alloc(0);
  return Buffer.concat([...files, listed, large, signature(0x06054b50), last, comment]);
}

function zip64End({ count, offset, recordOffset }: NonNullable<End['zip64']>, at: number): Buffer {
  const record = Buffer.alloc(52);
  record.writeBigUInt64LE(44n, 0);
  record.writeBigUInt64LE(count, 20);
  record.writeBigUInt64LE(count, 28);
  record.writeBigUInt64LE(offset, 44);
  const locator = Buffer.alloc(16);
  locator.writeBigUInt64LE(recordOffset ?? BigInt(at), 4);
  return Buffer.concat([signature(0x06064b50), record, signature(0x07064b50), locator]);
}

function signature(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}

/** The extra field of Info-ZIP with a name in UTF-8, for a name in another encoding. */
export function unicodePath(rawName: Buffer, name: string): Buffer {
  const text = Buffer.from(name);
  const field = Buffer.alloc(9);
  field.writeUInt16LE(0x7075, 0);
  field.writeUInt16LE(5 + text.length, 2);
  field.writeUInt8(1, 4);
  field.writeUInt32LE(crc32(rawName), 5);
  return Buffer.concat([field, text]);
}
