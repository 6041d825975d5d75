import { format } from '@cfworker/json-schema';
import { describe, expect, it } from 'vitest';
import { failure, fill } from '../support/templates.ts';

const HOSTILE = `<script>alert(1)</script>"'&`;
const ESCAPED = '&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;';

describe('what is printed', () => {
  it.each([
    ['{{ x }}', ESCAPED],
    ['{{ x | raw }}', HOSTILE],
    ['{{ x | escape }}', ESCAPED],
    ['{{ x | raw | strip }}', ESCAPED],
    ['{{ x | append: "" }}', ESCAPED],
    ['{{ l | join: "," }}', ESCAPED],
    ['{{ l }}', ESCAPED],
    ['{{ l | list }}', ESCAPED],
    ['{% echo x %}', ESCAPED],
    ['{% liquid echo x %}', ESCAPED],
    ['{% capture c %}{{ x }}{% endcapture %}{{ c | raw }}', ESCAPED],
    ['{% assign y = x %}{{ y }}', ESCAPED],
    ['{% cycle x %}', ESCAPED],
    ["{% render 'p', x: x %}", ESCAPED],
    ["{% include 'p' %}", ESCAPED],
    ['{% for each in l %}{{ each }}{% endfor %}', ESCAPED],
    ['{% tablerow each in l %}{{ each }}{% endtablerow %}', `<tr class="row1"><td class="col1">${ESCAPED}</td></tr>`],
    ['{{ "k" | t: x: x }}', ESCAPED],
    ['{{ 1 | plural: one: x, other: x }}', ESCAPED],
    ['{{ x | newline_to_br }}', ESCAPED],
  ])('is escaped unless it is raw: %s', (text, html) => {
    const texts = { 'index.html': text, 'p.html': '{{ x }}', 'locales/en.json': '{"k":"{x}"}' };
    expect(fill(texts, { x: HOSTILE, l: [HOSTILE] })).toBe(html);
  });

  it('is safe in a script as JSON', () => {
    const html = fill('<script type="application/json">{{ x | json }}</script>', {
      x: { [HOSTILE]: `${HOSTILE}\u2028` },
    });
    const inner = html.slice('<script type="application/json">'.length, -'</script>'.length);
    expect(inner).not.toMatch(/[<>&'\u2028]/);
    expect(JSON.parse(inner)).toEqual({ [HOSTILE]: `${HOSTILE}\u2028` });
  });

  it('is text in markdown, whatever is in it', () => {
    const everything = Array.from({ length: 127 }, (_, code) => String.fromCharCode(code + 1)).join('');
    const html = fill({ 'index.md': '{{ x }}' }, { x: everything });
    const [, shown = ''] = /<p>([\s\S]*)<\/p>/.exec(html) ?? [];
    const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&' };
    const decoded = shown.replaceAll(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string) =>
      code === undefined ? (named[name] ?? '?') : String.fromCharCode(Number(code)),
    );
    expect(decoded).toBe(everything);
  });

  it.each([
    '# a',
    '- a',
    '1. a',
    '> a',
    '---',
    '    a',
    '\ta',
    '```\na\n```',
    '**a** _a_ `a` ~~a~~',
    '[a](b) ![a](b)',
    '| a |\n|-|\n| b |',
    '$a$',
    '<b>a</b>',
    'https://a.b www.a.b a@b.c',
    '[^1]',
    '- [ ] a',
    'a\n\nb',
    'a  \nb',
    '&lt;b&gt;',
  ])('is in one paragraph of markdown: %j', (x) => {
    for (const text of ['{{ x }}', 'a {{ x }}', '<i>{{ x }}</i>'])
      expect(fill({ 'index.md': text }, { x }).replace(/^[\s\S]*<body>/, '')).not.toMatch(
        /<(?!\/?(?:p|i|body|html)\b)\w|<p>[\s\S]*<p>/,
      );
  });
});

describe('a name', () => {
  const data = { customer: { name: 'Ann', vat: null }, items: [{ price: 1 }] };
  it.each([
    ['{{ custmer.name }}', 'index.html, line 1, column 4: custmer is not there; did you mean "customer"?'],
    ['{{ customer.nam }}', 'index.html, line 1, column 4: customer.nam is not there; did you mean "name"?'],
    ['\n {{ items[1].price }}', 'index.html, line 2, column 5: items.1 is not there'],
    ['{% for item in items %}\n{{ item.prise }}{% endfor %}', 'index.html, line 2, column 4: item.prise is not there; did you mean "price"?'], // prettier-ignore
    ["\n{% render 'p' %}", 'p.html, line 1, column 4: customer is not there'],
    ['{% assign x = customer.x.y %}', 'index.html, line 1, column 15: customer.x is not there'],
    ['{% for x in nothing %}{% endfor %}', 'index.html, line 1, column 13: nothing is not there'],
    ['{{ customer }}', 'index.html, line 1, column 1: an object has no text; name one of its fields, or use json'],
    ['{{ customer.name | mony: "EUR" }}', 'index.html, line 1, column 1: undefined filter: mony'],
    ['{% wat %}', 'index.html, line 1, column 1: tag "wat" not found'],
    ['{% if customer %}', 'index.html, line 1, column 1: tag {% if customer %} not closed'],
    ["{% render 'letter' %}", 'index.html, line 1, column 1: the template has no file "letter"'],
    ["{% render 'pp' %}", 'index.html, line 1, column 1: the template has no file "pp"; did you mean "p"?'],
    ["{% render '../p' %}", 'index.html, line 1, column 1: "../p" is outside the template'],
    ["{% render 'a/../../p' %}", 'index.html, line 1, column 1: "a/../../p" is outside the template'],
    ["{% render '/etc/passwd' %}", 'index.html, line 1, column 1: the template has no file "/etc/passwd"'],
    ["{% render 'locales/en.json' %}", 'index.html, line 1, column 1: the template has no file "locales/en.json"'],
    ["{{ 'a' | t }}", 'index.html, line 1, column 1: t: no language of "en" has a string "a"'],
  ])('that is not there is an error, with its place: %s', (text, expected) => {
    expect(failure({ 'index.html': text, 'p.html': '{{ customer.name }}', 'locales/en.json': '{}' }, data)).toBe(
      expected,
    );
  });

  it.each([
    ['{% if customer.x.y %}a{% else %}b{% endif %}', 'b'],
    ['{% unless nothing %}a{% endunless %}', 'a'],
    ['{{ customer.x | default: "a" }}', 'a'],
    ['{{ customer.vat }}', ''],
    ['{{ items.size }}{{ items.first.price }}', '11'],
  ])('may be missing where it is asked for: %s', (text, html) => {
    expect(fill(text, data)).toBe(html);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'])(
    'of a prototype is not there: %s',
    (name) => {
      expect(failure(`{{ ${name} }}`)).toContain(`${name} is not there`);
      expect(failure(`{{ x.${name} }}{{ x.${name}.${name} }}`, { x: {} })).toContain(`x.${name} is not there`);
      expect(failure(`{{ x[name] }}`, { x: 'text', name })).toContain('is not there');
      expect(failure(`{{ 'a' | ${name} }}`)).toContain(`undefined filter: ${name}`);
      expect(failure({ 'index.html': `{{ '${name}' | t }}`, 'locales/en.json': '{"a":"b"}' })).toContain(
        'has a string',
      );
      expect(failure(`{% render '${name}' %}`)).toContain('no file');
      expect(failure(`{{ '1' | barcode: '${name}' }}`)).toContain('must be one of');
      const own = JSON.parse(`{"x": {"${name}": "mine"}}`) as object;
      expect(fill(`{{ x.${name} }}`, own)).toBe('mine');
      expect(({} as Record<string, unknown>)['mine']).toBeUndefined();
    },
  );
});

describe('dates', () => {
  const zones = ['UTC', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Europe/Berlin', 'Asia/Kathmandu'];
  it.each(zones)('without a time zone stay that day: %s', (timezone) => {
    for (const date of ['2026-01-01', '2026-12-31', '2026-03-29', '2026-01-01T00:00', '2026-12-31 23:59:59']) {
      const day = Number(date.slice(8, 10));
      expect(fill('{{ d | day: day: "numeric" }}', { d: date }, { timezone })).toBe(String(day));
      expect(fill('{{ d | date: "%Y-%m-%d" }}', { d: date }, { timezone })).toBe(date.slice(0, 10));
    }
    expect(fill('{{ "2026-03-29T02:30" | date: "%H:%M" }}', {}, { timezone })).toBe('02:30');
  });

  it('with one are shown in the time zone', () => {
    const at = (timezone: string) => fill('{{ "2026-01-31T23:30:00Z" | date: "%d %H:%M" }}', {}, { timezone });
    expect([at('UTC'), at('Europe/Berlin'), at('America/New_York')]).toEqual(['31 23:30', '01 00:30', '31 18:30']);
    expect(fill('{{ 0 | day: "short" }}', {}, { timezone: 'America/New_York' })).toBe('12/31/69');
  });

  it.each(['2026-02-30', '2026-13-01', '31.01.2026', '', 'tomorrow', '2026-01-01T25:00', {}, [], true, null, 1e20])(
    'that are none are an error: %j',
    (d) => expect(failure('{{ d | day }}', { d })).toMatch(/^index\.html, line 1, column 1: day: /),
  );
});

describe('numbers', () => {
  it('lose nothing as text', () => {
    expect(fill('{{ x | money: "EUR" }}', { x: '-99999999999999999999999999.99' }, { locale: 'de' })).toBe(
      '-99.999.999.999.999.999.999.999.999,99\u00A0€',
    );
  });

  it.each(['x', '', '1e3', '1,5', 'NaN', 'Infinity', '0x10', null, true, {}, [1], '9'.repeat(200)])(
    'that are none are an error: %j',
    (x) => {
      for (const filter of ['money: "EUR"', 'number', 'percent'])
        expect(failure(`{{ x | ${filter} }}`, { x })).toContain('needs a number');
    },
  );

  it.each([
    ['money', 'needs the code of a currency'],
    ['money: "EURO"', 'did you mean "EUR"?'],
    ['money: "<b>"', 'needs the code of a currency'],
    ['money: "EUR", digits: 1000', 'digits must be a whole number from 0 to 20'],
    ['money: "EUR", digit: 2', 'money: has no digit; did you mean "digits"?'],
    ['money: "EUR", 2', 'takes at most 1 without a name'],
    ['number: unit: "parrot"', 'Invalid unit'],
    ['number: sign: "x"', 'sign must be one of auto'],
    ['percent: 1.5', 'digits must be a whole number'],
    ['duration: "x"', 'must be one of long, short'],
    ['day: "x"', 'must be one of full'],
    ['day: month: "x"', 'month must be one of'],
    ['list', 'needs a list'],
    ['plural: one: "a"', 'needs the form other'],
    ['qr: size: "30"', 'size must be a length'],
    ['qr: color: "red\\" onload=\\"x"', 'color must be one such as'],
    ['barcode: "ean14"', 'did you mean "ean13"?'],
    ['barcode: "ean13"', 'barcode: EAN-13 must be 12 or 13 digits'],
  ])('and options that are wrong are errors: %s', (filter, expected) => {
    expect(failure(`{{ 5 | ${filter} }}`)).toContain(expected);
  });
});

describe('codes', () => {
  const view = (filter: string, text = '5901234123457') =>
    /^<svg role="img"(.*?) viewBox="0 0 (\d+ \d+)"/.exec(fill(`{{ "${text}" | ${filter} }}`))?.slice(1);

  it.each([
    ['qr: margin: 0', ' width="42pt" height="42pt"', '42 42'],
    ['qr', ' width="58pt" height="58pt"', '58 58'],
    ['qr: margin: 1, size: "30mm"', ' width="30mm" height="30mm"', '46 46'],
    ['barcode: "qr"', ' width="58pt" height="58pt"', '58 58'],
    ['barcode: "datamatrix", scale: 2', ' width="40pt" height="40pt"', '20 20'],
    ['barcode: "datamatrix", margin: 1', ' width="24pt" height="24pt"', '24 24'],
    ['barcode: "aztec", margin: 2', ' width="46pt" height="46pt"', '46 46'],
    ['barcode: "code128", margin: 10', ' width="77pt" height="93pt"', '77 93'],
  ])('have a margin in modules, which is four around a QR code: %s', (filter, size, box) => {
    expect(view(filter, 'hi')).toEqual([size, box]);
  });

  it('fill their width and height, unless they are squares', () => {
    const size = ' width="60mm" height="15mm"';
    expect(view('barcode: "ean13", width: "60mm", height: "15mm"')?.[0]).toBe(`${size} preserveAspectRatio="none"`);
    for (const type of ['qr', 'pdf417'])
      expect(view(`barcode: "${type}", width: "60mm", height: "15mm"`)?.[0]).toBe(size);
    for (const lengths of [
      'width: "60mm", height: "15mm"',
      'width: "6cm", height: "42.52pt"',
      'width: "8em", height: "2em"',
    ])
      for (const type of ['ean13', 'code128']) {
        const [width = 0, height = 0] =
          view(`barcode: "${type}", text: true, ${lengths}`)?.[1]?.split(' ').map(Number) ?? [];
        expect(Math.abs(height / width - 15 / 60)).toBeLessThan(0.02);
      }
  });
});

describe('strings', () => {
  const texts = {
    'index.html': '{{ "a" | t }} {{ "n" | t: count: n }}',
    'locales/en.json': '{"a": "english", "n": {"one": "{count} day", "other": "{count} days"}}',
    'locales/de.json': '{"a": "deutsch", "n": {"one": "{count} Tag", "other": "{count} Tage"}}',
    'locales/de-AT.json': '{"a": "österreichisch"}',
    'locales/pl.json': '{"n": {"one": "{count} dzień", "few": "{count} dni", "many": "{count} dni!", "other": "?"}}',
  };
  it.each([
    ['de-AT', 1, 'österreichisch 1 Tag'],
    ['de-CH', 2, 'deutsch 2 Tage'],
    ['pl', 3, 'english 3 dni'],
    ['pl', 5, 'english 5 dni!'],
    ['fr', 1, 'english 1 day'],
  ])('are those of the nearest language, in its plural form: %s, %i', (locale, n, html) => {
    expect(fill(texts, { n }, { locale })).toBe(html);
  });

  it.each([
    ['{{ "n" | t }}', 'needs count'],
    ['{{ "n.x" | t }}', 'has a string "n.x"'],
    ['{{ "p" | t }}', 'the string "p" needs name'],
    ['{{ "o" | t: count: 2 }}', 'without the plural form other'],
    ['{{ "nn" | t }}', 'has a string'],
  ])('that are not complete are an error: %s', (text, expected) => {
    expect(failure({ 'index.html': text, 'locales/en.json': '{"n":{"one":"a","other":"b"},"p":"{name}","o":{"one":"a"}}' })).toContain(expected); // prettier-ignore
  });

  it.each(['', '[]', '1', '{"a":1}', '{"a":{"b":null}}', '{"a":[]}'])('must be strings: %s', (text) => {
    expect(failure({ 'index.html': '', 'locales/de.json': text })).toMatch(/^locales\/de\.json(: | is not JSON)/);
  });
});

describe('a schema', () => {
  const check = (schema: unknown, data: object) =>
    failure({ 'index.html': '', 'schema.json': typeof schema === 'string' ? schema : JSON.stringify(schema) }, data);
  it.each<[object, object, string]>([
    [{ required: ['a'] }, {}, 'data.a: is required'],
    [{ required: ['a; b: c". x'] }, {}, 'data["a; b: c\\". x"]: is required'],
    [
      { required: ['total'], properties: { tota: {} } },
      { totl: 1, tota: 1 },
      'data.total: is required; there is "totl"',
    ],
    [
      { $defs: { p: { required: ['zip'] } }, properties: { l: { items: { $ref: '#/$defs/p' } } } },
      { l: [{ zipp: 1 }] },
      'data.l[0].zip: is required; there is "zipp"',
    ],
    [
      { properties: { total: {} }, additionalProperties: false },
      { totl: 1 },
      'data.totl: is not allowed; did you mean "total"?',
    ],
    [
      { properties: { total: {} }, unevaluatedProperties: false },
      { totl: 1 },
      'data.totl: is not allowed; did you mean "total"?',
    ],
    [{ properties: { a: {} }, additionalProperties: false }, { quite: 1 }, 'data.quite: is not allowed; allowed: a'],
    [{ dependentRequired: { 'a"': ['b c'] } }, { 'a"': 1 }, 'data["b c"]: is required'],
    [
      { properties: { l: { additionalProperties: { type: 'number' } } } },
      { l: { 2024: 'x' } },
      'data.l["2024"]: must be number',
    ],
    [{ properties: { a: { type: ['string', 'null'] } } }, { a: 1 }, 'data.a: must be string or null'],
    [{ properties: { a: {} }, additionalProperties: false }, { a: 1, b: 2 }, 'data.b: is not allowed'],
    [{ properties: { a: { enum: ['x', 'y'] } } }, { a: 'z' }, 'data.a: does not match any of ["x","y"]'],
    [{ properties: { 'a b/c~d': { minimum: 2 } } }, { 'a b/c~d': 1 }, 'data["a b/c~d"]: must be at least 2'],
    [
      { $defs: { p: { type: 'number' } }, properties: { l: { items: { $ref: '#/$defs/p' } } } },
      { l: [1, 'x'] },
      'data.l[1]: must be number',
    ],
    [{ properties: { a: { minLength: 3 } } }, { a: 'x' }, 'data.a: must have at least 3 characters'],
    [{ properties: { a: { maxItems: 1 } } }, { a: [1, 2] }, 'data.a: must have at most 1 item'],
    [{ properties: { a: { minProperties: 1 } } }, { a: {} }, 'data.a: must have at least 1 field'],
  ])('names the path: %j', (schema, data, expected) => {
    expect(check(schema, data)).toContain(expected);
  });

  it.each(Object.keys(format))('says of the format %s what is allowed, with an example', (name) => {
    const schema = { properties: { a: { format: name } } };
    const said = check(schema, { a: '(\u0000 {' });
    const [, example] = /data\.a: must be an? .* such as (\S+)$/.exec(said) ?? [];
    expect(said).toMatch(/ such as \S+$/);
    const texts = { 'index.html': 'fits', 'schema.json': JSON.stringify(schema) };
    expect(fill(texts, { a: example })).toBe('fits');
  });

  it.each([
    { required: ['number'], properties: { number: {} }, additionalProperties: false },
    { additionalProperties: false, properties: { number: {} }, allOf: [{ required: ['number'], properties: { number: {} } }] }, // prettier-ignore
    { properties: { number: {} }, unevaluatedProperties: false, required: ['number'] },
  ])('says once that a field has a wrong name: %j', (schema) => {
    const said = check(schema, { numbr: 1, other: 2 });
    expect(said).toContain('data.number: is required; there is "numbr"');
    expect(said).not.toContain('data.numbr');
    expect(said).toContain('data.other: is not allowed');
  });

  it.each<[unknown, string]>([
    ['{', 'schema.json is not JSON'],
    ['[]', 'schema.json must be an object'],
    [{ $ref: 'https://example.com/schema.json' }, 'schema.json is not a valid schema'],
    [{ $ref: '#' }, 'refers to itself without end'],
    [{ properties: { a: { pattern: '(' } } }, 'schema.json is not a valid schema'],
  ])('that is none is the template’s mistake: %j', (schema, expected) => {
    expect(check(schema, { a: 'x' })).toContain(expected);
  });

  it('may be of an older draft', () => {
    const $schema = 'http://json-schema.org/draft-07/schema#';
    const items = [{ type: 'string' }, { $ref: '#/definitions/n' }];
    const schema = {
      $schema,
      definitions: { n: { type: 'number' } },
      properties: { l: { items, additionalItems: false } },
    };
    expect(check(schema, { l: ['a', 'b'] })).toContain('data.l[1]: ');
    expect(check(schema, { l: ['a', 1, 2] })).toContain('data.l[2]: ');
    expect(fill({ 'index.html': 'x', 'schema.json': JSON.stringify(schema) }, { l: ['a', 1] })).toBe('x');
  });

  it('does not take a prototype for data', () => {
    expect(check({ required: ['toString'] }, {})).toContain('data.toString: is required');
    expect(check({ properties: { constructor: { type: 'string' } }, required: ['constructor'] }, {})).toContain(
      'constructor',
    );
  });
});

describe('one document after the other', () => {
  it('knows nothing of the one before', () => {
    const text = `{% increment n %}{% decrement m %}{% cycle 'a', 'b' %}{% if secret %}{{ secret }}{% endif %}
      {% assign secret = x %}{% capture held %}{{ x }}{% endcapture %}{% for i in (1..2) %}{% endfor %}
      {% assign l = l | push: x | concat: l %}{{ l | size }}{{ o.a | default: 'none' }}{% if held2 %}{{ held2 }}{% endif %}`;
    const about = { key: 'same' };
    const data = { x: 'one', l: [1], o: {} };
    const first = fill(text, data, about);
    expect(first).toContain('0-1a');
    for (let times = 0; times < 5; times++) expect(fill(text, data, about)).toBe(first);
    expect(fill(text, { ...data, o: { a: 'b' } }, { ...about, locale: 'de' })).toBe(first.replace('none', 'b'));
  });

  it('keeps its own language and time zone, of the same template', () => {
    const text = '{{ x | money: "EUR" }} {{ "2026-01-31T23:30:00Z" | date: "%d" }}';
    const at = (locale: string, timezone: string) => fill(text, { x: 1 }, { key: 'languages', locale, timezone });
    expect([at('de', 'UTC'), at('en', 'Europe/Berlin'), at('de', 'UTC')]).toEqual([
      '1,00\u00A0€ 31',
      '€1.00 01',
      '1,00\u00A0€ 31',
    ]);
  });
});

describe('an entry', () => {
  it('is index.html, index.liquid or index.md', () => {
    expect(fill({ 'index.liquid': 'a' })).toBe('a');
    expect(failure({ 'main.html': 'a' })).toBe('has no entry; it needs one of index.html, index.liquid, index.md');
  });

  it('may have a layout, with partials in folders', () => {
    const texts = {
      'index.html':
        "{% layout 'layouts/letter' %}{% block body %}{% render 'rows/row', n: 1 %}{{ block.super | raw }}{% endblock %}",
      'layouts/letter.html': '<b>{% block body %}<i>{% endblock %}</b>',
      'rows/row.liquid': "{{ n }}{% render './cell' %}{% render '../end' %}",
      'rows/cell.html': 'cell',
      'end.md': 'end',
    };
    expect(fill(texts)).toBe('<b>1cellend<i></b>');
  });
});
