import { readFileSync } from 'node:fs';

const INVOICE = readFileSync(new URL('../fixtures/invoice.html', import.meta.url), 'utf8');

/** What of the invoice is each row's own. */
const FIELDS: [string, string][] = [
  ['Invoice #: 123', 'Invoice #: {{ number }}'],
  ['Created: January 1, 2023', 'Created: {{ issued }}'],
  ['Acme Corp.', '{{ customer.name }}'],
  ['Total: $385.00', "Total: {{ total | money: 'USD' }}"],
];

const SCHEMA = {
  type: 'object',
  required: ['number', 'issued', 'customer', 'total'],
  properties: {
    number: { type: 'string', pattern: '^n[0-9]+x[0-9a-f]{8}$' },
    issued: { type: 'string', format: 'date' },
    customer: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1 } } },
    total: { type: 'number', minimum: 0 },
  },
};

/** An invoice as a template whose rows are checked. */
export function invoiceTemplate(): Record<string, string> {
  let html = INVOICE;
  for (const [text, field] of FIELDS) {
    if (!html.includes(text)) throw new Error(`the invoice has no ${text}`);
    html = html.replace(text, field);
  }
  return { 'index.html': html, 'schema.json': JSON.stringify(SCHEMA) };
}

/** Of an invoice, where only its own page has it. @param row from 1 @param run eight hexadecimal digits */
export const nonceOf = (row: number, run: string) => `n${row}x${run}`;

/** The nonces of a text, in their order. */
export const noncesIn = (text: string): string[] => text.match(/\bn\d+x[0-9a-f]{8}\b/g) ?? [];

export const dataOf = (row: number, run: string) => ({
  number: nonceOf(row, run),
  issued: `2026-${String(1 + (row % 12)).padStart(2, '0')}-01`,
  customer: { name: `Café "Łódź" No. ${row}, Ltd.` },
  total: row / 100,
});

/** Invoices as CSV. @param filename of a row's PDF, if it is not named after its nonce */
export function invoiceCsv(
  rows: number,
  run: string,
  filename: (row: number) => string = (row) => `${nonceOf(row, run)}.pdf`,
): string {
  const lines = ['number,issued,customer.name,total,$filename,$title'];
  for (let row = 1; row <= rows; row++) {
    const { number, issued, customer, total } = dataOf(row, run);
    const name = `"${customer.name.replaceAll('"', '""')}"`;
    lines.push(`${number},${issued},${name},${total},${filename(row)},Invoice ${number}`);
  }
  return `${lines.join('\r\n')}\r\n`;
}
