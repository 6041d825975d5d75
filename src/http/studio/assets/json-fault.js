// Where a text stops being JSON. The browsers' own messages name the place in different ways, or not at all.

const WORD = /[-+.\w]/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;

/**
 * The first place that is not JSON, and why; undefined if the text is JSON.
 * @param {string} text
 * @returns {{ offset: number, message: string } | undefined}
 */
export function jsonFault(text) {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    return firstFault(text);
  }
}

class Fault extends Error {
  constructor(offset, message) {
    super(message);
    this.offset = offset;
  }
}

function firstFault(text) {
  let at = 0;
  const fail = (message, offset = at) => {
    throw new Fault(offset, offset >= text.length ? 'it ends too early' : message);
  };
  const skip = () => {
    while (at < text.length && ' \t\r\n'.includes(text[at])) at++;
  };
  const string = () => {
    if (text[at] !== '"') fail('a name in double quotes is expected');
    const start = at++;
    while (text[at] !== '"') {
      if (at >= text.length || text[at] === '\n') fail('this text has no closing quote', start);
      at += text[at] === '\\' ? 2 : 1;
    }
    at++;
    try {
      JSON.parse(text.slice(start, at));
    } catch {
      fail('this text has a character or an escape that JSON does not have', start);
    }
  };
  const members = (close, member) => {
    at++;
    skip();
    while (text[at] !== close) {
      member();
      skip();
      if (text[at] === close) break;
      if (text[at] !== ',') fail(`a comma or ${close} is expected`);
      at++;
      skip();
      if (text[at] === close) fail(`there is a comma before ${close}`);
    }
    at++;
  };
  const value = () => {
    skip();
    if (text[at] === '"') return string();
    if (text[at] === '[') return members(']', value);
    if (text[at] === '{')
      return members('}', () => {
        string();
        skip();
        if (text[at] !== ':') fail('a colon is expected');
        at++;
        value();
      });
    const start = at;
    while (at < text.length && WORD.test(text[at])) at++;
    const word = text.slice(start, at);
    if (['true', 'false', 'null'].includes(word) || NUMBER.test(word)) return undefined;
    return fail(
      word === '' ? 'a value is expected' : `${word.slice(0, 40)} is no value; a text has double quotes`,
      start,
    );
  };
  try {
    value();
    skip();
    if (at < text.length) fail('there is more after the end');
  } catch (fault) {
    if (fault instanceof Fault) return { offset: fault.offset, message: fault.message };
  }
  return { offset: 0, message: 'it is nested too deeply' };
}
