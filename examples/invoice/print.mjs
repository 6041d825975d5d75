// Prints the template with data.json, by the service that it was pushed to: PDFPROMPT_KEY=pdf_… node print.mjs
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';

const { PDFPROMPT_URL = 'http://127.0.0.1:3000', PDFPROMPT_KEY } = process.env;
const folder = import.meta.dirname;
const data = JSON.parse(await readFile(`${folder}/data.json`, 'utf8'));

if (!PDFPROMPT_KEY) stop('It needs a key: PDFPROMPT_KEY=pdf_… node print.mjs');
const response = await fetch(`${PDFPROMPT_URL}/v1/pdf`, {
  method: 'POST',
  headers: { Authorization: `Bearer ${PDFPROMPT_KEY}`, 'Content-Type': 'application/json' },
  body: JSON.stringify({ template: basename(folder), data }),
}).catch(({ message, cause }) =>
  stop(`${PDFPROMPT_URL} could not be reached: ${cause?.message || cause?.code || message}`),
);
if (response.status !== 200) stop(await response.text()); // { code, detail, requestId, … }
const file = `${basename(folder)}.pdf`; // `templates push` leaves out PDFs
await writeFile(file, Buffer.from(await response.arrayBuffer()));
console.log(file);

function stop(message) {
  console.error(message);
  process.exit(1);
}
