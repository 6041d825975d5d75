import { createHash } from 'node:crypto';

/** Dictionaries, arrays and streams of a PDF, as they are written in it. */
interface RawPdf {
  /** entries of the catalog, besides its pages */
  catalog?: string;
  /** entries of the only page; those that it has anyway are replaced if they are here */
  page?: string;
  /** of the node above the page */
  pages?: string;
  /** of the page, unpacked */
  content?: string;
  /** further objects, from number 5 on */
  objects?: readonly (string | Uint8Array)[];
}

/** A PDF of one page that is written by hand, so that anything can be wrong with it. */
export function rawPdf({ catalog = '', page = '', pages = '/Kids [3 0 R] /Count 1', content = 'q Q', objects = [] }: RawPdf = {}): Uint8Array {
  const box = /\/MediaBox/.test(page + pages) ? '' : '/MediaBox [0 0 300 300]';
  const resources = /\/Resources/.test(page) ? '' : '/Resources << >>';
  const all = [
    `<< /Type /Catalog /Pages 2 0 R ${catalog} >>`,
    `<< /Type /Pages ${pages} >>`,
    `<< /Type /Page /Parent 2 0 R ${box} ${resources} /Contents 4 0 R ${page} >>`,
    rawStream('', content),
    ...objects,
  ].map((object, index) => Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), Buffer.from(object), Buffer.from('\nendobj\n')])); // prettier-ignore
  const header = Buffer.from('%PDF-1.7\n');
  let at = header.length;
  const offsets = all.map((object) => {
    const offset = String(at).padStart(10, '0');
    at += object.length;
    return `${offset} 00000 n \n`;
  });
  const size = all.length + 1;
  const id = createHash('md5').update(Buffer.concat(all)).digest('hex');
  const end = `xref\n0 ${size}\n0000000000 65535 f \n${offsets.join('')}trailer << /Size ${size} /Root 1 0 R /ID [<${id}> <${id}>] >>\nstartxref\n${at}\n%%EOF\n`;
  return Buffer.concat([header, ...all, Buffer.from(end)]);
} // prettier-ignore

/** @param entries of its dictionary, besides its length */
export function rawStream(entries: string, data: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(data);
  return Buffer.concat([
    Buffer.from(`<< ${entries} /Length ${bytes.length} >>\nstream\n`),
    bytes,
    Buffer.from('\nendstream'),
  ]);
}
