// Where an error is: in which file, at which line.

import { jsonFault } from './json-fault.js';
import { lineOfPath } from './json-place.js';

/** @typedef {{ file?: string, line?: number, column?: number, message: string }} Place */

/** `invoice@7, partials/rows.html, line 12, column 5: …`, as the service names the place in a template */
const IN_TEMPLATE = /^[^,:]{1,200}, ([^:]{1,600}?),? line (\d{1,9})(?:, column (\d{1,9}))?: ([\s\S]*)$/;
/** Before the first place in the data: `invoice@7: ` */
const NAME_OF_TEMPLATE = /^[^:\s]{1,200}: (?=data[.[:])/;
/** `data.items[3].price: …` */
const IN_DATA = /^data([.[][^\n:]*)?: ([\s\S]*)$/;
/** `files["schema.json"]: …`, of a field of the request */
const OF_FILE = /^files(?:\["([^"]+)"\]|\.([^.[\]]+))/;

/**
 * The places that an error names.
 * @param {{ code?: string, message: string, fields?: { field: string, message: string }[] }} problem
 * @param {string} data the text of data.json
 * @returns {Place[]}
 */
export function placesOf({ code, message, fields = [] }, data = '') {
  const plain = message.replace(/ \(job [\w-]{1,64}\)$/, '');
  if (code === 'data_invalid')
    return plain
      .replace(NAME_OF_TEMPLATE, '')
      .split(/; (?=data[.[:])/)
      .map((text) => placeInData(text, data));
  const [, file, line, column, why] = IN_TEMPLATE.exec(plain) ?? [];
  if (file !== undefined)
    return [{ file, line: Number(line), ...(column !== undefined && { column: Number(column) }), message: why }];
  if (fields.length === 0) return [{ message: plain }];
  return fields.map((field) => {
    const [, quoted, word] = OF_FILE.exec(field.field) ?? [];
    const named = quoted ?? word;
    return { ...(named !== undefined && { file: named }), message: `${field.field}: ${field.message}` };
  });
}

function placeInData(text, data) {
  const [, path = '', why] = IN_DATA.exec(text) ?? [];
  if (why === undefined) return { file: 'data.json', message: text };
  return { file: 'data.json', line: lineOfPath(data, path), message: text };
}

/** What is wrong with a text that should be JSON. @returns {Place | undefined} */
export function jsonProblem(file, text) {
  const fault = jsonFault(text);
  if (!fault) return undefined;
  const before = text.slice(0, fault.offset).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  return { file, line: before.length, column, message: `not JSON: ${fault.message}` };
}
