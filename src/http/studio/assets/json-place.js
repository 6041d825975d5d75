// Finds a value in the text of a JSON document, so that an error about the value can be shown at its line.

/**
 * The line of a value, from 1; of the nearest value around it if it is not there.
 * @param {string} text valid JSON
 * @param {string} path such as `.items[3].price` or `["first name"]`
 */
export function lineOfPath(text, path) {
  const offset = offsetOf(text, keysOf(path));
  return text.slice(0, offset).split('\n').length;
}

function keysOf(path) {
  const parts = path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/g);
  return [...parts].map(([, name, index, quoted]) =>
    index === undefined ? (name ?? JSON.parse(`"${quoted}"`)) : Number(index),
  );
}

function offsetOf(text, keys) {
  let at = 0;
  let found = 0;
  const skip = () => {
    while (at < text.length && ' \t\r\n'.includes(text[at])) at++;
  };
  const string = () => {
    const start = at++;
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    at++;
    return text.slice(start, at);
  };
  /** Reads over a value; `depth` keys lead to it, or undefined: it is beside the path. */
  const value = (depth) => {
    skip();
    if (depth !== undefined) found = at;
    const open = text[at];
    if (open === '"') return void string();
    if (open !== '{' && open !== '[') {
      while (at < text.length && !',]} \t\r\n'.includes(text[at])) at++;
      return;
    }
    at++;
    for (let index = 0; at < text.length; index++) {
      skip();
      if (text[at] === '}' || text[at] === ']') break;
      const start = at;
      let key = index;
      if (open === '{') {
        key = JSON.parse(string());
        skip();
        at++; // the colon
      }
      const isOnPath = depth !== undefined && depth < keys.length && String(keys[depth]) === String(key);
      value(isOnPath ? depth + 1 : undefined);
      if (isOnPath && open === '{' && depth + 1 === keys.length) found = start;
      skip();
      if (text[at] === ',') at++;
    }
    at++;
  };
  try {
    value(0);
  } catch {
    return 0; // not JSON
  }
  return found;
}
