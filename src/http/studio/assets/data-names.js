// What may be typed between braces: the names in the data, and the filters that only templates here have.

const FILTERS = {
  money: "'EUR'",
  number: '2',
  percent: '',
  day: "'long'",
  time: '',
  datetime: '',
  duration: '',
  list: '',
  plural: "one: 'page', other: 'pages'",
  t: '',
  qr: "size: '30mm'",
  barcode: "'ean13'",
  json: '',
  raw: '',
};

const entries = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.keys(value)
        .filter((name) => /^[A-Za-z_][\w-]*$/.test(name))
        .map((label) => ({ label, type: 'variable' }))
    : [];

/** For the completion of Liquid. @param {unknown} data of data.json */
export function namesIn(data) {
  return {
    variables: entries(data),
    properties: (path, state) => entries(valueAt(data, path, state.sliceDoc(0))),
    filters: Object.entries(FILTERS).map(([label, example]) => ({
      label,
      type: 'function',
      ...(example !== '' && { detail: example }),
    })),
  };
}

/**
 * The value of a path. A name that a loop gives to the items of a list is the first of them.
 * @param {unknown} data @param {readonly string[]} path @param {string} text of the template
 */
export function valueAt(data, path, text, depth = 0) {
  const [first = '', ...rest] = path;
  const own = (value, name) =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? value[name] : undefined;
  let value = own(data, first);
  if (value === undefined && depth < 5) {
    const loop = [...text.matchAll(/\bfor ([\w-]+) in ([\w.-]+)/g)].find(([, name]) => name === first)?.[2];
    const list = loop === undefined ? undefined : valueAt(data, loop.split('.'), text, depth + 1);
    value = Array.isArray(list) ? list[0] : undefined;
  }
  for (const name of rest) value = own(value, name);
  return value;
}
